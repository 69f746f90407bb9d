"""tools/check_data.py finds every fault put into the data, names its clip, and finds no others."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from goldens import GOLDEN, SMALL, needs_golden
from small_clips import clip as small_clip
from tiny import run as run_tool
from tiny import script as load_script

from pyskl.annotations.check import check_annotations
from pyskl.errors import UserError
from pyskl.files import load_pickle
from pyskl.skeletons import get_layout, imigue22

check_data = load_script('check_data')


def body(first_hand: str = 'left', num_frames: int = 20, seed: int = 0) -> np.ndarray:
    """(1, T, 22, 2): wrists at x = 200 (right) and 440 (left), each hand's tips around its own."""
    rng, joints = np.random.default_rng(seed), imigue22(first_hand).joints
    xy = rng.normal((320, 200), 20, (1, num_frames, 22, 2))
    for side, x in (('right', 200), ('left', 440)):
        hand = [
            j
            for j, name in enumerate(joints)
            if name.startswith(side) and name.endswith(('wrist', 'tip'))
        ]
        xy[:, :, hand] = rng.normal((x, 400), 10, (1, num_frames, len(hand), 2))
    return xy.astype(np.float32)


def clip(name: str, label: int = 0, **fields) -> dict:
    score = np.full((1, 20, 22), 0.9, np.float32)
    of_body = dict(total_frames=20, keypoint=body(), keypoint_score=score)
    return small_clip(name, **{'label': label, 'img_shape': (480, 640), **of_body, **fields})


def good(num_clips: int = 4) -> dict:
    names = [f'000{i}_0' for i in range(num_clips)]
    return {
        'split': {'train': names},
        'annotations': [clip(name, i % 32) for i, name in enumerate(names)],
    }


def with_clip(**fields) -> dict:
    """Good data whose clip 0002_0 has these fields."""
    data = good()
    data['annotations'][2].update(fields)
    return data


def lines(data, **kwargs) -> tuple[list[str], list[str]]:
    report = check_annotations(data, **kwargs)
    return report.errors, report.warnings


def test_good_data_have_no_errors_and_no_warnings():
    report = check_annotations(good())
    assert (report.errors, report.warnings) == ([], [])
    found = {
        'clips': 4,
        'labelled clips': 4,
        'splits': {'train': 4},
        'joints': 22,
        'layout': 'imigue22',
        'frames': '20',
        'clips per class': dict.fromkeys(range(4), 1),
        'classes': 32,
    }
    assert report.facts.items() >= found.items()


def test_classes_are_named_where_the_file_names_them():
    report = check_annotations({**good(), 'label_names': ['wave', 'nod', 'rub']})
    assert report.facts['class names'] == {0: 'wave', 1: 'nod', 2: 'rub'}


def nan(field: str) -> np.ndarray:
    array = clip('a')[field].copy()
    array[0, 3, 1] = np.nan
    return array


ERRORS = {
    'NaN': (
        with_clip(keypoint=nan('keypoint')),
        'clip 0002_0 (annotations[2]): keypoint holds NaN',
    ),
    'label 32 of 32': (with_clip(label=32), 'label outside 0..31 in 1 clip: 0002_0 (32)'),
    'no img_shape': (
        with_clip(img_shape=None, original_shape=None),
        'img_shape is missing in 1 clip: 0002_0',
    ),
    'no name': (with_clip(frame_dir=None), 'annotations[2]: frame_dir is missing'),
    'no dict': (
        {'split': {}, 'annotations': good()['annotations'] + [3]},
        'annotations[4]: the annotation is a int',
    ),
    'other joints': (
        with_clip(keypoint=np.ones((1, 20, 17, 2)), keypoint_score=None),
        'not (V, C) = (22, 2) in 1 clip: 0002_0',
    ),
    'same name': (with_clip(frame_dir='0001_0'), 'frame_dir 0001_0 more than once'),
    'id without a clip': (
        {**good(), 'split': {'train': ['0001_0', '0009_0']}},
        "split 'train' lists 1 clip without annotation: 0009_0",
    ),
    'empty split': ({**good(), 'split': {'val': []}}, "split 'val' is empty"),
    'nothing': ({'split': {}, 'annotations': []}, 'there are no annotations'),
}


@pytest.mark.parametrize('fault', ERRORS)
def test_errors_are_found_and_name_the_clip(fault):
    data, words = ERRORS[fault]
    errors, _ = lines(data)
    assert any(words in line for line in errors), errors
    assert all(len(line) < 400 for line in errors)


def test_all_faults_of_a_file_are_listed_not_only_the_first():
    data = good(8)
    holds_nan = dict(keypoint=nan('keypoint'))
    for i, fields in enumerate([dict(label='x'), holds_nan, holds_nan, dict(img_shape=3)]):
        data['annotations'][i].update(fields)
    errors, _ = lines(data)
    assert len(errors) == 3 and 'Also clip 0002_0 (annotations[2])' in ''.join(errors)


def gaps(first: int, last: int) -> dict:
    """Fields of a clip that is empty in frames first..last - 1."""
    fields = {'keypoint': body(), 'keypoint_score': np.full((1, 20, 22), 0.9, np.float32)}
    for array in fields.values():
        array[:, first:last] = 0
    return fields


NAMES = [f'000{i}_0' for i in range(4)]
WARNINGS = {
    'nobody': (
        with_clip(keypoint=np.zeros((0, 20, 22, 2)), keypoint_score=None),
        '1 clip in which no joint is seen at all: 0002_0',
    ),
    'no label': (with_clip(label=None), '1 clip without a label among labelled ones: 0002_0'),
    'in no split': (
        {**good(), 'split': {'train': ['0000_0', '0001_0', '0003_0']}},
        '1 clip in no split: 0002_0',
    ),
    'in two splits': (
        {**good(), 'split': {'train': NAMES, 'val': ['0002_0']}},
        "splits 'train' and 'val' share 1 clip: 0002_0",
    ),
    'twice in a split': (
        {**good(), 'split': {'train': [*NAMES, '0002_0']}},
        "split 'train' lists 1 clip more than once: 0002_0",
    ),
    'comma in a name': ([clip('a,b')], "frame_dir 'a,b' cannot stand in Submission.csv"),
    'normalised': ([clip('a', keypoint=body() / 640)], 'they look normalised'),
}


@pytest.mark.parametrize('sight', WARNINGS)
def test_what_looks_wrong_is_a_warning_that_names_the_clip(sight):
    data, words = WARNINGS[sight]
    errors, warnings = lines(data)
    assert errors == [] and len(warnings) == 1 and words in warnings[0], (errors, warnings)


def test_protocols_of_one_data_set_may_share_clips():
    split = {'xsub_train': NAMES[:2], 'xsub_val': NAMES[2:]}
    split |= {'xset_train': NAMES[1:], 'xset_val': NAMES[:1]}
    assert lines({**good(), 'split': split}) == ([], [])
    split['xset_val'] = NAMES[:2]
    (warning,) = lines({**good(), 'split': split})[1]
    assert warning.startswith("splits 'xset_train' and 'xset_val' share 1 clip")


def test_labels_that_count_from_one_are_suspected():
    def data(num_clips: int, **fields) -> dict:
        clips = [clip(f'{k}_0', k, **fields) for k in range(1, num_clips + 1)]
        return {'split': {}, 'annotations': clips}

    (error,) = lines(data(32))[0]
    assert 'tools/join.py' in error and '--first-label 1' in error
    # 22 joints are taken to be iMiGUE's, of 32 classes; of other joints the number is unknown.
    unknown = data(4, keypoint=body()[:, :, :20], keypoint_score=None)
    assert '--first-label 1' in lines(unknown)[1][0]
    assert lines(unknown | {'label_names': list('abcde')}) == ([], [])


def test_a_class_order_unlike_imigue_is_suspected_where_the_counts_say_something():
    def data(commonest: int) -> list[dict]:
        labels = [commonest if i % 2 else i // 2 % 32 for i in range(320)]
        return [clip(f'{i}', label, total_frames=1) for i, label in enumerate(labels)]

    assert lines(data(31))[1] == []
    assert 'the commonest class is 3, in iMiGUE 31 (illustrative)' in lines(data(3))[1][0]
    assert lines(data(3), num_classes=40)[1] == []


def test_ends_holes_and_missing_joints_are_counted():
    data = with_clip(**gaps(12, 20))
    data['annotations'][1].update(gaps(3, 5))
    score = data['annotations'][0]['keypoint_score'] = np.full((1, 20, 22), 0.9)
    score[:, :, :11] = 0
    found = {
        'clips that end in empty frames': 1,
        'filled frames of those': '12',
        'share of frames that is such an end': 0.1,
        'empty frames inside clips': 2,
        'share of joints missing in filled frames': round((20 * 11 + 2 * 22) / (72 * 22), 4),
    }
    assert check_annotations(data).facts.items() >= found.items()


# Hands
# --------------------------------------------------------------------------------------------------


def hands(first_hand: str, num_clips: int = 5) -> list[dict]:
    return [clip(f'{i}', keypoint=body(first_hand, seed=i)) for i in range(num_clips)]


def test_the_wrist_that_a_hand_hangs_from_is_read_off_the_data():
    assert check_annotations(hands('left')).facts['first hand'] == 'left'
    report = check_annotations(hands('right'))
    assert report.facts['first hand'] == 'right'
    (warning,) = report.warnings
    assert "first_hand='right'" in warning and '12-16 lie at the right wrist' in warning
    assert lines(hands('right'), layout=imigue22('right')) == ([], [])
    assert "first_hand='left'" in lines(hands('left'), layout=imigue22('right'))[1][0]


def test_distances_of_wrists_and_hands_are_means_in_pixels():
    keypoint = np.zeros((1, 2, 22, 2), np.float32)
    keypoint[:, :, 4], keypoint[:, :, 7] = (100, 100), (200, 100)
    keypoint[:, :, 12:17], keypoint[:, :, 17:22] = (100, 130), (200, 140)
    keypoint[:, 1, 12] = (100, 180)
    facts = check_annotations([clip('a', keypoint=keypoint, keypoint_score=None)]).facts
    mean = facts['mean px from wrist to finger tips']
    assert mean['right wrist, 12-16'] == 35.0 and mean['left wrist, 17-21'] == 40.0
    assert mean['right wrist, 17-21'] == round(float(np.hypot(100, 40)), 1)


def test_clips_whose_hands_lie_the_other_way_are_named():
    data = hands('left', 9)
    data[4]['keypoint'] = body('right')
    facts = check_annotations(data).facts
    assert facts['clips whose hands lie the other way'] == 1 and facts['of those'] == ['4']


def test_hands_between_the_wrists_are_called_unclear_and_unseen_ones_not_seen():
    for place, said in (((320, 400), 'unclear'), (0, 'not seen')):
        keypoint = body()
        keypoint[:, :, 12:] = place
        report = check_annotations([clip('a', keypoint=keypoint)])
        assert report.facts['first hand'] == said
        assert any('is unclear' in line for line in report.warnings) == (said == 'unclear')


# Other data
# --------------------------------------------------------------------------------------------------


def test_other_joints_take_the_layout_of_their_number_and_no_class_limit():
    def data(joints: int) -> list[dict]:
        return [clip('a', 59, keypoint=np.full((2, 20, joints, 2), 5.0), keypoint_score=None)]

    report = check_annotations(data(17))
    assert report.errors == [] and 'classes' not in report.facts
    assert report.facts['layout'] == 'coco17' and report.facts['people'] == '2'
    for option, words in (
        ({'num_classes': 59}, 'label outside 0..58'),
        ({'layout': get_layout('imigue22')}, 'has 17 joints, the layout imigue22 has 22'),
    ):
        assert words in lines(data(17), **option)[0][0]
    assert check_annotations(data(25)).facts['layout'] is None


SPATIAL = dict(keypoint_score=None, img_shape=None, original_shape=None)


def test_poses_in_three_dimensions_need_no_picture():
    xyz = np.random.default_rng(0).normal(0, 1, (1, 20, 8, 3))
    assert lines([clip('a', keypoint=xyz, **SPATIAL)]) == ([], [])


def test_a_joint_right_in_front_of_the_camera_is_there():
    xyz = np.full((1, 20, 8, 3), (0, 0, 3))
    facts = check_annotations([clip('a', keypoint=xyz, **SPATIAL)]).facts
    assert facts['share of joints missing in filled frames'] == 0
    assert facts['third coordinate'] == [3, 3]


def test_hostile_names_are_shown_harmless():
    data = {'split': {'\x1b[2J': ['\x1b[31mred', 'x' * 10**6]}, 'annotations': [clip('a')]}
    errors, warnings = lines(data)
    assert '\x1b' not in ''.join(errors + warnings) and max(map(len, errors)) < 400


# The script
# --------------------------------------------------------------------------------------------------


def run(tmp_path: Path, data, *arguments: str) -> int:
    (tmp_path / 'x.pkl').write_bytes(pickle.dumps(data))
    return check_data.main([str(tmp_path / 'x.pkl'), *arguments])


def test_status_is_zero_with_warnings_and_one_with_errors(tmp_path, capsys):
    assert run(tmp_path, with_clip(label=None)) == 0
    assert 'warning: 1 clip without a label' in capsys.readouterr().out
    assert run(tmp_path, with_clip(label=32)) == 1
    out = capsys.readouterr().out
    assert 'error: label outside 0..31' in out and out.endswith('x.pkl: 1 error, 0 warnings\n')
    assert run(tmp_path, with_clip(label=32), '--num-classes', '33') == 0
    assert run(tmp_path, good(), '--layout', 'coco17') == 1


def test_json_holds_the_same_report(tmp_path, capsys):
    spatial = [clip('a', keypoint=np.ones((1, 20, 5, 3)), keypoint_score=None)]
    for data in (good(), with_clip(**gaps(0, 20)), with_clip(label=32), spatial):
        status = run(tmp_path, data, '--json')
        report, ours = json.loads(capsys.readouterr().out), check_annotations(data)
        assert (report['errors'], report['warnings']) == (ours.errors, ours.warnings)
        assert status == bool(ours.errors) and report['file'].endswith('x.pkl')
        assert list(report['facts']) == list(ours.facts)


GOOD = str(SMALL / 'raw' / 'imigue_val.pkl')


@pytest.mark.parametrize(
    'arguments, words',
    [
        (['nowhere.pkl'], 'no such file'),
        (['.'], 'is a folder'),
        ([__file__], 'cannot be read as a pickle'),
        ([str(SMALL / 'raw' / 'val_data.npy')], 'npy'),
        ([GOOD, '--layout', 'imigue'], 'Did you mean imigue22?'),
        ([GOOD, '--num-classes', '0'], '--num-classes 0'),
    ],
)
def test_what_can_not_be_checked_is_a_user_error(arguments, words):
    with pytest.raises(UserError) as error:
        check_data.main(arguments)
    assert words in str(error.value)


def test_as_a_script_it_leaves_with_zero_one_or_two(tmp_path):
    (tmp_path / 'good.pkl').write_bytes(pickle.dumps(good()))
    (tmp_path / 'bad.pkl').write_bytes(pickle.dumps(with_clip(label=32)))
    for name, status in (('good.pkl', 0), ('bad.pkl', 1), ('absent.pkl', 2)):
        done = run_tool('tools/check_data.py', name, cwd=tmp_path)
        assert done.returncode == status and done.stderr.count('\n') == (status == 2)
        assert done.stderr.startswith('error: absent.pkl' if status == 2 else '')


@needs_golden
@pytest.mark.parametrize('split', ['train', 'val', 'test'])
def test_the_golden_files_have_no_faults(split):
    report = check_annotations(
        load_pickle(GOLDEN / 'raw' / f'imigue_{split}.pkl'), layout=imigue22('right')
    )
    assert (report.errors, report.warnings) == ([], []) and report.facts['first hand'] == 'right'
