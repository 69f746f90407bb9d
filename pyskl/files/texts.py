"""Text and JSON from regular files of bounded size, as UTF-8 or UTF-16 with or without a byte order mark."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ..errors import DataError
from ..wording import brief
from .safe_pickle import open_regular

MAX_TEXT_BYTES = 256 << 20
_UTF_16 = (b'\xff\xfe', b'\xfe\xff')  # as Windows' shell writes what a command prints


def read_bytes(path: str | os.PathLike, limit: int, expected: str = '') -> bytes:
    """Read a file of at most `limit` bytes.

    Raises:
        DataError: missing, no regular file, or larger; `expected` ends it.
    """
    with open_regular(Path(path)) as f:
        raw = f.read(limit + 1)
    if len(raw) > limit:
        raise DataError(f'{path}: is larger than {limit >> 20} MiB. {expected}'.rstrip())
    return raw


def read_text(path: str | os.PathLike, expected: str = '', limit: int = MAX_TEXT_BYTES) -> str:
    """Read a text file.

    Args:
        path: the file.
        expected: what it should be, the end of each message.
        limit: bytes.

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
        return raw.decode('utf-16' if raw[:2] in _UTF_16 else 'utf-8-sig')
    except UnicodeDecodeError as error:
        advice = expected or 'Expected a text file; save it as UTF-8.'
        raise DataError(f'{path}: is no UTF-8 text (byte {error.start}). {advice}') from error


def read_json(
    path: str | os.PathLike, expected: str = 'Make or get it again.', limit: int = MAX_TEXT_BYTES
) -> Any:
    """Read a JSON file.

    Raises:
        DataError: as read_text, or no JSON.
    """
    return parse_json(read_text(path, '', limit), path, expected)


def parse_json(text: str, path: str | os.PathLike, expected: str) -> Any:
    """Return what a JSON text holds; `expected` ends its DataError."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f'{path}: is no whole JSON ({brief(str(error))}). {expected}') from error
