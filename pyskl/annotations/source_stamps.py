"""Stamps of source files, which tell whether a packed folder still holds what its source holds.

Size and modification time answer at once; the hash decides in doubt.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import DataError
from ..files.safe_pickle import open_regular

_BLOCK = 1 << 20


def stamp_of(path: str | os.PathLike) -> dict[str, Any]:
    """Return a file's stamp: name, size in bytes, mtime_ns, sha256.

    Raises:
        DataError: the file cannot be read.
    """
    path = Path(path)
    with open_regular(path) as f:
        status = os.fstat(f.fileno())
        digest = hashlib.sha256()
        while block := f.read(_BLOCK):
            digest.update(block)
    return {
        'name': path.name,
        'size': status.st_size,
        'mtime_ns': status.st_mtime_ns,
        'sha256': digest.hexdigest(),
    }


def change_since(path: str | os.PathLike, stamp: Mapping[str, Any]) -> str | None:
    """Say how a file differs from its stamp, whatever its name; None when it is the same.

    The content is hashed only when the size is the same and the time is not, as after copying.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        status = os.stat(path)
    except OSError as error:
        raise DataError(f'{path}: cannot be read ({error.strerror}).') from None
    if status.st_size != stamp['size']:
        return f'{path} has {status.st_size:,} bytes, it was packed from {stamp["size"]:,}'
    if status.st_mtime_ns != stamp['mtime_ns'] and stamp_of(path)['sha256'] != stamp['sha256']:
        return f'{path} has changed since it was packed'
    return None
