"""From decoded frames to what a network on pictures takes, as an operation on batches."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..inputs import PixelScale


class NormalizeFrames(nn.Module):
    """The step Normalize: bytes to (value - mean) / std, channel by channel.

    Args:
        scale: the settings.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, scale: PixelScale):
        super().__init__()
        self.to_bgr = scale.to_bgr
        self.register_buffer('mean', torch.tensor(scale.mean), persistent=False)
        self.register_buffer('std', torch.tensor(scale.std), persistent=False)

    def forward(self, imgs: Tensor) -> Tensor:
        """Map frames (B, S, ..., H, W, 3) uint8 RGB to (B, S, 3, ..., H, W) float32."""
        pixels = imgs.flip(-1) if self.to_bgr else imgs
        return ((pixels.float() - self.mean) / self.std).movedim(-1, 2)
