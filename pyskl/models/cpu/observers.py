"""Who looks at single layers: hooks, and tools that record a graph. They see plain layers."""

from __future__ import annotations

import torch
from torch import nn


def has_hooks(module: nn.Module, recurse: bool = True) -> bool:
    """Return whether a hook waits for inputs or outputs of a module (recurse: or a part of it)."""
    layers = module.modules() if recurse else [module]
    return any(
        layer._forward_hooks
        or layer._forward_pre_hooks
        or layer._backward_hooks
        or layer._backward_pre_hooks
        for layer in layers
    )


def is_recorded() -> bool:
    """Return whether torch.compile, torch.export or torch.jit.trace records what runs now."""
    return torch.compiler.is_compiling() or torch.jit.is_tracing()
