"""Text and JSON from regular files of bounded size, UTF-8 or UTF-16, with or without a BOM."""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, Literal

from ..errors import DataError
from ..wording import brief
from .safe_pickle import open_regular

MAX_TEXT_BYTES = 256 << 20
MAX_LINE_BYTES = 1 << 20
_UTF_16 = (b'\xff\xfe', b'\xfe\xff')  # as Windows' shell writes what a command prints
_LONG_NUMBER = re.compile(r'\d{19}')


def read_bytes(path: str | os.PathLike, limit: int, expected: str = '') -> bytes:
    """Read a file of at most `limit` bytes.

    Args:
        path: the file.
        limit: bytes.
        expected: what it should be, the end of the message.

    Raises:
        DataError: missing, no regular file, or larger.
    """
    with open_regular(Path(path)) as f:
        size = os.fstat(f.fileno()).st_size
        raw = f.read(min(size, limit) + 1)  # which makes room for as many at once
    if len(raw) > limit:
        raise DataError(f'{path}: is larger than {_size(limit)}. {expected}'.rstrip())
    return raw


def read_text(
    path: str | os.PathLike,
    expected: str = '',
    limit: int = MAX_TEXT_BYTES,
    errors: Literal['strict', 'replace'] = 'strict',
) -> str:
    r"""Read a text file; its lines end in '\n' alone.

    Args:
        path: the file.
        expected: what it should be, the end of each message.
        limit: bytes.
        errors: 'replace' reads on where bytes are no text.

    Raises:
        DataError: missing, no regular file, larger than `limit`, or other bytes than text.
    """
    path = Path(path)
    try:
        raw = read_bytes(path, limit, expected)
    except DataError as error:
        if not expected or str(error).endswith(expected):
            raise
        reason = str(error).removeprefix(f'{path}: ')
        raise DataError(f'{path}: cannot be read ({reason}) {expected}') from error
    try:
        text = raw.decode('utf-16' if raw[:2] in _UTF_16 else 'utf-8-sig', errors)
    except UnicodeDecodeError as error:
        advice = expected or 'Expected a text file; save it as UTF-8.'
        raise DataError(f'{path}: is no UTF-8 text (byte {error.start}). {advice}') from error
    return text.replace('\r\n', '\n').replace('\r', '\n') if '\r' in text else text


def csv_rows(
    lines: Iterable[str], path: str | os.PathLike, delimiter: str = ','
) -> list[list[str]]:
    """Return the cells of a csv file's lines, without blanks around them.

    Raises:
        DataError: naming `path`, where a quotation mark opens a cell of more than 128 KiB.
    """
    try:
        return [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=delimiter)]
    except csv.Error as error:
        raise DataError(
            f'{path}: cannot be read as csv ({error}). Is a quotation mark missing?'
        ) from None


def read_json(
    path: str | os.PathLike, expected: str = 'Make or get it again.', limit: int = MAX_TEXT_BYTES
) -> Any:
    r"""Read a JSON file.

    Args:
        path: the file.
        expected: what it should be, the end of each message.
        limit: bytes.

    Raises:
        DataError: as read_text, or no JSON; also where a text holds half a character (a lone
            '\ud800'), which could not be written or shown.
    """
    return parse_json(read_text(path, '', limit), path, expected)


def parse_json(text: str, path: str | os.PathLike, expected: str) -> Any:
    """Return what a JSON text holds; `expected` ends its DataError.

    Whole numbers beyond 64 bits are floats, as elsewhere in JSON.
    """
    parse_int = _number if _LONG_NUMBER.search(text) else None
    try:
        data = json.loads(text, parse_int=parse_int)
        if re.search(r'\\u[dD][89a-fA-F]', text):  # halves of characters cannot be written
            json.dumps(data, ensure_ascii=False).encode()
        return data
    except (ValueError, RecursionError) as error:
        raise DataError(f'{path}: is no whole JSON ({brief(str(error))}). {expected}') from error


def _number(digits: str) -> int | float:
    number = int(digits) if len(digits) <= 20 else 1 << 64
    return number if -(1 << 63) <= number < 1 << 63 else float(digits)


def bounded_lines(file: IO[bytes], path: str | os.PathLike) -> Iterator[bytes]:
    """Yield the lines of an open file, which may be larger than memory.

    Raises:
        DataError: one is longer than a line of text is.
    """
    number = 0
    while line := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(line) > MAX_LINE_BYTES:
            raise DataError(
                f'{path}: line {number} has more than {_size(MAX_LINE_BYTES)}. Expected lines of '
                'text: is it another kind of file?'
            )
        yield line


def _size(number: int) -> str:
    return f'{number >> 20} MiB' if number >= 1 << 20 else f'{number:,} bytes'
