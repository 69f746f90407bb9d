"""Details of each form: SMG's gestures, NTU's pickles and npz, MediaPipe's tables, YOLO ..."""

import json
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from numpy.testing import assert_array_equal, assert_equal
from raw_forms import (
    H,
    W,
    alphapose,
    h2o,
    k400,
    made_up,
    mediapipe_long,
    mmpose,
    smg,
    ultralytics_json,
    ultralytics_txt,
)
from tiny import script as load_script

from pyskl.annotations import read_annotations
from pyskl.errors import DataError, UserError
from pyskl.sources.natops import CLASSES
from pyskl.sources.source import FORMS, Source, option

tool = load_script('convert')
SIZE = ('--img-shape', H, W)


def raw(path: Path) -> dict:
    return pickle.loads(path.read_bytes())


# SMG ----------------------------------------------------------------------------------------------


def test_smg_gestures_are_cut_by_frames_from_1_and_bad_rows_left_out(tmp_path, capsys, convert):
    people = made_up(25)
    smg(tmp_path, people)
    labels = tmp_path / 'Sample0036' / 'Sample0036_finelabels.csv'
    labels.write_text('17,3,4\n18,3,4\n2,10,9\n5,9,12\n1,90,95\n')
    data = convert('smg', tmp_path)
    clips = {a['frame_dir']: a for a in data['annotations']}
    assert {name: (a['label'], a['total_frames']) for name, a in clips.items()} == {
        'Sample0036_0': (16, 2),
        'Sample0036_3': (4, 1),
    }
    assert_array_equal(clips['Sample0036_0']['keypoint'][0], people[0, :2, :, :2])
    assert_array_equal(clips['Sample0036_3']['keypoint'][0], people[0, 6:, :, :2])
    out = capsys.readouterr().out
    assert '3 left out in all' in out and 'Sample0036_3' in out
    assert data['split'] == {'test': ['Sample0036_0', 'Sample0036_3']}


def test_smg_in_space_has_metres_and_no_picture(tmp_path, convert):
    people = made_up(25)
    [clip] = convert('smg', '--space', smg(tmp_path, people))['annotations']
    assert_array_equal(clip['keypoint'], people[:1])
    assert 'img_shape' not in clip


def test_smg_tables_may_have_a_header_and_empty_cells(tmp_path, convert):
    people = made_up(25)
    table = smg(tmp_path, people) / 'Sample0036' / 'Sample0036_skeleton.csv'
    lines = [line.split(',') for line in table.read_text().splitlines()]
    lines[4][11 * 3 + 7] = ''
    header = [f'c{i}' for i in range(275)]
    table.write_text('\n'.join(','.join(line) for line in [header, *lines]))
    [clip] = convert('smg', tmp_path)['annotations']
    wanted = people[:1, ..., :2].copy()
    wanted[0, 2, 3] = 0
    assert_array_equal(clip['keypoint'], wanted)
    assert clip['keypoint_score'][0, 2, 3] == 0


def test_smg_arrays_are_metres(tmp_path, convert):
    values = np.random.default_rng(0).normal(size=(2, 3, 6, 25, 1)).astype(np.float32)
    np.save(tmp_path / 'train_data.npy', values)
    (tmp_path / 'train_label.pkl').write_bytes(pickle.dumps((['0001_0', '0001_1'], [3, 16])))
    data = convert('smg', tmp_path)
    assert [a['label'] for a in data['annotations']] == [3, 16]
    for clip, xyz in zip(data['annotations'], values):
        assert_array_equal(clip['keypoint'], xyz.transpose(3, 1, 2, 0))
    assert data['split'] == {'train': ['0001_0', '0001_1']}
    with pytest.raises(UserError, match='csv'):
        convert('smg', tmp_path, '--pixels')


# NATOPS, Kinetics-400 -----------------------------------------------------------------------------


def test_natops_is_what_convert_natops_makes(tmp_path, convert):
    header = '@timeStamps false\n@classLabel true 1.0 2.0 3.0 4.0 5.0 6.0\n@data\n'
    rng = np.random.default_rng(0)
    for name, num_clips in (('NATOPS_TRAIN', 12), ('NATOPS_TEST', 6)):
        lines = [
            ':'.join(','.join(map(str, row)) for row in rng.normal(size=(24, 5)).round(3))
            + f':{i % 6 + 1}.0'
            for i in range(num_clips)
        ]
        (tmp_path / f'{name}.ts').write_text(header + '\n'.join(lines))
    files = [str(tmp_path / 'NATOPS_TRAIN.ts'), str(tmp_path / 'NATOPS_TEST.ts')]
    load_script('convert_natops').main([*files, '--out-dir', str(tmp_path)])
    for projection in ('xy', 'xyz'):
        data = convert('natops', *files[::-1], '--projection', projection)
        assert_equal(data, read_annotations(tmp_path / f'natops_{projection}.pkl'))
        assert data['label_names'] == list(CLASSES) and data['layout'] == 'natops8'


def test_k400_key_points_may_lie_beside(tmp_path, convert):
    path = k400(tmp_path, made_up(17))
    whole = convert('k400', path)
    content = raw(path)
    boxes = content['annotations'][0].pop('keypoint')
    content['annotations'][0]['raw_file'] = '/data/k400/part_3.pkl'
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(DataError, match='--kpfiles'):
        convert('k400', path)
    (tmp_path / 'beside').mkdir()
    (tmp_path / 'beside' / 'part_3.pkl').write_bytes(pickle.dumps({'clip': boxes}))
    beside = convert('k400', path, '--kpfiles', tmp_path / 'beside')
    beside['annotations'][0].pop('raw_file')
    assert_equal(beside, whole)
    assert beside['split'] == {'train': ['clip']}


# MediaPipe, Ultralytics ---------------------------------------------------------------------------


def test_mediapipe_columns_may_be_named(tmp_path, convert):
    rng = np.random.default_rng(0)
    xyzv = rng.uniform(0.1, 0.9, (3, 33, 4)).round(3).astype(np.float32)
    titles = [f'JOINT_{j}_{axis}' for j in range(33) for axis in ('x', 'y', 'z', 'visibility')]
    lines = [f'time,{",".join(titles)}']
    lines += [f'0.5,{",".join(map(str, row.ravel().tolist()))}' for row in xyzv]
    (tmp_path / 'c.csv').write_text('\n'.join(lines))
    [clip] = convert('mediapipe', tmp_path / 'c.csv', *SIZE)['annotations']
    assert_array_equal(clip['keypoint'][0], xyzv[..., :2] * np.array([W, H], np.float32))
    assert_array_equal(clip['keypoint_score'][0], xyzv[..., 3])
    [clip] = convert('mediapipe', tmp_path / 'c.csv', '--space')['annotations']
    assert_array_equal(clip['keypoint'][0], xyzv[..., :3])
    with pytest.raises(DataError, match='--img-shape'):
        convert('mediapipe', tmp_path / 'c.csv')


def test_mediapipe_types_are_parts_and_hands_without_visibility_are_seen(tmp_path, convert):
    lines = ['frame,type,landmark_index,x,y,z']
    for t in (4, 5, 6):
        lines += [f'{t},pose,{j},{j + 1},{t},0' for j in range(33)]
        lines += [f'{t},face,400,1,1,1']
        lines += [f'{t},right_hand,{j},{j + 50},{t},0' for j in range(21)] * (t == 5)
    (tmp_path / 'c.csv').write_text('\n'.join(lines))
    data = convert('mediapipe', tmp_path / 'c.csv', *SIZE)
    [clip] = data['annotations']
    assert data['layout'] == 'mediapipe_holistic75' and clip['keypoint'].shape == (1, 3, 75, 2)
    assert_array_equal(clip['keypoint'][0, 1, 54:, 0], np.arange(21) + 50)
    assert_array_equal(clip['keypoint'][0, :, 0, 1], [4, 5, 6])
    assert clip['keypoint_score'][0].sum(axis=1).tolist() == [33, 54, 33]


@pytest.mark.parametrize(
    'text',
    ['', 'a,b\n1,2', 'frame,x,y\n1,2,3', 'frame,landmark,x,y\n0,0,a,1', 'x0,y0\n1', 'x0,z0\n1,2',
     'frame,landmark,x,y\n0,-1,2,1', 'frame,landmark,x,y\n0,1,2,1\n0,1,2,1',
     'frame,landmark,x,y\n,1,2,1'],
)  # fmt: skip
def test_tables_that_are_none_of_mediapipe_are_refused(text, tmp_path, convert):
    (tmp_path / 'c.csv').write_text(text)
    with pytest.raises(DataError, match=r'c\.csv'):
        convert('mediapipe', tmp_path / 'c.csv', *SIZE)


def test_yolo_lines_need_the_picture_and_are_one_clip_a_video(tmp_path, convert):
    folder = ultralytics_txt(tmp_path, made_up(17))
    with pytest.raises(UserError, match='--img-shape'):
        convert('ultralytics', folder)
    for file in list((folder / 'labels').iterdir()):
        file.with_name(file.name.replace('clip', 'other')).write_text(file.read_text())
    data = convert('ultralytics', folder, *SIZE)
    first, second = data['annotations']
    assert [first['frame_dir'], second['frame_dir']] == ['clip', 'other']
    assert_array_equal(first['keypoint'], second['keypoint'])


def test_yolo_lines_of_other_lengths_are_refused(tmp_path, convert):
    (tmp_path / 'a_1.txt').write_text('0 ' * 56 + '\n' + '0 ' * 40)
    with pytest.raises(DataError, match='cells'):
        convert('ultralytics', tmp_path, *SIZE)


def test_mmpose_of_another_data_set_has_no_layout(tmp_path, convert):
    path = mmpose(tmp_path, made_up(17))
    data = json.loads(path.read_text())
    data['meta_info'] = {'dataset_name': 'ap10k'}
    path.write_text(json.dumps(data))
    assert 'layout' not in convert('mmpose', path)
    data = convert('mmpose', path, '--layout', 'coco17')
    assert data['layout'] == 'coco17'


def test_mediapipe_numbers_in_a_long_table_need_not_be_in_order(tmp_path, convert):
    path = mediapipe_long(tmp_path, made_up(33))
    whole = convert('mediapipe', path, *SIZE)
    header, *lines = path.read_text().splitlines()
    path.write_text('\n'.join([header, *np.random.default_rng(0).permutation(lines)]))
    assert_equal(convert('mediapipe', path, *SIZE), whole)


def test_folders_of_files_of_one_frame_each_are_clips(tmp_path, convert):
    people = made_up(17)
    frames = json.loads(mmpose(tmp_path, people).read_text())['instance_info']
    (tmp_path / 'raw' / 'clip').mkdir(parents=True)
    for t, frame in enumerate(frames):
        (tmp_path / 'raw' / 'clip' / f'{t}.json').write_text(json.dumps(frame['instances']))
    [clip] = convert('mmpose', tmp_path / 'raw')['annotations']
    assert clip['frame_dir'] == 'clip'
    assert_array_equal(clip['keypoint'], people[..., :2])

    frames = json.loads(ultralytics_json(tmp_path, people).read_text())
    for t, frame in enumerate(frames):
        (tmp_path / 'raw' / 'clip' / f'{t}.json').write_text(json.dumps(frame))
    [clip] = convert('ultralytics', tmp_path / 'raw')['annotations']
    assert_array_equal(clip['keypoint'], people[..., :2])


def test_a_list_of_results_is_read_under_the_name_of_its_joints(tmp_path, convert):
    people = made_up(136)
    path = alphapose(tmp_path, people)
    data = convert('halpe', path)
    assert data['layout'] == 'halpe136'
    assert_array_equal(data['annotations'][0]['keypoint'], people[..., :2])


def test_a_list_of_clips_in_one_file(tmp_path, convert):
    path = h2o(tmp_path, made_up(67))
    clip = json.loads(path.read_text())
    path.write_text(json.dumps([clip, {**clip, 'file_name': 'second'}, {'file_name': 'bad'}]))
    data = convert('h2o', path)
    assert [a['frame_dir'] for a in data['annotations']] == ['clip', 'second']


def test_a_file_of_another_form_is_named_with_its_command(tmp_path, convert):
    path = alphapose(tmp_path, made_up(17))
    with pytest.raises(DataError, match=r'convert\.py alphapose'):
        convert('mmpose', path)
    mmpose(tmp_path, made_up(17)).rename(tmp_path / '2.json')
    alphapose(tmp_path, made_up(17)).rename(tmp_path / '1.json')
    data = convert('mmpose', tmp_path)
    assert [a['frame_dir'] for a in data['annotations']] == ['2']


def test_rules_are_refused_before_anything_is_read(tmp_path, convert):
    nowhere = tmp_path / 'nowhere'
    for words in (['--split-by', 'vidoe'], ['--layout', 'coco'], ['--labels', tmp_path / 'no.csv']):
        with pytest.raises(UserError) as error:
            convert('mmpose', nowhere, *words)
        assert 'nowhere' not in str(error.value)


def test_names_of_classes_must_be_as_many_as_labels_need(tmp_path, convert):
    (tmp_path / 'names.txt').write_text('a\nb\n')
    path = smg(tmp_path, made_up(25))
    labels = path / 'Sample0036' / 'Sample0036_finelabels.csv'
    labels.write_text('2,3,4\n')
    words = ['smg', path, '--label-names', tmp_path / 'names.txt']
    assert convert(*words)['label_names'] == ['a', 'b']
    labels.write_text('3,3,4\n')
    with pytest.raises(UserError, match='--label-names'):
        convert(*words)


def test_a_new_form_is_one_class_with_its_options(tmp_path, convert):
    @dataclass
    class Constant(Source):
        """Text files with a number each."""

        form = 'constant'
        reads = 'numbers'
        suffixes = ('.txt',)
        layouts: ClassVar = {8: 'natops8'}
        times: int = option(1, 'factor', type=int)

        def read(self, unit):
            value = float(unit.path.read_text()) * self.times
            yield {'frame_dir': unit.name, 'keypoint': np.full((1, 2, 8, 3), value, np.float32)}

    try:
        (tmp_path / 'a.txt').write_text('2')
        data = convert('constant', tmp_path, '--times', 3)
    finally:
        del FORMS['constant']
    assert data['layout'] == 'natops8' and (data['annotations'][0]['keypoint'] == 6).all()
