"""C3D: a plain sequence of 3x3x3 convolutions over clips of heatmaps or pictures.

Source: Learning spatiotemporal features with 3D convolutional networks, arXiv:1412.0767; with
BatchNorm, average pooling and no fully connected layers, as PoseConv3D, arXiv:2104.13586, uses it
for heatmaps (C3D-light there).

Settings and state-dict keys are PYSKL's.
"""

from __future__ import annotations

from functools import partial
from typing import Literal

from torch import Tensor, nn

from ...errors import ConfigError
from ...registry import BACKBONES
from ..layers.conv_layers import LAYERS3D
from ..layers.initial import init_like_he
from ..layers.stages import check_positive
from .base import Backbone, average_last


@BACKBONES.register_module()
class C3D(Backbone):
    """C3D: groups of convolutions with average pooling between them.

    Args:
        in_channels: C of the input: joints, limbs or colours.
        base_channels: channels of conv1a; conv2 to conv5 have 2, 4, 8 and 8 times as many.
        num_stages: 4: conv1a to conv5b; 3: without conv5a and conv5b.
        temporal_downsample: whether all poolings but the first also halve the number of frames.
        pretrained: a checkpoint file to start from (see load_backbone); None starts at random.
    """

    def __init__(
        self,
        in_channels: int = 3,
        base_channels: int = 64,
        num_stages: Literal[3, 4] = 4,
        temporal_downsample: bool = True,
        pretrained: str | None = None,
    ):
        super().__init__()
        check_positive(in_channels=in_channels, base_channels=base_channels)
        self.in_channels, self.num_features = in_channels, 8 * base_channels
        self.num_stages, self.temporal_downsample = num_stages, temporal_downsample
        width, pool = base_channels, (2 if temporal_downsample else 1, 2, 2)
        conv = partial(LAYERS3D.conv, kernel=(3, 3, 3))
        self.conv1a = conv(in_channels, width)
        self.pool1 = nn.AvgPool3d((1, 2, 2))
        self.conv2a = conv(width, 2 * width)
        self.pool2 = nn.AvgPool3d(pool)
        self.conv3a = conv(2 * width, 4 * width)
        self.conv3b = conv(4 * width, 4 * width)
        self.pool3 = nn.AvgPool3d(pool)
        self.conv4a = conv(4 * width, 8 * width)
        self.conv4b = conv(8 * width, 8 * width)
        if num_stages == 4:
            self.pool4 = nn.AvgPool3d(pool)
            self.conv5a = conv(8 * width, 8 * width)
            self.conv5b = conv(8 * width, 8 * width)
        init_like_he(self)
        self.load_pretrained(pretrained)

    def forward(self, x: Tensor) -> Tensor:
        """Compute the features of clips.

        Args:
            x: (B, C, T, H, W) heatmaps or pictures.

        Returns:
            (B, D, T', H', W'): W' = W // 8 with 3 stages, W // 16 with 4; T' = T, or T // 4 and
            T // 8 with temporal_downsample.

        Raises:
            ConfigError: the clip has too few frames or pixels.
        """
        self.check_input(tuple(x.shape[1:]))
        x = self.pool1(self.conv1a(x))  # (B, base_channels, T, H / 2, W / 2)
        x = self.pool2(self.conv2a(x))  # (B, 2 base_channels, T / 2, H / 4, W / 4)
        x = self.pool3(self.conv3b(self.conv3a(x)))  # (B, 4 base_channels, T / 4, H / 8, W / 8)
        x = self.conv4b(self.conv4a(x))  # (B, 8 base_channels, T / 4, H / 8, W / 8)
        if self.num_stages == 4:
            x = self.conv5b(self.conv5a(self.pool4(x)))  # (B, D, T / 8, H / 16, W / 16)
        return x

    def pool(self, features: Tensor) -> Tensor:
        """Average over frames and pixels: (N, D, T, H, W) -> (N, D)."""
        return average_last(features)

    def check_input(self, shape: tuple[int, ...]) -> None:
        """Check that clips are large enough for the poolings.

        Args:
            shape: (C, T, H, W) of a clip.

        Raises:
            ConfigError: there are too few frames or pixels.
        """
        frames = 2 ** (self.num_stages - 1) if self.temporal_downsample else 1
        pixels = 2**self.num_stages
        if len(shape) == 4 and (shape[1] < frames or min(shape[2:]) < pixels):
            raise ConfigError(
                f'model.backbone (C3D): a clip of {shape[1]} frames of {shape[2]} x {shape[3]} '
                f'pixels; its poolings need at least {frames} x {pixels} x {pixels}. Use larger '
                'clips, or pool less: num_stages=3, temporal_downsample=False.'
            )
