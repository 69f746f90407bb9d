"""Mend an annotation file as far as possible without guessing, and list what was done."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from ..errors import DataError
from ..wording import brief, some
from .about import About
from .compressed import is_compressed
from .field_values import FieldError, Note, ignore_note, whole_number
from .fields import clean_fields, name_in
from .notes import Notes
from .parts import parts
from .pose_fields import ARRAYS, arrays_of_lists, is_one_person
from .store import short_name, swapped_axes, usual_joints


@dataclass
class Fixed:
    """A repaired file.

    Attributes:
        split, annotations, about: for write_annotations.
        done: what was done, by kind and clip.
        failed: what cannot be repaired, likewise.
    """

    split: dict[str, list[str]]
    annotations: list[dict[str, Any]]
    about: About
    done: Notes = field(default_factory=Notes)
    failed: Notes = field(default_factory=Notes)


def fix_annotations(data: Any, where: str, leave_out: bool = False) -> Fixed:
    """Mend what a file held.

    Lists become arrays, swapped axes are put right, NaN becomes a missing joint, total_frames fits
    the arrays, numbers in other types become numbers, names fit for files and tables; repeated
    names get new ones; clips in which there is nothing are left out; splits list what is there,
    once.

    Args:
        data: what load_pickle gave.
        where: names the file in errors.
        leave_out: leave out the clips that cannot be mended, too.

    Raises:
        DataError: no annotations, or splits that could mean one of several clips.
    """
    done, failed = Notes(), Notes()
    split, annotations = parts(data, where, done.add)
    rows = rows_of_splits([name_in(a) for a in annotations], split, where, done.add)
    clips: dict[int, dict[str, Any]] = {}
    for row, annotation in enumerate(annotations):
        name = short_name(annotation, row)
        try:
            clip = _with_arrays(annotation, row, partial(done.add, name=name))
            if _is_empty(clip):
                done.add('left out, since it is empty: no frames, or no people', name)
            else:
                clips[row] = clip
        except FieldError as error:
            failed.add(str(error), name)
    _turn(clips, done)
    for row, clip in list(clips.items()):
        try:
            note = partial(done.add, name=clip['frame_dir'])
            clips[row] = tidy(_mended(clip, note), note)
        except FieldError as error:
            failed.add(str(error), clip['frame_dir'])
            del clips[row]
    _leave_other_joints(clips, failed)
    if leave_out:
        for line, unmended in failed.items():
            for name in unmended:
                done.add(f'left out: {line}', name)
        failed = Notes()
    rename_repeated(list(clips.values()), done)
    split = {}
    for name, members in rows.items():
        split[name] = [clips[row]['frame_dir'] for row in members if row in clips]
        if not split[name]:
            done.add(f'split {brief(name)} was removed, since no clip is left in it')
            del split[name]
    return Fixed(split, list(clips.values()), About.of(data, where), done, failed)


def tidy(annotation: Mapping[str, Any], note: Note = ignore_note) -> dict[str, Any]:
    """Return a clip with the fields that it has, each in the type that PYSKL has for it.

    Arrays keep their dtype; lists become arrays. `note` is told as clean_fields tells it.

    Raises:
        FieldError: a field is wrong.
    """
    clean = clean_fields(annotation, note)
    kept = {name for name in ARRAYS if isinstance(annotation.get(name), np.ndarray)}
    kept -= {name for name in kept if annotation[name].dtype.kind == 'O'}
    changed = {'frame_dir', 'label', 'total_frames', 'img_shape', 'original_shape', *ARRAYS} - kept
    given = {name: value for name, value in annotation.items() if value is not None}
    fields = {name: clean[name] if name in changed else value for name, value in given.items()}
    return {'frame_dir': clean['frame_dir'], **fields}


def rows_of_splits(
    names: Sequence[str | None], split: Mapping[str, Sequence[str]], where: str, note: Note
) -> dict[str, list[int]]:
    """Return the places of the clips that each split lists, each once.

    A name that several clips have stands for all of them if one split lists it once; listed as
    often as there are clips, it stands for one after the other. Names without a clip are left out.

    Raises:
        DataError: it is listed another number of times, so that the clip is ambiguous.
    """
    known, places = set(names), defaultdict(list)
    for row, name in enumerate(names):
        places[name].append(row)
    listed = Counter(name for members in split.values() for name in members)
    unclear = [n for n, k in listed.items() if len(places[n]) > 1 and k not in (1, len(places[n]))]
    if unclear:
        raise DataError(
            f'{where}: frame_dir {some(unclear)} is the name of several clips, and the splits do '
            'not tell which they mean. Make new splits: tools/join.py FILE -o OUT '
            '--rename-repeated --split-by ...'
        )
    rows: dict[str, list[int]] = {}
    for split_name, members in split.items():
        taken: list[int] = []
        for name in members:
            rows_of_name = places[name]
            several = len(rows_of_name) > 1 and listed[name] == len(rows_of_name)
            taken += [rows_of_name.pop(0)] if several else rows_of_name
            listed[name] -= several
        missing = [name for name in members if name not in known]
        if missing:
            note(f'split {brief(split_name)}: names removed that no clip has: {some(missing)}')
        rows[split_name] = list(dict.fromkeys(taken))
        if len(rows[split_name]) < len(taken):
            note(f'split {brief(split_name)} listed clips more than once; each is listed once now')
    return rows


def rename_repeated(
    clips: Sequence[dict[str, Any]], done: Notes, sources: Sequence[str] = ()
) -> None:
    """Give clips of the same name different ones.

    Args:
        clips: their frame_dir is changed.
        done: gets the names that were changed.
        sources: a short name of where each clip comes from. Clips of one name from different
            sources get the source in front: 'a-001', 'b-001'. Others get a number: '001', '001-2'.
    """
    rows = defaultdict(list)
    for row, clip in enumerate(clips):
        rows[clip['frame_dir']].append(row)
    repeated = {name: same_name for name, same_name in rows.items() if len(same_name) > 1}
    taken = rows.keys() - repeated.keys()
    for name, same_name in repeated.items():
        by_source = len({sources[row] for row in same_name} if sources else ()) == len(same_name)
        number = 1
        for row in same_name:
            new_name = f'{sources[row]}-{name}' if by_source else name
            while new_name in taken:
                number += 1
                new_name = f'{name}-{number}'
            taken.add(new_name)
            if new_name != name:
                done.add('renamed, since the name was taken', f'{name} -> {new_name}')
                clips[row]['frame_dir'] = new_name


def _with_arrays(annotation: Any, row: int, note: Note) -> dict[str, Any]:
    """Return a clip with a valid name, and with lists made arrays."""
    if not isinstance(annotation, Mapping):
        clean_fields(annotation)  # raises
    clip = {**annotation, **arrays_of_lists(annotation, note)}
    name = annotation.get('frame_dir', annotation.get('filename'))
    text = name if isinstance(name, str) else '' if name is None else str(name)
    fit = ''.join(c if c.isprintable() and c not in ',"' else '_' for c in text.strip())
    clip['frame_dir'] = fit or f'clip_{row}'
    if not isinstance(name, str) or clip['frame_dir'] != name:
        note('renamed, since the name was missing, or unfit for files and tables')
    return clip


def _is_empty(clip: Mapping[str, Any]) -> bool:
    keypoint = clip.get('keypoint')
    if not isinstance(keypoint, np.ndarray) or keypoint.size:
        return False
    return keypoint.ndim < 3 or keypoint.ndim == 4 and keypoint.shape[1] == 0


def _turn(clips: dict[int, dict[str, Any]], done: Notes) -> None:
    """Put frames before joints, where all clips have them the other way round."""
    if not clips or any(not isinstance(c.get('keypoint'), np.ndarray) for c in clips.values()):
        return
    if swapped_axes(list(clips.values())) is None:
        return
    for clip in clips.values():
        clip['keypoint'] = clip['keypoint'].swapaxes(1, 2)
        score = clip.get('keypoint_score')
        if isinstance(score, np.ndarray) and score.ndim == 3:
            clip['keypoint_score'] = score.swapaxes(1, 2)
        done.add('frames and joints were swapped; they are (M, T, V, C) now', clip['frame_dir'])


def _mended(clip: dict[str, Any], note: Note) -> dict[str, Any]:
    """Return a clip whose key points, scores and frames fit each other."""
    clip = dict(clip)
    keypoint, score = clip.get('keypoint'), clip.get('keypoint_score')
    if not isinstance(keypoint, np.ndarray) or keypoint.dtype.kind not in 'fiu':
        return clip
    boxes = is_compressed(clip)
    one_person = keypoint.ndim == 3 and keypoint.shape[-1] in (2, 3)
    if not boxes and one_person and is_one_person(clip, keypoint.shape):
        note('keypoint had no axis of people; it is one person now')
        keypoint = keypoint[None]
        if isinstance(score, np.ndarray) and score.ndim == 2:
            score = score[None]
    if isinstance(score, np.ndarray) and score.shape == (*keypoint.shape[:-1], 1):
        note('keypoint_score had an axis too many')
        score = score[..., 0]
    keypoint, score = _without_nan(keypoint, score, boxes, note)
    clip['keypoint'] = keypoint
    if score is not None:
        clip['keypoint_score'] = score
    total = clip.get('total_frames')
    if not boxes and total is not None and keypoint.ndim == 4 and (whole_number(total) or 0) < 1:
        note(f'total_frames was {brief(total)}; it is the number of frames now')
        clip['total_frames'] = keypoint.shape[1]
    return clip


def _without_nan(
    keypoint: np.ndarray, score: Any, boxes: bool, note: Note
) -> tuple[np.ndarray, np.ndarray | None]:
    """Make joints that hold NaN or inf missing ones: x = y = score = 0."""
    with np.errstate(over='ignore'):
        missing = ~np.all(np.isfinite(keypoint.astype(np.float32, copy=False)), axis=-1)
        numbers = isinstance(score, np.ndarray) and score.dtype.kind in 'fiu'
        if numbers and score.shape == missing.shape:
            missing |= ~np.isfinite(score.astype(np.float32, copy=False))
    if not missing.any():
        return keypoint, score
    note('NaN or inf: such joints are missing now (0, score 0)')
    if score is None and not boxes and keypoint.shape[-1] == 2:
        score = np.ones(missing.shape, np.float32)
    if isinstance(score, np.ndarray) and score.shape == missing.shape:
        score = np.where(missing, 0, score).astype(score.dtype)
    return np.where(missing[..., None], 0, keypoint).astype(keypoint.dtype), score


def _leave_other_joints(clips: dict[int, dict[str, Any]], failed: Notes) -> None:
    """Take out the clips whose joints are not those of most."""
    rows = [row for row, clip in clips.items() if not is_compressed(clip)]
    usual = usual_joints(clips[row] for row in rows) if rows else None
    for row in rows:
        joints = clips[row]['keypoint'].shape[-2:]
        if joints != usual:
            kind = f'joints and coordinates are {joints}, in most clips {usual}'
            failed.add(kind, clips.pop(row)['frame_dir'])
