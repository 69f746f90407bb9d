"""Residual blocks of the 3-D ResNets. Deep residual learning, arXiv:1512.03385; inflated as in I3D, arXiv:1705.07750."""
from __future__ import annotations

from typing import Literal

import torch
from torch import nn

from ..cpu.joined_conv import JoinedConv

InflateStyle = Literal['3x1x1', '3x3x3']


class ResidualBlock3d(nn.Module):
    """relu(convolutions(x) + shortcut(x)); a subclass lays them out as conv1, conv2 (and conv3), the last of which ends the block.

    in_channels, planes   channels that come in; the branch's inner width (`planes * expansion` go out)
    stride                (frames, pixels): taken once in the branch and by `downsample`
    downsample            the shortcut's own layer, None for the identity
    inflate               True: the branch sees neighbouring frames; False: frames stay apart
    """

    expansion: int
    last_conv: str

    def __init__(self, in_channels: int, planes: int, stride: tuple[int, int], downsample: nn.Module | None, inflate: bool,
                 inflate_style: InflateStyle, conv_cfg: dict, norm_cfg: dict, act_cfg: dict):
        super().__init__()
        self.parts = {'conv_cfg': conv_cfg, 'norm_cfg': norm_cfg, 'act_cfg': act_cfg}
        self.lay_out(in_channels, planes, (stride[0], stride[1], stride[1]), inflate, inflate_style)
        self.downsample = downsample

    def lay_out(self, in_channels: int, planes: int, stride: tuple[int, int, int], inflate: bool, style: InflateStyle) -> None:
        raise NotImplementedError

    def conv(self, in_channels: int, out_channels: int, kernel: tuple[int, int, int], stride: int | tuple[int, int, int] = 1) -> JoinedConv:
        return JoinedConv(in_channels, out_channels, kernel, stride, tuple(k // 2 for k in kernel), bias=False, **self.parts)

    def branch(self, x: torch.Tensor, shortcut: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError

    @property
    def last_norm(self) -> nn.Module:
        """The norm whose weight is started at zero by `zero_init_residual`."""
        return getattr(self, self.last_conv).norm

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.branch(x, x if self.downsample is None else self.downsample(x))


class BasicBlock3d(ResidualBlock3d):
    """Two 3x3 convolutions; inflated, each is 3x3x3 (in either style)."""

    expansion = 1
    last_conv = 'conv2'

    def lay_out(self, in_channels: int, planes: int, stride: tuple[int, int, int], inflate: bool, style: InflateStyle) -> None:
        kernel = (3, 3, 3) if inflate else (1, 3, 3)
        self.conv1 = self.conv(in_channels, planes, kernel, stride)
        self.conv2 = self.conv(planes, planes, kernel)

    def branch(self, x: torch.Tensor, shortcut: torch.Tensor) -> torch.Tensor:
        return self.conv2(self.conv1(x), shortcut)


class Bottleneck3d(ResidualBlock3d):
    """Narrow, convolve, widen: 1x1x1, 1x3x3, 1x1x1; inflated, '3x1x1' makes the first 3x1x1, '3x3x3' the second 3x3x3."""

    expansion = 4
    last_conv = 'conv3'

    def lay_out(self, in_channels: int, planes: int, stride: tuple[int, int, int], inflate: bool, style: InflateStyle) -> None:
        narrow = (3, 1, 1) if inflate and style == '3x1x1' else (1, 1, 1)
        middle = (3, 3, 3) if inflate and style == '3x3x3' else (1, 3, 3)
        self.conv1 = self.conv(in_channels, planes, narrow)
        self.conv2 = self.conv(planes, planes, middle, stride)
        self.conv3 = self.conv(planes, planes * self.expansion, (1, 1, 1))

    def branch(self, x: torch.Tensor, shortcut: torch.Tensor) -> torch.Tensor:
        return self.conv3(self.conv2(self.conv1(x)), shortcut)
