"""Kill a training at random moments; the same command, run again, must end with the same bits.

    python tests/helpers/kill_training.py [--kills 30] [--seed 0] [--graph | --videos]
        [--processes 2]

Every third kill waits for the writing of a checkpoint and strikes then; the others strike at a
random moment between the start of the process and where training would have ended. With several
processes every other kill strikes all of them and the launcher, and the others one of them, which
ends the rest. Prints one line a kill, and figures at the end; exit status 1 when any end differs.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch
from tiny import ROOT, problem
from tiny_graph import problem as graph_problem
from tiny_videos import problem as video_problem

from pyskl.engine.checkpoint import read_checkpoint

FREQUENT = """
checkpoint_config = dict(by_epoch=False, interval=1, max_keep_ckpts=3)
total_epochs = 8
log_config = dict(interval=1)
"""
PROBLEMS = {'heatmaps': problem, 'graph': graph_problem, 'videos': video_problem}


def start(*words: object, **env: str) -> subprocess.Popen:
    """Start a script of the project in its own process group, with its output in pipes."""
    command = [sys.executable, str(ROOT / str(words[0])), *map(str, words[1:])]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, 'OMP_NUM_THREADS': '1', 'CUDA_VISIBLE_DEVICES': '', **env},
    )


def wait_for(
    what: Callable[[], object], process: subprocess.Popen, seconds: float = 240, pause: float = 0.05
) -> bool:
    """Return True once `what()` is true, False if the process ends; fail after some seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        if process.poll() is not None:
            return False
        time.sleep(pause)
    process.kill()
    raise AssertionError(
        f'nothing happened in {seconds} s; stderr: {process.communicate()[1][-2000:]}'
    )


@contextmanager
def ended(process: subprocess.Popen) -> Iterator[subprocess.Popen]:
    """However a test ends, nothing of the process's group stays."""
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def rows(work_dir: Path) -> dict[tuple, dict]:
    """Return (mode, epoch, iter) -> figures of a run's logs; rows logged twice must be equal.

    The last line of a killed run may be cut short.
    """
    found: dict[tuple, dict] = {}
    for file in sorted(work_dir.glob('*.log.json')):
        for line in file.read_text().splitlines():
            try:
                row = json.loads(line)
            except ValueError:
                assert not line.endswith('}'), line
                continue
            if 'mode' in row:
                figures = {k: v for k, v in row.items() if k not in ('time', 'data_time')}
                key = (row['mode'], row['epoch'], row['iter'])
                assert found.setdefault(key, figures) == figures, (
                    f'{file.name}: {key} was logged with other figures before'
                )
    return found


def differences(whole: Path, other: Path) -> list[str]:
    """List how the results of two runs differ: names of files, bits of checkpoints, figures."""
    names = [sorted(p.name for p in folder.glob('*.pth')) for folder in (whole, other)]
    found = [] if names[0] == names[1] else [f'the checkpoints are {names[1]}, expected {names[0]}']
    left = [p.name for p in other.iterdir() if p.name.startswith('.')]
    found += [f'{left} were left behind'] if left else []
    for name in set(names[0]) & set(names[1]):
        a, b = (read_checkpoint(folder / name) for folder in (whole, other))
        found += [
            f'{name}: {key} differs'
            for key in ('state_dict', 'optimizer', 'meta', 'resume')
            if not same(_lasting(a[key]), _lasting(b[key]))
        ]
    return found + ([] if rows(whole) == rows(other) else ['the logged figures differ'])


def _lasting(part: dict) -> dict:
    """Without the time of writing, and the config's text, which tells the number of workers."""
    return {key: value for key, value in part.items() if key not in ('time', 'config')}


def same(a: object, b: object) -> bool:
    """Equality down to bits, types and order."""
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return isinstance(b, dict) and list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


def is_writing(work_dir: Path) -> bool:
    """Is a checkpoint half-written at this moment?"""
    try:
        return any(name.endswith('.part') and '.pth.' in name for name in os.listdir(work_dir))
    except FileNotFoundError:
        return False


def command(config: Path, work_dir: Path, workers: int, processes: int = 1) -> list[object]:
    words = [ROOT / 'tools/train.py', config, '--work-dir', work_dir]
    words += ['--cfg-options', f'data.workers_per_gpu={workers}']
    if processes > 1:
        words = ['tools/launch.py', '--standalone', '--nproc_per_node', processes, *words]
    return words


def children(pid: int) -> list[int]:
    """The processes that a process has started (on Linux)."""
    with suppress(OSError):
        return [
            int(child)
            for task in Path(f'/proc/{pid}/task').iterdir()
            for child in (task / 'children').read_text().split()
        ]
    return []


def strike(process: subprocess.Popen) -> None:
    """Kill a training: only its process, not the workers; with a launcher all ranks, or one."""
    ranks = children(process.pid) if process.args[1].endswith('launch.py') else []
    everybody = not ranks or random.random() < 0.5
    for pid in ranks if everybody else [random.choice(ranks)]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    if everybody:
        process.kill()
    process.communicate(timeout=120)


def kill_once(words: list[object], work_dir: Path, delay: float | None) -> str | None:
    """Start training and kill it after `delay` seconds, or (None) while it writes a checkpoint.

    Returns:
        What was struck; None: it ended first.
    """
    with ended(start(*words)) as process:
        if delay is None:
            for _ in range(random.randrange(8)):
                before = newest(work_dir)
                wait_for(lambda: newest(work_dir) != before, process, pause=0.002)  # noqa: B023
            wait_for(lambda: is_writing(work_dir), process, pause=0)
        else:
            end = time.monotonic() + delay
            wait_for(lambda: time.monotonic() > end, process)
        if process.poll() is not None:
            assert process.returncode == 0, process.communicate()[1]
            return None
        strike(process)
        if is_writing(work_dir):
            return 'a half-written checkpoint'
        return 'training' if newest(work_dir) else 'the start'


def newest(work_dir: Path) -> str:
    try:
        return os.readlink(work_dir / 'latest.pth')
    except OSError:
        return ''


def finish(words: list[object]) -> float:
    """The same command to its end; its seconds."""
    before = time.monotonic()
    process = start(*words)
    _, stderr = process.communicate(timeout=600)
    assert process.returncode == 0, stderr
    assert 'Traceback' not in stderr, stderr
    return time.monotonic() - before


def campaign(
    folder: Path, kills: int, seed: int = 0, network: str = 'heatmaps', processes: int = 1
) -> tuple[list[str], list[str]]:
    """Return what each kill hit, and every difference from the uninterrupted run."""
    random.seed(seed)
    config = PROBLEMS[network](folder, extra=FREQUENT)
    seconds = finish(command(config, folder / 'whole', 0, processes))
    struck: list[str] = []
    wrong: list[str] = []
    for number in range(10 * kills):
        if len(struck) == kills:
            break
        work_dir = folder / f'run{number}'
        words = command(config, work_dir, random.choice([0, 0, 2]), processes)
        for attempt in range(3 + random.randrange(4)):  # kills before the run may end
            aimed = attempt % 3 == 2 or attempt == 0 and number % 2
            what = kill_once(words, work_dir, None if aimed else random.uniform(0.3, 1.1) * seconds)
            if what is None or len(struck) == kills:
                break
            struck.append(what)
            print(f'kill {len(struck):2}: run {number} struck in {what}', flush=True)
        finish(words)
        wrong += [f'run {number}: {line}' for line in differences(folder / 'whole', work_dir)]
        shutil.rmtree(work_dir)
    return struck, wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--kills', type=int, default=30)
    parser.add_argument('--seed', type=int, default=0)
    for name in ('graph', 'videos'):
        parser.add_argument(
            f'--{name}', dest='network', action='store_const', const=name, default='heatmaps'
        )
    parser.add_argument('--processes', type=int, default=1, help='under torchrun')
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        struck, wrong = campaign(Path(folder), args.kills, args.seed, args.network, args.processes)
    print(f'{len(struck)} kills: {dict(Counter(struck))}; {len(wrong)} differences')
    print('\n'.join(wrong))
    return 1 if wrong or len(struck) < args.kills else 0


if __name__ == '__main__':
    sys.exit(main())
