"""tools/convert.py ntu: PYSKL's pickles, CTR-GCN's npz and .skeleton files."""

import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from goldens import SMALL
from numpy.testing import assert_array_equal, assert_equal
from tiny import script as load_script

from pyskl.errors import DataError
from pyskl.files.arrays import load_npz, npz_rows, npz_shapes
from pyskl.labels import NTU60_LABELS

tool = load_script('convert')
NTU_NAMES = ['S001C001P001R001A001', 'S001C002P003R001A060']


def raw(path: Path) -> dict:
    return pickle.loads(path.read_bytes())


def test_ntu_pickles_pass_with_layout_and_names_and_the_types_they_have(tmp_path):
    clips = [
        {
            'frame_dir': n,
            'label': int(n[-3:]) - 1,
            'keypoint': np.full((1, 4, 25, 3), i, np.float16),
        }
        for i, n in enumerate(NTU_NAMES)
    ]
    split = {'xsub_train': NTU_NAMES[:1], 'xsub_val': NTU_NAMES[1:]}
    (tmp_path / 'a.pkl').write_bytes(pickle.dumps({'split': split, 'annotations': clips}))
    tool.main(['ntu', str(tmp_path / 'a.pkl'), '-o', str(tmp_path / 'o.pkl')])
    data = raw(tmp_path / 'o.pkl')
    assert data['split'] == split and data['layout'] == 'ntu25'
    assert data['label_names'] == list(NTU60_LABELS)
    for clip, given in zip(data['annotations'], clips):
        assert_equal(clip, given)
        assert clip['keypoint'].dtype == np.float16


def test_pickles_of_lists_and_other_names_are_read_as_everywhere(tmp_path, convert):
    clip = {'filename': 'gym_1', 'label': 0, 'keypoint': np.ones((1, 4, 17, 2)).tolist()}
    (tmp_path / 'a.pkl').write_bytes(pickle.dumps([clip]))
    data = convert('ntu', tmp_path / 'a.pkl')
    assert data['annotations'][0]['frame_dir'] == 'gym_1'
    assert data['annotations'][0]['keypoint'].shape == (1, 4, 17, 2)


def test_other_pickles_do_not_get_names_of_ntu(tmp_path, convert):
    clips = [{'frame_dir': 'gym_1', 'label': 0, 'keypoint': np.ones((1, 4, 17, 2))}]
    (tmp_path / 'a.pkl').write_bytes(pickle.dumps(clips))
    data = convert('ntu', tmp_path / 'a.pkl')
    assert data['layout'] == 'coco17' and 'label_names' not in data


def test_ntu_npz_loses_its_filling_and_people_never_seen(tmp_path, convert):
    rng = np.random.default_rng(0)
    x = np.zeros((3, 30, 150), np.float32)
    x[0, :12] = rng.normal(size=(12, 150))
    x[1, :20, :75] = rng.normal(size=(20, 75))
    labels = np.eye(60)[[5, 59, 0]]
    arrays = {'x_train': x, 'y_train': labels, 'x_test': x[:1], 'y_test': labels[:1]}
    np.savez(tmp_path / 'NTU60_CV.npz', **arrays)
    data = convert('ntu', tmp_path / 'NTU60_CV.npz')
    first, second, test = data['annotations']
    assert [a['label'] for a in data['annotations']] == [5, 59, 5]
    assert_array_equal(first['keypoint'], x[0, :12].reshape(12, 2, 25, 3).swapaxes(0, 1))
    assert_array_equal(second['keypoint'][0], x[1, :20, :75].reshape(20, 25, 3))
    assert second['keypoint'].shape == (1, 20, 25, 3)
    names = [first['frame_dir'], second['frame_dir']]
    assert data['split'] == {'xview_train': names, 'xview_val': [test['frame_dir']]}
    assert data['label_names'] == list(NTU60_LABELS)


def test_ntu_skeletons_become_what_convert_ntu_makes(tmp_path):
    archive = SMALL / 'ntu' / 'skeletons.zip'
    convert_ntu = load_script('convert_ntu')
    convert_ntu.main([str(archive), '--out-dir', str(tmp_path), '--workers', '1'])
    words = ['ntu', str(archive), '--workers', '1', '-o', str(tmp_path / 'o.pkl')]
    tool.main(words)
    one, other = raw(tmp_path / 'o.pkl'), raw(tmp_path / 'ntu120_3danno.pkl')
    assert_equal(one, other)
    tool.main([*words, '--classes', '60'])
    assert_equal(raw(tmp_path / 'o.pkl'), raw(tmp_path / 'ntu60_3danno.pkl'))


@pytest.mark.parametrize('save', [np.savez, np.savez_compressed])
def test_rows_of_an_npz_are_those_of_the_whole(save, tmp_path):
    rng = np.random.default_rng(0)
    save(tmp_path / 'a.npz', x=rng.normal(size=(5, 3000, 2)), y=np.arange(4, dtype='>i2'))
    whole = load_npz(tmp_path / 'a.npz')
    assert npz_shapes(tmp_path / 'a.npz') == {'x': (5, 3000, 2), 'y': (4,)}
    for name, array in whole.items():
        assert_array_equal(np.array(list(npz_rows(tmp_path / 'a.npz', name))), array)


def test_npz_that_are_cut_or_hold_objects_are_refused(tmp_path, convert):
    path = tmp_path / 'a.npz'
    np.savez(path, x_train=np.array([{}], dtype=object))
    with pytest.raises(DataError):
        convert('ntu', path)
    np.savez(path, x_train=np.ones((4, 30, 150), np.float32))
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(DataError):
        convert('ntu', path)
    np.savez(path, x_train=np.asfortranarray(np.ones((4, 30, 150), np.float32)))
    with pytest.raises(DataError):
        convert('ntu', path)


def test_skeletons_given_twice_or_called_otherwise_are_left_out(tmp_path, capsys, convert):
    with zipfile.ZipFile(SMALL / 'ntu' / 'skeletons.zip') as archive:
        first, second = [n for n in archive.namelist() if n.endswith('.skeleton')][:2]
        archive.extractall(tmp_path / 'a', [first, second])
    one, two = sorted((tmp_path / 'a').rglob('*.skeleton'))
    (tmp_path / 'b').mkdir()
    (tmp_path / 'b' / one.name).write_bytes(one.read_bytes())
    (tmp_path / 'b' / 'notes.skeleton').write_text('1')
    words = [two, tmp_path / 'b', tmp_path / 'a', '--workers', 1]
    data = convert('ntu', *words)
    assert {a['frame_dir'] for a in data['annotations']} == {one.stem, two.stem}
    assert '3 left out in all' in capsys.readouterr().out
