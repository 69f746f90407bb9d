"""Convolutions over time, each joint on its own: (P, C, T, V) -> (P, C', T', V)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .from_config import LayerConfig, norm_layer

Branch = tuple[int, int] | tuple[str, int] | str


class UnitTCN(nn.Module):
    """A convolution over time, a norm and dropout; PYSKL's 'unit_tcn'.

    Args:
        in_channels, out_channels: C and C'.
        kernel_size: frames, odd.
        stride: T' = ceil(T / stride).
        dilation: distance in frames between neighbouring taps of the kernel.
        norm: name or mmcv config of the norm; None: without.
        dropout: probability in [0, 1].

    Source: ST-GCN, arXiv:1801.07455.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 9,
        stride: int = 1,
        dilation: int = 1,
        norm: LayerConfig | None = 'BN',
        dropout: float = 0,
    ):
        super().__init__()
        _check_odd(kernel_size)
        padding = (kernel_size + (kernel_size - 1) * (dilation - 1) - 1) // 2
        self.conv = nn.Conv2d(
            in_channels, out_channels, (kernel_size, 1), (stride, 1), (padding, 0), (dilation, 1)
        )
        self.bn = nn.Identity() if norm is None else norm_layer(norm, out_channels)
        self.drop = nn.Dropout(dropout, inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Map (P, C, T, V) to (P, C', T', V)."""
        return self.drop(self.bn(self.conv(x)))


class MultiScaleTCN(nn.Module):
    """Parallel branches of several dilations, mixed by a 1x1 convolution; PYSKL's 'mstcn'.

    Args:
        in_channels, out_channels: C and C'.
        mid_channels: width of a branch; None: C' // branches, and the first takes the rest.
        dropout: probability in [0, 1].
        ms_cfg: the branches: (kernel, dilation), ('max', kernel) or '1x1'.
        stride: in time.

    Source: ST-GCN++, arXiv:2205.09443, section 3.2.
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
        _check_width(mid_channels, out_channels, len(ms_cfg))
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
        """Map (P, C, T, V) to (P, C', T', V)."""
        joined = torch.cat([branch(x) for branch in self.branches], 1)  # (P, sum of widths, T', V)
        return self.drop(self.bn(self.transform(joined)))


class MSTCN(nn.Module):
    """Parallel branches of several dilations, each with BatchNorm, beside a shortcut.

    Unlike in MultiScaleTCN, no convolution mixes the branches.

    Args:
        in_channels, out_channels: C and C'.
        kernel_size: frames of the dilated branches, odd.
        stride: in time.
        dilations: one branch each, followed by a max pooling and a 1x1 branch. A branch is C' //
            branches wide, and the last takes the rest.
        residual: whether there is a shortcut.
        dropout: probability in [0, 1].

    Source: MS-G3D, arXiv:2003.14111, section 3.4; CTR-GCN, arXiv:2107.12213, section 3.3.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 3,
        stride: int = 1,
        dilations: Sequence[int] = (1, 2, 3, 4),
        residual: bool = True,
        dropout: float = 0.0,
    ):
        super().__init__()
        width = out_channels // (len(dilations) + 2)
        _check_width(width, out_channels, len(dilations) + 2)
        last = out_channels - width * (len(dilations) + 1)
        branches = [
            nn.Sequential(
                *_start(in_channels, width),
                UnitTCN(width, width, kernel_size, stride, dilation),
            )
            for dilation in dilations
        ]
        pooling = nn.Sequential(
            *_start(in_channels, width),
            nn.MaxPool2d((3, 1), (stride, 1), (1, 0)),
            nn.BatchNorm2d(width),
        )
        pointwise = nn.Sequential(
            nn.Conv2d(in_channels, last, 1, (stride, 1)), nn.BatchNorm2d(last)
        )
        self.branches = nn.ModuleList([*branches, pooling, pointwise])
        self.residual = shortcut(in_channels, out_channels, stride) if residual else None
        self.act = nn.ReLU()
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Map (P, C, T, V) to (P, C', T', V)."""
        y = torch.cat([branch(x) for branch in self.branches], 1)  # (P, C', T', V)
        if self.residual is not None:
            y = y + self.residual(x)
        return self.drop(self.act(y))


def shortcut(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    """Build the identity, or a 1x1 UnitTCN if the number of channels or frames changes."""
    if in_channels == out_channels and stride == 1:
        return nn.Identity()
    return UnitTCN(in_channels, out_channels, kernel_size=1, stride=stride)


def _branch(branch: Branch, in_channels: int, width: int, stride: int) -> nn.Module:
    """Build a branch of MultiScaleTCN."""
    if branch == '1x1':
        return nn.Conv2d(in_channels, width, 1, (stride, 1))
    if isinstance(branch, str) or (isinstance(branch[0], str) and branch[0] != 'max'):
        raise ValueError(
            f"ms_cfg: branch {branch!r}: expected (kernel, dilation), ('max', kernel) or '1x1'."
        )
    start = _start(in_channels, width)
    kind, size = branch
    if isinstance(kind, str):
        _check_odd(size)
        return nn.Sequential(*start, nn.MaxPool2d((size, 1), (stride, 1), (size // 2, 0)))
    return nn.Sequential(*start, UnitTCN(width, width, kind, stride, size, norm=None))


def _start(in_channels: int, width: int) -> list[nn.Module]:
    """Build the 1x1 convolution, BatchNorm and ReLU that a branch starts with."""
    return [nn.Conv2d(in_channels, width, 1), nn.BatchNorm2d(width), nn.ReLU()]


def _check_odd(kernel_size: int) -> None:
    if kernel_size < 1 or kernel_size % 2 == 0:
        raise ValueError(f'kernel size {kernel_size} over time: expected an odd number of frames.')


def _check_width(width: int, out_channels: int, branches: int) -> None:
    if width < 1:
        raise ValueError(
            f'{out_channels} channels for {branches} branches over time: expected at least one '
            'each. Raise base_channels.'
        )
