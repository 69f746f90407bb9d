"""Is a packed folder still what its source file holds? Size and time of change answer at once; the hash decides in doubt."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import DataError
from ..files.safe_pickle import open_regular

_BLOCK = 1 << 20


def describe(path: str | os.PathLike) -> dict[str, Any]:
    """What to remember of a file: name, size in bytes, mtime_ns, sha256. DataError when it can't be read."""
    path = Path(path)
    with open_regular(path) as f:
        found = os.fstat(f.fileno())
        digest = hashlib.sha256()
        while block := f.read(_BLOCK):
            digest.update(block)
    return {
        'name': path.name,
        'size': found.st_size,
        'mtime_ns': found.st_mtime_ns,
        'sha256': digest.hexdigest(),
    }


def changed(path: str | os.PathLike, source: Mapping[str, Any]) -> str | None:
    """In what the file `path` is other than `source` (of `describe`), whatever its name; None when it is the same.

    The content is hashed only when the size is the same and the time is not, as after copying.
    """
    try:
        found = os.stat(path)
    except OSError as error:
        raise DataError(f'{path}: cannot be looked at ({error.strerror}).') from None
    if found.st_size != source['size']:
        return f'{path} has {found.st_size:,} bytes, it was packed from {source["size"]:,}'
    if found.st_mtime_ns != source['mtime_ns'] and describe(path)['sha256'] != source['sha256']:
        return f'{path} has another content than what was packed'
    return None
