"""tools/convert.py on odd or hostile input: huge numbers, lost images, mixed ids, outputs."""

import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from raw_forms import alphapose, coco, kinetics, made_up, mediapipe_npz, mmpose

from pyskl.errors import DataError, UserError

PEOPLE = made_up(17)


def changed(path: Path, change) -> Path:
    data = json.loads(path.read_text())
    path.write_text(json.dumps(change(data) or data))
    return path


def test_a_huge_label_has_no_names(tmp_path, convert):
    path = changed(kinetics(tmp_path, made_up(18)), lambda data: data.update(label_index=2**31 - 1))
    data = convert('kinetics', path)
    assert data['annotations'][0]['label'] == 2**31 - 1 and 'label_names' not in data


@pytest.mark.parametrize('spelling', [float, str, lambda n: [n], lambda n: f'{n}.0'])
def test_ids_are_the_same_in_any_spelling(tmp_path, spelling, convert):
    def respell(entries):
        for entry in entries[::3]:
            entry['idx'] = spelling(entry['idx'])

    path = changed(alphapose(tmp_path, PEOPLE), respell)
    data = convert('alphapose', path, '--max-people', 9)
    assert_array_equal(data['annotations'][0]['keypoint'], PEOPLE[..., :2])


def test_minus_one_is_nobodys_id(tmp_path, convert):
    def forget(data):
        for frame in data['instance_info'][4:]:
            frame['instances'][0]['track_id'] = -1

    path = changed(mmpose(tmp_path, PEOPLE, ids=True), forget)
    [clip] = convert('mmpose', path, '--max-people', 9)['annotations']
    assert_array_equal(clip['keypoint'], PEOPLE[..., :2])


def test_lists_of_x_y_score_are_no_points_in_space(tmp_path, convert):
    def older(data):
        for frame in data['instance_info']:
            for person in frame['instances']:
                scores = person.pop('keypoint_scores')
                person['keypoints'] = [[*xy, s] for xy, s in zip(person['keypoints'], scores)]

    [clip] = convert('mmpose', changed(mmpose(tmp_path, PEOPLE), older))['annotations']
    assert_array_equal(clip['keypoint'], PEOPLE[..., :2])
    assert_array_equal(clip['keypoint_score'], PEOPLE[..., 2])


@pytest.mark.parametrize('points', [[[1.0]] * 17, [[1.0, 2, 3, 4]] * 17, [[1.0, 2, 3]] * 17])
def test_points_of_other_widths_are_refused(tmp_path, points, convert):
    def widen(data):
        data['instance_info'][0]['instances'][0]['keypoints'] = points

    with pytest.raises(DataError, match=r'clip\.json'):
        convert('mmpose', changed(mmpose(tmp_path, PEOPLE), widen))


def test_joints_of_images_that_are_not_listed_are_said_to_be_lost(tmp_path, capsys, convert):
    path = changed(coco(tmp_path, PEOPLE), lambda data: data['images'].pop(0) and None)
    assert len(convert('coco_wholebody', path)['annotations']) == 1
    assert 'image_id 9' in capsys.readouterr().out
    with pytest.raises(DataError, match='image_id 9'):
        convert('coco_wholebody', path, '--strict')


@pytest.mark.parametrize('wrong, named', [('9', 'image_id'), (8, 'Image id 8')])
def test_images_without_annotations_or_with_one_id_are_refused(wrong, named, tmp_path, convert):
    path = changed(coco(tmp_path, PEOPLE), lambda data: data['images'][0].update(id=wrong))
    with pytest.raises(DataError, match=named):
        convert('coco_wholebody', path, '--strict')


def test_few_numbers_far_apart_need_no_memory(tmp_path, convert):
    lines = ['frame,landmark,x,y']
    lines += [f'{t},{1023 * (t % 2)},1,1' for t in range(1311)] + ['131000,0,1,1']
    (tmp_path / 'c.csv').write_text('\n'.join(lines))
    with pytest.raises(DataError, match='131,001 frames of 1,024 joints'):
        convert('mediapipe', tmp_path / 'c.csv')


@pytest.mark.parametrize('text', ['frame,landmark,x,y\n0,0,"{}",1', 'x0,y0\n"{},1'])
def test_a_lost_quotation_mark_is_said(tmp_path, text, convert):
    (tmp_path / 'c.csv').write_text(text.format('1' * 200_000))
    with pytest.raises(DataError, match=r'c\.csv'):
        convert('mediapipe', tmp_path / 'c.csv')
    (tmp_path / 'l.csv').write_text('name,label\nclip,"' + 'a' * 200_000)
    with pytest.raises(DataError, match=r'l\.csv'):
        convert('mmpose', tmp_path, '--labels', tmp_path / 'l.csv')


def test_links_lie_in_the_folders_that_they_are_in(tmp_path, convert):
    path = mmpose(tmp_path, PEOPLE)
    for name in 'ab':
        (tmp_path / 'raw' / name).mkdir(parents=True)
        (tmp_path / 'raw' / name / f'{name}1.json').symlink_to(path)
    data = convert('mmpose', tmp_path / 'raw', '--labels', 'folder')
    assert data['label_names'] == ['a', 'b']
    assert [clip['label'] for clip in data['annotations']] == [0, 1]
    with pytest.raises(UserError, match='one class'):
        convert('mmpose', tmp_path / 'raw' / 'a', '--labels', 'folder')


@pytest.mark.parametrize('given', ['clip.json', '.'])
def test_no_file_that_is_read_is_written_over(tmp_path, given, convert):
    path = mmpose(tmp_path, PEOPLE)
    before = path.read_bytes()
    with pytest.raises(UserError, match='-o'):
        convert('mmpose', tmp_path / given, '-o', path)
    assert path.read_bytes() == before


def test_a_pipe_is_no_place_for_a_file(tmp_path, convert):
    os.mkfifo(tmp_path / 'pipe')
    with pytest.raises(UserError, match='pipe'):
        convert('mmpose', mmpose(tmp_path, PEOPLE), '-o', tmp_path / 'pipe')
    assert (tmp_path / 'pipe').is_fifo()


@pytest.mark.parametrize('label, named', [('\ud800', r'clip\.json'), ('\x1b[2J', 'label_names')])
def test_halves_of_characters_and_controls_are_no_names(label, named, tmp_path, convert):
    path = changed(kinetics(tmp_path, made_up(18)), lambda data: data.update(label=label))
    with pytest.raises(DataError, match=named):
        convert('kinetics', path)


def test_names_of_any_script_are_kept(tmp_path, convert):
    name = '😀 می\u200cروم'
    path = changed(kinetics(tmp_path, made_up(18)), lambda data: data.update(label=name))
    assert convert('kinetics', path)['label_names'] == [name]


def test_labels_in_arrays_of_ntu_pickles_are_written_plain(tmp_path, convert):
    clip = {'frame_dir': 'a', 'label': np.array([1, 2]), 'keypoint': np.ones((1, 2, 25, 3), 'f2')}
    (tmp_path / 'a.pkl').write_bytes(pickle.dumps({'split': {}, 'annotations': [clip]}))
    [read] = convert('ntu', tmp_path / 'a.pkl')['annotations']
    assert read['label'] == [1, 2]


def test_views_of_a_clip_stay_in_one_split_and_have_its_label(tmp_path, convert):
    xyz = np.random.default_rng(0).normal(size=(1, 3, 25, 3))
    clips = [{'frame_dir': f'c{i}', 'keypoint': xyz} for i in range(6)]
    (tmp_path / 'a.pkl').write_bytes(pickle.dumps(clips))
    (tmp_path / 'l.csv').write_text('\n'.join(f'c{i},{i % 2}' for i in range(6)))
    words = ['--turns', 0, 30, '--labels', tmp_path / 'l.csv', '--split-by', 'random:a=0.5,b=0.5']
    data = convert('project', tmp_path / 'a.pkl', *words)
    one, other = data['split'].values()
    assert len(one) == len(other) == 6 and not {c[:2] for c in one} & {c[:2] for c in other}
    assert all(int(c['frame_dir'][1]) % 2 == c['label'] for c in data['annotations'])


def test_most_frames_empty_is_said(tmp_path, capsys, convert):
    def far(data):
        data['instance_info'][-1]['frame_id'] = 90

    convert('mmpose', changed(mmpose(tmp_path, PEOPLE), far))
    assert 'most frames show nobody' in capsys.readouterr().out


@pytest.mark.parametrize('how', ['random', 'video', r'regex:(\d)_'])
def test_splits_are_the_same_for_any_order_of_the_files(how, tmp_path, convert):
    paths = [
        mediapipe_npz(tmp_path, made_up(33, i)).rename(tmp_path / f'{i // 2}_{i}.npz')
        for i in range(8)
    ]
    first, *others = (
        convert('mediapipe', *order, '--split-by', how)['split']
        for order in (paths, paths[::-1], paths[4:] + paths[:4])
    )
    for split in others:
        assert {name: set(clips) for name, clips in split.items()} == {
            name: set(clips) for name, clips in first.items()
        }
    videos = [{clip[0] for clip in clips} for clips in first.values()]
    assert how == 'random' or not videos[0] & videos[1]


@pytest.mark.parametrize('text', ['nan', '"nan"', '0', ''])
def test_a_table_of_one_cell_is_refused(tmp_path, text, convert):
    (tmp_path / 'Sample0001_skeleton.csv').write_text(text)
    (tmp_path / 'Sample0001_finelabels.csv').write_text('1,1,2')
    with pytest.raises(DataError, match='Sample0001_skeleton'):
        convert('smg', tmp_path)
