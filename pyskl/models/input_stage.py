"""How many volumes pass a network at once in testing, and the volumes of a batch in such pieces.

`imgs` is a tensor (B, S, C, T, H, W), or an Input of that shape (heatmaps not drawn yet).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch

from ..inputs import Input, Target, input_tensor

Imgs = torch.Tensor | Input

CPU_VIEWS = 4  # volumes at once in testing on the CPU
CUDA_SHARE = 0.5  # of the free GPU memory that one chunk of testing may fill
BYTES_PER_INPUT_BYTE = 12  # activations alive at once in a forward pass, by the size of the input
# Elements that a tensor may have for kernels to count them in 32 bits: others are slow, or missing.
INDEXABLE = 2**31


def volumes(imgs: Imgs, target: Target, views: slice | None = None) -> torch.Tensor:
    """imgs (B, S, C, T, H, W) -> (B * n, C, T, H, W) for the n views asked for, sample by sample."""
    return target.laid_out(input_tensor(imgs, target, views).flatten(0, 1))


def chunks(imgs: Imgs, target: Target, max_testing_views: int | None) -> Iterator[torch.Tensor]:
    """The volumes in pieces that fit in memory.

    Each (B * n, C, T, H, W), n views of every sample, in order of views.
    """
    for views in view_slices(imgs.shape, volumes_at_once(imgs, target, max_testing_views)):
        yield volumes(imgs, target, views)


def view_slices(shape: torch.Size, at_once: int) -> Iterator[slice]:
    """Views of a batch (B, S, ...) in order, of every sample as many as pass the network together."""
    num_samples, num_views = shape[:2]
    step = max(1, at_once // num_samples)
    for start in range(0, num_views, step):
        yield slice(start, min(start + step, num_views))


def volumes_at_once(
    imgs: Imgs, target: Target, max_testing_views: int | None, *beside: Imgs
) -> int:
    """How many volumes pass the network at once, `beside` them as many of other inputs.

    As told, or a few on the CPU (caches), what fits on a GPU.
    """
    if max_testing_views is not None:
        return max_testing_views
    if target.device.type != 'cuda':
        return CPU_VIEWS
    free, _ = torch.cuda.mem_get_info(target.device)
    # What torch holds and does not use can be used again.
    free += torch.cuda.memory_reserved(target.device)
    free -= torch.cuda.memory_allocated(target.device)
    elements = sum(math.prod(given.shape[2:]) for given in (imgs, *beside)) * BYTES_PER_INPUT_BYTE
    return max(
        1,
        min(
            int(free * CUDA_SHARE / (elements * target.dtype.itemsize)), (INDEXABLE - 1) // elements
        ),
    )
