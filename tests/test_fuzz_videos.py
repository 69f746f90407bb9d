"""Videos spoilt by chance are read, or one DataError names them, in bounded time and memory.

python tests/test_fuzz_videos.py VIDEO ...      reads them as a data set does, and tells of each
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from goldens import SMALL
from tiny import ROOT

from pyskl.datasets import VideoDataset
from pyskl.errors import DataError

VIDEOS = sorted(
    p for p in (SMALL / 'video').iterdir() if p.suffix in ('.mp4', '.mkv', '.avi', '.wmv', '.mpg')
)
STEPS = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=4, frame_interval=5),
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(16, 16), keep_ratio=False),
    dict(type='Normalize', mean=[0, 0, 0], std=[1, 1, 1]),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='Collect', keys=['imgs']),
]
# The most that one video may take. A spoilt one may say that its pictures are of 5,000 x 5,000.
SECONDS, MEBIBYTES = 60, 3000


def tell(path: Path) -> dict:
    """Read a video as a clip, and tell what came of it."""
    began, said = time.perf_counter(), None
    listed = path.with_suffix('.txt')
    listed.write_text(f'{path} 0\n')
    try:
        clip = VideoDataset(listed, STEPS, test_mode=True)[0]['imgs']
        assert clip.shape == (1, 3, 4, 16, 16) and np.isfinite(clip).all()
    except DataError as error:
        said = str(error)
        assert path.name in said and len(said) < 3000, said
    # Not ru_maxrss, which a process takes over from the one that started it.
    status = Path('/proc/self/status').read_text()
    memory = int(re.search(r'VmHWM:\s*(\d+) kB', status)[1]) // 1024
    return {'said': said, 'seconds': time.perf_counter() - began, 'mebibytes': memory}


def told(paths: list[Path]) -> Iterator[dict | None]:
    """Read videos in a process apart; None: it ended over one, and another goes on behind that."""
    env = {**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)}
    while paths:
        command = [sys.executable, str(ROOT / 'tests' / 'test_fuzz_videos.py'), *map(str, paths)]
        done = subprocess.run(
            command, capture_output=True, text=True, env=env, timeout=SECONDS * len(paths)
        )
        lines = done.stdout.splitlines()
        assert 'Traceback' not in done.stderr, f'{paths[len(lines)]}: {done.stderr[-3000:]}'
        yield from map(json.loads, lines)
        paths = paths[len(lines) :]
        if paths:
            assert done.returncode < 0, done
            yield None
            paths = paths[1:]


def fuzz(folder: Path, seed: int, number: int) -> Counter:
    """Spoil videos, and count what came of reading them."""
    from test_fuzz_files import spoilt

    rng, paths = np.random.default_rng(seed), []
    for i in range(number):
        video = VIDEOS[i % len(VIDEOS)]
        paths.append(folder / f'{i}{video.suffix}')
        paths[-1].write_bytes(spoilt(video.read_bytes(), rng))
    counts: Counter = Counter()
    for i in range(0, number, 50):
        for answer in told(paths[i : i + 50]):
            if answer is None:
                counts['ended the process'] += 1
                continue
            counts['refused' if answer['said'] else 'read'] += 1
            for cost in ('seconds', 'mebibytes'):
                counts[cost] = max(counts[cost], answer[cost])
    assert counts['read'] and counts['refused']
    assert counts['seconds'] < SECONDS and counts['mebibytes'] < MEBIBYTES
    return counts


def test_videos_spoilt_by_chance_are_read_or_refused(tmp_path):
    assert fuzz(tmp_path, 0, 20)['ended the process'] <= 1


@pytest.mark.slow
def test_a_thousand_videos_spoilt_by_chance_are_read_or_refused(tmp_path):
    counts = fuzz(tmp_path, 1, 1000)
    print(dict(counts))
    assert counts['ended the process'] <= 10


if __name__ == '__main__':
    for name in sys.argv[1:]:
        print(json.dumps(tell(Path(name))), flush=True)
