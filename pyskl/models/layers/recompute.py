"""What torch's activation checkpointing gets wrong for BatchNorm: the second forward pass would count its batch twice."""
from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


@contextlib.contextmanager
def frozen_statistics(module: nn.Module) -> Iterator[None]:
    """Within it, BatchNorm in training normalises by the batch as usual, but leaves its running statistics alone."""
    norms = [m for m in module.modules() if isinstance(m, _BatchNorm) and m.training and m.track_running_stats]
    for norm in norms:
        norm.track_running_stats = False
    try:
        yield
    finally:
        for norm in norms:
            norm.track_running_stats = True


def without_and_with_frozen_statistics(module: nn.Module) -> tuple[AbstractContextManager, AbstractContextManager]:
    """The pair that torch.utils.checkpoint wants: a context for the first forward pass, one for the recomputed."""
    return contextlib.nullcontext(), frozen_statistics(module)
