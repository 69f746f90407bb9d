"""Annotations of one person in four frames with three joints."""

from __future__ import annotations

import numpy as np

SHAPE = (1, 4, 3, 2)


def clip(name: str = 'a', **fields: object) -> dict:
    """A right one without scores, its key points in float16; fields replace those that it has."""
    return {
        'frame_dir': name,
        'label': 0,
        'img_shape': (100, 200),
        'original_shape': (100, 200),
        'total_frames': 4,
        'keypoint': np.random.default_rng(ord(name[-1])).uniform(1, 99, SHAPE).astype(np.float16),
        **fields,
    }
