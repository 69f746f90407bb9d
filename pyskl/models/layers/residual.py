"""Residual blocks of 2-D and 3-D ResNets.

Source: Deep residual learning, arXiv:1512.03385, figures 2 and 5, with the stride of a bottleneck
on its second convolution, as torchvision has it; inflated in time as in I3D, arXiv:1705.07750.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from mmcv.cnn import ConvModule
from torch import Tensor, nn

from .conv_layers import ConvLayers, Size

# Blocks per stage by depth of the network; from 50 layers on the blocks are bottlenecks.
STAGE_BLOCKS = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
}
BOTTLENECKS_FROM = 50

Depth = Literal[18, 34, 50, 101, 152]
InflateStyle = Literal['3x1x1', '3x3x3']
Triple = tuple[int, int, int]


class ResidualBlock(nn.Module):
    """Convolutions beside a shortcut: relu(convolutions of x + shortcut of x).

    Args:
        convs: the convolutions, conv1, conv2 ...
        downsample: the layer on the shortcut; None is the identity.
        layers: the kinds of layers.

    Attributes:
        expansion: ratio of the output's to the inner width.
    """

    expansion: int

    def __init__(
        self, convs: Sequence[ConvModule], downsample: nn.Module | None, layers: ConvLayers
    ):
        super().__init__()
        self.num_convs = len(convs)
        for i, conv in enumerate(convs):
            self.add_module(f'conv{i + 1}', conv)
        self.downsample = downsample
        self.relu = layers.activation()

    @property
    def convs(self) -> list[Any]:
        """The convolutions in order: conv1, conv2 ..."""
        return [getattr(self, f'conv{i + 1}') for i in range(self.num_convs)]

    @property
    def last_norm(self) -> Any:
        """The norm, of any kind, that `zero_init_residual` starts at zero."""
        return self.convs[-1].norm

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, ..., H, W) to (N, planes * expansion, ..., H', W')."""
        out = x
        for conv in self.convs:
            out = conv(out)
        shortcut = x if self.downsample is None else self.downsample(x)
        return self.relu(out + shortcut)


class BasicBlock(ResidualBlock):
    """Two 3x3 convolutions beside a shortcut.

    Args:
        in_channels: C of the input.
        planes: inner width; the output has `planes * expansion` channels.
        stride: of the first convolution.
        downsample: the layer on the shortcut; None is the identity.
        layers: the kinds of layers.
        kernels: sizes of the two kernels.
    """

    expansion = 1

    def __init__(
        self,
        in_channels: int,
        planes: int,
        stride: Size,
        downsample: nn.Module | None,
        layers: ConvLayers,
        kernels: tuple[Size, Size] = (3, 3),
    ):
        convs = [
            layers.conv(in_channels, planes, kernels[0], stride),
            layers.conv(planes, planes, kernels[1], activate=False),
        ]
        super().__init__(convs, downsample, layers)


class Bottleneck(ResidualBlock):
    """Narrow, convolve, widen: 1x1, 3x3 and 1x1 convolutions beside a shortcut.

    Args:
        in_channels, planes, downsample, layers: as in BasicBlock.
        stride: of the second convolution.
        kernels: sizes of the three kernels.
    """

    expansion = 4

    def __init__(
        self,
        in_channels: int,
        planes: int,
        stride: Size,
        downsample: nn.Module | None,
        layers: ConvLayers,
        kernels: tuple[Size, Size, Size] = (1, 3, 1),
    ):
        convs = [
            layers.conv(in_channels, planes, kernels[0]),
            layers.conv(planes, planes, kernels[1], stride),
            layers.conv(planes, planes * self.expansion, kernels[2], activate=False),
        ]
        super().__init__(convs, downsample, layers)


class BasicBlock3d(BasicBlock):
    """BasicBlock over clips: two 1x3x3 convolutions, inflated 3x3x3.

    Args:
        in_channels, planes, stride, downsample, layers: as in BasicBlock, with a stride (frames, y,
            x).
        inflate: whether the block sees neighbouring frames.
        inflate_style: of Bottleneck3d; makes no difference here.
    """

    def __init__(
        self,
        in_channels: int,
        planes: int,
        stride: Triple,
        downsample: nn.Module | None,
        layers: ConvLayers,
        inflate: bool,
        inflate_style: InflateStyle = '3x1x1',
    ):
        kernel = (3, 3, 3) if inflate else (1, 3, 3)
        super().__init__(in_channels, planes, stride, downsample, layers, (kernel, kernel))


class Bottleneck3d(Bottleneck):
    """Bottleneck over clips: 1x1x1, 1x3x3 and 1x1x1 convolutions, one of them inflated.

    Args:
        in_channels, planes, stride, downsample, layers: as in Bottleneck, with a stride (frames, y,
            x).
        inflate: whether the block sees neighbouring frames.
        inflate_style: '3x1x1' inflates the first convolution to 3x1x1, '3x3x3' the second.
    """

    def __init__(
        self,
        in_channels: int,
        planes: int,
        stride: Triple,
        downsample: nn.Module | None,
        layers: ConvLayers,
        inflate: bool,
        inflate_style: InflateStyle = '3x1x1',
    ):
        first = (3, 1, 1) if inflate and inflate_style == '3x1x1' else (1, 1, 1)
        second = (3, 3, 3) if inflate and inflate_style == '3x3x3' else (1, 3, 3)
        kernels = (first, second, (1, 1, 1))
        super().__init__(in_channels, planes, stride, downsample, layers, kernels)
