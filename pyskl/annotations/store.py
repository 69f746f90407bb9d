"""The annotation pickle: read and checked, written completely or not at all."""

from __future__ import annotations

import os
import pickle
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import DataError
from ..files.atomic import atomic_write
from ..files.safe_pickle import load_pickle
from ..wording import plain, repeated, some
from .about import About
from .field_values import FieldError, whole_number
from .fields import clean_fields, name_in
from .file_formats import detect_format
from .notes import Notes, fix_command, warn_once
from .parts import parts
from .plausibility import METRIC, SLACK, refuse_implausible_clip
from .pose_fields import missing_as_zeros

PROTOCOL = 4  # read by every Python 3 that PYSKL runs on


def read_annotations(path: str | os.PathLike) -> dict[str, Any]:
    """Read PYSKL's annotation pickle without executing anything in it.

    Values that are not used as they are written, such as a total_frames beyond the array's end, are
    logged once, with the names of the clips.

    Args:
        path: a pickle of {'split': {name: [frame_dir, ...]}, 'annotations': [dict, ...]}, or of
            another shape that parts.py lists.

    Returns:
        dict(split={name: [frame_dir, ...]}, annotations=[dict, ...]), and `label_names` and
        `layout` where the file has them (about.py). split is {} when the file has none; names in it
        that no clip has are kept (Annotations.split warns of them). Each annotation is as
        `fields.clean_fields` gives it: keypoint (M, T, V, C) float32 px, keypoint_score (M, T, V)
        float32, label int (-1: none) or a list of several, total_frames, img_shape (h, w); unknown
        fields are kept.

    Raises:
        DataError: naming file, clip and field: unreadable, a field of a wrong type, shape or value
            (NaN too), a frame_dir that appears twice, clips with different joints.

    Examples:
        >>> read_annotations('data/imigue_train.pkl')['annotations'][0]['frame_dir']
        '0005_0'
    """
    return clean_annotations(load_annotations(path), str(path))


def load_annotations(path: str | os.PathLike) -> Any:
    """Return what an annotation pickle holds, unchecked.

    Raises:
        DataError: unreadable, or in another format; the message says which, and how to convert it.
    """
    try:
        return load_pickle(path)
    except DataError as error:
        found = detect_format(path)
        if found is None and os.path.isdir(path):
            raise DataError(
                f'{error} tools/join.py joins the pickles of a folder, tools/convert.py converts '
                'files of other formats.'
            ) from error
        if found is None:
            raise
        raise DataError(f'{path}: {found.message(path)}') from error


def write_annotations(
    path: str | os.PathLike,
    split: Mapping[str, Sequence[str]],
    annotations: Sequence[Mapping],
    as_given: bool = False,
    about: About | None = None,
) -> None:
    """Write an annotation pickle that `read_annotations`, and PYSKL, can read.

    Args:
        path: the file. Where writing fails, what was there before is untouched.
        split: name -> frame_dir of its clips.
        annotations: dicts as read_annotations gives them.
        as_given: write each annotation, checked, with the fields and types that it has (key
            points in float16, no scores). False: in the form that read_annotations gives.
        about: names of the classes and the layout, to be written with the data.

    Raises:
        DataError: as read_annotations.
        UserError: the file cannot be written.
    """
    notes = Notes()
    data = _cleaned({'split': split, 'annotations': annotations}, str(path), notes, as_given)
    for line in notes.lines():
        warn_once(f'{path}: {line}')
    if about is not None:
        data |= About.of(about.entries(), str(path)).entries()
    with atomic_write(path) as f:
        pickle.dump(data, f, protocol=PROTOCOL)


def make_annotation(
    frame_dir: str,
    keypoint: Any,
    score: Any = None,
    label: int | Sequence[int] | None = None,
    *,
    img_shape: Sequence[int] | None,
) -> dict[str, Any]:
    """Make an annotation of a clip of your own data.

    Args:
        frame_dir: the clip's name, different for every clip.
        keypoint: (M, T, V, 2) pixels, x right, y down; (M, T, V, 3): x, y, score, or without
            img_shape x, y, z in space. For one person (T, V, 2) or (T, V, 3) will do. NaN is a
            missing joint and becomes x = y = score = 0.
        score: (M, T, V) in 0..1; None: all joints are seen (or keypoint's third column).
        label: class from 0 on, or a list of classes; None: no label.
        img_shape: (h, w) in pixels; None: keypoint is x, y, z, for networks that take key points in
            space.

    Raises:
        DataError: naming the clip and the field; also where x and y are no pixels (0..1, metres).

    Examples:
        >>> clip = make_annotation('a', np.zeros((90, 22, 2)), img_shape=(720, 1280))
        >>> clip['keypoint'].shape
        (1, 90, 22, 2)
    """
    try:
        keypoint = np.array(keypoint, dtype=np.float32)
        score = None if score is None else np.array(score, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise DataError(
            f'clip {plain(frame_dir)}: keypoint or score is no array of numbers ({error}). '
            'Expected (M, T, V, 2) and (M, T, V).'
        ) from error

    # One person without the axis of people, and a third column that is the score.
    if keypoint.ndim == 3:
        keypoint = keypoint[None]
        score = score[None] if score is not None and score.ndim == 2 else score
    in_space = img_shape is None and keypoint.ndim == 4 and keypoint.shape[-1] == 3
    if keypoint.ndim == 4 and keypoint.shape[-1] == 3 and not in_space:
        if score is not None:
            raise DataError(
                f'clip {plain(frame_dir)}: keypoint has shape {keypoint.shape} and score is given '
                'too. Expected x, y, score in keypoint, or x, y in keypoint and a separate score; '
                'x, y, z with img_shape=None.'
            )
        keypoint, score = keypoint[..., :2], keypoint[..., 2]
        _check_third(frame_dir, keypoint, score)
    if img_shape is None and not in_space:
        raise DataError(
            f'clip {plain(frame_dir)}: img_shape is missing. Expected (height, width) of the '
            'picture in pixels.'
        )
    if keypoint.ndim > 1:
        keypoint, score = missing_as_zeros(keypoint, score)
    fields = {
        'frame_dir': frame_dir,
        'label': label,
        'img_shape': img_shape,
        'original_shape': img_shape,
        'total_frames': None,
        'keypoint': keypoint,
        'keypoint_score': score,
    }
    try:
        clip = clean_fields(fields)
    except FieldError as error:
        raise DataError(f'clip {plain(frame_dir)}: {error}') from None
    if not in_space:
        refuse_implausible_clip(clip)
    return clip


def _check_third(frame_dir: str, xy: np.ndarray, third: np.ndarray) -> None:
    """Refuse key points whose third number is z, not a score.

    Raises:
        DataError: x and y look like metres, and the third number lies outside 0..1.
    """
    known = ~np.isnan(third) & ~np.isnan(xy).any(-1)
    if not known.any():
        return
    low, high, reach = third[known].min(), third[known].max(), np.abs(xy[known]).max()
    if reach <= METRIC and (low < -SLACK or high > 1 + SLACK):
        raise DataError(
            f'clip {plain(frame_dir)}: the third number of keypoint runs from {low:.3g} to '
            f'{high:.3g}, so it is no score in 0..1, and |x| and |y| stay below {reach:.3g}: these '
            'look like x, y, z in space. For a network on key points in space give img_shape=None, '
            'for one that works on pictures give x and y in pixels.'
        )


def clean_annotations(data: Any, where: str) -> dict[str, Any]:
    """Return what read_annotations would for the content of a file; `where` names it in errors."""
    notes = Notes()
    clean = _cleaned(data, where, notes)
    notes.warn(where)
    return clean


def _cleaned(data: Any, where: str, notes: Notes, as_given: bool = False) -> dict[str, Any]:
    """Return what read_annotations gives; with `as_given` the annotations with their own types.

    These are still checked: cleaned one at a time, and the cleaned clip is dropped.
    """
    split, annotations = parts(data, where, notes.add)
    if not annotations:
        raise DataError(f'{where}: holds no annotations. Expected at least one clip.')
    cleaned = (_clean(annotation, i, where, notes) for i, annotation in enumerate(annotations))
    clean = [dict(given) if as_given else clip for given, clip in zip(annotations, cleaned)]
    if swapped := swapped_axes(annotations):
        raise DataError(f'{where}: {swapped} {fix_command(where)} does it.')
    _check_same_joints(clean, where)
    _check_names(clean, where)
    return {'split': split, 'annotations': clean, **About.of(data, where).entries()}


def _clean(annotation: Any, index: int, where: str, notes: Notes) -> dict[str, Any]:
    try:
        return clean_fields(annotation, lambda line: notes.add(line, short_name(annotation, index)))
    except FieldError as error:
        raise DataError(
            f'{where}: {clip_name(annotation, index)}: {error} ({fix_command(where)} mends what '
            'can be mended; without --fix it lists all faults of a file.)'
        ) from None


def clip_name(annotation: Any, index: int) -> str:
    """Return 'clip 0187_0 (annotations[12])', or the place alone where there is no name."""
    name, place = short_name(annotation, index), f'annotations[{index}]'
    return place if name == place else f'clip {plain(name)} ({place})'


def short_name(annotation: Any, index: int) -> str:
    """Return '0187_0', or 'annotations[12]' where there is no name."""
    name = name_in(annotation)
    return f'annotations[{index}]' if name is None else name


def swapped_axes(annotations: Sequence[Mapping]) -> str | None:
    """Say why key points look like (M, V, T, C), frames and joints swapped; None where they do not.

    They look so where each clip's total_frames is the length of the third axis and not of the
    second, and the second is equally long in all. A single clip tells that only if total_frames
    exceeds its second axis.
    """
    totals = [whole_number(a.get('total_frames')) for a in annotations]
    shapes = [np.shape(a['keypoint']) for a in annotations]
    pairs = list(zip(totals, shapes))
    fits = all(len(shape) == 4 and total == shape[2] != shape[1] for total, shape in pairs)
    if not fits or len({shape[1] for shape in shapes}) > 1:
        return None
    total, shape = pairs[0]
    if len(pairs) == 1 and total is not None and total < shape[1]:
        return None
    return (
        f'keypoint has shape {shape} and total_frames is {total}: frames and joints look swapped, '
        f'in all {len(pairs)} clips. Expected (M, T, V, C): keypoint.transpose(0, 2, 1, 3), and '
        'keypoint_score.transpose(0, 2, 1).'
    )


def _check_same_joints(clean: list[dict], where: str) -> None:
    usual = usual_joints(clean)
    for i, annotation in enumerate(clean):
        shape = np.shape(annotation['keypoint'])
        if shape[-2:] != usual:
            raise DataError(
                f'{where}: {clip_name(annotation, i)}: keypoint has shape {shape}, most clips have '
                f'(M, T, {usual[0]}, {usual[1]}). Expected the same joints in every clip.'
            )


def usual_joints(annotations: Iterable[Mapping]) -> tuple[int, int]:
    """Return (V, C) of most clips, of which there is at least one."""
    kinds = Counter(np.shape(annotation['keypoint'])[-2:] for annotation in annotations)
    return kinds.most_common(1)[0][0]


def _check_names(clean: list[dict], where: str) -> None:
    twice = repeated(short_name(a, i) for i, a in enumerate(clean))
    if twice:
        raise DataError(
            f'{where}: frame_dir {some(twice)} appears more than once. Expected a different name '
            'for every clip, because splits and scores refer to it. To rename the later ones: '
            f'python tools/join.py {shlex.quote(where)} -o OUT.pkl --rename-repeated'
        )
