"""tools/readlabel.py: placeholder labels, what is written, raw arrays under other names."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from imigue_release import convert, csv, labels, noses, points, readlabel, rows, video

from pyskl.annotations.field_values import NO_LABEL
from pyskl.errors import DataError, UserError
from pyskl.labels import IMIGUE_LABELS

# Labels of test
# ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    'text',
    ['0,1,4\n0,5,9\n', '1,4\n5,9\n', 'start,end\n1,4\n5,9\n', '-1,1,4\n-1,5,9\n', ',1,4\n,5,9\n'],
)
def test_test_rows_without_a_class_are_clips_without_labels(text, tmp_path):
    video(tmp_path / 'csv', labels=text)
    data = convert(tmp_path / 'csv', '--splits', 'test')['test']
    assert labels(data) == {'0187_0': NO_LABEL, '0187_1': NO_LABEL}
    assert noses(data, '0187_0') == [961, 962, 963, 964]


def test_train_rows_without_a_class_are_an_error(tmp_path):
    video(tmp_path / 'csv', labels='1,4\n')
    with pytest.raises(DataError, match='class id is missing'):
        convert(tmp_path / 'csv')


def test_equal_labels_of_test_beside_train_are_dummies_unless_kept(tmp_path, capsys):
    video(tmp_path / 'r' / 'train', '0001')
    video(tmp_path / 'r' / 'test', '0002', labels='1,1,4\n1,5,9\n')
    assert labels(convert(tmp_path / 'r')['test']) == {'0002_0': NO_LABEL, '0002_1': NO_LABEL}
    assert '--keep-labels' in capsys.readouterr().out
    assert labels(convert(tmp_path / 'r', '--keep-labels')['test']) == {'0002_0': 0, '0002_1': 0}


def test_class_numbers_in_place_of_ids_are_refused(tmp_path):
    video(tmp_path / 'csv', labels=csv([(c, 1, 4) for c in (0, 30, 31) * 10]))
    with pytest.raises(DataError, match='class numbers'):
        convert(tmp_path / 'csv')


# What is written
# -----------------------------------------------------------------------------------


def test_the_files_name_the_classes_and_the_layout_that_was_measured(tmp_path, capsys):
    video(tmp_path / 'left')
    data = convert(tmp_path / 'left')['train']
    assert data['label_names'] == list(IMIGUE_LABELS) and data['layout'] == 'imigue22'
    assert 'left wrist' in (out := capsys.readouterr().out) and 'warning' not in out
    video(tmp_path / 'right', table=rows(points(first_hand='right')))
    data = convert(tmp_path / 'right')['train']
    assert data['layout'] == {'name': 'imigue22', 'first_hand': 'right'}
    assert 'right wrist' in (out := capsys.readouterr().out) and 'warning' in out


def test_a_picture_that_the_joints_leave_is_replaced_by_a_larger_one(tmp_path, capsys):
    large = points() * (2, 2, 1)
    video(tmp_path / 'csv', table=rows(large))
    assert convert(tmp_path / 'csv')['train']['annotations'][0]['img_shape'] == (1440, 2560)
    assert 'warning' in capsys.readouterr().out
    told = convert(tmp_path / 'csv', '--img-shape', 1080, 1920)['train']['annotations'][0]
    assert told['img_shape'] == (1080, 1920) and 'outside the picture' in capsys.readouterr().out


def test_coordinates_that_are_no_pixels_are_warned_about(tmp_path, capsys):
    video(tmp_path / 'csv', table=rows(points() / (1920, 1080, 1)))
    convert(tmp_path / 'csv')
    assert 'not pixels' in capsys.readouterr().out


# Raw arrays under other names
# ----------------------------------------------------------------------


def raw(folder: Path, data: str, label: str, classes: list | None) -> None:
    folder.mkdir(exist_ok=True)
    n = len(classes) if classes else 3
    array = np.random.default_rng(0).uniform(0, 1, (n, 3, 6, 22, 1)).astype(np.float32)
    array[:, :2] *= 900
    np.save(folder / data, array)
    (folder / label).write_bytes(pickle.dumps(([f'0054_{i}' for i in range(n)], classes)))


@pytest.mark.parametrize(
    'word, split', [('valid', 'val'), ('validate', 'val'), ('VAL', 'val'), ('Train', 'train')]
)
def test_raw_arrays_are_found_under_every_name(word, split, tmp_path):
    raw(tmp_path / 'raw', f'{word}_data.npy', f'{word}_label.pkl', [0, 1, 2])
    assert labels(convert(tmp_path / 'raw')[split]) == {'0054_0': 0, '0054_1': 1, '0054_2': 2}


@pytest.mark.parametrize('classes', [[-1, -1, -1], [], None, [0, 0, 0]])
def test_raw_test_labels_that_say_nothing_are_none(classes, tmp_path):
    raw(tmp_path / 'raw', 'test_data.npy', 'test_label.pkl', classes)
    assert set(labels(convert(tmp_path / 'raw')['test']).values()) == {NO_LABEL}


def test_a_pipe_is_no_list_of_videos(tmp_path):
    raw(tmp_path / 'raw', 'train_data.npy', 'train_label.pkl', [0, 1, 2])
    os.mkfifo(tmp_path / 'ids')
    with pytest.raises(DataError, match='regular file'):
        convert(tmp_path / 'raw', '--val-videos', tmp_path / 'ids')


def test_a_second_array_of_a_split_is_left_out_by_name(tmp_path, capsys):
    raw(tmp_path / 'raw', 'val_data.npy', 'val_label.pkl', [0, 1, 2])
    raw(tmp_path / 'raw', 'valid_data.npy', 'valid_label.pkl', [3, 4, 5])
    assert set(labels(convert(tmp_path / 'raw')['val']).values()) == {0, 1, 2}
    assert 'valid_data.npy' in capsys.readouterr().out


def test_raw_labels_are_found_by_another_word_or_named_without_their_array(tmp_path, capsys):
    raw(tmp_path / 'raw', 'valid_data.npy', 'val_label.pkl', [0, 1, 2])
    raw(tmp_path / 'raw', 'train_data.npy', 'test_label.pkl', [0, 1, 2])
    data = convert(tmp_path / 'raw')
    assert '0054_0' in labels(data['val']) and 'train_0' in labels(data['train'])
    assert 'test_label.pkl' in capsys.readouterr().out


def test_raw_arrays_go_before_videos_of_the_same_split(tmp_path, capsys):
    raw(tmp_path / 'raw', 'train_data.npy', 'train_label.pkl', [0, 1, 2])
    video(tmp_path / 'raw')
    data = convert(tmp_path / 'raw')['train']
    assert '0054_0' in labels(data) and 'label_names' not in data
    assert '--csv' in capsys.readouterr().out


def test_labels_by_id_mod_99_are_noticed_and_turned(tmp_path, capsys):
    classes = [0] * 20 + [31] * 8 + [5, 17, 5, 17]
    raw(tmp_path / 'raw', 'train_data.npy', 'train_label.pkl', classes)
    assert list(labels(convert(tmp_path / 'raw')['train']).values()) == classes
    assert 'id % 99' in capsys.readouterr().out
    turned = labels(convert(tmp_path / 'raw', '--class-order', 'id%99')['train'])
    assert list(turned.values()) == [31] * 20 + [30] * 8 + [4, 16, 4, 16]
    assert 'look like' not in capsys.readouterr().out


def test_metres_of_kinect_are_refused(tmp_path):
    np.save(tmp_path / 'train_data.npy', np.random.default_rng(0).normal(size=(3, 3, 6, 25, 1)))
    with pytest.raises(DataError, match='convert.py smg'):
        convert(tmp_path)


def test_faulty_arrays_of_all_splits_are_named_at_once(tmp_path):
    for split in ('train', 'test'):
        np.save(tmp_path / f'{split}_data.npy', np.full((3, 3, 6, 22, 1), np.nan))
    with pytest.raises(DataError) as error:
        convert(tmp_path)
    assert all(word in str(error.value) for word in ('train_data.npy', 'train_2', 'test_data.npy'))


def test_paths_beside_the_old_options_are_refused(tmp_path):
    with pytest.raises(UserError, match='PATH'):
        readlabel.main([str(tmp_path), '--csv', str(tmp_path)])
