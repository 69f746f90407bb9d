"""Lists of clip ids: text, JSON or an annotation file."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from ..annotations import open_annotations
from ..annotations.clip_names import without_ending
from ..errors import DataError
from ..files.path_checks import split_part
from ..files.texts import parse_json, read_text
from ..wording import brief, count, plain

_NUMBER = re.compile(r'\d+')
_EXPECTED = (
    'Expected clip ids like 0054_0: as text with commas, blanks or line breaks between them, a '
    'JSON list, or an annotation file (FILE.pkl:SPLIT).'
)


def read_ids(name: str | os.PathLike) -> tuple[str, ...]:
    """Read clip ids, in order.

    Args:
        name: a text file with commas, blanks or line breaks between the ids, or with rows
            `NAME label` (whose name is used without the suffix of a video); a JSON list; an
            annotation file, `FILE.pkl:SPLIT` if it has several splits. Byte-order marks and
            Windows line ends are accepted.

    Raises:
        DataError: missing, no UTF-8 text, no ids, or an id that a csv row cannot hold.
    """
    path, part = split_part(name)
    if path.is_dir() or path.suffix in ('.pkl', '.pickle'):
        return _of_annotations(path, part)
    text = read_text(path, expected=_EXPECTED)
    is_json = text.lstrip().startswith(('[', '{'))
    ids = _of_json(text, part, path) if is_json else _of_text(text)
    if not ids:
        raise DataError(f'{path}: holds no ids. {_EXPECTED}')
    check_ids(ids, str(path))
    return tuple(ids)


def _of_annotations(path: Path, part: str | None) -> tuple[str, ...]:
    clips = open_annotations(path)
    splits = clips.store.split_names
    if part is None and len(splits) > 1:
        known = ', '.join(
            f'{path}:{name} ({count(len(clips.split(name)), "clip")})' for name in splits[:4]
        )
        raise DataError(f'{path}: has several splits. Name the one that was tested: {known}.')
    part = splits[0] if part is None and splits else part
    return tuple(clips.ids if part is None else clips.split(part).ids)


def _of_json(text: str, part: str | None, path: Path) -> list[str]:
    content = parse_json(text, path, _EXPECTED)
    if isinstance(content, dict):
        if part not in content:
            raise DataError(
                f'{path}: holds {brief(list(content))}. Name the list to use: {path}:NAME.'
            )
        content = content[part]
    if not isinstance(content, list) or not all(isinstance(name, str) for name in content):
        raise DataError(f'{path}: is JSON, but not a list of strings. {_EXPECTED}')
    return [name.strip() for name in content]


def _of_text(text: str) -> list[str]:
    lines = [re.split(r'[\s,;]+', line.strip(' \t,;')) for line in text.splitlines()]
    lines = [words for words in lines if words != ['']]
    if lines[1:] and _is_name_and_numbers(lines[1]) and not _is_name_and_numbers(lines[0]):
        header, rows = lines[:1], lines[1:]  # 'Id,Target'
    else:
        header, rows = [], lines
    if rows and all(map(_is_name_and_numbers, rows)):
        return [without_ending(name) for name, *_ in rows]
    return [name for words in (*header, *rows) for name in words]


def _is_name_and_numbers(words: Sequence[str]) -> bool:
    """Return whether words are a row `0054_0.mp4 0`: a name, its label and perhaps its length."""
    name, *numbers = words
    return bool(numbers) and not _NUMBER.fullmatch(name) and all(map(_NUMBER.fullmatch, numbers))


def find_rows(ids: Sequence[str], wanted: Sequence[str], where: str, advice: str) -> list[int]:
    """Return the row in `ids` of each wanted clip.

    Args:
        ids: names of the rows.
        wanted: names of the clips.
        where: what holds `ids`, for messages.
        advice: what to do if clips are missing, for messages.

    Raises:
        DataError: clips are missing.
    """
    row = {name: n for n, name in enumerate(ids)}
    missing = [name for name in wanted if name not in row]
    if missing:
        raise DataError(
            f'{where}: holds no clip {plain(missing[0])} ({len(missing)} of {len(wanted)} ids are '
            f'missing). {advice}'
        )
    return [row[name] for name in wanted]


def check_ids(ids: Sequence[str], where: str) -> None:
    """Raise DataError, naming the row, unless every id fits into a csv row `id,class`."""
    for n, name in enumerate(ids):
        if not name or name != name.strip() or not name.isprintable() or ',' in name or '"' in name:
            raise DataError(
                f'{where}: id {n} is {brief(name)}: expected a name like 0054_0, without commas, '
                'quotes or line breaks.'
            )
