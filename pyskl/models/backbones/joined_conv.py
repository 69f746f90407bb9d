"""A convolution and what follows it (BatchNorm, a shortcut, ReLU) as one: on the CPU each of those is a pass over memory saved.

The answer is that of the layers one by one. They are run one by one where joining is not exact, or where somebody listens to one.
"""
from __future__ import annotations

import torch
from mmcv.cnn import ConvModule
from torch import nn

from .exact_norm import ExactBatchNorm3d
from .flat_conv import FlatConv3d
from .moment_norm import is_worth_it, moment_norm


class JoinedConv(ConvModule):
    """mmcv's ConvModule in arguments, weights and answer, but that `forward` adds a shortcut before the activation."""

    def forward(self, x: torch.Tensor, shortcut: torch.Tensor | None = None) -> torch.Tensor:
        if self._can_join(x):
            if self._normalises_batch(x):
                return moment_norm(x, self.conv, self.norm, shortcut, self.with_activation)
            if not torch.is_grad_enabled() and (not self.with_norm or type(self.norm) is nn.Identity):
                return self.conv.joined(x, shortcut, self.with_activation)
        if shortcut is None:
            return super().forward(x)
        # Nobody else holds the norm's output: adding in place saves a volume.
        out = super().forward(x, activate=False).add_(shortcut)
        return self.activate(out) if self.with_activation else out

    def _can_join(self, x: torch.Tensor) -> bool:
        here = x.device.type == 'cpu' and x.dtype == torch.float32 == self.conv.weight.dtype and not torch.is_autocast_enabled('cpu')
        known = type(self.conv) is FlatConv3d and (not self.with_activation or type(self.activate) is nn.ReLU)
        recorded = torch.compiler.is_compiling() or torch.jit.is_tracing()
        return here and known and self.conv.is_flat(x) and not recorded and not any(map(_is_heard, self.modules()))

    def _normalises_batch(self, x: torch.Tensor) -> bool:
        return (type(self.norm) is ExactBatchNorm3d and self.norm.takes_batch(x) and is_worth_it(self.conv))


def _is_heard(layer: nn.Module) -> bool:
    return bool(layer._forward_hooks or layer._forward_pre_hooks or layer._backward_hooks or layer._backward_pre_hooks)
