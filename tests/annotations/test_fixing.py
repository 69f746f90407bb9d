"""check_data --fix mends what it can and says so; else it says so and writes nothing."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
from small_clips import SHAPE, clip
from tiny import script as load_script

from pyskl.annotations import read_annotations, write_packed
from pyskl.annotations.about import About
from pyskl.annotations.fixing import fix_annotations
from pyskl.errors import UserError

check_data = load_script('check_data')


def holding(value: float, joint: tuple = (0, 2, 1, 0)) -> np.ndarray:
    keypoint = clip('a')['keypoint'].copy()
    keypoint[joint] = value
    return keypoint


KEYPOINT = clip('a')['keypoint']


@pytest.mark.parametrize(
    'fields, field, value',
    [
        *(({'total_frames': total}, 'total_frames', 4) for total in (17, 0, '16')),
        ({'img_shape': '(240, 320)'}, 'img_shape', (240, 320)),
        ({'keypoint': KEYPOINT.tolist()}, 'keypoint', KEYPOINT),
        ({'keypoint': KEYPOINT[0]}, 'keypoint', KEYPOINT),
        ({'keypoint': KEYPOINT[0].tolist(), 'total_frames': None}, 'keypoint', KEYPOINT),
        ({'keypoint_score': np.full((1, 4, 3, 1), 0.5)}, 'keypoint_score', np.full((1, 4, 3), 0.5)),
        ({'keypoint': holding(np.nan)}, 'keypoint', holding(0, (0, 2, 1))),
        ({'keypoint': holding(np.inf)}, 'keypoint', holding(0, (0, 2, 1))),
        ({'frame_dir': ' a,b\n'}, 'frame_dir', 'a_b'),
        ({'frame_dir': 7}, 'frame_dir', '7'),
        ({'frame_dir': np.zeros(2)}, 'frame_dir', '[0. 0.]'),
        ({'frame_dir': None}, 'frame_dir', 'clip_0'),
    ],
)
def test_a_field_is_mended_and_the_rest_stays(fields, field, value):
    fixed = fix_annotations([clip('a', **fields), clip('b')], 'x.pkl')
    mended, other = fixed.annotations
    assert not fixed.failed and fixed.done.lines()
    np.testing.assert_array_equal(mended[field], value)
    np.testing.assert_equal(other, clip('b'))


def test_a_joint_that_is_nan_has_score_zero():
    wanted = np.ones(SHAPE[:3])
    wanted[0, 2, 1] = 0
    score = np.where(wanted, np.float16(1), np.nan)
    for fields in ({'keypoint': holding(np.nan)}, {'keypoint_score': score}):
        (mended,) = fix_annotations([clip('a', **fields)], 'x.pkl').annotations
        np.testing.assert_array_equal(mended['keypoint_score'], wanted)
        assert mended['keypoint'].dtype == np.float16 and not mended['keypoint'][0, 2, 1].any()
    space = np.full((1, 4, 3, 3), np.nan)
    (mended,) = fix_annotations([clip('a', keypoint=space)], 'x.pkl').annotations
    assert 'keypoint_score' not in mended and not mended['keypoint'].any()


def test_swapped_axes_are_put_right():
    right = [
        clip(keypoint=rng.uniform(size=(1, t, 3, 2)), keypoint_score=rng.uniform(size=(1, t, 3)))
        | {'frame_dir': str(t), 'total_frames': t}
        for t, rng in ((t, np.random.default_rng(t)) for t in (5, 7))
    ]
    wrong = [
        {**a, **{name: a[name].swapaxes(1, 2) for name in ('keypoint', 'keypoint_score')}}
        for a in right
    ]
    np.testing.assert_equal(fix_annotations(wrong, 'x.pkl').annotations, right)


def test_clips_of_nothing_leave_clips_and_splits():
    nothing = {'b': np.zeros((1, 0, 3, 2)), 'c': [], 'd': np.zeros(0)}
    clips = [clip('a'), *(clip(name, keypoint=keypoint) for name, keypoint in nothing.items())]
    split = {'train': ['a', 'b'], 'val': ['c', 'd'], 'all': ['d', 'a', 'gone', 'a']}
    fixed = fix_annotations({'split': split, 'annotations': clips}, 'x.pkl')
    assert [a['frame_dir'] for a in fixed.annotations] == ['a']
    assert fixed.split == {'train': ['a'], 'all': ['a']}
    said = ' '.join(fixed.done.lines())
    assert all(word in said for word in ('3 clips (b, c, d)', "'val'", 'gone'))


@pytest.mark.parametrize(
    'names, split, mended',
    [
        ('aab', {'train': ['a', 'b'], 'val': ['a']}, {'train': ['a', 'b'], 'val': ['a-2']}),
        ('abc', {'val': [2, 0]}, {'val': ['c', 'a']}),
    ],
)
def test_repeated_names_and_splits_of_places_are_put_right(names, split, mended):
    clips = [clip(name, label=k) for k, name in enumerate(names)]
    fixed = fix_annotations({'split': split, 'annotations': clips}, 'x.pkl')
    assert fixed.split == mended and [a['label'] for a in fixed.annotations] == [0, 1, 2]
    assert len({a['frame_dir'] for a in fixed.annotations}) == 3


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
    odd = {
        'd': {'keypoint': np.ones((1, 4, 5, 2))},
        'e': {'label': 'wave'},
        'f': {'keypoint': None},
    }
    clips = [*CLIPS, *(clip(name, **fields) for name, fields in odd.items())]
    assert run(tmp_path, clips) == (1, None)
    errors = [line for line in capsys.readouterr().out.splitlines() if line.startswith('error: ')]
    assert sorted(line[-4:] for line in errors) == ['(d).', '(e).', '(f).']
    status, mended = run(tmp_path, clips, '--leave-out')
    assert status == 0 and [a['frame_dir'] for a in mended['annotations']] == ['a', 'b', 'c']
    assert capsys.readouterr().out.count('left out: ') == 3


def test_a_folder_of_clips_is_mended_into_one_file_and_the_input_is_never_written_over(tmp_path):
    folder, out = tmp_path / 'clips', tmp_path / 'o.pkl'
    folder.mkdir()
    for a in (clip('a', total_frames=9), clip('b', keypoint=[])):
        (folder / f'{a["frame_dir"]}.pkl').write_bytes(pickle.dumps(a))
    assert check_data.main([str(folder), '--fix', str(out)]) == 0
    assert [a['frame_dir'] for a in read_annotations(out)['annotations']] == ['a']
    before = out.read_bytes()
    for options, said in (
        (['--fix', str(out)], 'is the input file itself'),
        (['--leave-out'], '--leave-out'),
    ):
        with pytest.raises(UserError, match=said):
            check_data.main([str(out), *options])
    assert out.read_bytes() == before


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
