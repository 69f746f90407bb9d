"""One annotation: the dict that describes one clip. What each field may be, and the one form that the rest of the code sees."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .compressed import is_compressed

NO_LABEL = -1
MAX_LABEL = 2**31 - 1
MAX_SIDE = 2**31 - 1  # pixels
MAX_FRAME = 2**31 - 1  # of a video
MAX_FRAMES = (
    2**20
)  # of a clip in the compressed form, where nothing but this number bounds its memory


Note = Callable[[str], None]  # takes a line on what was read otherwise than it stands


def quiet(line: str) -> None:
    """A Note for those who need none."""


class FieldError(Exception):
    """A field of a clip is wrong. `field` names it, `what` is what came, `wanted` what was expected and what to try."""

    def __init__(self, field: str, what: str, wanted: str):
        super().__init__(f'{field} {what}. {wanted}')
        self.field, self.what, self.wanted = field, what, wanted


def clean_fields(annotation: Any, note: Note = quiet) -> dict[str, Any]:
    """The annotation with every field that we use in its one form; fields that we don't know stay as they are.

    frame_dir       str, the clip's name; `filename` stands in for it
    keypoint        (M, T, V, C) float32, finite; C = 2: x, y px, C = 3: x, y, z. M = 0 (nobody) becomes one person of zeros
    keypoint_score  (M, T, V) float32, finite; missing: ones
    label           int, or a list of int where a clip has several at once (or none of the classes: []); missing or None: -1, no label
    total_frames    int in 1..T; missing, or larger (which `note` is told): T
    img_shape       (h, w) px, ints; missing: original_shape, and absent when that is missing too (3D data need none)
    original_shape  (h, w) px, ints; missing: img_shape
    start_frame, end_frame   for a clip that is a part of its video, int: its first and its last frame, counted from 0 (both belong to
                    it); where only start_frame is there, end_frame follows from total_frames
    A clip in the compressed form (compressed.py) keeps it: keypoint (X, V, 3) float32, frame_inds (X,) int64, box_score (X,)
    float32 if there is one, no keypoint_score; total_frames must be there.
    Numbers that are whole (16.0, array([16])) are taken as such. Lists and object arrays that make an array, labels in digits and
    sizes in text are read, and `note` is told. Raises FieldError.
    """
    if not isinstance(annotation, Mapping):
        raise FieldError(
            'the annotation',
            f'is a {type(annotation).__name__}',
            'Expected a dict with frame_dir, keypoint, label ...',
        )
    annotation = {**annotation, **arrays_of_lists(annotation, note)}
    clean = {
        **annotation,
        'frame_dir': clean_name(annotation),
        'label': clean_label(annotation, note),
    }
    if is_compressed(annotation):
        clean.update(clean_boxes(annotation))
    else:
        keypoint = clean_keypoint(annotation)
        keypoint, score = _with_somebody(keypoint, clean_score(annotation, keypoint.shape[:3]))
        total_frames = clean_total_frames(annotation, keypoint.shape[1], note)
        clean.update(total_frames=total_frames, keypoint=keypoint, keypoint_score=score)
    sizes = {
        field: clean_size(annotation, field, note) for field in ('img_shape', 'original_shape')
    }
    for field, other in (('img_shape', 'original_shape'), ('original_shape', 'img_shape')):
        size = sizes[field] or sizes[other]
        if size:
            clean[field] = size
        else:
            clean.pop(field, None)
    return clean | clean_place(annotation, clean['total_frames'])


def clean_place(annotation: Mapping, total_frames: int | None = None) -> dict[str, int]:
    """Where in its video a clip begins and ends: start_frame and end_frame as far as they are known; {}: it is the whole video."""
    place: dict[str, int] = {}
    for field in ('start_frame', 'end_frame'):
        least = place.get('start_frame', 0)
        if annotation.get(field) is not None:
            number = whole_number(annotation[field])
            if number is None or not least <= number <= MAX_FRAME:
                raise FieldError(
                    field,
                    f'is {_kind(annotation[field])}',
                    f'Expected the number of a frame of the video, from {least} on.',
                )
            place[field] = number
    if 'start_frame' in place and total_frames is not None:
        place.setdefault('end_frame', place['start_frame'] + total_frames - 1)
    return place


def start_of(clip: Mapping) -> int:
    """The frame of its video at which a clean clip begins."""
    return int(clip.get('start_frame') or 0)


def name_in(annotation: Any) -> str | None:
    """A clip's name as it stands, `frame_dir` or else `filename`; None where there is none, or no text."""
    name = (
        annotation.get('frame_dir', annotation.get('filename'))
        if isinstance(annotation, Mapping)
        else None
    )
    return name if isinstance(name, str) else None


def clean_name(annotation: Mapping) -> str:
    name = annotation.get('frame_dir', annotation.get('filename'))
    if not isinstance(name, str):
        raise FieldError(
            'frame_dir', f'is {_kind(name)}', "Expected the clip's name, a text like '0187_0'."
        )
    if not name or not name.isprintable():
        raise FieldError(
            'frame_dir', f'is {name[:80]!r}', 'Expected a name in printable characters.'
        )
    return str(name)


def clean_keypoint(annotation: Mapping) -> np.ndarray:
    if annotation.get('keypoint') is None:
        kept_apart = (
            " Its 'raw_file' says that key points lie in files beside: tools/convert.py k400."
            if 'raw_file' in annotation
            else ''
        )
        raise FieldError(
            'keypoint',
            'is missing',
            f'Expected an array (M, T, V, 2): people, frames, joints, x and y in pixels.{kept_apart}',
        )
    keypoint = _numbers(annotation, 'keypoint', '(M, T, V, 2)')
    shape = keypoint.shape
    if keypoint.size == 0 and keypoint.ndim < 3:
        raise FieldError(
            'keypoint',
            'is empty: nobody is in this clip',
            'Leave such a clip out, or give zeros (1, T, V, 2): a person unseen.',
        )
    if keypoint.ndim == 3 and shape[-1] in (2, 3):
        raise FieldError('keypoint', f'has shape {shape}', _of_three_axes(annotation, shape))
    if keypoint.ndim != 4 or shape[-1] not in (2, 3):
        raise FieldError(
            'keypoint',
            f'has shape {shape}',
            'Expected (M, T, V, 2): people, frames, joints, x and y in pixels.',
        )
    if not shape[1] or not shape[2]:
        raise FieldError(
            'keypoint',
            f'has shape {shape}: no {"joints" if shape[1] else "frames"}',
            'Leave such a clip out.',
        )
    return _finite(keypoint, 'keypoint')


def is_one_person(annotation: Mapping, shape: tuple[int, ...]) -> bool:
    """Whether key points (X, V, C) can be those of one person in X frames: as far as total_frames and keypoint_score tell."""
    total, score = whole_number(annotation.get('total_frames')), annotation.get('keypoint_score')
    return total in (None, shape[0]) and (
        score is None or np.shape(score) in (shape[:2], (1, *shape[:2]))
    )


def _of_three_axes(annotation: Mapping, shape: tuple[int, ...]) -> str:
    """What to do with key points (X, V, C)."""
    if is_one_person(annotation, shape):
        return 'Expected (M, T, V, 2); for one person add the axis: keypoint[None].'
    return (
        f'Expected (M, T, V, 2), people, frames, joints, x and y. Is each of the {shape[0]} rows a person in a frame (the compressed '
        f'form)? Then frame_inds ({shape[0]},), the frame of each row, is missing beside it, and keypoint needs x, y, score.'
    )


def clean_boxes(annotation: Mapping) -> dict[str, Any]:
    """keypoint, frame_inds, total_frames and, if it is there, box_score of a clip in the compressed form."""
    keypoint, frames = (
        _numbers(annotation, 'keypoint', '(X, V, 3)'),
        _numbers(annotation, 'frame_inds', '(X,)'),
    )
    if keypoint.shape[2] != 3 or not keypoint.shape[1]:
        raise FieldError(
            'keypoint',
            f'has shape {keypoint.shape}',
            'Expected (X, V, 3), boxes, joints, x y score, where there is frame_inds.',
        )
    if frames.shape != keypoint.shape[:1] or not (frames == np.floor(frames)).all():
        raise FieldError(
            'frame_inds',
            f'is {_kind(frames)}',
            f'Expected whole numbers of shape ({len(keypoint)},), the frame of each box.',
        )
    total = whole_number(annotation.get('total_frames'))
    if total is None or not 1 <= total <= MAX_FRAMES:
        raise FieldError(
            'total_frames',
            f'is {_kind(annotation.get("total_frames"))}',
            'Expected the number of frames of the clip, which boxes alone do not tell.',
        )
    if len(frames) and not 0 <= frames.min() <= frames.max() < total:
        raise FieldError(
            'frame_inds',
            f'runs from {frames.min()} to {frames.max()}',
            f'Expected 0 to {total - 1}, the frames of the clip.',
        )
    clean = {
        'keypoint': _finite(keypoint, 'keypoint'),
        'frame_inds': frames.astype(np.int64),
        'total_frames': total,
    }
    if annotation.get('box_score') is not None:
        score = _numbers(annotation, 'box_score', '(X,)')
        if score.shape != frames.shape:
            raise FieldError(
                'box_score',
                f'has shape {score.shape}',
                f'Expected {frames.shape}, a score for each box.',
            )
        clean['box_score'] = _finite(score, 'box_score')
    return clean


def clean_score(annotation: Mapping, shape: tuple[int, ...]) -> np.ndarray:
    if annotation.get('keypoint_score') is None:
        return np.ones(shape, np.float32)
    score = _numbers(annotation, 'keypoint_score', str(shape))
    if score.shape != shape:
        raise FieldError(
            'keypoint_score',
            f'has shape {score.shape}',
            f'Expected {shape}, a score for each joint of keypoint.',
        )
    return _finite(score, 'keypoint_score')


def clean_label(annotation: Mapping, note: Note = quiet) -> int | list[int]:
    label = annotation.get('label')
    if label is None:
        return NO_LABEL
    if (
        isinstance(label, np.ndarray)
        and label.ndim == 1
        and label.size != 1
        and (label.dtype.kind in 'iu' or not label.size)
    ):
        label = label.tolist()
    if isinstance(label, (list, tuple)):
        return _clean_labels(label)
    if isinstance(label, str) and re.fullmatch(r'\s*(-1|[0-9]{1,10})\s*', label):
        note('label is a text of digits; it is read as that number')
        label = int(label)
    number = whole_number(label)
    if number is None:
        wanted = 'Expected one whole number from 0 on (or -1: no label), or a list of several.'
        if isinstance(label, str):
            wanted += (
                ' tools/join.py makes numbers of names (--label-names FILE gives their order).'
            )
        raise FieldError('label', f'is {_kind(label)}', wanted)
    if not NO_LABEL <= number <= MAX_LABEL:
        raise FieldError(
            'label', f'is {number}', 'Expected one whole number from 0 on (or -1: no label).'
        )
    return number


def _clean_labels(labels: list | tuple) -> int | list[int]:
    """Several labels; a list of one is that one."""
    wanted = 'Expected class numbers from 0 on, each once; of zeros and ones the places of the ones: np.flatnonzero(label).'
    classes = []
    for label in labels:
        number = whole_number(label)
        if (
            number is None or len(labels) > 1 and not isinstance(label, (int, np.integer))
        ):  # 0.0 and 1.0 mark classes
            raise FieldError('label', f'is a list that holds {_kind(label)}', wanted)
        if not 0 <= number <= MAX_LABEL:
            raise FieldError('label', f'is a list that holds {number}', wanted)
        classes.append(number)
    if len(set(classes)) < len(classes):
        raise FieldError('label', 'is a list that holds a class twice', wanted)
    return classes[0] if len(classes) == 1 else classes


def missing_as_zeros(
    keypoint: np.ndarray, score: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Key points (..., V, C) and scores (..., V), or None, with 0 for joints that hold NaN; where there are such, scores are made."""
    missing = np.isnan(keypoint).any(-1)
    if score is None and missing.any():
        score = np.ones(missing.shape, np.float32)
    if score is not None and score.shape == missing.shape:  # else clean_fields refuses it
        missing |= np.isnan(score)
        score = np.where(missing, np.float32(0), score)
    return np.where(missing[..., None], np.float32(0), keypoint), score


def clean_total_frames(annotation: Mapping, num_frames: int, note: Note = quiet) -> int:
    if annotation.get('total_frames') is None:
        return num_frames
    total = whole_number(annotation['total_frames'])
    if total is None:
        raise FieldError(
            'total_frames',
            f'is {_kind(annotation["total_frames"])}',
            f'Expected a whole number, {num_frames} as keypoint has frames.',
        )
    if total < 1:
        raise FieldError(
            'total_frames', f'is {total}', f'Expected 1 to {num_frames}, the frames of keypoint.'
        )
    if total > num_frames:
        note('total_frames is more than keypoint has frames; those of keypoint are used')
    return min(total, num_frames)


def whole_number(value: Any) -> int | None:
    """The whole number that a value is: 16, 16.0, numpy's, or an array of one; None of anything else."""
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.reshape(-1)[0]
    if isinstance(value, (bool, np.bool_)):
        return None
    if isinstance(value, (int, np.integer)):
        return int(value)
    return (
        int(value)
        if isinstance(value, (float, np.floating)) and float(value).is_integer()
        else None
    )


def clean_size(annotation: Mapping, field: str, note: Note = quiet) -> tuple[int, int] | None:
    """Height and width, or None when the field is missing."""
    size = annotation.get(field)
    if size is None:
        return None
    if isinstance(size, str) and (
        found := re.fullmatch(r'\s*([(\[])\s*(\d{1,9})\s*,\s*(\d{1,9})\s*[)\]]\s*', size)
    ):
        note(f'{field} is a text; it is read as (height, width)')
        size = (int(found[2]), int(found[3]))
    sides = (
        size.tolist()
        if isinstance(size, np.ndarray) and size.ndim == 1 and size.size <= 3
        else size
    )
    wanted = 'Expected (height, width) in pixels, two whole numbers from 1 on.'
    if not isinstance(sides, (list, tuple)) or len(sides) not in (
        2,
        3,
    ):  # some data have (h, w, channels)
        raise FieldError(field, f'is {_kind(size)}', wanted)
    if not all(
        isinstance(n, (int, float, np.number)) and not isinstance(n, (bool, np.complexfloating))
        for n in sides
    ):
        raise FieldError(field, 'holds something that is no number', wanted)
    if not all(1 <= n <= MAX_SIDE and n == int(n) for n in sides[:2]):
        raise FieldError(field, f'is ({sides[0]}, {sides[1]})', wanted)
    return int(sides[0]), int(sides[1])


def _with_somebody(keypoint: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Nobody in the picture is drawn like a person of whom nothing is seen, and no stage needs to know."""
    if len(keypoint):
        return keypoint, score
    shape = (1, *keypoint.shape[1:])
    return np.zeros(shape, np.float32), np.zeros(shape[:3], np.float32)


ARRAYS = ('keypoint', 'keypoint_score', 'frame_inds', 'box_score')


MAX_LISTED = (
    2**27
)  # numbers in nested lists, which may share their parts and so unfold to far more than a file's size


def array_of_lists(value: list | tuple) -> np.ndarray:
    """Nested lists as a float32 array. ValueError: they differ in length, or unfold to too many numbers."""
    size, part = 1, value
    for _ in range(6):
        if isinstance(part, (list, tuple)) and part:
            size, part = size * len(part), part[0]
    if isinstance(part, (list, tuple)) and part or size * getattr(part, 'size', 1) > MAX_LISTED:
        raise ValueError('too many numbers')
    with np.errstate(over='ignore'):  # becomes inf, which _finite says
        return np.array(value, dtype=np.float32)


def arrays_of_lists(annotation: Mapping, note: Note) -> dict[str, np.ndarray]:
    """Those of the fields that are arrays and stand there as lists or object arrays, as arrays of numbers. Raises FieldError."""
    made = {}
    for field in ARRAYS:
        value = annotation.get(field)
        if isinstance(value, np.ndarray) and value.dtype.kind == 'O':
            value = value.tolist()
            kind = 'an array of objects'
        elif isinstance(value, (list, tuple)):
            kind = 'a list'
        else:
            continue
        try:
            made[field] = array_of_lists(value)
        except (TypeError, ValueError, OverflowError, MemoryError):
            raise FieldError(
                field,
                f'is {kind} whose parts differ in length or are no numbers',
                'Expected an array of numbers: put zeros where a person, a frame or a joint is missing.',
            ) from None
        if made[field].size:
            note(f'{field} is {kind}; it is read as an array')
    return made


def _numbers(annotation: Mapping, field: str, shape: str) -> np.ndarray:
    value = annotation[field]
    if not isinstance(value, np.ndarray):
        raise FieldError(
            field,
            f'is {_kind(value)}',
            f'Expected a numpy array {shape}: np.asarray({field}, dtype=np.float32).',
        )
    if value.dtype.kind not in 'fiu':
        raise FieldError(
            field,
            f'has dtype {value.dtype}',
            f'Expected numbers: np.asarray({field}, dtype=np.float32).',
        )
    return value


def _finite(array: np.ndarray, field: str) -> np.ndarray:
    with np.errstate(over='ignore'):  # beyond float32: becomes inf, which is said below
        array = array.astype(np.float32, copy=False)
    if not np.isfinite(array).all():
        first = np.argwhere(~np.isfinite(array))[0]
        place = (
            f'frame {first[1]}'
            if array.ndim == 4 or field == 'keypoint_score'
            else f'box {first[0]}'
        )
        raise FieldError(
            field,
            f'holds NaN or inf (first in {place})',
            'Expected finite numbers. A missing joint is x = y = score = 0.',
        )
    return array


def _kind(value: Any) -> str:
    if value is None:
        return 'missing'
    if isinstance(value, np.ndarray):
        return f'a {value.dtype} array of shape {value.shape}'
    if isinstance(value, (int, float, np.number)):
        return f'{value!r}'
    if isinstance(value, str):
        return f'{value[:80]!r}'
    return f'a {type(value).__name__}'
