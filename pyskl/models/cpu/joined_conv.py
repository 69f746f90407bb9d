"""Convolution, BatchNorm, shortcut and ReLU as one layer, for training on the CPU."""

from __future__ import annotations

import torch
from mmcv.cnn import ConvModule
from torch import Tensor, nn

from ..layers.residual import BasicBlock3d, Bottleneck3d, ResidualBlock
from .conv1x1_bn import conv1x1_bn, joining_saves_time
from .conv3d_as_2d import Conv3dAs2d
from .exact_batch_norm import ExactBatchNorm3d
from .observers import has_hooks, is_recorded


class JoinedConv(ConvModule):
    """ConvModule whose 1x1x1 convolution and BatchNorm run as one layer in training."""

    def forward(self, x: Tensor, activate: bool = True, norm: bool = True) -> Tensor:
        """Map (B, C, T, H, W) to (B, D, T', H', W')."""
        if activate and norm and self.can_join(x):
            return conv1x1_bn(x, self.conv, self.norm, None, self.with_activation)
        return super().forward(x, activate, norm)

    def can_join(self, x: Tensor) -> bool:
        """Return whether `conv1x1_bn` can compute this layer for x, and no hook needs its parts."""
        known_layers = type(self.conv) is Conv3dAs2d and type(self.norm) is ExactBatchNorm3d
        known_activation = not self.with_activation or type(self.activate) is nn.ReLU
        known_order = self.order == ('conv', 'norm', 'act') and not self.with_explicit_padding
        if not (
            known_layers and known_activation and known_order and joining_saves_time(self.conv)
        ):
            return False
        in_training = self.norm.uses_batch_statistics(x) and self.conv.weight.dtype == x.dtype
        return in_training and not torch.is_autocast_enabled('cpu') and not has_hooks(self)


class FastBlock3d(ResidualBlock):
    """A residual block whose last convolution also adds the shortcut."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, T, H, W) to (B, planes * expansion, T', H', W')."""
        *first, last = self.convs
        if type(last) is not JoinedConv or is_recorded() or has_hooks(last) or has_hooks(self.relu):
            return super().forward(x)
        shortcut = x if self.downsample is None else self.downsample(x)
        for conv in first:
            x = conv(x)
        return _conv_plus_shortcut(last, x, shortcut, self.relu)


class FastBasicBlock3d(FastBlock3d, BasicBlock3d):
    """BasicBlock3d whose last convolution also adds the shortcut."""


class FastBottleneck3d(FastBlock3d, Bottleneck3d):
    """Bottleneck3d whose last convolution also adds the shortcut."""


def _conv_plus_shortcut(conv: JoinedConv, x: Tensor, shortcut: Tensor, relu: nn.Module) -> Tensor:
    """Compute relu(conv(x) + shortcut)."""
    if type(relu) is nn.ReLU and conv.can_join(x):
        return conv1x1_bn(x, conv.conv, conv.norm, shortcut, relu=True)
    # No other layer needs the norm's output, so adding in place saves a volume.
    return relu(ConvModule.forward(conv, x).add_(shortcut))
