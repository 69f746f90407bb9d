"""Who makes the runs of a sweep: this process in turn, submitit's local jobs, or Slurm."""

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

from ..errors import ConfigError, DataError, did_you_mean
from ..files.atomic import atomic_write
from ..files.texts import read_json, read_text
from .run import MAX_BYTES, PATIENCE, Interrupted, StopSignal, kept_from_children
from .tasks import Scripts, Task

_FOREVER = 60 * 24 * 3650  # minutes: local jobs have no limit
_REQUEUES = 100  # times that a Slurm job whose time is over is queued again
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
    """A run that ended with another status than 0, or gave no result."""

    task: Task
    reason: str


class Handle(Protocol):
    """submitit's Job. Its result is never unpickled: the run's folder tells how it ended."""

    job_id: str
    state: str

    def done(self) -> bool: ...


class InTurn:
    """One run after another, in this process; needs no package."""

    room, poll = 1, 0.0

    def __init__(self, gpus: Sequence[str] = ()):
        self._environment = shares(0, 1, gpus)

    def submit(self, tasks: Sequence[Task], scripts: Scripts) -> list[None]:
        for task in tasks:
            scripts.job(task, self._environment)()
        return [None] * len(tasks)

    def leave(self, handles: Sequence[Handle]) -> str:
        return Interrupted.advice


class Local:
    """Several runs at a time on this machine, by submitit.

    Args:
        work_dir: submitit's files go into a new folder of it.
        jobs: runs at a time; they share the cores.
        gpus: CUDA_VISIBLE_DEVICES of the first, second ... of these; fewer are shared.
    """

    poll = 0.2

    def __init__(self, work_dir: str | os.PathLike, jobs: int, gpus: Sequence[str] = ()):
        self.room, self._gpus, self._work_dir = jobs, gpus, work_dir
        self._slots: list[Handle | None] = [None] * jobs
        self._submitit = submitit('local')

    @cached_property
    def _executor(self) -> Any:
        executor = self._submitit.LocalExecutor(_own_folder(self._work_dir))
        executor.update_parameters(timeout_min=_FOREVER)
        return executor

    def submit(self, tasks: Sequence[Task], scripts: Scripts) -> list[Handle]:
        handles = []
        for task in tasks:
            slot = next(n for n, old in enumerate(self._slots) if old is None or old.done())
            job = scripts.job(task, shares(slot, self.room, self._gpus), parent=os.getpid())
            # Ctrl-C in a terminal comes to all processes; these are to be stopped by `leave`
            with kept_from_children('SIGINT'):
                self._slots[slot] = self._executor.submit(job)
            handles.append(self._slots[slot])
        return handles

    def leave(self, handles: Sequence[Handle]) -> str:
        """Stop them politely. SIGTERM is repeated: a job that only starts misses the first."""
        deadline = time.monotonic() + PATIENCE + 10
        while time.monotonic() < deadline and not all(handle.done() for handle in handles):
            for handle in handles:  # submitit's controllers pass it on
                if not handle.done():
                    os.kill(int(handle.job_id), signal.SIGTERM)
            time.sleep(0.5)
        return Interrupted.advice


class Slurm:
    """Every run a task of a Slurm array, by submitit. They go on when the sweep is stopped.

    Args:
        work_dir: submitit's files go into a new folder of it, which all nodes must see.
        jobs: runs at a time.
        minutes: limit of a job, which is queued again when that is over.
        gpus: of each run.
        options: words for sbatch, {'partition': 'gpu', 'account': 'lab'}.

    Raises:
        ConfigError: something that does not belong into a script.
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
                    f'--slurm-option {key}: is unknown.'
                    f'{did_you_mean(key, _SLURM_OPTIONS)} Known: '
                    f'{", ".join(_SLURM_OPTIONS)}.'
                )
            if not _VALUE.fullmatch(value):
                raise ConfigError(
                    f'Slurm option {key} = {value!r}: expected letters, digits and '
                    '.,:;@%+=/&|*()[]-_ without spaces.'
                )
        if not str(work_dir).isprintable() or '%' in str(Path(work_dir).absolute()):
            raise ConfigError(
                f'--work-dir {str(work_dir)!r}: Slurm reads % and line breaks '
                'otherwise. Take another folder.'
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
            executor = self._submitit.SlurmExecutor(folder, max_num_timeout=_REQUEUES)
        except RuntimeError as error:
            raise ConfigError(
                '--launcher slurm: there is no srun here. Call it where sbatch and '
                'srun work, or take --launcher local.'
            ) from error
        executor.update_parameters(**self._parameters)
        return executor

    def submit(self, tasks: Sequence[Task], scripts: Scripts) -> list[Handle]:
        try:
            handles = self._executor.submit_array([scripts.job(task) for task in tasks])
        except (RuntimeError, OSError) as error:
            said = ' '.join(str(error).split())[-500:]
            raise ConfigError(
                f'--launcher slurm: sbatch said: {said}. Correct --partition, '
                '--time, --gpus or --slurm-option.'
            ) from error
        folder = str(self._executor.folder)
        for task, handle in zip(tasks, handles):
            with atomic_write(task.queued, 'w', encoding='utf-8') as f:
                f.write(json.dumps({'job': handle.job_id, 'folder': folder}) + '\n')
        return handles

    def leave(self, handles: Sequence[Handle]) -> str:
        ids = sorted({handle.job_id.partition('_')[0] for handle in handles})
        return (
            (
                f'Its Slurm jobs go on (to end them: scancel {" ".join(ids)}). The same command '
                'waits for them and collects what they have done.'
            )
            if ids
            else Interrupted.advice
        )


Launcher = InTurn | Local | Slurm


def submitit(launcher: str) -> ModuleType:
    """The package, or one line about what is missing."""
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
    """A new folder for our user alone: what lies in it is unpickled by jobs."""
    jobs = Path(work_dir).absolute() / 'jobs'
    jobs.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=time.strftime('%Y%m%d_%H%M%S_'), dir=jobs))


def shares(slot: int, jobs: int, gpus: Sequence[str]) -> dict[str, str | None]:
    """Variables of the run in this slot, 0..jobs - 1: its share of the cores and GPUs."""
    # Without `gpus` as in this process: submitit hides them from local jobs
    visible = gpus[slot % len(gpus)] if gpus else os.environ.get('CUDA_VISIBLE_DEVICES')
    changed = {'CUDA_VISIBLE_DEVICES': visible}
    if jobs > 1:
        bound = hasattr(os, 'sched_getaffinity')
        cores = len(os.sched_getaffinity(0)) if bound else os.cpu_count() or 1
        allowed = os.environ.get('OMP_NUM_THREADS', '')
        share = max(1, cores // jobs)
        threads = min(share, int(allowed)) if allowed.isdecimal() and int(allowed) else share
        changed['OMP_NUM_THREADS'] = str(threads)
    return changed


def slurm_job(task: Task) -> Handle | None:
    """The Slurm job that an earlier sweep gave this run to; None where there was none."""
    if not task.queued.is_file():
        return None
    try:
        note = read_json(task.queued, limit=MAX_BYTES)
        number = re.fullmatch(r'\d+(_\d+)?', note['job']).group()
        return submitit('slurm').SlurmJob(Path(note['folder']), number)
    except (DataError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f'{task.queued}: does not name a Slurm job. Delete this file.') from error


def run_tasks(
    tasks: Sequence[Task], launcher: Launcher, scripts: Scripts, say: Callable[[str], Any] = print
) -> list[Failure]:
    """Make the runs that are not done yet. Those that were begun go on where they stopped.

    Args:
        say: gets a line for each run that starts, ends, fails, or is left to another process.

    Raises:
        Interrupted: by SIGINT (Ctrl-C) or SIGTERM, after all runs on this machine have stopped.
    """
    waiting = list({task.folder: task for task in tasks if not task.done}.values())
    total, failures = len(waiting), []
    # submitit knows of all jobs before the first is asked about, so it asks Slurm once for all
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
                        mine = isinstance(launcher, Slurm)
                        running += [(task, job)] if mine else []
                        say(
                            f'{line}: Slurm job {job.job_id} ({job.state}) makes it; '
                            f'{"waited for" if mine else "left to it"}. If Slurm has lost it, '
                            f'delete {task.queued}'
                        )
                    elif task.is_held:
                        say(f'{line}: another process is making it; left to that one')
                    elif not task.done:  # since it was looked for first
                        task.queued.unlink(missing_ok=True)
                        task.failure.unlink(missing_ok=True)
                        say(f'{line} -> {task.folder}')
                        batch.append(task)
                running += zip(batch, launcher.submit(batch, scripts) if batch else [])
                for task, handle in list(running):
                    if handle is None or handle.done():
                        running.remove((task, handle))
                        failures += _ended(task, handle, say)
                time.sleep(launcher.poll)
        except Interrupted as interrupted:
            interrupted.advice = launcher.leave([handle for _, handle in running if handle])
            raise
    return failures


def _ended(task: Task, handle: Handle | None, say: Callable[[str], Any]) -> list[Failure]:
    """What a run's folder says of its end, when its launcher has left it."""
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
