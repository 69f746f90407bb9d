"""A run of a sweep: training and testing in child processes, and the files that they leave."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO, Any, Literal

from ..errors import DataError
from ..files.atomic import atomic_write_text
from ..files.locks import try_lock
from ..files.safe_pickle import open_regular
from ..files.texts import read_json

STOP_TIMEOUT = 60.0  # seconds that a stopped training has to write its checkpoint
_REQUEUE_TIMEOUT = 30.0  # seconds that a stopped Slurm job waits to be queued again
_POLL = 0.1  # seconds
MAX_BYTES = 16 << 20  # of the records that a sweep leaves
_TAIL_BYTES = 1 << 20  # of a log, to search for the last message


class Interrupted(SystemExit):
    """A signal stopped the sweep and its runs; the same command resumes them.

    Attributes:
        name: name of the signal.
        code: exit status, 128 + signal.
        advice: how to go on, in words.
    """

    advice = 'The same command goes on from there.'

    def __init__(self, number: int):
        super().__init__(128 + number)
        self.name = signal.Signals(number).name


class StopSignal:
    """Remembers SIGINT (Ctrl-C) and SIGTERM while active, for a loop that calls `check`."""

    number = 0

    def __enter__(self) -> StopSignal:
        stopping = signal.SIGINT, signal.SIGTERM
        self._before = {number: signal.signal(number, self._remember) for number in stopping}
        return self

    def __exit__(self, *_) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _remember(self, number: int, _: FrameType | None) -> None:
        self.number = number

    def check(self) -> None:
        """Raise Interrupted if a signal has come."""
        if self.number:
            raise Interrupted(self.number)


@contextlib.contextmanager
def kept_from_children(name: str) -> Iterator[None]:
    """Keep a signal from processes that are started in this block; here it comes a little later."""
    number = getattr(signal, name, None)
    if number is None:  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [number])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Files:
    """The files of a run, in its folder."""

    folder: Path

    @property
    def record(self) -> Path:
        """Settings and seconds of the run, as JSON."""
        return self.folder / 'sweep.json'

    @property
    def log(self) -> Path:
        """Output of training and test."""
        return self.folder / 'sweep.log'

    @property
    def failure(self) -> Path:
        """Why the last attempt failed, in words; missing if it did not."""
        return self.folder / 'sweep.failure'

    @property
    def queued(self) -> Path:
        """Slurm job of the run; missing if there is none."""
        return self.folder / 'sweep.slurm'

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds of each step over all attempts; empty if unknown."""
        try:
            seconds = read_json(self.record, limit=MAX_BYTES)['seconds']
            return {str(step): float(value) for step, value in seconds.items()}
        except (DataError, ValueError, KeyError, TypeError, AttributeError):
            return {}

    @contextlib.contextmanager
    def holding(self) -> Iterator[IO | Literal[False] | None]:
        """Lock the folder.

        Yields:
            The locked file, False if another process holds it, None on a system without locks.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.folder / '.sweep.lock', 'wb') as file:
            locked = try_lock(file.fileno())
            yield file if locked else locked

    @property
    def is_held(self) -> bool:
        """Whether another process holds the folder."""
        with self.holding() as lock:
            return lock is False


@dataclass
class Job(Files):
    """A run as a callable, for this process or, pickled by submitit, for another machine.

    It is plain data and needs no PyTorch. Its result is what it leaves in its folder.

    Attributes:
        folder: folder of the run.
        about: settings of the run, for its record.
        steps: arguments of each command that is still needed; no shell reads them.
        environment: changed environment variables; None removes one.
        parent: process whose end stops the run.
    """

    folder: Path
    about: Mapping[str, Any]
    steps: Mapping[str, list[str]]
    environment: Mapping[str, str | None] = field(default_factory=dict)
    parent: int | None = None
    _process: subprocess.Popen | None = None

    def __call__(self) -> None:
        """Run the steps; a failure is written into the folder."""
        with self.holding() as lock, StopSignal() as stop:
            if lock is False:
                return
            self.failure.unlink(missing_ok=True)
            for step, words in self.steps.items():
                try:
                    status = self._run(step, words, lock, stop)
                except Interrupted:
                    # Slurm may still send SIGUSR2, to return to the queue
                    time.sleep(
                        _REQUEUE_TIMEOUT if os.environ.get('SUBMITIT_EXECUTOR') == 'slurm' else 0
                    )
                    raise
                if status:
                    script = 'train' if step == 'train' else 'test'
                    atomic_write_text(
                        self.failure,
                        f'tools/{script}.py ended with status {status}: {self._last_message()} '
                        f'(all of it: {self.log})',
                    )
                    return

    def checkpoint(self) -> Any:
        """Return what submitit queues again when Slurm's time is over; training resumes there."""
        from submitit.helpers import DelayedSubmission

        self._end_step()
        return DelayedSubmission(self)

    def _run(self, step: str, words: list[str], lock: IO | None, stop: StopSignal) -> int:
        since = time.monotonic()
        # The child inherits the lock: if this process is killed, no other process begins the run
        # before its training has ended. Slurm's SIGUSR2 is for this process, which stops the child.
        with open(self.log, 'ab') as log, kept_from_children('SIGUSR2'):
            log.write(f'$ {" ".join(words)}\n'.encode())
            log.flush()
            changed = {**os.environ, **self.environment}
            process = self._process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={name: value for name, value in changed.items() if value is not None},
                pass_fds=[lock.fileno()] if lock else (),
            )
        try:
            while process.poll() is None:
                stop.check()
                if self.parent is not None and not _is_alive(self.parent):
                    raise Interrupted(signal.SIGHUP)
                time.sleep(_POLL)
            stop.check()  # a status that comes from the signal is not a failure
        finally:
            self._end_step()
            self._record(step, time.monotonic() - since)
        return process.returncode

    def _end_step(self) -> None:
        """Stop a running step; a training writes a checkpoint first."""
        process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._process = None  # not before: `checkpoint` may be called while this waits

    def _record(self, step: str, spent: float) -> None:
        """Write the settings, and add the seconds of a step to those of earlier attempts."""
        before = self.seconds
        seconds = {**before, step: before.get(step, 0.0) + spent}
        atomic_write_text(
            self.record, json.dumps({**self.about, 'seconds': seconds}, indent=2) + '\n'
        )

    def _last_message(self) -> str:
        """Return the last error in the log, else its last line."""
        with open_regular(self.log) as log:
            log.seek(max(0, os.fstat(log.fileno()).st_size - _TAIL_BYTES))
            text = log.read(_TAIL_BYTES).decode('utf-8', 'replace')
        lines = [line for line in text.splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith('error: ')]
        return (errors or lines or ['without a message'])[-1].strip()[:300]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
