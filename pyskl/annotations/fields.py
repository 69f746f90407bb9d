"""One annotation: the dict that describes a clip, and the one form in which other code sees it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from .compressed import is_compressed
from .field_values import (
    MAX_FRAME,
    MAX_LABEL,
    MAX_SIDE,
    NO_LABEL,
    FieldError,
    Note,
    ignore_note,
    shown,
    whole_number,
)
from .pose_fields import arrays_of_lists, clean_boxes, clean_poses


def clean_fields(annotation: Any, note: Note = ignore_note) -> dict[str, Any]:
    """Return an annotation with every field that is used in its one form.

    Fields of an annotation (others are kept as they are):

        frame_dir        str, the clip's name; `filename` stands in for it
        keypoint         (M, T, V, C) float32, finite; C = 2: x, y px, C = 3: x, y, z. M = 0
                         (nobody) becomes one person of zeros
        keypoint_score   (M, T, V) float32, finite; missing: ones
        label            int, or a list of int where a clip has several at once (none of the
                         classes: []); missing or None: -1, no label
        total_frames     int in 1..T; missing: T; larger: T, and `note` is told
        img_shape        (h, w) px, ints; missing: original_shape, and absent when that is missing
                         too (3D data need none)
        original_shape   (h, w) px, ints; missing: img_shape
        start_frame, end_frame   int, first and last frame of a clip that is a part of its video,
                         counted from 0, both inclusive; a missing end_frame follows from
                         start_frame and total_frames

    A clip in the compressed form (compressed.py) keeps it: keypoint (X, V, 3) float32, frame_inds
    (X,) int64, box_score (X,) float32 if there is one, no keypoint_score; total_frames is required.

    Args:
        annotation: the clip as a file or a user gives it.
        note: is told of lists and object arrays read as arrays, labels in digits, sizes in text.
            Whole numbers of other types (16.0, array([16])) are accepted silently.

    Raises:
        FieldError: a field is missing, or of a wrong type, shape or value.
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
        clean.update(clean_poses(annotation, note))
    sizes = {name: clean_size(annotation, name, note) for name in ('img_shape', 'original_shape')}
    for name, other in (('img_shape', 'original_shape'), ('original_shape', 'img_shape')):
        clean[name] = sizes[name] or sizes[other]
        if clean[name] is None:
            del clean[name]
    return clean | clean_place(annotation, clean['total_frames'])


# -- name ------------------------------------------------------------------------------------------


def name_in(annotation: Any) -> str | None:
    """Return a clip's name as written, `frame_dir` or else `filename`; None unless it is a text."""
    if not isinstance(annotation, Mapping):
        return None
    name = annotation.get('frame_dir', annotation.get('filename'))
    return name if isinstance(name, str) else None


def clean_name(annotation: Mapping) -> str:
    """Return a clip's name.

    Raises:
        FieldError: missing, no text, empty, or with characters that cannot be printed.
    """
    name = name_in(annotation)
    if name is None:
        given = annotation.get('frame_dir', annotation.get('filename'))
        wanted = "Expected the clip's name, a text like '0187_0'."
        raise FieldError('frame_dir', f'is {shown(given)}', wanted)
    if not name or not name.isprintable():
        raise FieldError(
            'frame_dir', f'is {shown(name)}', 'Expected a name in printable characters.'
        )
    return str(name)


# -- label -----------------------------------------------------------------------------------------


def clean_label(annotation: Mapping, note: Note = ignore_note) -> int | list[int]:
    """Return a clip's class, -1 for none, or a list of classes; a list of one becomes that one.

    Raises:
        FieldError: no class numbers.
    """
    label = annotation.get('label')
    if label is None:
        return NO_LABEL
    if isinstance(label, np.ndarray) and label.ndim == 1 and label.size != 1:
        label = label.tolist() if label.dtype.kind in 'iu' or not label.size else label
    if isinstance(label, (list, tuple)):
        return _several_labels(label)
    if isinstance(label, str) and re.fullmatch(r'\s*(-1|[0-9]{1,10})\s*', label):
        note('label is a text of digits; it is read as that number')
        label = int(label)
    number = whole_number(label)
    if number is None or not NO_LABEL <= number <= MAX_LABEL:
        wanted = 'Expected one whole number from 0 on (or -1: no label), or a list of several.'
        if isinstance(label, str):
            wanted += (
                ' tools/join.py makes numbers of names (--label-names FILE gives their order).'
            )
        raise FieldError('label', f'is {shown(label)}', wanted)
    return number


def _several_labels(labels: list | tuple) -> int | list[int]:
    wanted = (
        'Expected class numbers from 0 on, each once. If these are zeros and ones, give the places '
        'of the ones: np.flatnonzero(label).'
    )
    classes = []
    for label in labels:
        number = whole_number(label)
        # Several floats, 0.0 and 1.0, are a vector that marks classes.
        marks = len(labels) > 1 and not isinstance(label, (int, np.integer))
        if number is None or marks or not 0 <= number <= MAX_LABEL:
            raise FieldError('label', f'is a list that holds {shown(label)}', wanted)
        classes.append(number)
    if len(set(classes)) < len(classes):
        raise FieldError('label', 'is a list that holds a class twice', wanted)
    return classes[0] if len(classes) == 1 else classes


# -- size of the picture ---------------------------------------------------------------------------


def clean_size(annotation: Mapping, field: str, note: Note = ignore_note) -> tuple[int, int] | None:
    """Return (height, width) in px; None when the field is missing.

    Raises:
        FieldError: not two whole numbers from 1 on (a third, of channels, is ignored).
    """
    size = annotation.get(field)
    if size is None:
        return None
    if isinstance(size, str) and (
        found := re.fullmatch(r'\s*([(\[])\s*(\d{1,9})\s*,\s*(\d{1,9})\s*[)\]]\s*', size)
    ):
        note(f'{field} is a text; it is read as (height, width)')
        size = (int(found[2]), int(found[3]))
    if isinstance(size, np.ndarray) and size.ndim == 1 and size.size <= 3:
        size = size.tolist()
    sides: list[int] = []
    if isinstance(size, (list, tuple)) and len(size) in (2, 3):
        sides = [whole_number(side) or 0 for side in size[:2]]
    if not sides or not all(1 <= side <= MAX_SIDE for side in sides):
        wanted = 'Expected (height, width) in pixels, two whole numbers from 1 on.'
        raise FieldError(field, f'is {shown(size)}', wanted)
    return sides[0], sides[1]


# -- place in the video ----------------------------------------------------------------------------


def clean_place(annotation: Mapping, total_frames: int | None = None) -> dict[str, int]:
    """Return start_frame and end_frame of a clip in its video, as far as they are known.

    {} where the clip is the whole video.

    Raises:
        FieldError: no number of a frame, or an end before the start.
    """
    place: dict[str, int] = {}
    for field in ('start_frame', 'end_frame'):
        given = annotation.get(field)
        if given is None:
            continue
        number, least = whole_number(given), place.get('start_frame', 0)
        if number is None or not least <= number <= MAX_FRAME:
            wanted = f'Expected the number of a frame of the video, from {least} on.'
            raise FieldError(field, f'is {shown(given)}', wanted)
        place[field] = number
    if 'start_frame' in place and total_frames is not None:
        place.setdefault('end_frame', place['start_frame'] + total_frames - 1)
    return place


def start_of(clip: Mapping) -> int:
    """Return the frame of its video at which a cleaned clip begins."""
    return int(clip.get('start_frame') or 0)
