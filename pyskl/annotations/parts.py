"""The two parts of an annotation file, clips and splits, in every shape that people use.

    {'split': {name: [frame_dir, ...]}, 'annotations': [annotation, ...]}      PYSKL's
    [annotation, ...]                       a bare list, without splits
    annotation                              a single one
    {name: annotation}                      by name, here or as 'annotations'
    {split: [annotation, ...]}              by split

A split may list positions (0, 1 ...) instead of names, and names with the suffix of a video
('v_1.mp4').
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

import numpy as np

from ..errors import DataError
from ..wording import brief, plain
from .clip_names import ClipNames
from .field_values import Note, ignore_note, whole_number
from .fields import name_in
from .file_formats import format_of_data


def parts(data: Any, where: str, note: Note = ignore_note) -> tuple[dict[str, list[str]], list]:
    """Return the splits, checked, and the annotations, not yet checked, of a file's content.

    Args:
        data: what load_pickle gave.
        where: names the file in errors.
        note: is told what is not read as it is written.

    Raises:
        DataError: the file holds no annotations, or no valid splits.
    """
    split, annotations = _shape(data, where, note)
    return checked_splits(split, annotations, where, note), annotations


def checked_splits(
    split: Any, annotations: Sequence[Any], where: str, note: Note = ignore_note
) -> dict[str, list[str]]:
    """Return splits, which may list clips by position or other spelling, by the clips' names."""
    if split is None:
        split = {}
    if not isinstance(split, Mapping):
        raise DataError(
            f"{where}: 'split' is {brief(split)}. Expected a dict: name of the split -> list of "
            'frame_dir.'
        )
    names = [name_in(annotation) for annotation in annotations]
    clip_names = ClipNames(name for name in names if name is not None)
    checked = {}
    for name, members in split.items():
        if not isinstance(name, str):
            raise DataError(
                f"{where}: 'split' has the key {brief(name)}. Expected names like 'train'."
            )
        listed = _members(name, members, names, where, note)
        checked[str(name)] = _spelt_as_clips(name, listed, clip_names, note)
    return checked


def _shape(data: Any, where: str, note: Note) -> tuple[Any, list]:
    if isinstance(data, (list, tuple)):
        return None, list(_not_another_form(data, where))
    if isinstance(data, Mapping):
        annotations = data.get('annotations')
        if isinstance(annotations, (list, tuple)):
            return data.get('split'), list(_not_another_form(annotations, where))
        if _by_name(annotations):
            note("'annotations' is a dict by name; its values are read as the list of clips")
            return data.get('split'), _named(annotations)
        if 'keypoint' in data and not _by_name(data):
            note('holds one single annotation; it is read as a list of one')
            return None, [data]
        by_split = {k: v for k, v in data.items() if k not in ('label_names', 'layout')}
        if _by_name(data):
            note('holds a dict of annotations by name; its values are read as the list of clips')
            return None, _named(data)
        if all(map(_is_clips, by_split.values())) and by_split:
            note('holds lists of annotations by split; they are read as one list and its splits')
            clips = [clip for members in by_split.values() for clip in members]
            return {k: [name_in(clip) for clip in v] for k, v in by_split.items()}, clips
    _not_another_form(data, where)
    raise DataError(
        f"{where}: holds {brief(data)}. Expected a dict with 'split' and 'annotations', a list of "
        'dicts, one a clip (data/README.md), as make_annotation and write_annotations of '
        'pyskl.annotations make them.'
    )


def _not_another_form(data: Any, where: str) -> Any:
    """Return data that may be annotations; refuse what is known to be something else."""
    found = format_of_data(data)
    if found is not None:
        raise DataError(f'{where}: {found.message(where)}')
    return data


def _is_clip(value: Any) -> bool:
    return isinstance(value, Mapping) and 'keypoint' in value


def _by_name(value: Any) -> TypeGuard[Mapping[Any, Any]]:
    return isinstance(value, Mapping) and bool(value) and all(map(_is_clip, value.values()))


def _is_clips(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and bool(value) and all(map(_is_clip, value))


def _named(annotations: Mapping) -> list:
    """Return the clips of a dict; its keys name those that have no name of their own."""
    return [
        clip if name_in(clip) is not None else {**clip, 'frame_dir': key}
        for key, clip in annotations.items()
    ]


def _members(
    split: str, members: Any, names: Sequence[str | None], where: str, note: Note
) -> list[str]:
    if isinstance(members, np.ndarray) and members.ndim == 1:
        members = members.tolist()
    if isinstance(members, (set, frozenset)):
        members = sorted(members, key=str)
    if not isinstance(members, (list, tuple)):
        raise DataError(
            f'{where}: split {brief(split)} is {brief(members)}. Expected a list of frame_dir.'
        )
    numbers = [None if isinstance(member, str) else whole_number(member) for member in members]
    rows = [number for number in numbers if number is not None]
    if members and len(rows) == len(members):
        return _of_rows(split, rows, names, where, note)
    for i, member in enumerate(members):
        if not isinstance(member, str):
            raise DataError(
                f'{where}: split {brief(split)}[{i}] is {brief(member)}. Expected a frame_dir, a '
                'text.'
            )
    return [str(member) for member in members]


def _of_rows(
    split: str, rows: Sequence[int], names: Sequence[str | None], where: str, note: Note
) -> list[str]:
    """Return the names at these positions."""
    found = [names[row] if 0 <= row < len(names) else None for row in rows]
    if None in found:
        wrong = found.index(None)
        raise DataError(
            f'{where}: split {brief(split)}[{wrong}] is {rows[wrong]}, read as a position in the '
            f'list of clips, of which there are {len(names)}. Expected frame_dir of each clip: '
            "[annotations[i]['frame_dir'] for i in members]."
        )
    note('splits list positions of clips (0, 1 ...); they are read as the names there')
    return [name for name in found if name is not None]


def _spelt_as_clips(split: str, members: list[str], clip_names: ClipNames, note: Note) -> list[str]:
    """Return the clips' own spelling of names; a name that no clip has is kept."""
    spelt = [clip_names.find(member) or member for member in members]
    if spelt != members:
        first = next(pair for pair in zip(members, spelt) if pair[0] != pair[1])
        note(
            f'split {brief(split)} spells names differently from the clips ({plain(first[0])} for '
            f'{plain(first[1])}); the names of the clips are used'
        )
    return spelt
