"""One run of a sweep, made by tools/train.py and tools/test.py in processes of their own."""

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
from typing import IO, Any

from ..errors import DataError
from ..files.atomic import atomic_write
from ..files.safe_pickle import open_regular
from ..files.texts import read_json

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

PATIENCE = 60.0  # seconds that a stopped training has to write its checkpoint
_LINGER = 30.0  # seconds that a stopped Slurm job waits to be queued again
_POLL = 0.1
MAX_BYTES = 16 << 20  # of the notes that a sweep leaves
_LAST_BYTES = 1 << 20  # of a log, in which a step's last words stand


class Interrupted(SystemExit):
    """A signal asked to stop; what ran has stopped too, and goes on with the same command.

    Attributes:
        name: of the signal.
        code: exit status, 128 + signal.
        advice: what goes on from here, in words.
    """

    advice = 'The same command goes on from there.'

    def __init__(self, number: int):
        super().__init__(128 + number)
        self.name = signal.Signals(number).name


class StopSignal:
    """Remembers SIGINT (Ctrl-C) and SIGTERM while active, for a loop that asks `check`."""

    number = 0

    def __enter__(self) -> StopSignal:
        self._before = {
            number: signal.signal(number, self._remember)
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        return self

    def __exit__(self, *_) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _remember(self, number: int, _: FrameType | None) -> None:
        self.number = number

    def check(self) -> None:
        """Raise Interrupted where a signal has come."""
        if self.number:
            raise Interrupted(self.number)


@contextlib.contextmanager
def kept_from_children(name: str) -> Iterator[None]:
    """Processes started in this block never see that signal; here it only comes a little later."""
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
        """What the run was and how long it took, as JSON."""
        return self.folder / 'sweep.json'

    @property
    def log(self) -> Path:
        """All that its training and test said."""
        return self.folder / 'sweep.log'

    @property
    def failure(self) -> Path:
        """Why its last attempt failed, in words; missing where it did not."""
        return self.folder / 'sweep.failure'

    @property
    def queued(self) -> Path:
        """Which Slurm job it was given to; missing where there is none."""
        return self.folder / 'sweep.slurm'

    @property
    def seconds(self) -> dict[str, float]:
        """Of each step, all attempts together; empty when nothing is known."""
        try:
            seconds = read_json(self.record, limit=MAX_BYTES)['seconds']
            return {str(step): float(value) for step, value in seconds.items()}
        except (DataError, ValueError, KeyError, TypeError, AttributeError):
            return {}

    @contextlib.contextmanager
    def holding(self) -> Iterator[IO | bool | None]:
        """Lock the folder: gives the file, False if another process has it, None without locks."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.folder / '.sweep.lock', 'wb') as file:
            lock = None
            with contextlib.suppress(OSError, AttributeError):  # a system without locks
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    lock = file
                except BlockingIOError:
                    lock = False
            yield lock

    @property
    def is_held(self) -> bool:
        with self.holding() as lock:
            return lock is False


@dataclass
class Job(Files):
    """A run to be called, in this process or, pickled by submitit, in another one or elsewhere.

    It is plain data and needs no PyTorch. It returns nothing: its folder tells how it ended.

    Attributes:
        about: what the record says of the run.
        steps: the words of each script that it still needs; no shell reads them.
        environment: variables that the scripts see changed; None: not set.
        parent: a process without which the run is not to go on; None: it needs no one.
    """

    folder: Path
    about: Mapping[str, Any]
    steps: Mapping[str, list[str]]
    environment: Mapping[str, str | None] = field(default_factory=dict)
    parent: int | None = None
    _process: subprocess.Popen | None = None

    def __call__(self) -> None:
        with self.holding() as lock, StopSignal() as stop:
            if lock is False:
                return
            self.failure.unlink(missing_ok=True)
            for step, words in self.steps.items():
                try:
                    status = self._run(step, words, lock, stop)
                except Interrupted:
                    # Slurm may still ask for a return to the queue, by SIGUSR2
                    time.sleep(_LINGER if os.environ.get('SUBMITIT_EXECUTOR') == 'slurm' else 0)
                    raise
                if status:
                    script = 'train' if step == 'train' else 'test'
                    with atomic_write(self.failure, 'w', encoding='utf-8') as f:
                        f.write(
                            f'tools/{script}.py ended with status {status}: '
                            f'{self._last_words()} (all of it: {self.log})'
                        )
                    return

    def checkpoint(self) -> Any:
        """What submitit queues again when Slurm's time is over: training goes on where it stops."""
        from submitit.helpers import DelayedSubmission

        self._end_step()
        return DelayedSubmission(self)

    def _run(self, step: str, words: list[str], lock: IO | None, stop: StopSignal) -> int:
        since = time.monotonic()
        # The lock is handed on: if this process is killed hard, nobody else begins the run before
        # its training has ended too. Slurm's SIGUSR2 is for this process, which stops the other.
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
                if self.parent is not None and not _lives(self.parent):
                    raise Interrupted(signal.SIGHUP)
                time.sleep(_POLL)
            stop.check()  # its status is the signal's, which is no failure
        finally:
            self._end_step()
            self._note(step, time.monotonic() - since)
        return process.returncode

    def _end_step(self) -> None:
        """End what still runs, politely: a training writes a checkpoint first."""
        process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._process = None  # only now: `checkpoint` may come while this waits

    def _note(self, step: str, spent: float) -> None:
        """Keep what was run, and the seconds of this step besides those of earlier attempts."""
        before = self.seconds
        seconds = {**before, step: before.get(step, 0.0) + spent}
        with atomic_write(self.record, 'w', encoding='utf-8') as f:
            f.write(json.dumps({**self.about, 'seconds': seconds}, indent=2) + '\n')

    def _last_words(self) -> str:
        with open_regular(self.log) as log:
            log.seek(max(0, os.fstat(log.fileno()).st_size - _LAST_BYTES))
            text = log.read(_LAST_BYTES).decode('utf-8', 'replace')
        lines = [line for line in text.splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith('error: ')]
        return (errors or lines or ['it said nothing'])[-1].strip()[:300]


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
