"""Convolutions over time, each joint alone: (P, C, T, V) -> (P, C', T', V)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

Branch = tuple[int, int] | tuple[str, int] | str


class UnitTCN(nn.Module):
    """One convolution over time, BatchNorm, dropout.

    Source: ST-GCN, arXiv:1801.07455.

    Args:
        in_channels, out_channels: C and C'.
        kernel_size: frames, odd.
        stride: T' = ceil(T / stride).
        dilation: frames between those that are looked at.
        norm: 'BN' or None.
        dropout: 0..1.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 9,
        stride: int = 1,
        dilation: int = 1,
        norm: str | None = 'BN',
        dropout: float = 0,
    ):
        super().__init__()
        padding = (kernel_size + (kernel_size - 1) * (dilation - 1) - 1) // 2
        self.conv = nn.Conv2d(
            in_channels, out_channels, (kernel_size, 1), (stride, 1), (padding, 0), (dilation, 1)
        )
        self.bn = nn.BatchNorm2d(out_channels) if norm is not None else nn.Identity()
        self.drop = nn.Dropout(dropout, inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.drop(self.bn(self.conv(x)))


class MultiScaleTCN(nn.Module):
    """Branches of several dilations side by side; PYSKL's 'mstcn'.

    Source: ST-GCN++, arXiv:2205.09443, section 3.2.

    Args:
        in_channels, out_channels: C and C'.
        mid_channels: width of a branch; None: C' // branches, and the first takes the rest.
        dropout: 0..1.
        ms_cfg: the branches: (kernel, dilation), ('max', kernel) or '1x1'.
        stride: in time.
    """

    MS_CFG: Sequence[Branch] = ((3, 1), (3, 2), (3, 3), (3, 4), ('max', 3), '1x1')

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        mid_channels: int | None = None,
        dropout: float = 0.0,
        ms_cfg: Sequence[Branch] = MS_CFG,
        stride: int = 1,
    ):
        super().__init__()
        if mid_channels is None:
            mid_channels = out_channels // len(ms_cfg)
            first = out_channels - mid_channels * (len(ms_cfg) - 1)
        else:
            first = mid_channels
        widths = [first, *[mid_channels] * (len(ms_cfg) - 1)]
        self.branches = nn.ModuleList(
            _branch(branch, in_channels, width, stride) for branch, width in zip(ms_cfg, widths)
        )
        total = sum(widths)
        self.transform = nn.Sequential(
            nn.BatchNorm2d(total), nn.ReLU(), nn.Conv2d(total, out_channels, 1)
        )
        self.bn = nn.BatchNorm2d(out_channels)
        self.drop = nn.Dropout(dropout, inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        joined = torch.cat([branch(x) for branch in self.branches], 1)  # (P, sum of widths, T', V)
        return self.drop(self.bn(self.transform(joined)))


def _branch(branch: Branch, in_channels: int, width: int, stride: int) -> nn.Module:
    if branch == '1x1':
        return nn.Conv2d(in_channels, width, 1, (stride, 1))
    start = (nn.Conv2d(in_channels, width, 1), nn.BatchNorm2d(width), nn.ReLU())
    kind, size = branch
    if kind == 'max':
        return nn.Sequential(*start, nn.MaxPool2d((size, 1), (stride, 1), (1, 0)))
    return nn.Sequential(*start, UnitTCN(width, width, kind, stride, size, norm=None))
