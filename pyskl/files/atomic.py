"""Files that are never half-written: made beside the target, flushed, then renamed over it.

A writer that is killed leaves its `.NAME.xxxxxxxx.part` behind. While it lives it holds a lock on
that file, so the next process that writes NAME knows which parts are abandoned, and removes them. A
folder is written by one process at a time, which holds `.NAME.lock`, and removes what earlier ones
left.
"""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from ..errors import UserError
from .locks import Lock, is_at, try_lock

_PART = re.compile(r'\..+\.[a-z0-9_]{8}\.part')  # as mkstemp names them
_FOLDER = re.compile(r'\.[a-z0-9_]{8}\.(part|old)')


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike, mode: str = 'wb', **kwargs) -> Iterator[IO]:
    """Open a temporary file beside `path` for writing, which replaces `path` on success.

    On any error `path` stays as it was.

    Args:
        path: the file to write; its folder is made when missing.
        mode: 'wb' or 'w'.
        kwargs: passed to open (encoding, newline).

    Raises:
        UserError: naming `path`: the disk is full, or the folder cannot be written to.

    Examples:
        >>> with atomic_write('scores.npz') as f:
        ...     np.savez(f, scores=scores)
    """
    path = Path(path)
    with _preparing(path):
        if path.is_dir():
            raise IsADirectoryError(21, 'is a folder, expected a file')
        # The rename would put a file in the place of a device or a pipe.
        if path.exists() and not path.is_file():
            raise FileExistsError(17, 'is a device or a pipe, expected a file')
        remove_parts(path.parent, path.name)
        handle, temporary = _locked_part(path)
    try:
        # The lock lasts until the handle is closed.
        with _writing(path), open(handle, mode, closefd=False, **kwargs) as f:
            yield f
            f.flush()
            os.fsync(f.fileno())
            os.chmod(temporary, 0o666 & ~_umask())
            os.replace(temporary, path)
    finally:
        with contextlib.suppress(OSError):  # it is gone where it took its place
            os.unlink(temporary)
        os.close(handle)


@contextlib.contextmanager
def _preparing(path: Path) -> Iterator[None]:
    """Make the folder of `path`; say what prevents that, or the preparations in the block."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise UserError(
            f'{path}: cannot be written ({error.strerror}). Choose another place or free the name.'
        ) from error


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Say why `path` could not be written in the block."""
    try:
        yield
    except OSError as error:
        cure = 'Free some disk space or choose another place.'
        if error.errno in (errno.EMFILE, errno.ENFILE):
            cure = 'Allow more open files (ulimit -n), or take fewer workers.'
        raise UserError(
            f'{path}: could not be written ({error.strerror or error}); what was there before is '
            f'untouched. {cure}'
        ) from error


def atomic_write_text(path: str | os.PathLike, text: str) -> None:
    """Write a text file in UTF-8, by atomic_write."""
    with atomic_write(path, 'w', encoding='utf-8') as f:
        f.write(text)


def _locked_part(path: Path) -> tuple[int, str]:
    """Make a temporary file beside `path`: open, and locked where there are locks."""
    while True:
        handle, temporary = tempfile.mkstemp('.part', f'.{path.name}.', path.parent)
        locked = try_lock(handle)
        if locked is None or locked and is_at(temporary, handle):
            return handle, temporary
        os.close(handle)  # before it was locked, another process took it for a leftover


@contextlib.contextmanager
def atomic_folder(path: str | os.PathLike) -> Iterator[Path]:
    """Make a temporary folder beside `path` to write into, which replaces `path` on success.

    On any error `path` stays as it was. Whoever writes files into the folder must flush them to
    disk.

    Args:
        path: the folder to write; what it held before is removed once the new one is complete
            (between the two, for a moment, there is none).

    Raises:
        UserError: naming `path`: the disk is full, the folder cannot be written to, or another
            process is writing it.
    """
    path = Path(path)
    with Lock(path.parent / f'.{path.name}.lock') as lock:
        with _preparing(path):
            if path.exists() and not path.is_dir():
                raise NotADirectoryError(20, 'is a file, expected a folder')
            holder = lock.take()
            if holder:
                raise UserError(
                    f'{path}: is being written by another process ({holder}). Wait until it has '
                    'finished, or choose another name.'
                )
            if lock.works:
                _remove_leftovers(path)
            temporary = Path(tempfile.mkdtemp('.part', f'.{path.name}.', path.parent))
        try:
            with _writing(path):
                yield temporary
                os.chmod(temporary, 0o777 & ~_umask())
                _put_in_place(temporary, path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def _put_in_place(folder: Path, path: Path) -> None:
    old = folder.with_suffix('.old')
    if path.exists():
        os.rename(path, old)
    try:
        os.rename(folder, path)
    except OSError:
        if old.exists():
            os.rename(old, path)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _remove_leftovers(path: Path) -> None:
    """Remove what killed writers left of a folder, and restore what one of them had moved away."""
    pattern = glob.escape(f'.{path.name}.') + '*'
    left = [
        old
        for old in path.parent.glob(pattern)
        if old.is_dir() and _FOLDER.fullmatch(old.name.removeprefix(f'.{path.name}'))
    ]
    for old in left:
        if old.suffix == '.old' and not path.exists():
            os.rename(old, path)
        else:
            shutil.rmtree(old, ignore_errors=True)


def remove_parts(folder: str | os.PathLike, name: str | None = None) -> list[str]:
    """Remove what killed writers left in a folder, and return the names removed.

    Parts whose writer still lives stay, and so does everything on systems without locks.

    Args:
        folder: where to look.
        name: only parts of this file; None: of any.
    """
    pattern = f'.{glob.escape(name)}.*.part' if name else '.*.part'
    removed = []
    for part in Path(folder).glob(pattern):
        with contextlib.suppress(OSError):
            if _PART.fullmatch(part.name) and _abandoned(part):
                part.unlink()
                removed.append(part.name)
    return removed


def _abandoned(part: Path) -> bool:
    """Return whether nobody holds the lock of a part; False where there are no locks."""
    with open(part, 'rb') as f:
        return bool(try_lock(f.fileno()))


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
