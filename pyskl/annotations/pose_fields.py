"""Fields of an annotation that are arrays: key points, scores, boxes of compressed clips."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .field_values import FieldError, Note, ignore_note, shown, whole_number

ARRAYS = ('keypoint', 'keypoint_score', 'frame_inds', 'box_score')
_MAX_BOX_FRAMES = 2**20  # frames of a compressed clip, whose memory nothing else bounds
_MAX_LISTED = 2**27  # numbers in nested lists, which may share parts and so exceed the file's size

_SHAPE = '(M, T, V, 2): people, frames, joints, x and y in pixels'


# -- key points and scores -------------------------------------------------------------------------


def clean_poses(annotation: Mapping, note: Note = ignore_note) -> dict[str, Any]:
    """Return keypoint, keypoint_score and total_frames in the form that `clean_fields` gives them.

    Raises:
        FieldError: a wrong type, shape or value.
    """
    keypoint = _keypoint(annotation)
    score = _score(annotation, keypoint.shape[:3])
    total_frames = _total_frames(annotation, keypoint.shape[1], note)
    if not len(keypoint):  # nobody is there: one person of whom nothing is seen
        keypoint = np.zeros((1, *keypoint.shape[1:]), np.float32)
        score = np.zeros(keypoint.shape[:3], np.float32)
    return {'total_frames': total_frames, 'keypoint': keypoint, 'keypoint_score': score}


def _keypoint(annotation: Mapping) -> np.ndarray:
    if annotation.get('keypoint') is None:
        hint = ''
        if 'raw_file' in annotation:
            hint = " 'raw_file' names a file that holds the key points: tools/convert.py k400."
        raise FieldError('keypoint', 'is missing', f'Expected an array {_SHAPE}.{hint}')
    keypoint = _numbers(annotation, 'keypoint', '(M, T, V, 2)')
    shape = keypoint.shape
    if keypoint.size == 0 and keypoint.ndim < 3:
        raise FieldError(
            'keypoint',
            'is empty: nobody is in this clip',
            'Leave such a clip out, or give zeros (1, T, V, 2): a person unseen.',
        )
    if keypoint.ndim != 4 or shape[-1] not in (2, 3):
        wanted = f'Expected {_SHAPE}.'
        if keypoint.ndim == 3 and shape[-1] in (2, 3):
            wanted = _advice_on_three_axes(annotation, shape)
        raise FieldError('keypoint', f'has shape {shape}', wanted)
    if not shape[1] or not shape[2]:
        missing = 'joints' if shape[1] else 'frames'
        raise FieldError('keypoint', f'has shape {shape}: no {missing}', 'Leave such a clip out.')
    return _finite(keypoint, 'keypoint')


def is_one_person(annotation: Mapping, shape: tuple[int, ...]) -> bool:
    """Return whether key points (X, V, C) can be those of one person in X frames.

    Judged by total_frames and keypoint_score, as far as they are there.
    """
    total, score = whole_number(annotation.get('total_frames')), annotation.get('keypoint_score')
    same_score = score is None or np.shape(score) in (shape[:2], (1, *shape[:2]))
    return total in (None, shape[0]) and same_score


def _advice_on_three_axes(annotation: Mapping, shape: tuple[int, ...]) -> str:
    if is_one_person(annotation, shape):
        return 'Expected (M, T, V, 2); for one person add the axis: keypoint[None].'
    return (
        'Expected (M, T, V, 2): people, frames, joints, x and y. If each of the '
        f'{shape[0]} rows is a person in a frame (the compressed form), keypoint needs x, y, score '
        f'and frame_inds ({shape[0]},), the frame of each row, is missing.'
    )


def _score(annotation: Mapping, shape: tuple[int, ...]) -> np.ndarray:
    if annotation.get('keypoint_score') is None:
        return np.ones(shape, np.float32)
    score = _numbers(annotation, 'keypoint_score', str(shape))
    if score.shape != shape:
        wanted = f'Expected {shape}, a score for each joint of keypoint.'
        raise FieldError('keypoint_score', f'has shape {score.shape}', wanted)
    return _finite(score, 'keypoint_score')


def _total_frames(annotation: Mapping, num_frames: int, note: Note) -> int:
    given = annotation.get('total_frames')
    if given is None:
        return num_frames
    total = whole_number(given)
    if total is None or total < 1:
        wanted = f'Expected a whole number from 1 to {num_frames}, the frames of keypoint.'
        raise FieldError('total_frames', f'is {shown(given)}', wanted)
    if total > num_frames:
        note('total_frames is more than keypoint has frames; those of keypoint are used')
    return min(total, num_frames)


def missing_as_zeros(
    keypoint: np.ndarray, score: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Replace joints that hold NaN by x = y = score = 0.

    Args:
        keypoint: (..., V, C).
        score: (..., V); None: made where a joint is missing.
    """
    missing = np.isnan(keypoint).any(-1)
    if score is None and missing.any():
        score = np.ones(missing.shape, np.float32)
    if score is not None and score.shape == missing.shape:  # else clean_fields refuses it
        missing |= np.isnan(score)
        score = np.where(missing, np.float32(0), score)
    return np.where(missing[..., None], np.float32(0), keypoint), score


# -- the compressed form ---------------------------------------------------------------------------


def clean_boxes(annotation: Mapping) -> dict[str, Any]:
    """Return keypoint, frame_inds, total_frames and any box_score of a compressed clip, checked.

    Raises:
        FieldError: a wrong type, shape or value.
    """
    keypoint = _numbers(annotation, 'keypoint', '(X, V, 3)')
    frames = _numbers(annotation, 'frame_inds', '(X,)')
    if keypoint.shape[2] != 3 or not keypoint.shape[1]:
        wanted = 'Expected (X, V, 3), boxes, joints, x y score, where there is frame_inds.'
        raise FieldError('keypoint', f'has shape {keypoint.shape}', wanted)
    if frames.shape != keypoint.shape[:1] or not (frames == np.floor(frames)).all():
        wanted = f'Expected whole numbers of shape ({len(keypoint)},), the frame of each box.'
        raise FieldError('frame_inds', f'is {shown(frames)}', wanted)

    # Boxes alone do not tell how long the clip is.
    given = annotation.get('total_frames')
    total = whole_number(given)
    if total is None or not 1 <= total <= _MAX_BOX_FRAMES:
        wanted = 'Expected the number of frames of the clip, which boxes alone do not tell.'
        raise FieldError('total_frames', f'is {shown(given)}', wanted)
    if len(frames) and not 0 <= frames.min() <= frames.max() < total:
        wanted = f'Expected 0 to {total - 1}, the frames of the clip.'
        raise FieldError('frame_inds', f'runs from {frames.min()} to {frames.max()}', wanted)

    clean = {
        'keypoint': _finite(keypoint, 'keypoint'),
        'frame_inds': frames.astype(np.int64),
        'total_frames': total,
    }
    if annotation.get('box_score') is not None:
        score = _numbers(annotation, 'box_score', '(X,)')
        if score.shape != frames.shape:
            wanted = f'Expected {frames.shape}, a score for each box.'
            raise FieldError('box_score', f'has shape {score.shape}', wanted)
        clean['box_score'] = _finite(score, 'box_score')
    return clean


# -- arrays ----------------------------------------------------------------------------------------


def array_of_lists(value: list | tuple) -> np.ndarray:
    """Return nested lists as a float32 array.

    Raises:
        ValueError: they differ in length, or hold too many numbers.
    """
    size, part = 1, value
    for _ in range(6):
        if isinstance(part, (list, tuple)) and part:
            size, part = size * len(part), part[0]
    if isinstance(part, (list, tuple)) and part or size * getattr(part, 'size', 1) > _MAX_LISTED:
        raise ValueError('too many numbers')
    with np.errstate(over='ignore'):  # becomes inf, which _finite reports
        return np.array(value, dtype=np.float32)


def arrays_of_lists(annotation: Mapping, note: Note) -> dict[str, np.ndarray]:
    """Return the array fields that are written as lists or object arrays, as arrays of numbers.

    Raises:
        FieldError: naming the field whose parts differ in length or are no numbers.
    """
    arrays = {}
    for field in ARRAYS:
        value = annotation.get(field)
        if isinstance(value, np.ndarray) and value.dtype.kind == 'O':
            value, kind = value.tolist(), 'an array of objects'
        elif isinstance(value, (list, tuple)):
            kind = 'a list'
        else:
            continue
        try:
            arrays[field] = array_of_lists(value)
        except (TypeError, ValueError, OverflowError, MemoryError):
            raise FieldError(
                field,
                f'is {kind} whose parts differ in length or are no numbers',
                'Expected an array of numbers, zeros where a person, frame or joint is missing.',
            ) from None
        if arrays[field].size:
            note(f'{field} is {kind}; it is read as an array')
    return arrays


def _numbers(annotation: Mapping, field: str, shape: str) -> np.ndarray:
    value = annotation[field]
    make = f'np.asarray({field}, dtype=np.float32)'
    if not isinstance(value, np.ndarray):
        raise FieldError(field, f'is {shown(value)}', f'Expected a numpy array {shape}: {make}.')
    if value.dtype.kind not in 'fiu':
        raise FieldError(field, f'has dtype {value.dtype}', f'Expected numbers: {make}.')
    return value


def _finite(array: np.ndarray, field: str) -> np.ndarray:
    with np.errstate(over='ignore'):  # beyond float32: becomes inf, which is reported below
        array = array.astype(np.float32, copy=False)
    if not np.isfinite(array).all():
        first = np.argwhere(~np.isfinite(array))[0]
        in_frames = array.ndim == 4 or field == 'keypoint_score'
        place = f'frame {first[1]}' if in_frames else f'box {first[0]}'
        raise FieldError(
            field,
            f'holds NaN or inf (first in {place})',
            'Expected finite numbers. A missing joint is x = y = score = 0.',
        )
    return array
