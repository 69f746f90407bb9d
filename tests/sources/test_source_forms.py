"""Details of each form: SMG's gestures, NTU's pickles and npz, MediaPipe's tables, YOLO ..."""

import json
import pickle
import re
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from natops_files import HEADER, ts_file
from natops_files import made_up as natops_clips
from numpy.testing import assert_array_equal, assert_equal
from raw_forms import (
    H,
    W,
    alphapose,
    h2o,
    k400,
    made_up,
    mediapipe_long,
    mediapipe_wide,
    mmpose,
    smg,
    ultralytics_json,
    ultralytics_txt,
)
from tiny import script

from pyskl.annotations import read_annotations
from pyskl.errors import DataError, UserError
from pyskl.sources.natops import CLASSES
from pyskl.sources.source import FORMS, Source, option

SIZE = ('--img-shape', H, W)
SMG_LABELS = 'Sample0036/Sample0036_finelabels.csv'


# SMG ----------------------------------------------------------------------------------------------


def test_smg_gestures_are_cut_by_frames_from_1_and_bad_rows_left_out(tmp_path, capsys, convert):
    people = made_up(25)[0]
    smg(tmp_path, people[None])
    (tmp_path / SMG_LABELS).write_text('17,3,4\n18,3,4\n2,10,9\n5,9,12\n1,90,95\n')
    data = convert('smg', tmp_path)
    first, cut = data['annotations']
    assert [(c['frame_dir'], c['label']) for c in (first, cut)] == [
        ('Sample0036_0', 16),
        ('Sample0036_3', 4),
    ]
    assert_array_equal(first['keypoint'][0], people[:2, :, :2])
    assert_array_equal(cut['keypoint'][0], people[6:, :, :2])
    out = capsys.readouterr().out
    assert '3 left out in all' in out and 'Sample0036_3' in out
    assert data['split'] == {'test': ['Sample0036_0', 'Sample0036_3']}


def test_smg_in_space_has_metres_and_no_picture(tmp_path, convert):
    people = made_up(25)
    [clip] = convert('smg', '--space', smg(tmp_path, people))['annotations']
    assert_array_equal(clip['keypoint'], people[:1])
    assert 'img_shape' not in clip


def test_smg_tables_may_have_a_header_and_empty_cells(tmp_path, convert):
    wanted = made_up(25)[:1, ..., :2]
    table = smg(tmp_path, made_up(25)) / 'Sample0036' / 'Sample0036_skeleton.csv'
    lines = table.read_text().splitlines()
    cells = lines[4].split(',')
    cells[11 * 3 + 7], wanted[0, 2, 3] = '', 0
    lines[4] = ','.join(cells)
    table.write_text('\n'.join([','.join(f'c{i}' for i in range(275)), *lines]))
    [clip] = convert('smg', tmp_path)['annotations']
    assert_array_equal(clip['keypoint'], wanted)
    assert clip['keypoint_score'][0, 2, 3] == 0


def test_smg_arrays_are_metres(tmp_path, convert):
    values = np.random.default_rng(0).normal(size=(2, 3, 6, 25, 1)).astype(np.float32)
    np.save(tmp_path / 'train_data.npy', values)
    names = ['0001_0', '0001_1']
    (tmp_path / 'train_label.pkl').write_bytes(pickle.dumps((names, [3, 16])))
    data = convert('smg', tmp_path)
    assert [a['label'] for a in data['annotations']] == [3, 16] and data['split'] == {
        'train': names
    }
    assert_array_equal(
        [a['keypoint'] for a in data['annotations']], values.transpose(0, 4, 2, 3, 1)
    )
    with pytest.raises(UserError, match='csv'):
        convert('smg', tmp_path, '--pixels')


# NATOPS, Kinetics-400 -----------------------------------------------------------------------------


def test_natops_is_what_convert_natops_makes(tmp_path, convert):
    header = HEADER.replace('2.0', ' '.join(f'{k}.0' for k in range(2, 7)))
    files = []
    for name, num_clips in (('NATOPS_TRAIN', 12), ('NATOPS_TEST', 6)):
        labels = [f'{i % 6 + 1}.0' for i in range(num_clips)]
        files.append(ts_file(tmp_path / f'{name}.ts', natops_clips(num_clips), labels, header))
    script('convert_natops').main([*map(str, files), '--out-dir', str(tmp_path)])
    for projection in ('xy', 'xyz'):
        data = convert('natops', *files[::-1], '--projection', projection)
        assert_equal(data, read_annotations(tmp_path / f'natops_{projection}.pkl'))
        assert data['label_names'] == list(CLASSES) and data['layout'] == 'natops8'


def test_k400_key_points_may_lie_beside(tmp_path, convert):
    path = k400(tmp_path, made_up(17))
    whole = convert('k400', path)
    content = pickle.loads(path.read_bytes())
    clip = content['annotations'][0]
    boxes, clip['raw_file'] = clip.pop('keypoint'), '/data/k400/part_3.pkl'
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(DataError, match='--kpfiles'):
        convert('k400', path)
    (tmp_path / 'part_3.pkl').write_bytes(pickle.dumps({'clip': boxes}))
    beside = convert('k400', path, '--kpfiles', tmp_path)
    del beside['annotations'][0]['raw_file']
    assert_equal(beside, whole)
    assert beside['split'] == {'train': ['clip']}


# MediaPipe, Ultralytics ---------------------------------------------------------------------------


def test_mediapipe_columns_may_be_named(tmp_path, convert):
    path = mediapipe_wide(tmp_path, made_up(75))
    [clip] = convert('mediapipe', path, *SIZE)['annotations']
    header, *lines = path.read_text().splitlines()
    header = 'time,' + re.sub(r'([xy])(\d+)', r'JOINT_\2_\1', header)
    header = re.sub(r'v(\d+)', r'JOINT_\1_visibility', header)
    path.write_text('\n'.join([header, *(f'0.5,{line}' for line in lines)]))
    [named] = convert('mediapipe', path, *SIZE)['annotations']
    assert_equal(named, clip)
    [in_space] = convert('mediapipe', path, '--space')['annotations']
    assert_array_equal(in_space['keypoint'][..., :2], clip['keypoint'])
    assert 'img_shape' not in in_space


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
    for file in [*(folder / 'labels').iterdir()]:
        file.with_name(file.name.replace('clip', 'other')).write_text(file.read_text())
    first, second = convert('ultralytics', folder, *SIZE)['annotations']
    assert second['frame_dir'] == 'other'
    assert_equal({**second, 'frame_dir': 'clip'}, first)


def test_yolo_lines_of_other_lengths_are_refused(tmp_path, convert):
    (tmp_path / 'a_1.txt').write_text('0 ' * 56 + '\n' + '0 ' * 40)
    with pytest.raises(DataError, match='cells'):
        convert('ultralytics', tmp_path, *SIZE)


def test_mmpose_of_another_data_set_has_no_layout(tmp_path, convert):
    path = mmpose(tmp_path, made_up(17))
    path.write_text(
        path.read_text().replace('"meta_info": {', '"meta_info": {"dataset_name": "ap10k"')
    )
    assert 'layout' not in convert('mmpose', path)
    assert convert('mmpose', path, '--layout', 'coco17')['layout'] == 'coco17'


def test_mediapipe_numbers_in_a_long_table_need_not_be_in_order(tmp_path, convert):
    path = mediapipe_long(tmp_path, made_up(33))
    whole = convert('mediapipe', path, *SIZE)
    header, *lines = path.read_text().splitlines()
    path.write_text('\n'.join([header, *lines[::-1]]))
    assert_equal(convert('mediapipe', path, *SIZE), whole)


@pytest.mark.parametrize('form', ['mmpose', 'ultralytics'])
def test_folders_of_files_of_one_frame_each_are_clips(form, tmp_path, convert):
    write = mmpose if form == 'mmpose' else ultralytics_json
    data = json.loads(write(tmp_path, made_up(17)).read_text())
    frames = [f['instances'] for f in data['instance_info']] if form == 'mmpose' else data
    (tmp_path / 'raw' / 'walk').mkdir(parents=True)
    for t, frame in enumerate(frames):
        (tmp_path / 'raw' / 'walk' / f'{t}.json').write_text(json.dumps(frame))
    [clip] = convert(form, tmp_path / 'raw')['annotations']
    assert clip['frame_dir'] == 'walk'
    assert_array_equal(clip['keypoint'], made_up(17)[..., :2])


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
    with pytest.raises(DataError, match=r'convert\.py alphapose'):
        convert('mmpose', alphapose(tmp_path, made_up(17)))


def test_rules_are_refused_before_anything_is_read(tmp_path, convert):
    nowhere = tmp_path / 'nowhere'
    for words in (['--split-by', 'vidoe'], ['--layout', 'coco'], ['--labels', tmp_path / 'no.csv']):
        with pytest.raises(UserError) as error:
            convert('mmpose', nowhere, *words)
        assert 'nowhere' not in str(error.value)


def test_names_of_classes_must_be_as_many_as_labels_need(tmp_path, convert):
    (tmp_path / 'names.txt').write_text('a\nb\n')
    words = ['smg', smg(tmp_path, made_up(25)), '--label-names', tmp_path / 'names.txt']
    assert convert(*words)['label_names'] == ['a', 'b']
    (tmp_path / SMG_LABELS).write_text('3,3,4\n')
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
