"""The launchers of a sweep's runs: this process in turn, local jobs of submitit, or Slurm."""

from __future__ import annotations

import json
import math
import os
import re
import signal
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from ..engine.machine import usable_cores
from ..errors import ConfigError, DataError, did_you_mean
from ..files.atomic import atomic_write_text
from ..files.texts import read_json, read_text
from .run import MAX_BYTES, STOP_TIMEOUT, Interrupted, StopSignal, kept_from_children
from .tasks import Scripts, Task

_NO_LIMIT = 60 * 24 * 3650  # minutes for local jobs
_MAX_REQUEUES = 100  # times that a Slurm job whose time is over is queued again
_VALUE = re.compile(r'[\w.,:;@%+=/&|*()\[\]-]+', re.ASCII)
_SLURM_OPTIONS = (
    'account',
    'comment',
    'constraint',
    'cpus-per-task',
    'exclude',
    'gres',
    'licenses',
    'mail-type',
    'mail-user',
    'mem',
    'mem-per-cpu',
    'mem-per-gpu',
    'nice',
    'nodelist',
    'qos',
    'reservation',
    'tmp',
)


@dataclass(frozen=True)
class Failure:
    """A run that ended with a status other than 0, or without a result."""

    task: Task
    reason: str


class Handle(Protocol):
    """A Job of submitit. Its result is never unpickled; the run's folder tells how it ended."""

    job_id: str
    state: str
    paths: Any

    def done(self) -> bool:
        """Return whether the job has ended."""


class Launcher(Protocol):
    """Starts runs.

    Attributes:
        room: runs at a time.
        poll: seconds between two looks at running jobs.
    """

    room: float
    poll: float

    def submit(self, tasks: Sequence[Task], scripts: Scripts) -> Sequence[Handle | None]:
        """Start runs, and return their jobs; None for a run that has already ended."""

    def leave(self, handles: Sequence[Handle]) -> str:
        """Stop or leave running jobs when the sweep is stopped; return advice for the user."""


class InTurn:
    """Makes one run after another in this process, without submitit.

    Args:
        gpus: GPUs of the runs.
    """

    room, poll = 1.0, 0.0

    def __init__(self, gpus: Sequence[str] = ()):
        self._environment = shares(0, 1, gpus)

    def submit(self, tasks: Sequence[Task], scripts: Scripts) -> list[None]:
        """See Launcher."""
        for task in tasks:
            scripts.job(task, self._environment)()
        return [None] * len(tasks)

    def leave(self, handles: Sequence[Handle]) -> str:
        """See Launcher."""
        return Interrupted.advice


class Local:
    """Makes several runs at a time on this machine, by submitit.

    Args:
        work_dir: folder in which submitit's files get a folder.
        jobs: runs at a time, which share the cores.
        gpus: GPUs of the runs; several runs may share one.
    """

    poll = 0.2

    def __init__(self, work_dir: str | os.PathLike, jobs: int, gpus: Sequence[str] = ()):
        self.room, self._gpus, self._work_dir = float(jobs), gpus, work_dir
        self._slots: list[Handle | None] = [None] * jobs
        self._submitit = submitit('local')

    @cached_property
    def _executor(self) -> Any:
        executor = self._submitit.LocalExecutor(_own_folder(self._work_dir))
        executor.update_parameters(timeout_min=_NO_LIMIT)
        return executor

    def submit(self, tasks: Sequence[Task], scripts: Scripts) -> list[Handle]:
        """See Launcher."""
        handles = []
        for task in tasks:
            slot = next(n for n, old in enumerate(self._slots) if old is None or old.done())
            environment = shares(slot, len(self._slots), self._gpus)
            job = scripts.job(task, environment, parent=os.getpid())
            # a terminal's Ctrl-C reaches all processes, but `leave` stops these
            with kept_from_children('SIGINT'):
                handle = self._executor.submit(job)
            self._slots[slot] = handle
            handles.append(handle)
        return handles

    def leave(self, handles: Sequence[Handle]) -> str:
        """Stop the jobs by SIGTERM, again and again: a job that is starting misses the first."""
        deadline = time.monotonic() + STOP_TIMEOUT + 10
        while time.monotonic() < deadline and not all(handle.done() for handle in handles):
            for handle in handles:  # submitit's controllers pass the signal on
                if not handle.done():
                    os.kill(int(handle.job_id), signal.SIGTERM)
            time.sleep(0.5)
        return Interrupted.advice


class Slurm:
    """Makes every run a task of a Slurm array, by submitit; they go on when the sweep is stopped.

    Args:
        work_dir: folder that all nodes see; submitit's files get a folder in it.
        jobs: runs at a time.
        minutes: time limit of a job, which is then queued again.
        gpus: GPUs of each run.
        options: options of sbatch, {'partition': 'gpu', 'account': 'lab'}.

    Raises:
        ConfigError: an option, or a character that a batch script must not contain.
    """

    room, poll = math.inf, 1.0

    def __init__(
        self,
        work_dir: str | os.PathLike,
        jobs: int = 256,
        minutes: int = 240,
        gpus: int = 1,
        options: Mapping[str, str] | None = None,
    ):
        for key, value in (options or {}).items():
            if key not in ('partition', *_SLURM_OPTIONS):
                raise ConfigError(
                    f'--slurm-option {key}: is unknown.{did_you_mean(key, _SLURM_OPTIONS)} '
                    f'Known: {", ".join(_SLURM_OPTIONS)}.'
                )
            if not _VALUE.fullmatch(value):
                raise ConfigError(
                    f'Slurm option {key} = {value!r}: expected letters, digits and '
                    '.,:;@%+=/&|*()[]-_ without spaces.'
                )
        if not str(work_dir).isprintable() or '%' in str(Path(work_dir).absolute()):
            raise ConfigError(
                f'--work-dir {str(work_dir)!r}: % and line breaks mean something else to Slurm. '
                'Choose another folder.'
            )
        self._submitit, self._work_dir = submitit('slurm'), work_dir
        self._parameters = dict(
            job_name='pyskl-sweep',
            time=minutes,
            array_parallelism=jobs,
            additional_parameters={**({'gpus-per-node': gpus} if gpus else {}), **(options or {})},
        )

    @cached_property
    def _executor(self) -> Any:
        try:
            folder = _own_folder(self._work_dir)
            executor = self._submitit.SlurmExecutor(folder, max_num_timeout=_MAX_REQUEUES)
        except RuntimeError as error:
            raise ConfigError(
                '--launcher slurm: there is no srun here. Run it where sbatch and srun work, '
                'or use --launcher local.'
            ) from error
        executor.update_parameters(**self._parameters)
        return executor

    def submit(self, tasks: Sequence[Task], scripts: Scripts) -> list[Handle]:
        """See Launcher."""
        try:
            handles = self._executor.submit_array([scripts.job(task) for task in tasks])
        except (RuntimeError, OSError) as error:
            message = ' '.join(str(error).split())[-500:]
            raise ConfigError(
                f'--launcher slurm: sbatch said: {message}. Correct --partition, --time, --gpus or '
                '--slurm-option.'
            ) from error
        folder = str(self._executor.folder)
        for task, handle in zip(tasks, handles):
            atomic_write_text(
                task.queued, json.dumps({'job': handle.job_id, 'folder': folder}) + '\n'
            )
        return handles

    def leave(self, handles: Sequence[Handle]) -> str:
        """See Launcher."""
        ids = sorted({handle.job_id.partition('_')[0] for handle in handles})
        if not ids:
            return Interrupted.advice
        return (
            f'Its Slurm jobs go on (to end them: scancel {" ".join(ids)}). The same command waits '
            'for them and collects their results.'
        )


def submitit(launcher: str) -> ModuleType:
    """Import submitit, or raise a ConfigError that says how to install it."""
    try:
        import submitit as package
    except ImportError as error:
        raise ConfigError(
            f'--launcher {launcher} needs the package submitit ({error}). Install '
            "it: pip install -e '.[sweep]'; or take --launcher none, one run after "
            'another.'
        ) from error
    return package


def _own_folder(work_dir: str | os.PathLike) -> Path:
    """Make a folder for this user alone, since jobs unpickle its files."""
    jobs = Path(work_dir).absolute() / 'jobs'
    jobs.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=time.strftime('%Y%m%d_%H%M%S_'), dir=jobs))


def shares(slot: int, jobs: int, gpus: Sequence[str]) -> dict[str, str | None]:
    """Return environment variables that give a run its share of the cores and GPUs.

    Args:
        slot: number of the run among those at a time.
        jobs: runs at a time.
        gpus: GPUs to share out.
    """
    # without `gpus`, as in this process: submitit hides them from local jobs
    visible = gpus[slot % len(gpus)] if gpus else os.environ.get('CUDA_VISIBLE_DEVICES')
    changed = {'CUDA_VISIBLE_DEVICES': visible}
    if jobs > 1:
        allowed = os.environ.get('OMP_NUM_THREADS', '')
        share = max(1, usable_cores() // jobs)
        most = (int(allowed) if allowed.isdecimal() else 0) or share
        changed['OMP_NUM_THREADS'] = str(min(share, most))
    return changed


def slurm_job(task: Task) -> Handle | None:
    """Return the Slurm job of this run that an earlier sweep started, if there is one."""
    if not task.queued.is_file():
        return None
    try:
        record = read_json(task.queued, limit=MAX_BYTES)
        number = re.fullmatch(r'\d+(_\d+)?', record['job'])
        if number is None:
            raise ValueError(record['job'])
        return submitit('slurm').SlurmJob(Path(record['folder']), number.group())
    except (DataError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f'{task.queued}: does not name a Slurm job. Delete this file.') from error


def run_tasks(
    tasks: Sequence[Task], launcher: Launcher, scripts: Scripts, say: Callable[[str], Any] = print
) -> list[Failure]:
    """Make the runs that are not done yet; those that were stopped resume.

    Args:
        tasks: all runs.
        launcher: launcher that starts them.
        scripts: how a run trains and tests.
        say: prints a line for each run that starts, ends, fails, or is left to another process.

    Returns:
        The runs that failed.

    Raises:
        Interrupted: SIGINT (Ctrl-C) or SIGTERM came; all runs on this machine have stopped.
    """
    waiting = list({task.folder: task for task in tasks if not task.done}.values())
    total = len(waiting)
    failures: list[Failure] = []
    # created before the first is asked for its state, so that submitit asks Slurm once for all
    queued = {task.folder: job for task in waiting if (job := slurm_job(task))}
    running: list[tuple[Task, Handle | None]] = []
    with StopSignal() as stop:
        try:
            while waiting or running:
                stop.check()
                batch: list[Task] = []
                while waiting and len(running) + len(batch) < launcher.room:
                    task = waiting.pop(0)
                    job = queued.get(task.folder)
                    line = f'[{total - len(waiting)}/{total}] {task.title}'
                    if job and not job.done():
                        waits = isinstance(launcher, Slurm)
                        running += [(task, job)] if waits else []
                        say(
                            f'{line}: Slurm job {job.job_id} ({job.state}) makes it; '
                            f'{"waited for" if waits else "left to it"}. If Slurm has lost it, '
                            f'delete {task.queued}'
                        )
                    elif task.is_held:
                        say(f'{line}: another process is making it; left to that one')
                    elif not task.done:  # another process may have done it meanwhile
                        task.queued.unlink(missing_ok=True)
                        task.failure.unlink(missing_ok=True)
                        say(f'{line} -> {task.folder}')
                        batch.append(task)
                running += zip(batch, launcher.submit(batch, scripts) if batch else [])
                for task, handle in list(running):
                    if handle is None or handle.done():
                        running.remove((task, handle))
                        failures += _failures(task, handle, say)
                time.sleep(launcher.poll)
        except Interrupted as interrupted:
            interrupted.advice = launcher.leave([handle for _, handle in running if handle])
            raise
    return failures


def _failures(task: Task, handle: Handle | None, say: Callable[[str], Any]) -> list[Failure]:
    """Say how an ended run went, as its folder tells, and return its failure, if any."""
    task.queued.unlink(missing_ok=True)
    if task.done:
        say(f'done: {task.title} in {sum(task.seconds.values()):.0f} s')
        return []
    if task.failure.is_file():
        reason = read_text(task.failure, errors='replace')
    elif task.is_held:
        say(f'{task.title}: another process is making it; left to that one')
        return []
    else:
        state = f'; {handle.state}, {handle.paths.stderr}' if handle else ''
        reason = f'it left no scores of the {len(task.truth.ids)} clips ({task.log}{state})'
    say(f'failed: {task.title}: {reason}')
    return [Failure(task, reason)]
