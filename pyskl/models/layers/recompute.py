"""Activation checkpointing: less memory in training at the price of a second forward pass.

With torch's checkpointing alone, each batch would enter BatchNorm's running statistics twice.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint


def recomputed(blocks: nn.Sequential, x: Tensor) -> Tensor:
    """Apply `blocks` in order; each keeps only its input and runs again in the backward pass."""
    for block in blocks:
        if x.requires_grad:
            contexts = partial(without_and_with_frozen_statistics, block)
            x = checkpoint(block, x, use_reentrant=False, context_fn=contexts)
        else:
            x = block(x)
    return x


@contextlib.contextmanager
def frozen_statistics(module: nn.Module) -> Iterator[None]:
    """Restore the running statistics of every BatchNorm when the context ends."""
    buffers = [b for m in module.modules() if isinstance(m, _BatchNorm) for b in m.buffers()]
    before = [buffer.clone() for buffer in buffers]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, value in zip(buffers, before):
                buffer.copy_(value)


def without_and_with_frozen_statistics(
    module: nn.Module,
) -> tuple[AbstractContextManager, AbstractContextManager]:
    """Return the contexts that torch.utils.checkpoint runs the first and second forward pass in."""
    return contextlib.nullcontext(), frozen_statistics(module)
