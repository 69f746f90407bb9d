"""Makes runs, some at a time, each by tools/train.py and tools/test.py in processes of their own. A failed run stops no other."""
from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO, Any

from ..files.atomic import atomic_write
from .tasks import Task

try:
    import fcntl
except ImportError:                 # Windows
    fcntl = None

_PATIENCE = 60.0                    # seconds that a stopped training has to write its checkpoint
_POLL = 0.1


@dataclass(frozen=True)
class Machine:
    """Where and how runs are made.

    tools    the folder of train.py and test.py        jobs    how many runs at a time
    gpus     CUDA_VISIBLE_DEVICES of the first, second ... of these; fewer are shared
    """

    tools: Path
    jobs: int = 1
    gpus: Sequence[str] = ()
    device: str | None = None
    amp: str | None = None

    def environment(self, slot: int) -> dict[str, str]:
        """Of the run in this slot, 0..jobs - 1: with several at a time, each has its share of the cores."""
        changed = dict(os.environ)
        if self.jobs > 1:
            cores = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1
            allowed = os.environ.get('OMP_NUM_THREADS', '')
            share = max(1, cores // self.jobs)
            changed['OMP_NUM_THREADS'] = str(min(share, int(allowed)) if allowed.isdecimal() and int(allowed) else share)
        if self.gpus:
            changed['CUDA_VISIBLE_DEVICES'] = self.gpus[slot % len(self.gpus)]
        return changed

    def commands(self, task: Task) -> dict[str, list[str]]:
        """The steps that a run still needs, as words for the operating system; no shell reads them."""
        common = [task.entry.config, '--work-dir', str(task.folder)]
        common += ['--device', self.device] if self.device else []
        common += ['--amp', self.amp] if self.amp else []
        options = ['--cfg-options', *task.entry.words] if task.entry.options else []
        train, test = ([sys.executable, str(self.tools / f'{name}.py'), *common] for name in ('train', 'test'))
        steps = {}
        if task.scores() is None:
            steps = {'train': [*train, '--seed', str(task.seed), *options], 'test': [*test, '--split', task.split, *options]}
        if task.fit_truth is not None and task.fit_scores() is None:
            steps['fit'] = [*test, '--split', 'val', *options]
        return steps


@dataclass(frozen=True)
class Failure:
    """A run that ended with another status than 0, or gave no result."""

    task: Task
    reason: str


class Interrupted(BaseException):
    """A signal asked the sweep to stop; its runs have stopped too, and go on when the same command is given again."""

    def __init__(self, number: int):
        super().__init__(f'stopped by {signal.Signals(number).name}')
        self.status = 128 + number


@dataclass
class _Running:
    """A run in a slot: its present step, and what is still to be done."""

    task: Task
    slot: int
    lock: IO | None
    steps: list[tuple[str, list[str]]]
    process: subprocess.Popen | None = None
    step: str = ''
    since: float = 0.0
    seconds: dict[str, float] = field(default_factory=dict)


def run_tasks(tasks: Sequence[Task], machine: Machine, say: Callable[[str], Any] = print) -> list[Failure]:
    """Make the runs that are not done yet. Those that were begun go on where they stopped.

    say      gets a line for each run that starts, ends, fails, or is left out since another process makes it
    raises   Interrupted: by SIGINT (Ctrl-C) or SIGTERM, after all runs have stopped
    """
    waiting = list({task.folder: task for task in tasks if not task.done}.values())
    total, failures, running = len(waiting), [], []
    started = 0
    with _signals():
        try:
            while waiting or running:
                while waiting and len(running) < machine.jobs:
                    task, started = waiting.pop(0), started + 1
                    lock = _lock(task)
                    if lock is False:
                        say(f'[{started}/{total}] {task.title}: another process is making it; left to that one')
                        continue
                    if task.done:                           # since it was looked for first
                        _unlock(lock)
                        continue
                    slot = min(set(range(machine.jobs)) - {run.slot for run in running})
                    running.append(_Running(task, slot, lock, list(machine.commands(task).items())))
                    say(f'[{started}/{total}] {task.title} -> {task.folder}')
                    _next_step(running[-1], machine)
                for run in list(running):
                    if run.process.poll() is None:
                        continue
                    failure = _end_step(run)
                    if failure is None and run.steps:
                        _next_step(run, machine)
                        continue
                    running.remove(run)
                    _unlock(run.lock)
                    if failure:
                        failures.append(failure)
                        say(f'failed: {run.task.title}: {failure.reason}')
                    else:
                        say(f'done: {run.task.title} in {sum(run.seconds.values()):.0f} s')
                time.sleep(_POLL)
        finally:
            _stop(running)
    return failures


def _next_step(run: _Running, machine: Machine) -> None:
    run.step, words = run.steps.pop(0)
    with open(run.task.log, 'ab') as log:
        log.write(f'$ {" ".join(words)}\n'.encode())
        log.flush()
        # The lock is handed on: if the sweep is killed hard, nobody else begins this run before its training has ended too.
        run.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                                       env=machine.environment(run.slot), pass_fds=[run.lock.fileno()] if run.lock else ())
    run.since = time.monotonic()


def _end_step(run: _Running) -> Failure | None:
    run.seconds[run.step] = time.monotonic() - run.since
    _note(run)
    status = run.process.returncode
    if status:
        script = 'train' if run.step == 'train' else 'test'
        return Failure(run.task, f'tools/{script}.py ended with status {status}: {_last_words(run.task.log)} (all of it: {run.task.log})')
    if not run.steps and not run.task.done:
        return Failure(run.task, f'its result file does not hold the scores of the {len(run.task.truth.ids)} clips ({run.task.log})')
    return None


def _note(run: _Running) -> None:
    """Keep what was run, and the seconds of this step besides those of earlier attempts."""
    before = read_record(run.task)
    seconds = {**before, run.step: before.get(run.step, 0.0) + run.seconds[run.step]}
    content = {'name': run.task.entry.name, 'config': run.task.entry.config, 'options': run.task.entry.options, 'seed': run.task.seed,
               'seconds': seconds}
    with atomic_write(run.task.record, 'w', encoding='utf-8') as f:
        f.write(json.dumps(content, indent=2) + '\n')


def read_record(task: Task) -> dict[str, float]:
    """Seconds of each step of a run; empty when nothing is known."""
    try:
        seconds = json.loads(task.record.read_text(encoding='utf-8'))['seconds']
        return {str(step): float(value) for step, value in seconds.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _last_words(log: Path) -> str:
    lines = [line for line in log.read_text(encoding='utf-8', errors='replace').splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith('error: ')]
    return (errors or lines or ['it said nothing'])[-1].strip()[:300]


def _lock(task: Task) -> IO | bool | None:
    """The open, locked file of a run's folder; False when another process holds it, None on systems without locks."""
    task.folder.mkdir(parents=True, exist_ok=True)
    if fcntl is None:
        return None
    file = open(task.folder / '.sweep.lock', 'wb')      # noqa: SIM115  it is held while the run goes on
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return False
    return file


def _unlock(lock: IO | None) -> None:
    if lock is not None:
        lock.close()


@contextlib.contextmanager
def _signals() -> Iterator[None]:
    """SIGINT and SIGTERM become Interrupted."""
    def stop(number: int, _: FrameType | None) -> None:
        raise Interrupted(number)
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(running: Sequence[_Running]) -> None:
    """End what still runs, politely: a training writes a checkpoint first."""
    for run in running:
        if run.process is not None and run.process.poll() is None:
            run.process.terminate()
    deadline = time.monotonic() + _PATIENCE
    for run in running:
        if run.process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                run.process.wait(max(0.1, deadline - time.monotonic()))
            if run.process.poll() is None:
                run.process.kill()
                run.process.wait()
            run.seconds[run.step] = time.monotonic() - run.since
            _note(run)
        _unlock(run.lock)
