"""Made-up clips of key points."""

from __future__ import annotations

import numpy as np


def made_clip(
    people: int = 2,
    frames: int = 3,
    joints: int = 17,
    size: tuple[int, int] = (48, 64),
    missing: float = 0.1,
    seed: int = 0,
    **more: object,
) -> dict:
    """Return a clip whose joints lie in the picture, or are missing: x = y = score = 0."""
    rng = np.random.default_rng(seed)
    score = rng.uniform(0.2, 1, (people, frames, joints)).astype(np.float32)
    edge = (size[1] - 1, size[0] - 1)
    keypoint = rng.uniform(1, edge, (*score.shape, 2)).astype(np.float32)
    gone = rng.random(score.shape) < missing
    keypoint[gone], score[gone] = 0, 0
    results = dict(frame_dir='a', img_shape=size, total_frames=frames)
    return {**results, 'keypoint': keypoint, 'keypoint_score': score, **more}
