"""Files that are never seen half-written: write beside the target, flush to the disk, then rename over it."""
from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from .errors import UserError


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike, mode: str = 'wb', **kwargs) -> Iterator[IO]:
    """Open a temporary file beside `path` for writing; on success it replaces `path`, on any error `path` stays as it was.

    path    the file to write; its folder is made when missing
    mode    'wb' or 'w'; kwargs go to open (encoding, newline)
    raises  UserError naming `path` when the disk is full or the folder can't be written
    Concretely: `with atomic_write('scores.npz') as f: np.savez(f, scores=scores)`.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(21, 'is a folder, expected a file')
        handle, temporary = tempfile.mkstemp(prefix=f'.{path.name}.', suffix='.part', dir=path.parent)
    except OSError as error:
        raise UserError(f'{path}: cannot be written ({error.strerror}). Choose another place or free the name.') from error
    try:
        with os.fdopen(handle, mode, **kwargs) as f:
            yield f
            f.flush()
            os.fsync(f.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except OSError as error:
        _forget(temporary)
        raise UserError(f'{path}: could not be written ({error.strerror or error}); what was there before is untouched. '
                        'Free some disk space or choose another place.') from error
    except BaseException:
        _forget(temporary)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _forget(temporary: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(temporary)
