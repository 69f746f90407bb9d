"""The annotation pickle: what fields may be, errors for what they may not, atomic writes."""

from __future__ import annotations

import os
import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
from goldens import SMALL
from same import same

from pyskl.annotations import make_annotation, read_annotations, write_annotations
from pyskl.annotations.check import check_annotations
from pyskl.annotations.store import clean_annotations
from pyskl.errors import DataError
from pyskl.files import load_pickle


def annotation(name: str = 'a', **fields) -> dict:
    """A small right one: 1 person, 4 frames, 3 joints."""
    rng = np.random.default_rng(0)
    return {
        'frame_dir': name,
        'label': 1,
        'img_shape': (480, 640),
        'original_shape': (480, 640),
        'total_frames': 4,
        'keypoint': rng.uniform(0, 480, (1, 4, 3, 2)).astype(np.float32),
        'keypoint_score': rng.uniform(0, 1, (1, 4, 3)).astype(np.float32),
        **fields,
    }


def read(clip: dict) -> dict:
    return clean_annotations([clip], 'x.pkl')['annotations'][0]


def test_a_golden_file_is_read_unchanged():
    path = SMALL / 'raw' / 'imigue_val.pkl'
    same(read_annotations(path), pickle.loads(path.read_bytes()))


def test_what_is_written_is_read_again(tmp_path):
    data = {
        'split': {'train': ['a'], 'val': ['b']},
        'annotations': [annotation('a'), annotation('b', extra=[1, 'x'])],
    }
    write_annotations(tmp_path / 'x.pkl', **data)
    same(read_annotations(tmp_path / 'x.pkl'), data)
    same(pickle.loads((tmp_path / 'x.pkl').read_bytes()), data)


def test_right_arrays_are_not_copied():
    clip = annotation()
    assert read(clip)['keypoint'] is clip['keypoint']


def test_nobody_in_a_clip_is_one_person_of_zeros():
    clip = read(
        annotation(keypoint=np.zeros((0, 4, 3, 2), np.float16), keypoint_score=np.zeros((0, 4, 3)))
    )
    same(clip['keypoint'], np.zeros((1, 4, 3, 2), np.float32))
    same(clip['keypoint_score'], np.zeros((1, 4, 3), np.float32))


def holding(value: float, field: str = 'keypoint') -> np.ndarray:
    array = annotation()[field].astype(np.float64)
    array.flat[5] = value
    return array


WRONG_FIELDS = {
    'frame_dir': (7, '', None, 'a\nb', b'a', ['a']),
    'keypoint': (
        np.full((1, 4, 3, 2), 'a', object),
        *(None, [[1, 2]], 3.5, np.array(1.0), holding(np.nan), holding(np.inf), holding(1e300)),
        *map(np.zeros, ((4, 3, 2), (1, 4, 3, 4), (1, 0, 3, 2), (1, 4, 0, 2))),
        *(np.zeros((1, 4, 3, 2), kind) for kind in (complex, bool, 'U1')),
    ),
    'keypoint_score': (
        *([1], holding(np.nan, 'keypoint_score')),
        *(np.zeros((1, 4, 2)), np.zeros((1, 4, 3, 1)), np.zeros((1, 4, 3), 'S1')),
    ),
    'label': (
        *(True, 1.5, [-1], -2, 2**40, np.array('a'), np.eye(2, dtype=int)),
        *([0, 1, 0], [1, -1], [1, 2.0], [True, False], [[1, 2]], ['1'], [2**31]),
    ),
    'total_frames': (0, 0.0, '4', True, -1, np.array([1, 2])),
    'img_shape': (
        *((480,), (0, 640), (480, -1), (480.5, 640), ('480', '640'), 480, (np.nan, 640)),
        *((480, np.inf), (True, 640), np.zeros((2, 2)), (1j, 640), '240x320'),
    ),
    'original_shape': ((480, 0), {}),
}


@pytest.mark.parametrize(
    'field, value', [(field, value) for field, values in WRONG_FIELDS.items() for value in values]
)
def test_a_wrong_field_is_named_with_file_clip_and_what_was_expected(field, value):
    clips = [annotation('first'), annotation('second', **{field: value})]
    with pytest.raises(DataError) as error:
        clean_annotations(clips, 'x.pkl')
    message = str(error.value)
    assert message.startswith('x.pkl: ') and len(message) < 400
    assert 'annotations[1]' in message and f': {field} ' in message
    assert field == 'frame_dir' or 'clip second' in message
    assert any(word in message for word in ('Expected', 'Leave', 'missing joint'))


def one(split) -> dict:
    return {'split': split, 'annotations': [annotation()]}


@pytest.mark.parametrize(
    'data, words',
    [
        (None, 'None'),
        (3, '3'),
        ('abc', 'abc'),
        ({}, '{}'),
        ({'annotations': 3}, 'annotations'),
        ({'split': {}}, 'split'),
        ({'annotations': {'a': 1}}, 'annotations'),
        ([], 'no annotations'),
        ({'split': {}, 'annotations': []}, 'no annotations'),
        ([3], 'annotations[0]'),
        ([annotation(), None], 'annotations[1]'),
        (np.zeros(3), 'float64'),
        (one([1]), "'split'"),
        (one({1: ['a']}), "'split'"),
        (one({'train': 'a'}), "'train'"),
        (one({'train': [1]}), "'train'[0]"),
        (one({'train': [0.5]}), "'train'[0]"),
        (one({'train': np.zeros((2, 2))}), "'train'"),
        (list(map(annotation, 'aba')), 'frame_dir a'),
        (
            [
                *map(annotation, 'ab'),
                annotation('c', keypoint=np.ones((1, 4, 5, 2)), keypoint_score=None),
            ],
            'clip c',
        ),
        ([*map(annotation, 'ab'), annotation('c', keypoint=np.ones((1, 4, 3, 3)))], 'clip c'),
    ],
)
def test_a_wrong_whole_is_said(data, words):
    with pytest.raises(DataError) as error:
        clean_annotations(data, 'x.pkl')
    assert str(error.value).startswith('x.pkl: ') and words in str(error.value)


@pytest.mark.parametrize(
    'members', [('a', 'b'), np.array(['a', 'b']), {'b', 'a'}, ['a', np.str_('b')]]
)
def test_split_members_become_a_list_of_texts(members):
    same(clean_annotations(one({'train': members}), 'x')['split'], {'train': ['a', 'b']})


def test_a_split_of_nothing_and_an_ordered_dict_are_fine():
    data = OrderedDict(annotations=(annotation(),), split=None)
    assert clean_annotations(data, 'x')['split'] == {}


def test_endless_and_nested_values_are_named_in_one_line():
    endless: list = []
    endless.append(endless)
    laughs: object = ['ha']
    for _ in range(40):
        laughs = [laughs, laughs]
    array = np.empty((), object)
    array[()] = laughs
    mapping = OrderedDict(a=laughs)
    for value in (endless, laughs, mapping, dict(mapping), array, 'x' * 10**6, b'x' * 10**6):
        wholes = [value, one(value), one({'t': [value]})]
        for data in wholes + [[annotation(**{field: value})] for field in annotation()]:
            try:
                clean_annotations(data, 'x')
            except DataError as error:
                assert len(str(error)) < 500


def test_nothing_is_written_where_the_data_are_wrong(tmp_path):
    path = tmp_path / 'x.pkl'
    path.write_bytes(b'before')
    with pytest.raises(DataError):
        write_annotations(path, {}, [annotation(label='x')])
    assert path.read_bytes() == b'before' and os.listdir(tmp_path) == ['x.pkl']


# Your own data
# --------------------------------------------------------------------------------------------------


def test_own_key_points_become_an_annotation_that_reads_back_unchanged():
    keypoint = np.full((2, 90, 22, 2), 50)
    clip = make_annotation('a', keypoint, np.full((2, 90, 22), 0.5), 3, img_shape=(720, 1280))
    same(read(clip), clip)
    assert list(clip) == list(annotation())
    assert clip['total_frames'] == 90 and clip['label'] == 3
    assert clip['img_shape'] == clip['original_shape'] == (720, 1280)
    clip = make_annotation('a', keypoint, img_shape=(720, 1280))
    assert clip['keypoint_score'].min() == 1 and clip['label'] == -1


def test_one_person_and_a_score_as_third_column_will_do():
    triples = np.random.default_rng(0).uniform(0, 1, (5, 3, 3))
    clip = make_annotation('a', triples, img_shape=(9, 9))
    same(clip['keypoint'], triples[None, ..., :2].astype(np.float32))
    same(clip['keypoint_score'], triples[None, ..., 2].astype(np.float32))
    same(make_annotation('a', triples[..., :2], triples[..., 2], img_shape=(9, 9)), clip)
    same(make_annotation('a', triples[None].tolist(), img_shape=(9, 9)), clip)


@pytest.mark.parametrize(('axes', 'img_shape'), [(2, (9, 9)), (3, None)])
def test_a_nan_joint_of_ones_own_is_a_missing_joint(axes, img_shape):
    given = np.ones((1, 5, 3, axes))
    given[0, 2, 1, 0] = np.nan
    before = given.copy()
    clip = make_annotation('a', given, img_shape=img_shape)
    assert not clip['keypoint'][0, 2, 1].any() and clip['keypoint'].sum() == 14 * axes
    assert clip['keypoint_score'][0, 2, 1] == 0 and clip['keypoint_score'].sum() == 14
    np.testing.assert_array_equal(given, before)


def test_without_a_picture_the_third_coordinate_stays_z():
    xyz = np.random.default_rng(0).normal(0, 1, (5, 3, 3)).astype(np.float32)
    clip = make_annotation('a', xyz, np.full((5, 3), 0.5), label=2, img_shape=None)
    same(read(clip), clip)
    assert 'img_shape' not in clip and clip['keypoint_score'].max() == 0.5
    same(clip['keypoint'], xyz[None])


@pytest.mark.parametrize(
    ('scale', 'third', 'size', 'words'),
    [
        (1, 0.5, (480, 640), 'look normalised(.|\n)*x \\* width and y \\* height'),
        (5, 0.5, (480, 640), 'look like metres'),
        (1, 2.3, (480, 640), 'x, y, z in space(.|\n)*img_shape=None'),
        (5, -0.5, (480, 640), 'x, y, z in space'),
    ],
)
def test_what_cannot_be_pixels_is_refused(scale, third, size, words):
    keypoint = np.random.default_rng(0).uniform(0.1, 1, (2, 5, 3, 3)) * scale
    keypoint[..., 2] = third
    with pytest.raises(DataError, match=f'^clip a: .*{words}'):
        make_annotation('a', keypoint, img_shape=size)


def test_scores_of_another_scale_are_kept_and_named_once(caplog, monkeypatch):
    monkeypatch.setattr('pyskl.annotations.notes._warned', set())
    for name in 'ab':
        clip = make_annotation(
            name, np.full((5, 3, 2), 50), np.full((5, 3), 90), img_shape=(480, 640)
        )
        assert clip['keypoint_score'].max() == 90
    (said,) = set(caplog.messages)
    assert said.startswith('clip a: keypoint_score outside 0..1') and 'by 100' in said


@pytest.mark.parametrize(
    'arguments, words',
    [
        (dict(keypoint=np.zeros((5, 2))), 'keypoint has shape'),
        (dict(keypoint='abc'), 'no array of numbers'),
        (dict(keypoint=[[1, 2], [3]]), 'no array of numbers'),
        (dict(score=np.zeros((1, 5, 2))), 'keypoint_score has shape'),
        (dict(keypoint=np.zeros((1, 5, 3, 3)), score=np.zeros((1, 5, 3))), 'score is given too'),
        (dict(keypoint=np.full((1, 5, 3, 2), np.inf)), 'NaN or inf'),
        (dict(label='wave'), 'label'),
        (dict(img_shape=9), 'img_shape'),
        (dict(img_shape=None), 'img_shape'),
        (dict(frame_dir=''), 'frame_dir'),
    ],
)
def test_what_is_wrong_with_ones_own_data_is_said(arguments, words):
    fields = {'frame_dir': 'a', 'keypoint': np.zeros((1, 5, 3, 2)), 'img_shape': (9, 9)}
    with pytest.raises(DataError, match=words):
        make_annotation(**{**fields, **arguments})


def test_the_example_for_ones_own_data_runs_as_it_stands(tmp_path, monkeypatch):
    text = (Path(__file__).parents[2] / 'data' / 'README.md').read_text(encoding='utf-8')
    example = text.split('```python\n')[1].split('```')[0]
    monkeypatch.chdir(tmp_path)
    exec(compile(example, 'data/README.md', 'exec'), {})
    report = check_annotations(load_pickle('data/mine.pkl'), num_classes=4)
    assert report.errors == [] and report.facts['splits'] == {'train': 6, 'val': 2}
