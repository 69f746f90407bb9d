"""Lists of videos and their labels, in every format that people use.

    txt             `path label` a line, several labels where a clip has several, none for testing;
                    paths may hold blanks; commas, semicolons or tabs may stand between
    csv, tsv        the same, or with a header that names columns: filename, label, and for a clip
                    that is a part of its video start and end
    JSON            [{'filename': ..., 'label': ...}, ...], or {name: label}
    pickle          an annotation file whose clips have `filename`, or the names of their videos; it
                    needs no key points

Start and end are numbers of frames, counted from 0; both belong to the clip.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import DataError, did_you_mean
from ..files import load_pickle
from ..files.texts import csv_rows, read_json
from ..wording import brief, plain, repeated, some
from .about import About
from .clip_names import VIDEOS, without_ending
from .field_values import FieldError, whole_number
from .fields import clean_label, clean_place
from .label_files import LABEL_KEYS, first_of, numbered_lines
from .notes import Notes, warn_once
from .parts import checked_splits

_FILE_KEYS = (
    *('filename', 'file_name', 'video_path', 'filepath', 'video_file', 'file', 'path', 'video'),
    *('video_name', 'vid'),
)
_ID_KEYS = ('frame_dir', 'name', 'clip', 'clip_name', 'video_id', 'sample_name', 'sample', 'id')
_PLACE_KEYS = {
    'start_frame': ('start_frame', 'start', 'first', 'begin', 'first_frame'),
    'end_frame': ('end_frame', 'end', 'last', 'stop', 'last_frame'),
    'total_frames': ('total_frames', 'num_frames', 'frames'),
    'offset': ('offset',),
}
_NUMBER = re.compile(r'[+-]?\d+')
# A path, up to the last suffix of a video that a blank follows, and the rest of the line.
_PATH = re.compile(rf'(.*(?:{"|".join(map(re.escape, VIDEOS))}))(?:\s+(.*))?', re.IGNORECASE)
EXPECTED = 'Expected `path label` a line, like `wave/0054_0.mp4 3`'


def read_video_list(
    path: str | os.PathLike,
    *,
    multi_class: bool = False,
    delimiter: str | None = None,
    label_names: Sequence[str] | None = None,
    numbers: Sequence[str] = (),
) -> dict[str, Any]:
    """Read a list of videos; see the module's docstring for the formats.

    Args:
        path: the list.
        multi_class: whether a line of text may end with several labels.
        delimiter: what stands between path and labels in text; None finds it out.
        label_names: names of the classes in class order, for labels that are names.
        numbers: fields between path and label in text: ('total_frames',) for folders of
            frames.

    Returns:
        What a Store of annotations takes: `split`, `annotations` with frame_dir (the clip's name:
        its path without the ending, and behind it start and end where it is a part), filename,
        label, and as far as they are known start_frame, end_frame, total_frames; `label_names` too
        where they are known.

    Raises:
        DataError: naming file and line: missing, in another format, a label that is none, or two
            clips with one name.
    """
    path, where = Path(path), str(path)
    suffix = path.suffix.lower()
    split: Any = None
    about = About()
    if suffix in ('.pkl', '.pickle'):
        data = load_pickle(path)
        split = data.get('split') if isinstance(data, Mapping) else None
        about = About.of(data, where)
        rows = _of_data(data, where)
    elif suffix == '.json':
        rows = _of_data(read_json(path), where)
    else:
        rows = _of_text(path, multi_class, delimiter, numbers)
    names = label_names or about.label_names
    clips = [_clip(row, place, where, names) for row, place in rows]
    if not clips:
        raise DataError(f'{path}: holds no clips. {EXPECTED}.')
    _name(clips, where)
    notes = Notes()
    splits = checked_splits(split, clips, where, notes.add)
    for line in notes.lines():
        warn_once(f'{where}: {line}')
    entries = {} if names is None else {'label_names': list(names)}
    return {'split': splits, 'annotations': clips, **entries}


# -- the rows of each format: what a line says as a dict, and where the line is --------------------

Rows = Iterator[tuple[dict[str, Any], str]]


def _of_data(data: Any, where: str) -> Rows:
    """Yield the clips of JSON or a pickle."""
    if isinstance(data, Mapping):
        data = data.get('annotations', data)
    if isinstance(data, Mapping):
        for name, value in data.items():
            row = value if isinstance(value, Mapping) else {'label': value}
            yield _by_known_keys({'filename': name, **row}), plain(name)
        return
    if not isinstance(data, (list, tuple)):
        raise DataError(
            f"{where}: holds {brief(data)}. Expected [{{'filename': ..., 'label': ...}}, ...]."
        )
    for i, item in enumerate(data):
        if not isinstance(item, Mapping):
            raise DataError(
                f"{where}: entry {i} is {brief(item)}. Expected {{'filename': ..., 'label': ...}}."
            )
        yield _by_known_keys(item), f'entry {i}'


def _by_known_keys(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of an entry under the names that are used here."""
    row = {field: first_of(item, keys) for field, keys in _PLACE_KEYS.items()}
    file, name = first_of(item, _FILE_KEYS), first_of(item, _ID_KEYS)
    if file is None and 'frame_dir' not in item:
        file, name = name, None  # what is called name is the video's
    row |= {'filename': file, 'frame_dir': name, 'label': first_of(item, LABEL_KEYS)}
    return {field: value for field, value in row.items() if value is not None}


def _of_text(path: Path, multi_class: bool, delimiter: str | None, numbers: Sequence[str]) -> Rows:
    lines = numbered_lines(path)
    if not lines:
        return
    if delimiter is None:
        delimiter = _delimiter(path, [line for _, line in lines[:20]])
    if not delimiter.strip(' '):
        for n, line in lines:
            yield _of_line(line.strip(), multi_class, numbers, f'{path}, line {n}'), f'line {n}'
        return
    rows = csv_rows((line for _, line in lines), path, delimiter)
    header = [cell.lower() for cell in rows[0]]
    if {*_FILE_KEYS, *_ID_KEYS}.intersection(header):
        _warn_without_label(header, path)
        for (n, _), row in zip(lines[1:], rows[1:]):
            if len(row) != len(header):
                raise DataError(
                    f'{path}, line {n}: has {len(row)} cells, the header {len(header)} '
                    f'({some(header, 8)}). Put a path that holds the separator between quotation '
                    'marks.'
                )
            cells = {key: cell for key, cell in zip(header, row) if cell}
            yield _with_labels(_by_known_keys(cells)), f'line {n}'
        return
    for (n, _), row in zip(lines, rows):
        name, *rest = row
        yield (
            _fields(name, [cell for cell in rest if cell], numbers, f'{path}, line {n}'),
            f'line {n}',
        )


def _warn_without_label(header: Sequence[str], path: Path) -> None:
    """Warn of a header without a label, where one of its other columns may be meant as one."""
    known = {*_FILE_KEYS, *_ID_KEYS, *LABEL_KEYS}.union(*_PLACE_KEYS.values())
    others = [title for title in header if title and title not in known]
    if others and not set(LABEL_KEYS).intersection(header):
        warn_once(
            f'{path}: no column is called label, so its clips have none; passed over: '
            f'{some(others)}. If one of these holds the labels, call it label.'
        )


def _delimiter(path: Path, lines: Sequence[str]) -> str:
    """Return the delimiter of the cells; ' ' for blanks and tabs."""
    ending = path.suffix.lower()
    for mark in ',;\t':
        behind = [line.rpartition(mark)[2].strip() for line in lines]
        if all(mark in line for line in lines) and (
            ending in ('.csv', '.tsv') or all(map(_NUMBER.fullmatch, behind))
        ):
            return mark
    return ',' if ending == '.csv' else ' '


def _of_line(line: str, multi_class: bool, numbers: Sequence[str], where: str) -> dict[str, Any]:
    """Read a line that is separated by blanks; its path may contain blanks, too."""
    found = None if numbers else _PATH.fullmatch(line)
    if found is not None:
        rest = (found[2] or '').split()
        if rest and not all(map(_NUMBER.fullmatch, rest)):
            rest = [' '.join(rest)]  # the name of a class
        return _fields(found[1], rest, numbers, where)
    words = line.split()
    most = len(words) - 1 if multi_class else 1 + len(numbers)
    count = 0
    while count < min(most, len(words) - 1) and _NUMBER.fullmatch(words[-1 - count]):
        count += 1
    name = line.rsplit(maxsplit=count)[0] if count else line
    return _fields(name, words[len(words) - count :], numbers, where)


def _fields(name: str, cells: Sequence[str], numbers: Sequence[str], where: str) -> dict[str, Any]:
    """Return a row of a path and the cells behind it: some numbers, then labels."""
    if len(cells) < len(numbers):
        raise DataError(
            f'{where}: {plain(name)} has {len(cells)} numbers behind it. Expected '
            f'`folder {" ".join(numbers)} label`.'
        )
    labels = list(cells[len(numbers) :])
    row = {'filename': name, **dict(zip(numbers, cells))}
    return {**row, 'label': labels[0] if len(labels) == 1 else labels} if labels else row


def _with_labels(row: dict[str, Any]) -> dict[str, Any]:
    """Split several labels in one cell of a csv: '1 3', '1;3', '1|3'."""
    label = row.get('label')
    several = re.split(r'[\s;|]+', label) if isinstance(label, str) else []
    if len(several) > 1 and all(map(_NUMBER.fullmatch, several)):
        return {**row, 'label': several}
    return row


# -- one clip -----------------------------------------------------------------------------------


def _clip(
    row: Mapping[str, Any], place: str, where: str, label_names: Sequence[str] | None
) -> dict[str, Any]:
    """Return a clip, checked, named as its line names it."""
    name = row.get('filename', row.get('frame_dir'))
    if isinstance(name, os.PathLike):
        name = os.fspath(name)
    if not isinstance(name, str) or not name.strip() or not name.isprintable():
        raise DataError(f'{where}, {place}: filename is {brief(name)}. {EXPECTED}.')
    given_name = row.get('frame_dir')
    clip: dict[str, Any] = {
        'frame_dir': given_name if isinstance(given_name, str) and given_name else None,
        'filename': name,
    }
    try:
        label = row.get('label')
        listed = [_number(one, label_names) for one in label] if isinstance(label, list) else None
        clip['label'] = clean_label({'label': listed or _number(label, label_names)})
        clip |= _part(row)
    except FieldError as error:
        raise DataError(f'{where}, {place}: clip {plain(name)}: {error}') from None
    return clip


def _number(label: Any, names: Sequence[str] | None) -> Any:
    """Return the number of a class that a text names; anything else as it is, for clean_label."""
    if not isinstance(label, str):
        return label
    if _NUMBER.fullmatch(label.strip()):
        return int(label)
    if names is not None and label in names:
        return list(names).index(label)
    wanted = 'Expected a number from 0 on; for names of classes give label_names, in class order.'
    if names is not None:
        wanted = f'Expected a name of label_names.{did_you_mean(label, names)}'
    raise FieldError('label', f'is {brief(label)}', wanted)


def _part(row: Mapping[str, Any]) -> dict[str, int]:
    """Return those of start_frame, end_frame, total_frames and offset that are known."""
    given = {
        field: int(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else value
        for field, value in row.items()
        if field in _PLACE_KEYS
    }
    part = clean_place(given)
    for field, least in (('total_frames', 1), ('offset', 0)):
        if field in given:
            number = whole_number(given[field])
            if number is None or number < least:
                raise FieldError(
                    field, f'is {brief(given[field])}', f'Expected a number from {least} on.'
                )
            part[field] = number
    if 'end_frame' in part:
        part['total_frames'] = part['end_frame'] - part.get('start_frame', 0) + 1
    return part


def _name(clips: Sequence[dict[str, Any]], where: str) -> None:
    """Name the clips that have no name yet."""
    names = [without_ending(clip['filename']) + _behind(clip) for clip in clips]
    number = Counter(names)
    for clip, name in zip(clips, names):
        if clip['frame_dir'] is None:
            # x.mp4 beside x.avi: their endings tell them apart.
            clip['frame_dir'] = name if number[name] == 1 else clip['filename'] + _behind(clip)
    twice = repeated(clip['frame_dir'] for clip in clips)
    if twice:
        raise DataError(
            f'{where}: {some(twice)} {"is" if len(twice) == 1 else "are"} in the list more '
            'than once. Expected each clip once, since scores go by its name. To see clips more '
            'often: class_prob, or RepeatDataset.'
        )


def _behind(clip: Mapping[str, Any]) -> str:
    return ''.join(f'_{clip[key]}' for key in ('start_frame', 'end_frame') if key in clip)
