"""tools/convert.py: a clip in every form comes back exactly; options; what is left out."""

import json
import pickle
import re
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from raw_forms import CASES, NUM_FRAMES, H, W, alphapose, h2o, made_up, mmpose, openpose

from pyskl.errors import DataError, UserError
from pyskl.skeletons import LAYOUTS, get_layout, layout_of

NORMALISED = ('kinetics', 'ultralytics txt', 'ultralytics ids')
HAS_SIZE = ('coco_wholebody', 'halpe', 'k400', 'smg')


@pytest.mark.parametrize('case', CASES)
def test_the_clip_comes_back_exactly(case, tmp_path, convert):
    form, write, num_joints, layout, num_people = CASES[case]
    people = made_up(num_joints)[:num_people]
    path = write(tmp_path, people)
    size = [] if form in HAS_SIZE else ['--img-shape', H, W]
    data = convert(form, path, *size)
    [clip] = data['annotations']
    wanted = people
    if case in NORMALISED:
        wanted = (people / [W, H, 1]).astype(np.float32) * np.array([W, H, 1], np.float32)
    if form == 'smg':
        wanted = np.concatenate([people[..., :2], people[..., 2:] > 0], axis=-1)
    assert_array_equal(clip['keypoint'], wanted[..., :2])
    assert_array_equal(clip['keypoint_score'], wanted[..., 2])
    assert clip['frame_dir'] == {'smg': 'Sample0036_0'}.get(form, 'clip')
    assert clip['img_shape'] == ((1080, 1920) if form == 'smg' else (H, W))
    assert clip['total_frames'] == NUM_FRAMES
    assert layout_of(data['layout']).name == layout
    assert clip['label'] == (0 if form in ('kinetics', 'h2o', 'k400', 'smg') else -1)


# Options ------------------------------------------------------------------------------------------


def several(folder: Path, names=('a/x', 'a/y', 'b/x', 'b/y'), joints: int = 17) -> Path:
    """Files of MMPose, one a clip."""
    for seed, name in enumerate(names):
        target = folder / 'raw' / f'{name}.json'
        target.parent.mkdir(parents=True, exist_ok=True)
        mmpose(folder, made_up(joints, seed)).rename(target)
    return folder / 'raw'


def test_labels_come_from_a_file_with_names_of_classes(tmp_path, convert):
    (tmp_path / 'labels.csv').write_text('name,label\na/x,wave\nb/y.mp4,nod\na/y,nod\n')
    data = convert('mmpose', several(tmp_path), '--labels', tmp_path / 'labels.csv')
    labels = {a['frame_dir']: a['label'] for a in data['annotations']}
    assert labels == {'a/x': 1, 'a/y': 0, 'b/x': -1, 'b/y': 0}
    assert data['label_names'] == ['nod', 'wave']


def test_labels_are_the_folders_in_the_order_of_the_names_given(tmp_path, convert):
    (tmp_path / 'names.txt').write_text('b\na\n')
    data = convert(
        *('mmpose', several(tmp_path), '--labels', 'folder'),
        *('--label-names', tmp_path / 'names.txt', '--split-by', 'regex:^(.):val=b,train=*'),
    )
    assert [a['label'] for a in data['annotations']] == [1, 1, 0, 0]
    assert data['label_names'] == ['b', 'a']
    assert data['split'] == {'val': ['b/x', 'b/y'], 'train': ['a/x', 'a/y']}


def test_files_of_one_name_are_called_by_their_folders(tmp_path, convert):
    raw = several(tmp_path, ('a/alphapose-results', 'b/alphapose-results'))
    data = convert('mmpose', raw)
    assert [a['frame_dir'] for a in data['annotations']] == ['a', 'b']


OPENPOSE = LAYOUTS['openpose137'].joints
UPPER = get_layout('openpose_upper_hands').joints


@pytest.mark.parametrize(
    'num_joints, asked, places, names',
    [
        (137, ['openpose25'], [*range(25)], OPENPOSE[:25]),
        (137, ['openpose_upper_hands'], [*map(OPENPOSE.index, UPPER)], UPPER),
        (137, ['neck', '4', '7'], [1, 4, 7], ('neck', 'right wrist', 'left wrist')),
        (67, ['left wrist', 'left thumb tip'], [7, 29], ('left wrist', 'left thumb tip')),
    ],
)
def test_joints_are_chosen_by_layout_name_or_number(
    num_joints, asked, places, names, tmp_path, convert
):
    people = made_up(num_joints)
    data = convert('openpose', openpose(tmp_path, people), '--joints', *asked)
    assert layout_of(data['layout']).joints == names
    assert_array_equal(data['annotations'][0]['keypoint'], people[:, :, places, :2])


def test_clips_with_and_without_hands_get_the_same_joints(tmp_path, convert):
    given = {'body': range(25), 'hands': [*range(25), *range(95, 137)], 'face': range(95)}
    (tmp_path / 'raw').mkdir()
    for name, places in given.items():
        openpose(tmp_path, made_up(len(places)))
        (tmp_path / 'clip').rename(tmp_path / 'raw' / name)
    data = convert('openpose', tmp_path / 'raw')
    assert data['layout'] == 'openpose137'
    for clip in data['annotations']:
        keypoint, places = clip['keypoint'], given[clip['frame_dir']]
        assert_array_equal(keypoint[:, :, places], made_up(len(places))[..., :2])
        assert not np.delete(keypoint, places, axis=2).any()


def test_people_beyond_max_people_are_those_seen_least(tmp_path, capsys, convert):
    people = made_up(17)
    data = convert('mmpose', mmpose(tmp_path, people), '--max-people', 1)
    assert_array_equal(data['annotations'][0]['keypoint'], people[:1, ..., :2])
    assert '--max-people): 1 clip (clip' in capsys.readouterr().out


# The picture --------------------------------------------------------------------------------------


def test_the_picture_is_the_smallest_usual_one_and_said_to_be_a_guess(tmp_path, capsys, convert):
    people = made_up(17)
    people[..., 0] *= 2
    data = convert('mmpose', mmpose(tmp_path, people))
    assert people[..., 0].max() > 960 and data['annotations'][0]['img_shape'] == (720, 1280)
    assert 'guess, 720 x 1280' in capsys.readouterr().out


def test_coordinates_of_0_to_1_need_the_picture_and_are_multiplied_by_it(tmp_path, convert):
    people = made_up(17)
    people[..., :2] /= np.array([1024, 512], np.float32)
    path = mmpose(tmp_path, people)
    with pytest.raises(DataError, match='--img-shape'):
        convert('mmpose', path)
    assert not (tmp_path / 'o.pkl').exists()
    data = convert('mmpose', path, '--img-shape', 512, 1024)
    wanted = people[..., :2] * np.array([1024, 512], np.float32)
    assert_array_equal(data['annotations'][0]['keypoint'], wanted)


def test_points_in_space_stay_as_they_are(tmp_path, convert):
    people = made_up(17)
    path = mmpose(tmp_path, people)
    path.write_text(re.sub(r'(\[\d+\.\d+, \d+\.\d+)\]', r'\1, 0.25]', path.read_text()))
    data = convert('mmpose', path)
    [clip] = data['annotations']
    seen = people[..., :2].any(axis=-1, keepdims=True)
    wanted = np.concatenate([people[..., :2], np.where(seen, np.float32(0.25), 0)], axis=-1)
    assert_array_equal(clip['keypoint'], wanted)
    assert 'img_shape' not in clip and 'layout' not in data


# Frames -------------------------------------------------------------------------------------------


def test_frames_that_are_not_listed_show_nobody_by_the_step_of_the_others(tmp_path, convert):
    people = made_up(17)[:, :3]
    entries = [
        {'image_id': f'{number}.jpg', 'keypoints': people[0, t].ravel().tolist()}
        for t, number in enumerate((10, 5, 25))
    ]
    (tmp_path / 'a.json').write_text(json.dumps(entries))
    [clip] = convert('alphapose', tmp_path / 'a.json')['annotations']
    assert_array_equal(clip['keypoint'][0, [1, 0, 4]], people[0, ..., :2])
    assert clip['total_frames'] == 5 and not clip['keypoint'][0, 2:4].any()


def test_folders_in_image_ids_are_clips(tmp_path, convert):
    path = alphapose(tmp_path, made_up(17))
    path.write_text(re.sub('"([012]).jpg"', r'"v0/\1.jpg"', path.read_text()))
    path.write_text(re.sub('"([456]).jpg"', r'"v1/\1.jpg"', path.read_text()))
    clips = convert('alphapose', path)['annotations']
    assert [(a['frame_dir'], a['total_frames']) for a in clips] == [('clip/v0', 3), ('clip/v1', 3)]


# What is wrong ------------------------------------------------------------------------------------

JOINT = '{"image_id": "%s.jpg", "keypoints": [%s]}'
BROKEN = {
    'text': 'hello',
    'depth': '[' * 200_000,
    'other': '{"version": 1}',
    'digits': f'[{JOINT}]' % (1, '1' + '0' * 5000),
    'words': f'[{JOINT}]' % (1, '"a", 2, 3'),
    'far': f'[{JOINT}, {JOINT}, {JOINT}]' % (1, '1, 2, 3', 9, '1, 2, 3', 900000000, '1, 2, 3'),
    'ragged': f'[{JOINT}, {JOINT}]' % (1, '1, 2, 3', 2, '1'),
    'nobody': '[]',
    'unseen': f'[{JOINT}]' % (1, '1, 2, 0'),
}


def test_broken_files_are_all_named_and_the_rest_is_converted(tmp_path, capsys, convert):
    raw = tmp_path / 'raw'
    raw.mkdir()
    alphapose(tmp_path, made_up(17)).rename(raw / 'good.json')
    (raw / '._good.json').write_text('a shadow of macOS')
    for name, text in BROKEN.items():
        (raw / f'{name}.json').write_text(text)
    data = convert('alphapose', raw)
    assert [a['frame_dir'] for a in data['annotations']] == ['good']
    out = capsys.readouterr().out
    assert all(f'left out: {raw / name}.json' in out for name in BROKEN)
    assert f'{len(BROKEN)} left out in all' in out
    (tmp_path / 'o.pkl').unlink()
    with pytest.raises(DataError) as error:
        convert('alphapose', raw, '--strict')
    assert all(f'{raw / name}.json' in str(error.value) for name in BROKEN)
    assert not (tmp_path / 'o.pkl').exists()


def test_clips_with_other_joints_than_most_are_left_out(tmp_path, capsys, convert):
    raw = several(tmp_path)
    mmpose(tmp_path, made_up(26)).rename(raw / 'odd.json')
    assert len(convert('mmpose', raw)['annotations']) == 4
    assert 'left out: clip odd' in capsys.readouterr().out


def test_what_is_left_out_for_one_reason_is_counted(tmp_path, capsys, convert):
    raw = several(tmp_path)
    for i in range(9):
        (raw / f'bad{i}.json').write_text('{')
    (raw / 'other.json').write_text('[]')
    convert('mmpose', raw)
    out = capsys.readouterr().out
    assert [f'bad{i}.json' in out for i in range(9)] == [True] * 3 + [False] * 6
    assert '6 more like these' in out and 'other.json' in out and '10 left out in all' in out


def test_labels_from_1_are_asked_about(tmp_path, capsys, convert):
    raw = several(tmp_path)
    labels = tmp_path / 'labels.csv'
    for first in (0, 1):
        labels.write_text(
            ''.join(f'{n},{k + first}\n' for k, n in enumerate(('a/x', 'a/y', 'b/x', 'b/y')))
        )
        convert('mmpose', raw, '--labels', labels)
        assert ('--first-label 1' in capsys.readouterr().out) == (first == 1)


def test_a_clip_that_is_there_twice_is_taken_once(tmp_path, capsys, convert):
    one = h2o(tmp_path, made_up(67))
    one.with_name('again.json').write_text(one.read_text())
    data = convert('h2o', tmp_path)
    assert len(data['annotations']) == 1 and '1 left out in all' in capsys.readouterr().out


@pytest.mark.parametrize(
    'words',
    [['--max-people', 0], ['--img-shape', 0, 5], ['--layout', 'ntu25'], ['--joints', 'tail']],
)
def test_options_that_do_not_fit_are_refused(words, tmp_path, convert):
    with pytest.raises(UserError):
        convert('mmpose', mmpose(tmp_path, made_up(17)), *words)


def test_pickles_are_data(tmp_path, convert):
    (tmp_path / 'a.pkl').write_bytes(pickle.dumps(print))
    with pytest.raises(DataError):
        convert('k400', tmp_path / 'a.pkl')
