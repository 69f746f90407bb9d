"""Upstream's outputs of the pose steps, and clips for these steps."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from goldens import GOLDEN, SMALL


@cache
def _arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as arrays:
        return dict(arrays)


def stages(name: str) -> np.ndarray:
    """Return an array of tests/golden/gcn/pipeline.npz, which tests/golden/README.md describes."""
    return _arrays(SMALL / 'gcn' / 'pipeline.npz')[name]


def protogcn(name: str) -> np.ndarray:
    """Return an array of ProtoGCN's goldens; only where the full ones are at hand."""
    return _arrays(GOLDEN / 'cnn' / 'proto.npz')[name]


def protogcn_input(num_joints: int) -> np.ndarray:
    """Return the (2, 5, V, 3) that most of ProtoGCN's steps were given."""
    values = np.random.RandomState(62).uniform(0.1, 1, (2, 5, num_joints, 3))
    return values.astype(np.float32)


def clip(keypoint: np.ndarray, score: np.ndarray | None = None, **more: object) -> dict:
    results = {'frame_dir': 'a', 'keypoint': keypoint, 'total_frames': keypoint.shape[1], **more}
    return results if score is None else {**results, 'keypoint_score': score}


def people_with_gaps(seed: int, people: int = 2, joints: int = 25) -> np.ndarray:
    """Return (M, T, V, 3) float32 with frames without a person, and joints that are missing."""
    rng = np.random.default_rng(seed)
    keypoint = rng.normal(0, 1, (people, 12, joints, 3)).astype(np.float32)
    keypoint[rng.random((people, 12)) < 0.4] = 0
    keypoint[rng.random((people, 12, joints)) < 0.1] = 0
    return keypoint


def assert_same(ours: np.ndarray, golden: np.ndarray) -> None:
    """Assert the same type and shape, and values within 1e-4."""
    assert ours.dtype == golden.dtype and ours.shape == golden.shape
    np.testing.assert_allclose(ours.astype(float), golden.astype(float), rtol=0, atol=1e-4)


def untouched(step: object, results: dict) -> dict:
    """Return what the step makes of results; assert that it writes into none of their arrays."""
    before = {key: value.copy() for key, value in results.items() if isinstance(value, np.ndarray)}
    given = dict(results)
    after = step({**results})
    for key, value in before.items():
        np.testing.assert_array_equal(given[key], value)
    return after
