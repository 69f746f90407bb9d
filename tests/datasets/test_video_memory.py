"""Decoding holds nothing: flat memory over thousands of clips, no threads or files left."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import numpy as np
import pytest
import tiny_videos

from pyskl.datasets import VideoDataset
from pyskl.errors import DataError
from pyskl.files.videos import VideoFrames

STEPS = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=2),
    dict(type='DecordDecode'),
    dict(type='Collect', keys=['imgs', 'label']),
]


def resident() -> float:
    """MB of this process that are in memory."""
    pages = int(Path('/proc/self/statm').read_text().split()[1])
    return pages * os.sysconf('SC_PAGE_SIZE') / 2**20


def open_files() -> int:
    return len(os.listdir('/proc/self/fd'))


@pytest.fixture
def dataset(tmp_path):
    rng = np.random.default_rng(0)
    for i in range(4):
        tiny_videos.write_video(tmp_path / f'{i}.mp4', tiny_videos.film(rng, i % 3, 6))
    (tmp_path / 'bad.mp4').write_bytes((tmp_path / '0.mp4').read_bytes()[:-300])
    (tmp_path / 'l.txt').write_text(''.join(f'{i} 0\n' for i in range(4)))
    return VideoDataset(tmp_path / 'l.txt', STEPS, data_prefix=tmp_path)


needs_proc = pytest.mark.skipif(not os.path.isdir('/proc/self/fd'), reason='reads /proc')


@needs_proc
def test_videos_are_closed_at_once(dataset, tmp_path):
    for i in range(20):
        dataset[i % 4]
    gc.collect()
    files, threads = open_files(), len(os.listdir('/proc/self/task'))
    for i in range(40):
        dataset[i % 4]
    for _ in range(20):  # nor do those that cannot be read stay open
        with pytest.raises(DataError):
            VideoFrames(tmp_path / 'bad.mp4')
    gc.collect()
    assert open_files() <= files
    assert len(os.listdir('/proc/self/task')) <= threads


@needs_proc
@pytest.mark.slow
def test_memory_is_flat_over_ten_thousand_clips(dataset):
    for i in range(1000):
        dataset[i % 4]
    start = resident()
    for i in range(10_000):
        dataset[i % 4]
    assert resident() - start < 8
