"""The annotation pickle: read and checked, written whole or not at all."""
from __future__ import annotations

import os
import pickle
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import DataError
from ..files.atomic import atomic_write
from ..files.safe_pickle import load_pickle
from ..wording import brief, plain, some
from .about import About
from .fields import Wrong, clean_fields
from .oddities import METRIC, SLACK, refuse_odd_clip

PROTOCOL = 4        # read by every Python 3 that PYSKL runs on


def read_annotations(path: str | os.PathLike) -> dict[str, Any]:
    """Read PYSKL's annotation pickle; nothing in it is run.

    path    a pickle of {'split': {name: [frame_dir, ...]}, 'annotations': [dict, ...]}, or of a bare list of annotations
    ->      dict(split={name: [frame_dir, ...]}, annotations=[dict, ...]); split is {} when the file has none. `label_names` and
            `layout` are there too where the file says them (about.py). Each annotation
            is as `fields.clean_fields` says: keypoint (M, T, V, C) float32 px, keypoint_score (M, T, V) float32, label int
            (-1: none) or a list of several, total_frames, img_shape (h, w); fields that we don't know are kept
    raises  DataError naming file, clip and field: unreadable, a field of wrong type, shape or value (NaN too), a frame_dir
            that appears twice, clips with different joints. The splits' names are not compared with the clips (check_data does)
    Concretely: `read_annotations('data/imigue_train.pkl')['annotations'][0]['frame_dir'] == '0005_0'`.
    """
    return clean_annotations(load_pickle(path), str(path))


def write_annotations(path: str | os.PathLike, split: Mapping[str, Sequence[str]], annotations: Sequence[Mapping],
                      as_given: bool = False, about: About | None = None) -> None:
    """Write an annotation pickle that `read_annotations`, and PYSKL, can read.

    split, annotations   as read_annotations gives them
    as_given   write each annotation with the fields and the types that it has (key points in float16, no scores), checked all the same.
               Else in the form that read_annotations gives
    about      the names of the classes and the layout, to go with the data
    raises   DataError as read_annotations; UserError: can't be written. What was there before is then untouched
    """
    data = {'split': split, 'annotations': annotations}
    if as_given:
        split, annotations = parts(data, str(path))
        _check_fields(annotations, str(path))
        data = {'split': split, 'annotations': [dict(annotation) for annotation in annotations]}
    else:
        data = clean_annotations(data, str(path))
    if about is not None:
        data |= About.of(about.entries(), str(path)).entries()
    with atomic_write(path) as f:
        pickle.dump(data, f, protocol=PROTOCOL)


def make_annotation(frame_dir: str, keypoint: Any, score: Any = None, label: int | Sequence[int] | None = None, *,
                    img_shape: Sequence[int] | None) -> dict[str, Any]:
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
        raise DataError(f'clip {plain(frame_dir)}: keypoint or score is no array of numbers ({error}). '
                        'Expected (M, T, V, 2) and (M, T, V).') from error
    if keypoint.ndim == 3:
        keypoint, score = keypoint[None], score[None] if score is not None and score.ndim == 2 else score
    in_space = img_shape is None and keypoint.ndim == 4 and keypoint.shape[-1] == 3
    if keypoint.ndim == 4 and keypoint.shape[-1] == 3 and not in_space:
        if score is not None:
            raise DataError(f'clip {plain(frame_dir)}: keypoint has shape {keypoint.shape} and score is given too. '
                            'Expected x, y, score in keypoint, or x, y in keypoint and score apart; x, y, z with img_shape=None.')
        keypoint, score = keypoint[..., :2], keypoint[..., 2]
        _check_third(frame_dir, keypoint, score)
    if img_shape is None and not in_space:
        raise DataError(f'clip {plain(frame_dir)}: img_shape is missing. Expected (height, width) of the picture in pixels.')
    if score is None:
        score = np.ones(keypoint.shape[:-1], np.float32)
    if score.shape == keypoint.shape[:-1]:
        missing = np.isnan(keypoint).any(-1) | np.isnan(score)
        keypoint, score = np.where(missing[..., None], np.float32(0), keypoint), np.where(missing, np.float32(0), score)
    try:
        clip = clean_fields({'frame_dir': frame_dir, 'label': label, 'img_shape': img_shape, 'original_shape': img_shape,
                             'total_frames': None, 'keypoint': keypoint, 'keypoint_score': score})
    except Wrong as wrong:
        raise DataError(f'clip {plain(frame_dir)}: {wrong}') from None
    if not in_space:
        refuse_odd_clip(clip)
    return clip


def _check_third(frame_dir: str, xy: np.ndarray, third: np.ndarray) -> None:
    """DataError where the third number of key points is z, not a score: x and y are metres, and it lies outside 0..1."""
    known = ~np.isnan(third) & ~np.isnan(xy).any(-1)
    if not known.any():
        return
    low, high, reach = third[known].min(), third[known].max(), np.abs(xy[known]).max()
    if reach <= METRIC and (low < -SLACK or high > 1 + SLACK):
        raise DataError(f'clip {plain(frame_dir)}: the third number of keypoint runs from {low:.3g} to {high:.3g}, so it is no score in '
                        f'0..1, and |x| and |y| stay below {reach:.3g}: this looks like x, y, z in space. img_shape=None keeps it so; '
                        'for a network that works on pictures give x and y in pixels.')


def clean_annotations(data: Any, where: str) -> dict[str, Any]:
    """read_annotations for what a file held; `where` names it in the errors."""
    split, annotations = parts(data, where)
    if not annotations:
        raise DataError(f'{where}: holds no annotations. Expected at least one clip.')
    clean = [_clean(annotation, i, where) for i, annotation in enumerate(annotations)]
    _check_same_joints(clean, where)
    _check_names(clean, where)
    return {'split': split, 'annotations': clean, **About.of(data, where).entries()}


def _clean(annotation: Any, index: int, where: str) -> dict[str, Any]:
    try:
        return clean_fields(annotation)
    except Wrong as wrong:
        raise DataError(f'{where}: {clip_name(annotation, index)}: {wrong} '
                        '(tools/check_data.py lists all faults of a file.)') from None


def _check_fields(annotations: Sequence[Mapping], where: str) -> None:
    """clean_annotations' checks, one clip in memory at a time."""
    if not annotations:
        raise DataError(f'{where}: holds no annotations. Expected at least one clip.')
    for i, annotation in enumerate(annotations):
        _clean(annotation, i, where)
    _check_same_joints(annotations, where)
    _check_names(annotations, where)


def parts(data: Any, where: str) -> tuple[dict[str, list[str]], list]:
    """The two parts of what a file held, `split` checked, `annotations` not yet. Raises DataError when they are not there."""
    if isinstance(data, (list, tuple)):
        return {}, list(data)
    if not isinstance(data, Mapping) or not isinstance(data.get('annotations'), (list, tuple)):
        raise DataError(f"{where}: holds {brief(data)}. Expected a dict with 'split' and 'annotations', a list of dicts, "
                        'one a clip (data/README.md).')
    split = data.get('split')
    if split is None:
        split = {}
    if not isinstance(split, Mapping):
        raise DataError(f"{where}: 'split' is {brief(split)}. Expected a dict: name of the split -> list of frame_dir.")
    checked = {_split_name(name, where): _split_members(name, members, where) for name, members in split.items()}
    return checked, list(data['annotations'])


def _split_name(name: Any, where: str) -> str:
    if not isinstance(name, str):
        raise DataError(f"{where}: 'split' has the key {brief(name)}. Expected names like 'train'.")
    return str(name)


def _split_members(name: str, members: Any, where: str) -> list[str]:
    if isinstance(members, np.ndarray) and members.ndim == 1:
        members = members.tolist()
    if isinstance(members, (set, frozenset)):
        members = sorted(members, key=str)
    if not isinstance(members, (list, tuple)):
        raise DataError(f'{where}: split {brief(name)} is {brief(members)}. Expected a list of frame_dir.')
    for i, member in enumerate(members):
        if not isinstance(member, str):
            raise DataError(f'{where}: split {brief(name)}[{i}] is {brief(member)}. Expected a frame_dir, a text.')
    return [str(member) for member in members]


def clip_name(annotation: Any, index: int) -> str:
    """'clip 0187_0 (annotations[12])', or without the name where there is none."""
    name = annotation.get('frame_dir', annotation.get('filename')) if isinstance(annotation, Mapping) else None
    return f'clip {plain(name)} (annotations[{index}])' if isinstance(name, str) else f'annotations[{index}]'


def _check_same_joints(clean: list[dict], where: str) -> None:
    kinds = Counter(a['keypoint'].shape[-2:] for a in clean)
    if len(kinds) > 1:
        usual = kinds.most_common(1)[0][0]
        i, odd = next((i, a) for i, a in enumerate(clean) if a['keypoint'].shape[-2:] != usual)
        raise DataError(f'{where}: {clip_name(odd, i)}: keypoint has shape {odd["keypoint"].shape}, most clips have '
                        f'(M, T, {usual[0]}, {usual[1]}). Expected the same joints in every clip.')


def _check_names(clean: list[dict], where: str) -> None:
    twice = [name for name, n in Counter(a['frame_dir'] for a in clean).items() if n > 1]
    if twice:
        raise DataError(f'{where}: frame_dir {some(twice)} appears more than once. Expected a name of its own for '
                        'every clip, because splits and scores go by it.')
