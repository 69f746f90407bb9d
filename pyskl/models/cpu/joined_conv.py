"""A convolution with what follows it: BatchNorm, a block's shortcut, ReLU. Training on the CPU, some run as one (see moment_norm)."""
from __future__ import annotations

import torch
from mmcv.cnn import ConvModule
from torch import nn

from .conv1x1_bn import is_worth_it, moment_norm
from .conv3d_as_2d import Conv3dAs2d
from .exact_batch_norm import ExactBatchNorm3d


class JoinedConv(ConvModule):
    """mmcv's ConvModule in arguments, weights and answer, but that `forward` adds a shortcut before the activation."""

    def forward(self, x: torch.Tensor, shortcut: torch.Tensor | None = None) -> torch.Tensor:
        if self._can_join(x):
            return moment_norm(x, self.conv, self.norm, shortcut, self.with_activation)
        if shortcut is None:
            return super().forward(x)
        # Nobody else holds the norm's output: adding in place saves a volume.
        out = super().forward(x, activate=False).add_(shortcut)
        return self.activate(out) if self.with_activation else out

    def _can_join(self, x: torch.Tensor) -> bool:
        """Is it a training step on the CPU, of layers that moment_norm knows, with nobody listening to one of them?"""
        known = type(self.conv) is Conv3dAs2d and type(self.norm) is ExactBatchNorm3d
        plain = not self.with_activation or type(self.activate) is nn.ReLU
        if not (known and plain and is_worth_it(self.conv) and self.norm.takes_batch(x)) or self.conv.weight.dtype != x.dtype:
            return False
        return not (torch.is_autocast_enabled('cpu') or is_recorded() or any(map(is_heard, self.modules())))


def is_recorded() -> bool:
    """Is a graph being made of what runs?"""
    return torch.compiler.is_compiling() or torch.jit.is_tracing()


def is_heard(layer: nn.Module) -> bool:
    return bool(layer._forward_hooks or layer._forward_pre_hooks or layer._backward_hooks or layer._backward_pre_hooks)
