"""How long a loader's worker lives: through polite signals, and no longer than its main process.

Ctrl-C, Slurm and systemd signal every process of a run. A worker that obeyed would keep the main
process from finishing its iteration, so workers ignore these signals. What ends them is a pipe of
which the main process holds the writing end: it closes when that process is gone, however it went,
and at the end of a program just before multiprocessing waits for its children.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from functools import partial
from multiprocessing import Pipe, parent_process
from multiprocessing.connection import Connection
from multiprocessing.util import Finalize

import torch

_IGNORED = ('SIGINT', 'SIGTERM', 'SIGUSR1')


def worker_init_fn() -> Callable[[int], None]:
    """Return a DataLoader's `worker_init_fn`, for a loader that this process will iterate over."""
    return partial(_start, _lifeline().reader, os.getpid())


class _Lifeline:
    """The pipe of one process. Nothing is written; its readers wait for it to close."""

    def __init__(self):
        self.reader, self.writer = Pipe(duplex=False)
        Finalize(None, self._end_of_program, exitpriority=0)

    def _end_of_program(self) -> None:
        self.writer.close()
        if hasattr(signal, 'SIGCHLD'):  # torch would report a worker that was still starting
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)


_current: _Lifeline | None = None  # of this process, once it has made a loader with workers
_making = threading.Lock()


def _lifeline() -> _Lifeline:
    global _current
    with _making:
        if _current is None:
            _current = _Lifeline()
            if hasattr(os, 'register_at_fork'):
                os.register_at_fork(after_in_child=_let_go)
        return _current


def _let_go() -> None:
    """In a forked child: close the inherited writing end, which would outlive the parent's."""
    global _current, _making
    _making = threading.Lock()  # another thread may have held it at the fork
    if _current is not None:
        _current.writer.close()
        _current = None


def _start(reader: Connection, owner: int, _: int) -> None:
    """Prepare a worker process, before its first clip.

    Args:
        reader: closes when the process `owner` ends.
        owner: process id. Where another process runs the loader, signals keep torch's meaning, or
            that process could not end its workers.
    """
    torch.set_num_threads(1)  # the cores belong to the network
    parent = parent_process()
    if parent is None or parent.pid != owner:
        return
    for name in _IGNORED:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    threading.Thread(target=_leave_with_owner, args=(reader,), daemon=True).start()


def _leave_with_owner(reader: Connection) -> None:
    reader.poll(None)  # returns when the pipe closes
    os._exit(0)  # torch reports other statuses as a worker that failed
