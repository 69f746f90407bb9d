"""Detect hooks and graph recorders, for which layers must run one by one as they are."""

from __future__ import annotations

import torch
from torch import nn


def has_hooks(module: nn.Module, recurse: bool = True) -> bool:
    """Return whether a module has hooks, or with `recurse` one of its parts."""
    layers = module.modules() if recurse else [module]
    return any(
        layer._forward_hooks
        or layer._forward_pre_hooks
        or layer._backward_hooks
        or layer._backward_pre_hooks
        for layer in layers
    )


def is_recorded() -> bool:
    """Return whether torch.compile, torch.export or torch.jit.trace is recording."""
    return torch.compiler.is_compiling() or torch.jit.is_tracing()
