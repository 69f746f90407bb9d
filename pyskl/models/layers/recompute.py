"""Activation checkpointing: less memory in training, for a second forward pass.

torch's checkpointing alone would count each batch twice in BatchNorm's running statistics.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import partial

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
    """Within it, BatchNorm in training uses the batch's statistics but does not record them."""
    norms = [
        m
        for m in module.modules()
        if isinstance(m, _BatchNorm) and m.training and m.track_running_stats
    ]
    for norm in norms:
        norm.track_running_stats = False
    try:
        yield
    finally:
        for norm in norms:
            norm.track_running_stats = True


def without_and_with_frozen_statistics(
    module: nn.Module,
) -> tuple[AbstractContextManager, AbstractContextManager]:
    """The pair that torch.utils.checkpoint wants: for the first forward pass, and the second."""
    return contextlib.nullcontext(), frozen_statistics(module)
