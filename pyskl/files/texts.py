"""Text and JSON from regular files of bounded size, as UTF-8 with or without a byte order mark."""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..errors import DataError
from .safe_pickle import open_regular

MAX_TEXT_BYTES = 256 << 20


def read_text(path: str | os.PathLike, limit: int = MAX_TEXT_BYTES) -> str:
    """Read a text file.

    Raises:
        DataError: missing, no regular file, larger than `limit` bytes, or no UTF-8.
    """
    path = Path(path)
    with open_regular(path) as f:
        raw = f.read(limit + 1)
    if len(raw) > limit:
        raise DataError(f'{path}: has more than the {limit >> 20} MiB that a text file may have.')
    try:
        return raw.decode('utf-8-sig')
    except UnicodeDecodeError as error:
        raise DataError(
            f'{path}: is no text in UTF-8 (byte {error.start}). Expected a text file; save it as UTF-8.'
        ) from None


def csv_rows(lines: Iterable[str], path: str | os.PathLike, delimiter: str = ',') -> list[list[str]]:
    """Return the cells of a csv file's lines, without blanks around them.

    Raises:
        DataError: naming `path`, where a quotation mark opens a cell of more than 128 KiB.
    """
    try:
        return [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=delimiter)]
    except csv.Error as error:
        raise DataError(f'{path}: cannot be read as csv ({error}). Is a quotation mark missing?') from None


def read_json(path: str | os.PathLike, limit: int = MAX_TEXT_BYTES) -> Any:
    """Read a JSON file.

    Raises:
        DataError: as read_text, or no JSON; also where a text holds half a character (a lone '\\ud800'),
            which could not be written or shown.
    """
    text = read_text(path, limit)
    try:
        data = json.loads(text)
        if re.search(r'\\u[dD][89a-fA-F]', text):
            json.dumps(data, ensure_ascii=False).encode()
        return data
    except (ValueError, RecursionError) as error:
        raise DataError(f'{path}: is no JSON ({error}). Make or get it again.') from None
