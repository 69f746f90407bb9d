"""One annotation: the dict that describes one clip. What each field may be, and the one form that the rest of the code sees."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .compressed import is_compressed

NO_LABEL = -1
MAX_LABEL = 2**31 - 1
MAX_SIDE = 2**31 - 1        # pixels
MAX_FRAMES = 2**20          # of a clip in the compressed form, where nothing but this number bounds its memory


class Wrong(Exception):
    """A field of a clip is wrong. `field` names it, `what` is what came, `wanted` what was expected and what to try."""

    def __init__(self, field: str, what: str, wanted: str):
        super().__init__(f'{field} {what}. {wanted}')
        self.field, self.what, self.wanted = field, what, wanted


def clean_fields(annotation: Any) -> dict[str, Any]:
    """The annotation with every field that we use in its one form; fields that we don't know stay as they are.

    frame_dir       str, the clip's name; `filename` stands in for it
    keypoint        (M, T, V, C) float32, finite; C = 2: x, y px, C = 3: x, y, z. M = 0 (nobody) becomes one person of zeros
    keypoint_score  (M, T, V) float32, finite; missing: ones
    label           int, or a list of int where a clip has several at once (or none of the classes: []); missing or None: -1, no label
    total_frames    int in 1..T; missing: T
    img_shape       (h, w) px, ints; missing: original_shape, and absent when that is missing too (3D data need none)
    original_shape  (h, w) px, ints; missing: img_shape
    A clip in the compressed form (compressed.py) keeps it: keypoint (X, V, 3) float32, frame_inds (X,) int64, box_score (X,)
    float32 if there is one, no keypoint_score; total_frames must be there.
    Raises Wrong.
    """
    if not isinstance(annotation, Mapping):
        raise Wrong('the annotation', f'is a {type(annotation).__name__}', 'Expected a dict with frame_dir, keypoint, label ...')
    clean = {**annotation, 'frame_dir': clean_name(annotation), 'label': clean_label(annotation)}
    if is_compressed(annotation):
        clean.update(clean_boxes(annotation))
    else:
        keypoint = clean_keypoint(annotation)
        keypoint, score = _with_somebody(keypoint, clean_score(annotation, keypoint.shape[:3]))
        total_frames = clean_total_frames(annotation, keypoint.shape[1])
        clean.update(total_frames=total_frames, keypoint=keypoint, keypoint_score=score)
    sizes = {field: clean_size(annotation, field) for field in ('img_shape', 'original_shape')}
    for field, other in (('img_shape', 'original_shape'), ('original_shape', 'img_shape')):
        size = sizes[field] or sizes[other]
        if size:
            clean[field] = size
        else:
            clean.pop(field, None)
    return clean


def clean_name(annotation: Mapping) -> str:
    name = annotation.get('frame_dir', annotation.get('filename'))
    if not isinstance(name, str):
        raise Wrong('frame_dir', f'is {_kind(name)}', "Expected the clip's name, a text like '0187_0'.")
    if not name or not name.isprintable():
        raise Wrong('frame_dir', f'is {name[:80]!r}', 'Expected a name in printable characters.')
    return str(name)


def clean_keypoint(annotation: Mapping) -> np.ndarray:
    if annotation.get('keypoint') is None:
        raise Wrong('keypoint', 'is missing', 'Expected an array (M, T, V, 2): people, frames, joints, x and y in pixels.')
    keypoint = _numbers(annotation, 'keypoint', '(M, T, V, 2)')
    shape = keypoint.shape
    if keypoint.ndim == 3 and shape[-1] in (2, 3):
        raise Wrong('keypoint', f'has shape {shape}', 'Expected (M, T, V, 2); for one person add the axis: keypoint[None].')
    if keypoint.ndim != 4 or shape[-1] not in (2, 3):
        raise Wrong('keypoint', f'has shape {shape}', 'Expected (M, T, V, 2): people, frames, joints, x and y in pixels.')
    if not shape[1] or not shape[2]:
        raise Wrong('keypoint', f'has shape {shape}: no {"joints" if shape[1] else "frames"}', 'Leave such a clip out.')
    return _finite(keypoint, 'keypoint')


def clean_boxes(annotation: Mapping) -> dict[str, Any]:
    """keypoint, frame_inds, total_frames and, if it is there, box_score of a clip in the compressed form."""
    keypoint, frames = _numbers(annotation, 'keypoint', '(X, V, 3)'), _numbers(annotation, 'frame_inds', '(X,)')
    if keypoint.shape[2] != 3 or not keypoint.shape[1]:
        raise Wrong('keypoint', f'has shape {keypoint.shape}', 'Expected (X, V, 3), boxes, joints, x y score, where there is frame_inds.')
    if frames.shape != keypoint.shape[:1] or frames.dtype.kind not in 'iu':
        raise Wrong('frame_inds', f'is {_kind(frames)}', f'Expected whole numbers of shape ({len(keypoint)},), the frame of each box.')
    total = annotation.get('total_frames')
    if not isinstance(total, (int, np.integer)) or isinstance(total, bool) or not 1 <= total <= MAX_FRAMES:
        raise Wrong('total_frames', f'is {_kind(total)}', 'Expected the number of frames of the clip, which boxes alone do not tell.')
    if len(frames) and not 0 <= frames.min() <= frames.max() < total:
        raise Wrong('frame_inds', f'runs from {frames.min()} to {frames.max()}', f'Expected 0 to {total - 1}, the frames of the clip.')
    clean = {'keypoint': _finite(keypoint, 'keypoint'), 'frame_inds': frames.astype(np.int64), 'total_frames': int(total)}
    if annotation.get('box_score') is not None:
        score = _numbers(annotation, 'box_score', '(X,)')
        if score.shape != frames.shape:
            raise Wrong('box_score', f'has shape {score.shape}', f'Expected {frames.shape}, a score for each box.')
        clean['box_score'] = _finite(score, 'box_score')
    return clean


def clean_score(annotation: Mapping, shape: tuple[int, ...]) -> np.ndarray:
    if annotation.get('keypoint_score') is None:
        return np.ones(shape, np.float32)
    score = _numbers(annotation, 'keypoint_score', str(shape))
    if score.shape != shape:
        raise Wrong('keypoint_score', f'has shape {score.shape}', f'Expected {shape}, a score for each joint of keypoint.')
    return _finite(score, 'keypoint_score')


def clean_label(annotation: Mapping) -> int | list[int]:
    label = annotation.get('label')
    if label is None:
        return NO_LABEL
    if isinstance(label, np.ndarray) and label.ndim == 0:
        label = label[()]
    if isinstance(label, np.ndarray) and label.ndim == 1 and (label.dtype.kind in 'iu' or not label.size):
        label = label.tolist()
    if isinstance(label, (list, tuple)):
        return _clean_labels(label)
    if isinstance(label, bool) or not isinstance(label, (int, np.integer)):
        raise Wrong('label', f'is {_kind(label)}', 'Expected one whole number from 0 on (or -1: no label), or a list of several.')
    if not NO_LABEL <= label <= MAX_LABEL:
        raise Wrong('label', f'is {label}', 'Expected one whole number from 0 on (or -1: no label).')
    return int(label)


def _clean_labels(labels: list | tuple) -> int | list[int]:
    """Several labels; a list of one is that one."""
    wanted = 'Expected class numbers from 0 on, each once; of zeros and ones the places of the ones: np.flatnonzero(label).'
    for label in labels:
        if isinstance(label, bool) or not isinstance(label, (int, np.integer)):
            raise Wrong('label', f'is a list that holds {_kind(label)}', wanted)
        if not 0 <= label <= MAX_LABEL:
            raise Wrong('label', f'is a list that holds {label}', wanted)
    classes = [int(label) for label in labels]
    if len(set(classes)) < len(classes):
        raise Wrong('label', 'is a list that holds a class twice', wanted)
    return classes[0] if len(classes) == 1 else classes


def clean_total_frames(annotation: Mapping, num_frames: int) -> int:
    total = annotation.get('total_frames')
    if total is None:
        return num_frames
    if isinstance(total, bool) or not isinstance(total, (int, np.integer)):
        raise Wrong('total_frames', f'is {_kind(total)}', f'Expected a whole number, {num_frames} as keypoint has frames.')
    if not 1 <= total <= num_frames:
        raise Wrong('total_frames', f'is {total}', f'Expected 1 to {num_frames}, the frames of keypoint.')
    return int(total)


def clean_size(annotation: Mapping, field: str) -> tuple[int, int] | None:
    """Height and width, or None when the field is missing."""
    size = annotation.get(field)
    if size is None:
        return None
    sides = size.tolist() if isinstance(size, np.ndarray) and size.ndim == 1 and size.size <= 3 else size
    wanted = 'Expected (height, width) in pixels, two whole numbers from 1 on.'
    if not isinstance(sides, (list, tuple)) or len(sides) not in (2, 3):        # some data have (h, w, channels)
        raise Wrong(field, f'is {_kind(size)}', wanted)
    if not all(isinstance(n, (int, float, np.number)) and not isinstance(n, (bool, np.complexfloating)) for n in sides):
        raise Wrong(field, 'holds something that is no number', wanted)
    if not all(1 <= n <= MAX_SIDE and n == int(n) for n in sides[:2]):
        raise Wrong(field, f'is ({sides[0]}, {sides[1]})', wanted)
    return int(sides[0]), int(sides[1])


def _with_somebody(keypoint: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Nobody in the picture is drawn like a person of whom nothing is seen, and no stage needs to know."""
    if len(keypoint):
        return keypoint, score
    shape = (1, *keypoint.shape[1:])
    return np.zeros(shape, np.float32), np.zeros(shape[:3], np.float32)


def _numbers(annotation: Mapping, field: str, shape: str) -> np.ndarray:
    value = annotation[field]
    if not isinstance(value, np.ndarray):
        raise Wrong(field, f'is {_kind(value)}', f'Expected a numpy array {shape}: np.asarray({field}, dtype=np.float32).')
    if value.dtype.kind not in 'fiu':
        raise Wrong(field, f'has dtype {value.dtype}', f'Expected numbers: np.asarray({field}, dtype=np.float32).')
    return value


def _finite(array: np.ndarray, field: str) -> np.ndarray:
    with np.errstate(over='ignore'):            # beyond float32: becomes inf, which is said below
        array = array.astype(np.float32, copy=False)
    if not np.isfinite(array).all():
        first = np.argwhere(~np.isfinite(array))[0]
        place = f'frame {first[1]}' if array.ndim == 4 or field == 'keypoint_score' else f'box {first[0]}'
        raise Wrong(field, f'holds NaN or inf (first in {place})', 'Expected finite numbers. A missing joint is x = y = score = 0.')
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
