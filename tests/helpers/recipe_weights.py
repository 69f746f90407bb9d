"""Weights and inputs from names, shapes and seeds, so that golden numbers need no weight files.

Each entry of a state dict is drawn from numpy's frozen RandomState, seeded with the CRC-32 of its
key; see `entry` for the rule.
"""

from __future__ import annotations

import math
import zlib

import numpy as np
import torch
from torch import nn


def entry(key: str, shape: tuple[int, ...]) -> np.ndarray:
    """The value of the state-dict entry of that name and shape: float32, the step counter int64."""
    draw = np.random.RandomState(zlib.crc32(key.encode()))
    kind = key.rpartition('.')[2]
    of_norm = '.bn.' in key
    if kind == 'num_batches_tracked':
        return np.array(100, dtype=np.int64)
    if kind == 'running_var':
        value = draw.uniform(0.6, 1.4, shape)
    elif kind == 'running_mean' or (of_norm and kind == 'bias'):
        value = draw.normal(0.0, 0.05, shape)
    elif of_norm and kind == 'weight':
        value = draw.uniform(*((0.25, 0.45) if '.conv3.bn.' in key else (0.8, 1.2)), shape)
    elif len(shape) == 5:
        value = draw.normal(0.0, 1.0, shape) * np.sqrt(2.0 / math.prod(shape[1:]))
    elif len(shape) == 2:
        value = draw.normal(0.0, 1.0, shape) / np.sqrt(shape[1])
    else:
        assert len(shape) == 1, f'no rule for {key} of shape {shape}'
        value = draw.normal(0.0, 0.1, shape)
    return value.astype(np.float32)


def fill(model: nn.Module) -> nn.Module:
    """Overwrite every entry of the model's state dict in place; returns the model."""
    for key, tensor in model.state_dict().items():
        tensor.copy_(torch.from_numpy(np.asarray(entry(key, tuple(tensor.shape)))))
    return model


def sparse_volume(seed: int, shape: tuple[int, ...]) -> torch.Tensor:
    """Something like heatmaps: float32 in [0, 1), nine tenths of it zero."""
    uniform = np.random.RandomState(seed).random_sample(shape)
    return torch.from_numpy((np.maximum(uniform - 0.9, 0.0) * 10.0).astype(np.float32))
