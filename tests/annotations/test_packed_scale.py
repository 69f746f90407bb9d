"""A million clips open at once in little memory, each as cheap as one of a thousand (6 GB)."""

import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
import scale

from pyskl.datasets import build_dataloader

MILLION = 1_000_000


def test_the_loader_gives_every_packed_clip_once(tmp_path):
    data = scale.dataset(scale.generate(tmp_path / 'x.packed', 300))
    batches = build_dataloader(data, videos_per_gpu=16, workers_per_gpu=2)
    indices = np.concatenate([batch['index'] for batch in batches.epoch(0)])
    assert sorted(indices) == list(range(300))


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.disk_usage(tempfile.gettempdir()).free < 8e9, reason='needs 6 GB of disk'
)
def test_a_million_clips(tmp_path):
    try:
        few, many = (scale.generate(tmp_path / f'{n}.packed', n) for n in (1000, MILLION))
        assert scale.measure('open_seconds', many)['open_s'] < 2
        assert scale.measure('loader_memory', many, 8)['loader_gb'] < 2
        cost = {
            path: min(scale.measure('clip_seconds', path)['sample_ms'] for _ in range(3))
            for path in (few, many, few, many)
        }
        assert cost[many] < 1.5 * cost[few]
    finally:
        for path in Path(tmp_path).iterdir():
            shutil.rmtree(path)
