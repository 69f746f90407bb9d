"""tools/convert.py ntu: PYSKL's pickles, CTR-GCN's npz and .skeleton files."""

import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from goldens import SMALL
from numpy.testing import assert_array_equal, assert_equal
from tiny import script

from pyskl.errors import DataError
from pyskl.files.arrays import load_npz, npz_rows, npz_shapes
from pyskl.labels import NTU60_LABELS

NTU_NAMES = ['S001C001P001R001A001', 'S001C002P003R001A060']


def raw(path: Path) -> dict:
    return pickle.loads(path.read_bytes())


def test_ntu_pickles_pass_with_layout_and_names_and_the_types_they_have(tmp_path, convert):
    one, other = NTU_NAMES
    keypoint = np.ones((1, 4, 25, 3), np.float16)
    clips = [{'frame_dir': n, 'label': k, 'keypoint': keypoint} for n, k in ((one, 0), (other, 59))]
    split = {'xsub_train': [one], 'xsub_val': [other]}
    (tmp_path / 'a.pkl').write_bytes(pickle.dumps({'split': split, 'annotations': clips}))
    convert('ntu', tmp_path / 'a.pkl')
    data = raw(tmp_path / 'o.pkl')
    assert data['split'] == split and data['layout'] == 'ntu25'
    assert data['label_names'] == list(NTU60_LABELS)
    assert_equal(data['annotations'], clips)
    assert data['annotations'][0]['keypoint'].dtype == np.float16


def test_pickles_of_lists_and_other_names_are_read_as_everywhere(tmp_path, convert):
    clip = {'filename': 'gym_1', 'label': 0, 'keypoint': np.ones((1, 4, 17, 2)).tolist()}
    (tmp_path / 'a.pkl').write_bytes(pickle.dumps([clip]))
    data = convert('ntu', tmp_path / 'a.pkl')
    assert data['annotations'][0]['frame_dir'] == 'gym_1'
    assert data['layout'] == 'coco17' and 'label_names' not in data  # no clip of NTU
    assert data['annotations'][0]['keypoint'].shape == (1, 4, 17, 2)


def test_ntu_npz_loses_its_filling_and_people_never_seen(tmp_path, convert):
    rng = np.random.default_rng(0)
    two, one = rng.integers(1, 9, (12, 150)), rng.integers(1, 9, (20, 75))
    x = np.zeros((2, 30, 150))
    x[0, :12], x[1, :20, :75] = two, one
    y = np.eye(60)[[5, 59]]
    np.savez(tmp_path / 'NTU60_CV.npz', x_train=x, y_train=y, x_test=x[:1], y_test=y[:1])
    data = convert('ntu', tmp_path / 'NTU60_CV.npz')
    assert [clip['label'] for clip in data['annotations']] == [5, 59, 5]
    first, second, _ = (clip['keypoint'] for clip in data['annotations'])
    assert_array_equal(first, two.reshape(12, 2, 25, 3).swapaxes(0, 1))
    assert_array_equal(second, one.reshape(1, 20, 25, 3))
    *train, test = (clip['frame_dir'] for clip in data['annotations'])
    assert data['split'] == {'xview_train': train, 'xview_val': [test]}
    assert data['label_names'] == list(NTU60_LABELS)


def test_ntu_skeletons_become_what_convert_ntu_makes(tmp_path, convert):
    words = [str(SMALL / 'ntu' / 'skeletons.zip'), '--workers', '1']
    script('convert_ntu').main([*words, '--out-dir', str(tmp_path)])
    for number in ('120', '60'):
        convert('ntu', *words, '--classes', number)
        assert_equal(raw(tmp_path / 'o.pkl'), raw(tmp_path / f'ntu{number}_3danno.pkl'))


@pytest.mark.parametrize('save', [np.savez, np.savez_compressed])
def test_rows_of_an_npz_are_those_of_the_whole(save, tmp_path):
    rng = np.random.default_rng(0)
    save(tmp_path / 'a.npz', x=rng.normal(size=(5, 3000, 2)), y=np.arange(4, dtype='>i2'))
    whole = load_npz(tmp_path / 'a.npz')
    assert npz_shapes(tmp_path / 'a.npz') == {'x': (5, 3000, 2), 'y': (4,)}
    for name, array in whole.items():
        assert_array_equal(np.array(list(npz_rows(tmp_path / 'a.npz', name))), array)


@pytest.mark.parametrize(
    'x, kept',
    [
        (np.array([{}], dtype=object), None),
        (np.ones((4, 30, 150), np.float32), -300),
        (np.asfortranarray(np.ones((4, 30, 150), np.float32)), None),
    ],
)
def test_npz_that_are_cut_or_hold_objects_or_columns_are_refused(x, kept, tmp_path, convert):
    path = tmp_path / 'a.npz'
    np.savez(path, x_train=x)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DataError):
        convert('ntu', path)


def test_skeletons_given_twice_or_called_otherwise_are_left_out(tmp_path, capsys, convert):
    with zipfile.ZipFile(SMALL / 'ntu' / 'skeletons.zip') as archive:
        names = [n for n in archive.namelist() if n.endswith('.skeleton')][:2]
        for folder in ('a', 'b'):
            archive.extractall(tmp_path / folder, names)
    (tmp_path / 'b' / 'notes.skeleton').write_text('1')
    data = convert('ntu', tmp_path / 'b', tmp_path / 'a', '--workers', 1)
    assert {clip['frame_dir'] for clip in data['annotations']} == {Path(n).stem for n in names}
    assert '3 left out in all' in capsys.readouterr().out
