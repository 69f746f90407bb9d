"""Whatever an annotation file holds: it is read, or one UserError says what is wrong."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from small_clips import clip

from pyskl.annotations.check import check_annotations
from pyskl.annotations.store import clean_annotations
from pyskl.errors import UserError
from pyskl.files.safe_pickle import loads

# Python 2's text protocol, spoilt, may hold escapes that Python warns of.
pytestmark = pytest.mark.filterwarnings('ignore:invalid escape sequence')


def small_data() -> dict:
    keypoint = np.ones((1, 3, 22, 2), np.float32)
    clips = [
        clip(name, total_frames=3, keypoint=keypoint.copy(), keypoint_score=keypoint[..., 0].copy())
        for name in 'abc'
    ]
    return {'split': {'train': ['a'], 'val': ['b', 'c']}, 'annotations': clips}


DTYPES = ('f2', 'f4', 'f8', '>f4', 'i1', 'i8', 'u2', '?', 'c8', 'U3', 'S2', 'O')
ODD_NUMBERS = (
    *(0, 1, -1, 32, 2**31, 2**63, -(2**63), 2**100, 0.5, -0.0, 1e300, True, None, 1j),
    *(float('nan'), float('inf')),
)
SHAPES = st.lists(st.integers(0, 4), max_size=5).map(tuple)
ARRAYS = st.builds(np.zeros, SHAPES, st.sampled_from(DTYPES))
POSE_SHAPES = st.tuples(
    st.integers(0, 3), st.integers(0, 4), st.sampled_from((0, 1, 17, 22)), st.integers(1, 4)
)
SCALARS = (
    st.sampled_from(ODD_NUMBERS)
    | st.text(max_size=5)
    | st.binary(max_size=5)
    | st.integers()
    | st.floats()
    | st.sampled_from([np.float32(1), np.int64(3), np.str_('a'), np.bool_(True), np.float16('nan')])
)
KEYS = st.sampled_from(
    ['a', 'b', 'frame_dir', 'split', 'train', 'keypoint', 'filename', 0, None, (1, 'a')]
)
VALUES = st.recursive(
    SCALARS | ARRAYS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(KEYS, inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
    ),
    max_leaves=6,
)
FIELDS = (*clip(), 'filename', 'keypoint_score', 'other')


def pose(shape: tuple[int, ...], dtype: str, value: float) -> np.ndarray:
    array = np.zeros(shape, dtype)
    if array.size and np.dtype(dtype).kind == 'f':
        with np.errstate(over='ignore'):
            array.flat[0] = value
    return array


POSES = st.builds(
    pose,
    POSE_SHAPES,
    st.sampled_from(DTYPES[:7]),
    st.sampled_from([0, -5, 50, 1e4, float('nan'), float('inf')]),
)
FIELD_EDITS = st.tuples(
    st.just('field'), st.integers(0, 2), st.sampled_from(FIELDS), VALUES | POSES
)
OTHER_EDITS = st.one_of(
    st.tuples(st.just('drop'), st.integers(0, 2), st.sampled_from(FIELDS), st.none()),
    st.tuples(st.just('clip'), st.integers(0, 2), st.none(), VALUES),
    st.tuples(st.just('split'), st.none(), st.sampled_from(['train', 'val', 'x', 3]), VALUES),
    st.tuples(st.just('top'), st.none(), st.sampled_from(['split', 'annotations', 'x']), VALUES),
    st.tuples(st.just('all'), st.none(), st.none(), VALUES),
)
EDITS = st.lists(FIELD_EDITS | OTHER_EDITS, min_size=1, max_size=4)


def edited(edits: list[tuple]) -> Any:
    data = small_data()
    for kind, place, name, value in edits:
        clips = data.get('annotations')
        if kind == 'all':
            return value
        if kind == 'top':
            data[name] = value
        elif kind == 'split' and isinstance(data.get('split'), dict):
            data['split'][name] = value
        elif isinstance(clips, list) and place is not None and place < len(clips):
            if kind == 'clip':
                clips[place] = value
            elif isinstance(clips[place], dict) and kind == 'field':
                clips[place][name] = value
            elif isinstance(clips[place], dict) and kind == 'drop':
                clips[place].pop(name, None)
    return data


def is_read_or_a_user_error(data: Any) -> None:
    """What is read must be what the reader promises; what is refused must also be an error for
    check_annotations.
    """
    clean = None
    try:
        clean = clean_annotations(data, 'fuzz.pkl')
    except UserError as error:
        message = str(error)
        assert message.startswith('fuzz.pkl: ') and '\n' not in message and len(message) < 1000
    else:
        assert clean['annotations']
        for clip in clean['annotations']:
            keypoint, score = clip['keypoint'], clip['keypoint_score']
            assert keypoint.dtype == score.dtype == np.float32
            assert keypoint.shape[:3] == score.shape and len(keypoint)
            assert np.isfinite(keypoint).all() and np.isfinite(score).all()
            label = clip['label']
            several = label if type(label) is list else [label]
            lowest = 0 if type(label) is list else -1
            assert all(type(k) is int and k >= lowest for k in several)
            assert 1 <= clip['total_frames'] <= keypoint.shape[1]
            assert type(clip['frame_dir']) is str and clip.get('img_shape', (1, 1)) >= (1, 1)
    try:
        report = check_annotations(data)
    except UserError:
        assert clean is None
    else:
        assert clean is not None or report.errors


def a_file_is_read_or_a_user_error(raw: bytes) -> None:
    try:
        data = loads(raw, 'fuzz.pkl')
    except UserError as error:
        assert str(error).startswith('fuzz.pkl: ')
    else:
        is_read_or_a_user_error(data)


PICKLED = [pickle.dumps(small_data(), protocol) for protocol in (0, 2, 4, 5)]
BYTES = st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), min_size=1, max_size=4)


def spoilt(raw: bytes, edits: list[tuple[int, int]]) -> bytes:
    """Bytes changed, most of them outside the long rows of numbers."""
    changed = bytearray(raw)
    places = [i for i, byte in enumerate(raw) if byte not in (0, 63, 128)]
    for place, value in edits:
        changed[places[place % len(places)]] = value
    return bytes(changed)


QUICK = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
LONG = settings(QUICK, max_examples=10_000, derandomize=False)


@QUICK
@given(EDITS)
@example([('all', None, None, [np.zeros((), 'f2')] * 2)])
@example([('all', None, None, (np.zeros((), 'f2'), None))])
def test_changed_fields_are_read_or_said(edits):
    is_read_or_a_user_error(edited(copy.deepcopy(edits)))


@QUICK
@given(st.sampled_from(PICKLED), BYTES)
def test_changed_bytes_are_read_or_said(raw, edits):
    a_file_is_read_or_a_user_error(spoilt(raw, edits))


@pytest.mark.slow
@LONG
@given(EDITS, st.sampled_from(PICKLED), BYTES)
def test_changed_fields_and_bytes_are_read_or_said_ten_thousand_times(edits, raw, changes):
    is_read_or_a_user_error(edited(copy.deepcopy(edits)))
    a_file_is_read_or_a_user_error(spoilt(raw, changes))
