"""The shortcut of a graph convolution."""

from __future__ import annotations

from torch import nn

from .from_config import LayerConfig, norm_layer


def down(in_channels: int, out_channels: int, norm: LayerConfig = 'BN') -> nn.Module:
    """Build the identity, or a 1x1 convolution and a norm if the number of channels changes."""
    if in_channels == out_channels:
        return nn.Identity()
    return nn.Sequential(nn.Conv2d(in_channels, out_channels, 1), norm_layer(norm, out_channels))
