"""Shapes of annotation files and values of their fields: what is read, and what is said."""

from __future__ import annotations

import logging
import pickle
from contextlib import nullcontext

import numpy as np
import pytest
from same import same

from pyskl.annotations import open_annotations, read_annotations
from pyskl.annotations.check import check_annotations
from pyskl.annotations.field_values import FieldError
from pyskl.annotations.fields import clean_fields
from pyskl.annotations.label_lists import from_one
from pyskl.errors import DataError

SHAPE = (1, 4, 3, 2)


def clip(name: str = 'a', **fields) -> dict:
    keypoint = np.arange(24, dtype=np.float32).reshape(SHAPE)
    return {'frame_dir': name, 'label': 1, 'img_shape': (100, 200), 'keypoint': keypoint, **fields}


CLIPS = [clip(name, label=k) for k, name in enumerate('abc')]


@pytest.fixture
def opened(tmp_path, caplog):
    """Write a file; return its clips, and the warnings of opening it."""

    def open_(data, split=None):
        (tmp_path / 'x.pkl').write_bytes(pickle.dumps(data))
        caplog.clear()
        with caplog.at_level(logging.WARNING, 'pyskl'):
            clips = open_annotations(tmp_path / 'x.pkl')
            clips = clips if split is None else clips.split(split)
            names = list(clips.ids)
        return names, [record.getMessage() for record in caplog.records]

    return open_


def nameless(a: dict) -> dict:
    return {k: v for k, v in a.items() if k != 'frame_dir'}


@pytest.mark.parametrize(
    'data, split, names',
    [
        (CLIPS, None, 'abc'),
        (CLIPS[0], None, 'a'),
        ({'annotations': {a['frame_dir']: a for a in CLIPS}}, None, 'abc'),
        ({a['frame_dir']: nameless(a) for a in CLIPS}, None, 'abc'),
        ({'train': CLIPS[:2], 'val': CLIPS[2:]}, 'train', 'ab'),
        ({'train': CLIPS[:2], 'val': CLIPS[2:], 'label_names': list('xyz')}, 'val', 'c'),
        ({'split': {'train': [0, 2]}, 'annotations': CLIPS}, 'train', 'ac'),
        ({'split': {'train': np.array([2, 1])}, 'annotations': CLIPS}, 'train', 'bc'),
        ({'split': {'train': ['a.mp4', 'videos/c.avi']}, 'annotations': CLIPS}, 'train', 'ac'),
    ],
)
def test_every_shape_is_read_and_said_once(opened, data, split, names):
    found, warnings = opened(data, split)
    assert found == list(names)
    assert len(warnings) == (0 if data is CLIPS else 1)
    assert opened(data, split)[1] == []


@pytest.mark.parametrize(
    'data, words',
    [
        ({'split': {'train': [0, 3]}, 'annotations': CLIPS}, ["'train'[1] is 3", 'frame_dir']),
        ({'train': CLIPS, 'val': CLIPS[:1]}, ['frame_dir a', 'join.py', '--rename-repeated']),
        ([{'frame_dir': 'a', 'label': 0}, clip('b')], ['clip a', 'keypoint is missing']),
    ],
)
def test_what_cannot_be_read_names_the_way_out(opened, data, words):
    with pytest.raises(DataError) as error:
        opened(data)
    assert all(word in str(error.value) for word in words)


def test_a_split_that_is_not_there_names_the_ways_out(opened):
    with pytest.raises(DataError, match=r'split out of the config.*join\.py .* --split-by'):
        opened(CLIPS, 'train')
    data = {'split': {'xsub_train': ['a']}, 'annotations': CLIPS}
    with pytest.raises(DataError, match=r"'xsub_train'.*join\.py"):
        opened(data, 'train')
    with pytest.raises(DataError, match=r"'xsub_train'.*--no-validate"):
        opened(data, 'val')


def test_a_split_that_lists_clips_that_are_not_there_warns_with_their_names(opened):
    data = {'split': {'train': ['a', 'v_90', 'v_91', 'b']}, 'annotations': CLIPS}
    names, (warning,) = opened(data, 'train')
    assert names == ['a', 'b'] and 'v_90, v_91' in warning and '2 of 4' in warning


def objects(array: np.ndarray) -> np.ndarray:
    made = np.empty(len(array), object)
    made[:] = list(array)
    return made


KEYPOINT = clip()['keypoint']


ONES = np.ones(SHAPE[:3], np.float32)


@pytest.mark.parametrize(
    'fields, field, value, num_notes',
    [
        ({'frame_dir': np.str_('b')}, 'frame_dir', 'b', 0),
        ({}, 'total_frames', 4, 0),
        ({'total_frames': 7}, 'total_frames', 4, 1),
        ({'total_frames': 3.0}, 'total_frames', 3, 0),
        ({'total_frames': np.array([3])}, 'total_frames', 3, 0),
        ({'total_frames': np.float32(3)}, 'total_frames', 3, 0),
        ({'label': None}, 'label', -1, 0),
        ({'label': '2'}, 'label', 2, 1),
        ({'label': 2.0}, 'label', 2, 0),
        ({'label': np.int64(2)}, 'label', 2, 0),
        ({'label': np.array(2)}, 'label', 2, 0),
        ({'label': np.array([2])}, 'label', 2, 0),
        ({'label': np.array([[2.0]])}, 'label', 2, 0),
        ({'label': [2, np.int64(1)]}, 'label', [2, 1], 0),
        ({'label': (3, 1)}, 'label', [3, 1], 0),
        ({'label': np.array([3, 1], np.int16)}, 'label', [3, 1], 0),
        ({'label': np.array([])}, 'label', [], 0),
        ({'label': [2.0]}, 'label', 2, 0),
        ({'label': '-1'}, 'label', -1, 1),
        ({'img_shape': '(240, 320)'}, 'img_shape', (240, 320), 1),
        ({'img_shape': np.array([240.0, 320.0])}, 'img_shape', (240, 320), 0),
        ({'img_shape': [240, 320, 3]}, 'img_shape', (240, 320), 0),
        ({}, 'original_shape', (100, 200), 0),
        ({'img_shape': None, 'original_shape': (240, 320)}, 'img_shape', (240, 320), 0),
        ({'keypoint': KEYPOINT.tolist()}, 'keypoint', KEYPOINT, 1),
        ({'keypoint': list(KEYPOINT)}, 'keypoint', KEYPOINT, 1),
        ({'keypoint': objects(KEYPOINT)}, 'keypoint', KEYPOINT, 1),
        *(
            ({'keypoint': KEYPOINT.astype(kind)}, 'keypoint', KEYPOINT, kind == 'O')
            for kind in ('O', 'f2', 'i4', '>f8')
        ),
        ({'keypoint': np.repeat(KEYPOINT, 2, -1)[..., 1:]}, 'keypoint_score', ONES, 0),
        ({}, 'keypoint_score', ONES, 0),
        ({'keypoint_score': ONES.astype(np.float16)}, 'keypoint_score', ONES, 0),
        ({'keypoint_score': ONES.tolist()}, 'keypoint_score', ONES, 1),
    ],
)
def test_what_is_exact_is_taken_and_what_is_not_is_noted(fields, field, value, num_notes):
    notes: list[str] = []
    same(clean_fields(clip(**fields), notes.append)[field], value)
    assert len(notes) == num_notes


def test_other_names_and_no_sizes_will_do():
    clean = clean_fields(nameless(clip(filename='b', img_shape=None)))
    assert clean['frame_dir'] == 'b' and not {'img_shape', 'original_shape'} & clean.keys()


@pytest.mark.parametrize(
    'fields, words',
    [
        ({'label': 'wave'}, ["'wave'", 'join.py']),
        ({'label': [0.0, 1.0]}, ['flatnonzero']),
        ({'keypoint': []}, ['nobody', 'Leave', 'zeros']),
        ({'keypoint': np.zeros(0)}, ['nobody', 'Leave', 'zeros']),
        ({'keypoint': np.zeros((1, 0, 3, 2))}, ['no frames', 'Leave']),
        ({'keypoint': [[[[1, 2]], [[1, 2], [3, 4]]]]}, ['differ in length']),
        ({'keypoint': KEYPOINT[0]}, ['keypoint[None]']),
        ({'keypoint': np.zeros((8, 3, 3)), 'total_frames': 4}, ['frame_inds (8,)']),
        ({'keypoint': np.full(SHAPE, np.nan)}, ['NaN', 'missing joint']),
        ({'keypoint': None, 'raw_file': 'x.pkl'}, ['raw_file', 'k400']),
    ],
)
def test_what_is_wrong_is_named_with_the_cure(fields, words):
    with pytest.raises(FieldError) as error:
        clean_fields(clip(**fields))
    message = str(error.value)
    assert all(word in message for word in words)
    assert ('[None]' in message) == ('keypoint[None]' in words)


def test_boxes_in_other_types_are_read():
    boxes = {
        'keypoint': np.ones((3, 2, 3)).tolist(),
        'frame_inds': [0.0, 1.0, 1.0],
        'total_frames': 2.0,
    }
    clean = clean_fields({'frame_dir': 'a', **boxes})
    assert clean['keypoint'].shape == (3, 2, 3) and clean['total_frames'] == 2
    assert clean['frame_inds'].tolist() == [0, 1, 1] and clean['frame_inds'].dtype == np.int64


def swapped(name: str, num_frames: int, **fields) -> dict:
    return clip(name, keypoint=np.ones((1, 5, num_frames, 2)), total_frames=num_frames, **fields)


@pytest.mark.parametrize(
    'clips, wrong',
    [
        ([swapped('a', 4), swapped('b', 7)], True),
        ([swapped('a', 7)], True),
        ([swapped('a', 4)], False),
        ([swapped('a', 5), swapped('b', 5)], False),
        ([swapped('a', 4), clip('b', keypoint=np.ones((1, 5, 4, 2)), total_frames=5)], False),
    ],
)
def test_frames_and_joints_the_other_way_round_are_said(tmp_path, clips, wrong):
    (tmp_path / 'x.pkl').write_bytes(pickle.dumps(clips))
    said = pytest.raises(DataError, match='swapped.*--fix') if wrong else nullcontext()
    with said:
        assert len(read_annotations(tmp_path / 'x.pkl')['annotations']) == len(clips)


@pytest.mark.parametrize(
    'labels, counts',
    [
        ([1, 2, 2], True),
        ([1, 2, -1], True),
        *((labels, False) for labels in ([0, 2], [2, 2], [1, 3], [-1], [])),
    ],
)
def test_labels_that_count_from_one_are_known(labels, counts):
    advice = from_one(np.array(labels, np.int64), 2, 'x.pkl')
    assert ('tools/join.py x.pkl -o OUT.pkl --first-label 1' in advice) == counts == bool(advice)


def test_clips_without_labels_or_sizes_name_the_command_that_adds_them():
    bare = [{'frame_dir': name, 'keypoint': KEYPOINT} for name in 'ab']
    report = check_annotations({'annotations': bare})
    assert any('img_shape' in e and '--img-shape' in e for e in report.errors)
    assert any('--labels' in w and '--split-by' in w for w in report.warnings)
