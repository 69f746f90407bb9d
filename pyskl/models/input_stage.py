"""Split a batch into the volumes that pass a network at once in testing.

`imgs` is a tensor (B, S, C, T, H, W), or an Input of that shape (heatmaps that are not drawn yet).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch

from ..inputs import Input, Target, input_tensor

Imgs = torch.Tensor | Input

CPU_VIEWS = 4  # volumes at once in testing on the CPU
CUDA_SHARE = 0.5  # share of the free GPU memory that the activations may fill
BYTES_PER_INPUT_BYTE = 12  # size of all activations that live at once, relative to the input
INDEXABLE = 2**31  # tensors with more elements have slow kernels, or none


def volumes(imgs: Imgs, target: Target, views: slice | None = None) -> torch.Tensor:
    """Compute volumes.

    Args:
        imgs: (B, S, C, T, H, W).
        target: device, dtype and memory layout of the result.
        views: n of the S views; None: all.

    Returns:
        (B * n, C, T, H, W), sample by sample.
    """
    return target.laid_out(input_tensor(imgs, target, views).flatten(0, 1))


def chunks(imgs: Imgs, target: Target, max_testing_views: int | None) -> Iterator[torch.Tensor]:
    """Compute volumes in pieces that fit in memory.

    Args:
        imgs: (B, S, C, T, H, W).
        target: device, dtype and memory layout of the result.
        max_testing_views: most volumes of a piece, see volumes_at_once.

    Yields:
        (B * n, C, T, H, W), n views of every sample, in order of views.
    """
    for views in view_slices(imgs.shape, volumes_at_once(imgs, target, max_testing_views)):
        yield volumes(imgs, target, views)


def view_slices(shape: torch.Size, at_once: int) -> Iterator[slice]:
    """Split the views of a batch (B, S, ...) into slices of about `at_once` volumes each."""
    num_samples, num_views = shape[:2]
    step = max(1, at_once // num_samples)
    for start in range(0, num_views, step):
        yield slice(start, min(start + step, num_views))


def volumes_at_once(
    imgs: Imgs, target: Target, max_testing_views: int | None, *beside: Imgs
) -> int:
    """Return how many volumes pass the network at once.

    Args:
        imgs: (B, S, C, T, H, W).
        target: where the network is.
        max_testing_views: the number, if the user sets it; else a few on the CPU, so that they stay
            in its caches, and what fits into the memory of a GPU.
        *beside: further inputs that pass together with `imgs`.
    """
    if max_testing_views is not None:
        return max_testing_views
    if target.device.type != 'cuda':
        return CPU_VIEWS
    free, _ = torch.cuda.mem_get_info(target.device)
    # Memory that torch has reserved but does not use is available, too.
    free += torch.cuda.memory_reserved(target.device)
    free -= torch.cuda.memory_allocated(target.device)
    elements = sum(math.prod(given.shape[2:]) for given in (imgs, *beside)) * BYTES_PER_INPUT_BYTE
    in_memory = int(free * CUDA_SHARE / (elements * target.dtype.itemsize))
    return max(1, min(in_memory, (INDEXABLE - 1) // elements))
