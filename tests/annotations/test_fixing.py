"""check_data --fix mends what it can and says so; else it says so and writes nothing."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
from tiny import script as load_script

from pyskl.annotations import read_annotations, write_packed
from pyskl.annotations.about import About
from pyskl.annotations.fixing import fix_annotations
from pyskl.errors import UserError

check_data = load_script('check_data')
SHAPE = (1, 4, 3, 2)


def clip(name: str, **fields) -> dict:
    keypoint = np.random.default_rng(ord(name[-1])).uniform(1, 99, SHAPE).astype(np.float16)
    sizes = {'img_shape': (100, 200), 'original_shape': (100, 200)}
    return {
        'frame_dir': name,
        'label': 0,
        'total_frames': 4,
        'keypoint': keypoint,
        **sizes,
        **fields,
    }


def holding(value: float, joint: tuple = (0, 2, 1, 0)) -> np.ndarray:
    keypoint = clip('a')['keypoint'].copy()
    keypoint[joint] = value
    return keypoint


KEYPOINT = clip('a')['keypoint']


@pytest.mark.parametrize(
    'fields, field, value',
    [
        ({'total_frames': 17}, 'total_frames', 4),
        ({'total_frames': 0}, 'total_frames', 4),
        ({'total_frames': '16'}, 'total_frames', 4),
        ({'total_frames': 3.0}, 'total_frames', 3),
        ({'label': '7'}, 'label', 7),
        ({'label': np.array([7])}, 'label', 7),
        ({'img_shape': '(240, 320)'}, 'img_shape', (240, 320)),
        ({'keypoint': KEYPOINT.tolist()}, 'keypoint', KEYPOINT),
        ({'keypoint': KEYPOINT[0]}, 'keypoint', KEYPOINT),
        ({'keypoint': KEYPOINT[0].tolist(), 'total_frames': None}, 'keypoint', KEYPOINT),
        ({'keypoint_score': np.full((1, 4, 3, 1), 0.5)}, 'keypoint_score', np.full((1, 4, 3), 0.5)),
        ({'keypoint': holding(np.nan)}, 'keypoint', holding(0, (0, 2, 1))),
        ({'keypoint': holding(np.inf)}, 'keypoint', holding(0, (0, 2, 1))),
        ({'frame_dir': ' a,b\n'}, 'frame_dir', 'a_b'),
        ({'frame_dir': 7}, 'frame_dir', '7'),
        ({'frame_dir': None}, 'frame_dir', 'clip_0'),
    ],
)
def test_a_field_is_mended_and_the_rest_stays(fields, field, value):
    fixed = fix_annotations([clip('a', **fields), clip('b')], 'x.pkl')
    mended, other = fixed.annotations
    assert not fixed.failed
    np.testing.assert_array_equal(mended[field], value)
    np.testing.assert_equal(other, clip('b'))
    exact = field in ('label', 'total_frames') and not isinstance(fields[field], (str, int))
    assert bool(fixed.done.lines()) != exact


def test_a_joint_that_is_nan_has_score_zero():
    wanted = np.ones(SHAPE[:3])
    wanted[0, 2, 1] = 0
    (mended,) = fix_annotations([clip('a', keypoint=holding(np.nan))], 'x.pkl').annotations
    np.testing.assert_array_equal(mended['keypoint_score'], wanted)
    assert mended['keypoint'].dtype == np.float16
    score = np.ones(SHAPE[:3], np.float16)
    score[0, 2, 1] = np.nan
    (mended,) = fix_annotations([clip('a', keypoint_score=score)], 'x.pkl').annotations
    np.testing.assert_array_equal(mended['keypoint_score'], wanted)
    assert mended['keypoint'][0, 2, 1].tolist() == [0, 0]
    space = np.full((1, 4, 3, 3), np.nan)
    (mended,) = fix_annotations([clip('a', keypoint=space)], 'x.pkl').annotations
    assert 'keypoint_score' not in mended and not mended['keypoint'].any()


def test_swapped_axes_are_put_right():
    frames = {'a': 5, 'b': 7}
    right = {n: np.random.default_rng(t).uniform(size=(1, t, 3, 2)) for n, t in frames.items()}
    score = {n: np.random.default_rng(t).uniform(size=(1, t, 3)) for n, t in frames.items()}
    wrong = [
        clip(
            n,
            keypoint=right[n].swapaxes(1, 2),
            keypoint_score=score[n].swapaxes(1, 2),
            total_frames=t,
        )
        for n, t in frames.items()
    ]
    for mended in fix_annotations(wrong, 'x.pkl').annotations:
        np.testing.assert_array_equal(mended['keypoint'], right[mended['frame_dir']])
        np.testing.assert_array_equal(mended['keypoint_score'], score[mended['frame_dir']])
        assert mended['total_frames'] == frames[mended['frame_dir']]


def test_clips_of_nothing_leave_clips_and_splits():
    clips = [
        clip('a'),
        clip('b', keypoint=np.zeros((1, 0, 3, 2))),
        clip('c', keypoint=[]),
        clip('d', keypoint=np.zeros(0)),
    ]
    split = {'train': ['a', 'b'], 'val': ['c', 'd'], 'all': ['d', 'a', 'gone', 'a']}
    fixed = fix_annotations({'split': split, 'annotations': clips}, 'x.pkl')
    assert [a['frame_dir'] for a in fixed.annotations] == ['a']
    assert fixed.split == {'train': ['a'], 'all': ['a']}
    said = ' '.join(fixed.done.lines())
    assert all(f'{word}' in said for word in ('3 clips (b, c, d)', "'val'", 'gone'))


def test_repeated_names_and_splits_of_places_are_put_right():
    clips = [clip('a', label=0), clip('a', label=1), clip('b', label=2)]
    split = {'train': ['a', 'b'], 'val': ['a']}
    fixed = fix_annotations({'split': split, 'annotations': clips}, 'x.pkl')
    assert fixed.split == {'train': ['a', 'b'], 'val': ['a-2']}
    assert {a['frame_dir']: a['label'] for a in fixed.annotations} == {'a': 0, 'a-2': 1, 'b': 2}
    fixed = fix_annotations({'split': {'val': [2, 0]}, 'annotations': CLIPS}, 'x.pkl')
    assert fixed.split == {'val': ['c', 'a']}


CLIPS = [clip(name) for name in 'abc']


def run(tmp_path, data, *argv) -> tuple[int, dict | None]:
    (tmp_path / 'x.pkl').write_bytes(pickle.dumps(data))
    status = check_data.main([str(tmp_path / 'x.pkl'), '--fix', str(tmp_path / 'out.pkl'), *argv])
    out = tmp_path / 'out.pkl'
    return status, read_annotations(out) if out.exists() else None


def test_the_mended_file_is_written_with_what_it_says_of_itself(tmp_path, capsys):
    about = About(('x', 'y'), {'name': 'imigue22', 'first_hand': 'left'}).entries()
    data = {'split': {'train': ['a', 'b']}, 'annotations': [clip('a', total_frames=9), clip('b')]}
    status, mended = run(tmp_path, data | about, '--layout', 'coco17')
    assert mended['label_names'] == ['x', 'y'] and mended['layout'] == about['layout']
    assert [a['total_frames'] for a in mended['annotations']] == [4, 4]
    out = capsys.readouterr().out
    assert 'fixed: total_frames' in out and '(a)' in out and 'layout coco17' in out and status == 1
    status, _ = run(tmp_path, CLIPS, '--json')
    assert json.loads(capsys.readouterr().out)['fixed'] == [] and status == 0


def test_what_cannot_be_mended_is_said_and_left_out_when_asked_for(tmp_path, capsys):
    odd = [
        clip('d', keypoint=np.ones((1, 4, 5, 2))),
        clip('e', label='wave'),
        clip('f', keypoint=None),
    ]
    status, mended = run(tmp_path, [*CLIPS, *odd])
    out = capsys.readouterr().out
    assert (status, mended) == (1, None)
    errors = [line for line in out.splitlines() if line.startswith('error: ')]
    assert sorted(line[-4:] for line in errors) == ['(d).', '(e).', '(f).']
    status, mended = run(tmp_path, [*CLIPS, *odd], '--leave-out')
    assert status == 0 and [a['frame_dir'] for a in mended['annotations']] == ['a', 'b', 'c']
    assert capsys.readouterr().out.count('left out: ') == 3


def test_a_folder_of_clips_is_mended_into_one_file_and_the_input_is_never_written_over(tmp_path):
    folder = tmp_path / 'clips'
    folder.mkdir()
    for a in (clip('a', total_frames=9), clip('b', keypoint=[])):
        (folder / f'{a["frame_dir"]}.pkl').write_bytes(pickle.dumps(a))
    assert check_data.main([str(folder), '--fix', str(tmp_path / 'o.pkl')]) == 0
    assert [a['frame_dir'] for a in read_annotations(tmp_path / 'o.pkl')['annotations']] == ['a']
    before = (tmp_path / 'o.pkl').read_bytes()
    with pytest.raises(UserError, match='is the input file itself'):
        check_data.main([str(tmp_path / 'o.pkl'), '--fix', str(tmp_path / 'o.pkl')])
    with pytest.raises(UserError, match='--leave-out'):
        check_data.main([str(tmp_path / 'o.pkl'), '--leave-out'])
    assert (tmp_path / 'o.pkl').read_bytes() == before


def test_an_array_is_no_name():
    (mended,) = fix_annotations([clip('a', frame_dir=np.zeros(2))], 'x.pkl').annotations
    assert isinstance(mended['frame_dir'], str) and mended['frame_dir'].isprintable()


def test_boxes_are_mended_too():
    boxes = np.ones((3, 2, 3), np.float32)
    boxes[1, 1, 2] = np.nan
    compressed = {'keypoint': boxes, 'frame_inds': np.array([0, 1, 1]), 'total_frames': 2.0}
    (mended,) = fix_annotations([{'frame_dir': 'a', **compressed}], 'x.pkl').annotations
    assert mended['keypoint'][1, 1].tolist() == [0, 0, 0] and mended['keypoint'].sum() == 15
    assert mended['total_frames'] == 2 and 'keypoint_score' not in mended


def test_a_packed_folder_is_looked_over_too(tmp_path, capsys):
    write_packed(tmp_path / 'p.packed', CLIPS, {'train': ['a', 'b']})
    assert check_data.main([str(tmp_path / 'p.packed'), '--json']) == 0
    facts = json.loads(capsys.readouterr().out)['facts']
    assert facts['clips'] == 3 and facts['splits'] == {'train': 2}
