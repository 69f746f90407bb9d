"""Many clips: made, packed, opened and loaded, with the time and the memory that it takes.

    python tests/helpers/scale.py FOLDER [--clips 1000000] [--workers 8]

does all of it, one json line a figure; FOLDER is left with the data.
Each figure is taken in a process of its own, so that nothing is warm but the disk cache:
`measure(what, path, ...)`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from itertools import chain, count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tiny import ROOT, run

from pyskl.annotations.packing import write_packed
from pyskl.datasets import PoseDataset, build_dataloader
from pyskl.recipe import load_config

CONFIG = ROOT / 'configs/posec3d/slowonly_r50_imigue_2dkp_emb20/joint.py'
_DIFFERENT = 997  # clips that are drawn; the others repeat them


def clips(num_clips: int) -> Iterator[dict[str, Any]]:
    """iMiGUE-like annotations, one at a time: 22 joints that wander about in a picture."""
    rng = np.random.default_rng(0)
    steps = rng.normal(0, 3, (_DIFFERENT, 1, 20, 22, 2)).cumsum(2)
    keypoint = (steps + rng.uniform(300, 700, (_DIFFERENT, 1, 1, 22, 2))).astype(np.float32)
    score = rng.uniform(0.2, 1, keypoint.shape[:-1]).astype(np.float32)
    for i in range(num_clips):
        yield {
            'frame_dir': f'{i // 100:05d}_{i % 100}',
            'label': i % 32,
            'img_shape': (1080, 1920),
            'keypoint': keypoint[i % _DIFFERENT],
            'keypoint_score': score[i % _DIFFERENT],
        }


def generate(path: Path, num_clips: int) -> Path:
    """A packed folder with one split, 'train', of all clips: 5.4 KB a clip of 20 frames."""
    write_packed(path, clips(num_clips), {'train': np.arange(num_clips)})
    return path


def dataset(path: Path | str) -> PoseDataset:
    """The training set of the published joint stream over that folder."""
    return PoseDataset(str(path), load_config(CONFIG).data.train.pipeline, split='train')


def open_seconds(path: str) -> dict[str, float]:
    """Seconds until a dataset stands: by the clock, and of processor time (the clock also counts
    other jobs on a shared machine).
    """
    pipeline = load_config(CONFIG).data.train.pipeline
    start, cpu = time.perf_counter(), time.process_time()
    clips = PoseDataset(path, pipeline, split='train')
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    assert len(clips.ids[-1])
    return {'open_s': seconds, 'open_cpu_s': cpu}


def clip_seconds(path: str, num_samples: int = 2000, repeats: int = 5) -> dict[str, float]:
    """Milliseconds of processor time a random clip takes: the annotation alone, and through the
    training pipeline. The best of several rounds over the same clips.
    """
    torch.set_num_threads(1)
    data = dataset(path)
    indices = np.random.default_rng(1).integers(len(data), size=num_samples).tolist()

    def best(work: Any) -> float:
        times = []
        for _ in range(repeats):
            start = time.process_time()
            for index in indices:
                work(index)
            times.append(time.process_time() - start)
        return min(times) / num_samples * 1000

    return {
        'annotation_ms': best(data.video_infos.__getitem__),
        'sample_ms': best(lambda index: data.sample(index)),
    }


def loader_memory(path: str, workers: int = 8, num_batches: int = 400) -> dict[str, float]:
    """GB of host memory of a training loader and its workers together, the highest of several
    looks, without pages of files; `before_gb`: of the process before it opened anything, which is
    Python, PyTorch and our modules.
    """
    torch.set_num_threads(1)
    before = host_gb([os.getpid()])
    batches = build_dataloader(dataset(path), videos_per_gpu=16, workers_per_gpu=workers)
    highest, num_clips, start = 0.0, 0, time.perf_counter()
    for n, batch in zip(range(num_batches), chain.from_iterable(map(batches.epoch, count()))):
        num_clips += len(batch['label'])
        if n % 50 == 49:
            highest = max(highest, host_gb([os.getpid(), *children(os.getpid())]))
    return {
        'loader_gb': highest,
        'before_gb': before,
        'clips_per_s': num_clips / (time.perf_counter() - start),
    }


def host_gb(pids: list[int]) -> float:
    """Memory of processes together: their proportional set sizes without file-backed pages."""
    total = 0
    for pid in pids:
        lines = Path(f'/proc/{pid}/smaps_rollup').read_text().splitlines()
        total += sum(
            int(line.split()[1]) for line in lines if line.startswith(('Pss_Anon:', 'Pss_Shmem:'))
        )
    return total / 2**20


def children(pid: int) -> list[int]:
    found = [
        int(child)
        for task in Path(f'/proc/{pid}/task').iterdir()
        for child in (task / 'children').read_text().split()
    ]
    return [*found, *(grandchild for child in found for grandchild in children(child))]


def measure(what: str, path: Path, *numbers: int) -> dict[str, float]:
    """open_seconds, clip_seconds or loader_memory in a fresh process."""
    done = run('tests/helpers/scale.py', '--only', what, path, *numbers)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    if sys.argv[1] == '--only':
        what, path, *numbers = sys.argv[2:]
        print(json.dumps(globals()[what](path, *map(int, numbers))))
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('folder', type=Path)
    parser.add_argument('--clips', type=int, default=1_000_000)
    parser.add_argument('--workers', type=int, default=8)
    args = parser.parse_args()
    for num_clips in sorted({1000, 30_000, args.clips}):
        path = args.folder / f'{num_clips}.packed'
        start = time.perf_counter()
        if not path.exists():
            generate(path, num_clips)
            say(clips=num_clips, generate_s=time.perf_counter() - start)
        for what in ('open_seconds', 'clip_seconds', 'loader_memory'):
            found = measure(what, path, *[args.workers] * (what == 'loader_memory'))
            say(clips=num_clips, **found, load=os.getloadavg()[0])


def say(**figures: float) -> None:
    print(json.dumps(figures), flush=True)


if __name__ == '__main__':
    main()
