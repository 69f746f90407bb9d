"""Layers of the 3-D networks, and residual blocks of the 3-D ResNets.

Source: Deep residual learning, arXiv:1512.03385, figures 2 and 5; inflated in time as in I3D,
arXiv:1705.07750.
"""

from __future__ import annotations

from typing import Literal

from mmcv.cnn import ConvModule, build_activation_layer
from torch import Tensor, nn

InflateStyle = Literal['3x1x1', '3x3x3']
Triple = tuple[int, int, int]

# The layers of the 3-D networks, as mmcv configs.
CONV = {'type': 'Conv3d'}
BATCH_NORM = {'type': 'BN3d', 'requires_grad': True}
RELU = {'type': 'ReLU', 'inplace': True}


class BasicBlock3d(nn.Module):
    """Two 3x3 convolutions beside a shortcut.

    Args:
        in_channels: channels that come in.
        planes: inner width; `planes * expansion` channels go out.
        stride: (frames, pixels) of the first convolution.
        downsample: the shortcut's own layer; None is the identity.
        inflate: whether the block sees neighbouring frames: then both convolutions are 3x3x3.
        inflate_style: for Bottleneck3d; here both styles are the same.
        conv_cfg, norm_cfg, act_cfg: mmcv configs of the layers.
    """

    expansion = 1

    def __init__(
        self,
        in_channels: int,
        planes: int,
        stride: tuple[int, int],
        downsample: nn.Module | None,
        inflate: bool,
        inflate_style: InflateStyle,
        conv_cfg: dict,
        norm_cfg: dict,
        act_cfg: dict,
    ):
        super().__init__()
        layers = {'conv_cfg': conv_cfg, 'norm_cfg': norm_cfg}
        kernel = (3, 3, 3) if inflate else (1, 3, 3)
        self.conv1 = conv_bn(in_channels, planes, kernel, _triple(stride), act_cfg, **layers)
        self.conv2 = conv_bn(planes, planes, kernel, (1, 1, 1), None, **layers)
        self.downsample = downsample
        self.relu = build_activation_layer(act_cfg)

    @property
    def last_norm(self) -> nn.Module:
        """The norm that `zero_init_residual` starts at zero."""
        return self.conv2.norm

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, T, H, W) to (B, planes, T', H', W')."""
        out = self.conv2(self.conv1(x))
        shortcut = x if self.downsample is None else self.downsample(x)
        return self.relu(out + shortcut)


class Bottleneck3d(nn.Module):
    """Narrow, convolve, widen: 1x1x1, 1x3x3 and 1x1x1 convolutions beside a shortcut.

    Args:
        in_channels, planes, downsample, conv_cfg, norm_cfg, act_cfg: as BasicBlock3d's.
        stride: (frames, pixels) of the second convolution.
        inflate: whether the block sees neighbouring frames.
        inflate_style: '3x1x1' inflates the first convolution to 3x1x1, '3x3x3' the second.
    """

    expansion = 4

    def __init__(
        self,
        in_channels: int,
        planes: int,
        stride: tuple[int, int],
        downsample: nn.Module | None,
        inflate: bool,
        inflate_style: InflateStyle,
        conv_cfg: dict,
        norm_cfg: dict,
        act_cfg: dict,
    ):
        super().__init__()
        layers = {'conv_cfg': conv_cfg, 'norm_cfg': norm_cfg}
        narrow = (3, 1, 1) if inflate and inflate_style == '3x1x1' else (1, 1, 1)
        middle = (3, 3, 3) if inflate and inflate_style == '3x3x3' else (1, 3, 3)
        self.conv1 = conv_bn(in_channels, planes, narrow, (1, 1, 1), act_cfg, **layers)
        self.conv2 = conv_bn(planes, planes, middle, _triple(stride), act_cfg, **layers)
        self.conv3 = conv_bn(planes, planes * self.expansion, (1, 1, 1), (1, 1, 1), None, **layers)
        self.downsample = downsample
        self.relu = build_activation_layer(act_cfg)

    @property
    def last_norm(self) -> nn.Module:
        """The norm that `zero_init_residual` starts at zero."""
        return self.conv3.norm

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, T, H, W) to (B, 4 * planes, T', H', W')."""
        out = self.conv3(self.conv2(self.conv1(x)))
        shortcut = x if self.downsample is None else self.downsample(x)
        return self.relu(out + shortcut)


def conv_bn(
    in_channels: int,
    out_channels: int,
    kernel: Triple,
    stride: Triple,
    act_cfg: dict | None,
    conv_cfg: dict,
    norm_cfg: dict | None,
    groups: int = 1,
) -> ConvModule:
    """Build convolution, norm and activation, or without what is None; stride 1 keeps the size."""
    padding = tuple(k // 2 for k in kernel)
    return ConvModule(
        in_channels,
        out_channels,
        kernel,
        stride,
        padding,
        groups=groups,
        bias=False,
        conv_cfg=conv_cfg,
        norm_cfg=norm_cfg,
        act_cfg=act_cfg,
    )


def _triple(stride: tuple[int, int]) -> Triple:
    return stride[0], stride[1], stride[1]
