"""The annotation pickle: read and checked, written whole or not at all."""

from __future__ import annotations

import os
import pickle
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import DataError
from ..files.atomic import atomic_write
from ..files.safe_pickle import load_pickle
from ..wording import plain, some
from .about import About
from .field_values import FieldError, whole_number
from .fields import clean_fields, name_in
from .forms import form_of
from .notes import Notes, fix_command, warn_once
from .parts import parts
from .plausibility import METRIC, SLACK, refuse_implausible_clip
from .pose_fields import missing_as_zeros

PROTOCOL = 4  # read by every Python 3 that PYSKL runs on


def read_annotations(path: str | os.PathLike) -> dict[str, Any]:
    """Read PYSKL's annotation pickle; nothing in it is run.

    path    a pickle of {'split': {name: [frame_dir, ...]}, 'annotations': [dict, ...]}, or another shape that parts.py lists
    ->      dict(split={name: [frame_dir, ...]}, annotations=[dict, ...]); split is {} when the file has none. `label_names` and
            `layout` are there too where the file says them (about.py). Each annotation
            is as `fields.clean_fields` says: keypoint (M, T, V, C) float32 px, keypoint_score (M, T, V) float32, label int
            (-1: none) or a list of several, total_frames, img_shape (h, w); fields that we don't know are kept
    raises  DataError naming file, clip and field: unreadable, a field of wrong type, shape or value (NaN too), a frame_dir
            that appears twice, clips with different joints. Names in a split that no clip has are kept (Annotations.split warns)
    What is read otherwise than it stands, as a total_frames beyond the array's end, is logged once, with the clips' names.
    Concretely: `read_annotations('data/imigue_train.pkl')['annotations'][0]['frame_dir'] == '0005_0'`.
    """
    return clean_annotations(load_annotations(path), str(path))


def load_annotations(path: str | os.PathLike) -> Any:
    """What an annotation pickle holds, unchecked; a DataError says what a file of another form is, and the way in."""
    try:
        return load_pickle(path)
    except DataError as error:
        form = form_of(path)
        if form is None and os.path.isdir(path):
            raise DataError(
                f'{error} Of a folder of pickles tools/join.py makes one; of files of other forms tools/convert.py.'
            ) from error
        if form is None:
            raise
        raise DataError(f'{path}: {form.message(path)}') from error


def write_annotations(
    path: str | os.PathLike,
    split: Mapping[str, Sequence[str]],
    annotations: Sequence[Mapping],
    as_given: bool = False,
    about: About | None = None,
) -> None:
    """Write an annotation pickle that `read_annotations`, and PYSKL, can read.

    split, annotations   as read_annotations gives them
    as_given   write each annotation with the fields and the types that it has (key points in float16, no scores), checked all the same.
               Else in the form that read_annotations gives
    about      the names of the classes and the layout, to go with the data
    raises   DataError as read_annotations; UserError: can't be written. What was there before is then untouched
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
    """One clip of your own data as an annotation.

    frame_dir   the clip's name, different for every clip
    keypoint    (M, T, V, 2) pixels, x right, y down; (M, T, V, 3): x, y, score, or without img_shape x, y, z in space. One person:
                (T, V, 2) or (T, V, 3) will do. NaN is a missing joint (it becomes x = y = score = 0)
    score       (M, T, V) 0..1; None: all joints seen (or keypoint's third column)
    label       class from 0 on, or a list of classes; None: no label
    img_shape   (h, w) pixels; None: keypoint is x, y, z, for networks that take key points in space
    raises      DataError naming the clip and the field; where x and y are no pixels, too (0..1, metres)
    Concretely: `make_annotation('a', np.zeros((90, 22, 2)), img_shape=(720, 1280))['keypoint'].shape == (1, 90, 22, 2)`.
    """
    try:
        keypoint = np.array(keypoint, dtype=np.float32)
        score = None if score is None else np.array(score, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise DataError(
            f'clip {plain(frame_dir)}: keypoint or score is no array of numbers ({error}). '
            'Expected (M, T, V, 2) and (M, T, V).'
        ) from error
    if keypoint.ndim == 3:
        keypoint, score = (
            keypoint[None],
            score[None] if score is not None and score.ndim == 2 else score,
        )
    in_space = img_shape is None and keypoint.ndim == 4 and keypoint.shape[-1] == 3
    if keypoint.ndim == 4 and keypoint.shape[-1] == 3 and not in_space:
        if score is not None:
            raise DataError(
                f'clip {plain(frame_dir)}: keypoint has shape {keypoint.shape} and score is given too. '
                'Expected x, y, score in keypoint, or x, y in keypoint and score apart; x, y, z with img_shape=None.'
            )
        keypoint, score = keypoint[..., :2], keypoint[..., 2]
        _check_third(frame_dir, keypoint, score)
    if img_shape is None and not in_space:
        raise DataError(
            f'clip {plain(frame_dir)}: img_shape is missing. Expected (height, width) of the picture in pixels.'
        )
    if keypoint.ndim > 1:
        keypoint, score = missing_as_zeros(keypoint, score)
    try:
        clip = clean_fields(
            {
                'frame_dir': frame_dir,
                'label': label,
                'img_shape': img_shape,
                'original_shape': img_shape,
                'total_frames': None,
                'keypoint': keypoint,
                'keypoint_score': score,
            }
        )
    except FieldError as error:
        raise DataError(f'clip {plain(frame_dir)}: {error}') from None
    if not in_space:
        refuse_implausible_clip(clip)
    return clip


def _check_third(frame_dir: str, xy: np.ndarray, third: np.ndarray) -> None:
    """DataError where the third number of key points is z, not a score: x and y are metres, and it lies outside 0..1."""
    known = ~np.isnan(third) & ~np.isnan(xy).any(-1)
    if not known.any():
        return
    low, high, reach = third[known].min(), third[known].max(), np.abs(xy[known]).max()
    if reach <= METRIC and (low < -SLACK or high > 1 + SLACK):
        raise DataError(
            f'clip {plain(frame_dir)}: the third number of keypoint runs from {low:.3g} to {high:.3g}, so it is no score in '
            f'0..1, and |x| and |y| stay below {reach:.3g}: this looks like x, y, z in space. img_shape=None keeps it so; '
            'for a network that works on pictures give x and y in pixels.'
        )


def clean_annotations(data: Any, where: str) -> dict[str, Any]:
    """read_annotations for what a file held; `where` names it in the errors."""
    notes = Notes()
    clean = _cleaned(data, where, notes)
    notes.warn(where)
    return clean


def _cleaned(data: Any, where: str, notes: Notes, as_given: bool = False) -> dict[str, Any]:
    """What read_annotations gives; `as_given`: the annotations with their own types, of which one at a time is cleaned to check it."""
    split, annotations = parts(data, where, notes.add)
    if not annotations:
        raise DataError(f'{where}: holds no annotations. Expected at least one clip.')
    cleaned = (_clean(annotation, i, where, notes) for i, annotation in enumerate(annotations))
    clean = (
        [dict(annotation) for annotation, _ in zip(annotations, cleaned)]
        if as_given
        else list(cleaned)
    )
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
            f'{where}: {clip_name(annotation, index)}: {error} ({fix_command(where)} mends what can be mended; '
            'without --fix it lists all faults of a file.)'
        ) from None


def clip_name(annotation: Any, index: int) -> str:
    """'clip 0187_0 (annotations[12])', or without the name where there is none."""
    name, place = short_name(annotation, index), f'annotations[{index}]'
    return place if name == place else f'clip {plain(name)} ({place})'


def short_name(annotation: Any, index: int) -> str:
    """'0187_0', or 'annotations[12]' where there is no name."""
    name = name_in(annotation)
    return f'annotations[{index}]' if name is None else name


def swapped_axes(annotations: Sequence[Mapping]) -> str | None:
    """Why these clips' key points look like (M, V, T, C), frames and joints the other way round; None where they don't.

    They do where each clip's total_frames is the length of the third axis and not of the second, and the second is as long in all.
    Of one clip that is said only where total_frames does not fit the second axis at all.
    """
    seen = [(whole_number(a.get('total_frames')), np.shape(a['keypoint'])) for a in annotations]
    fits = all(len(shape) == 4 and total == shape[2] != shape[1] for total, shape in seen)
    if (
        not fits
        or len({shape[1] for _, shape in seen}) > 1
        or len(seen) == 1
        and seen[0][0] < seen[0][1][1]
    ):
        return None
    total, shape = seen[0]
    return (
        f'keypoint has shape {shape} and total_frames is {total}: frames and joints look swapped, in all {len(seen)} clips. '
        'Expected (M, T, V, C): keypoint.transpose(0, 2, 1, 3), and keypoint_score.transpose(0, 2, 1).'
    )


def _check_same_joints(clean: list[dict], where: str) -> None:
    shapes = [np.shape(a['keypoint']) for a in clean]
    kinds = Counter(shape[-2:] for shape in shapes)
    if len(kinds) > 1:
        usual = kinds.most_common(1)[0][0]
        i = next(i for i, shape in enumerate(shapes) if shape[-2:] != usual)
        raise DataError(
            f'{where}: {clip_name(clean[i], i)}: keypoint has shape {shapes[i]}, most clips have '
            f'(M, T, {usual[0]}, {usual[1]}). Expected the same joints in every clip.'
        )


def _check_names(clean: list[dict], where: str) -> None:
    twice = [
        name for name, n in Counter(short_name(a, i) for i, a in enumerate(clean)).items() if n > 1
    ]
    if twice:
        raise DataError(
            f'{where}: frame_dir {some(twice)} appears more than once. Expected a name of its own for '
            'every clip, because splits and scores go by it. To rename the later ones: '
            f'python tools/join.py {shlex.quote(where)} -o OUT.pkl --rename-repeated'
        )
