"""Locks between processes: files that are held while their process lives, and say who holds them.

The system releases a lock when its process ends, however it ends, so a file that a killed process
left behind keeps nobody out.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]  # a module, or none

PATIENCE = 2.0  # seconds that a lock is waited for: the workers of a killed process hold it, too
RESULTS_LOCK = '.results.lock'  # in a folder, held while files are written that belong together
_NOTE_BYTES = 500


class Lock:
    """A lock file, not held yet.

    Attributes:
        path: the file. It is there while the lock is held, and removed when it is released.
        works: False where the file system has no locks, so that nobody is kept out; None before
            the first `take`.
        before: without locks, what the last holder left in the file and did not take back: it was
            killed, or still runs. Empty where there was none.
    """

    def __init__(self, path: str | os.PathLike):
        self.path, self.before = Path(path), ''
        self.works: bool | None = None
        self._handle: int | None = None

    def take(self, patience: float | None = None) -> str | None:
        """Hold the lock from now on.

        Args:
            patience: seconds to wait for it; None: PATIENCE.

        Returns:
            None where it is held; else who holds it, in words.

        Raises:
            OSError: the file cannot be made.
        """
        end = time.monotonic() + (PATIENCE if patience is None else patience)
        while self._handle is None:
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
            taken = try_lock(handle)
            self.works = taken is not None
            if taken is False:
                holder = _note_in(handle)
                os.close(handle)
                if time.monotonic() > end:
                    return holder or 'another process'
                time.sleep(0.05)
            elif taken and not is_at(self.path, handle):  # its holder removed it just now
                os.close(handle)
            else:
                self.before = '' if taken else _note_in(handle)
                self._handle = handle
                _write_note(handle)
        return None

    def release(self) -> None:
        """Let the next one in. Nothing happens where the lock is not held."""
        if self._handle is None:
            return
        handle, self._handle = self._handle, None
        with contextlib.suppress(OSError):
            if is_at(self.path, handle):
                self.path.unlink()
            if fcntl:  # forked workers have the file open, too
                fcntl.flock(handle, fcntl.LOCK_UN)
        os.close(handle)

    def __enter__(self) -> Lock:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def try_lock(handle: int) -> bool | None:
    """Lock an open file: True where that is done, False if another holds it, None without locks."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except OSError as error:
        return False if error.errno in (errno.EWOULDBLOCK, errno.EACCES) else None


def is_at(path: str | os.PathLike, handle: int) -> bool:
    """Return whether an open file is still the one of that name."""
    with contextlib.suppress(OSError):
        return os.path.samestat(os.stat(path), os.fstat(handle))
    return False


def _write_note(handle: int) -> None:
    since = time.strftime('%Y-%m-%d %H:%M:%S')
    note = f'process {os.getpid()} on {socket.gethostname()} since {since}'
    with contextlib.suppress(OSError):  # a full disk: the lock holds without it
        os.ftruncate(handle, 0)
        os.lseek(handle, 0, os.SEEK_SET)
        os.write(handle, note.encode('utf-8', 'replace'))


def _note_in(handle: int) -> str:
    os.lseek(handle, 0, os.SEEK_SET)
    text = os.read(handle, _NOTE_BYTES).decode('utf-8', 'replace').strip()
    return ''.join(c if c.isprintable() else '?' for c in text)


@contextlib.contextmanager
def in_turn(path: str | os.PathLike, patience: float = 60.0) -> Iterator[None]:
    """Hold a lock file while some files that belong together are written, after waiting for it.

    After `patience` seconds, or where the lock cannot be had at all, the block runs without it.
    """
    folder = Path(path).parent
    missing = not folder.exists()
    try:
        with Lock(path) as lock:
            with contextlib.suppress(OSError):  # whoever writes there says what is wrong
                folder.mkdir(parents=True, exist_ok=True)
                lock.take(patience)
            yield
    finally:
        if missing:  # it is empty where nothing could be written
            with contextlib.suppress(OSError):
                folder.rmdir()
