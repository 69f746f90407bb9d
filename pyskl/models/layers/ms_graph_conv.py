"""The graph convolutions of MS-G3D: over several scales, and over space and time at once.

Source: MS-G3D, arXiv:2003.14111, sections 3.2 and 3.3.
"""

from __future__ import annotations

from functools import reduce

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...skeletons.graph import scales_of


class MLP(nn.Module):
    """1x1 convolution, BatchNorm, ReLU."""

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.layers = nn.ModuleList(
            [nn.Conv2d(in_channels, out_channels, 1), nn.BatchNorm2d(out_channels), nn.ReLU()]
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (P, C, T, V) to (P, C', T, V)."""
        for layer in self.layers:
            x = layer(x)
        return x


class MSGCN(nn.Module):
    """A graph convolution with separate weights for joints at 0 to K - 1 edges distance.

    Args:
        num_scales: K.
        in_channels, out_channels: C and C'.
        A: (V, V) adjacency matrix, ones for edges.
    """

    A: Tensor

    def __init__(self, num_scales: int, in_channels: int, out_channels: int, A: Tensor):
        super().__init__()
        scales = torch.tensor(scales_of(np.asarray(A), num_scales), dtype=torch.float32)

        self.register_buffer('A', scales)  # (K, V, V)
        self.PA = nn.Parameter(torch.empty_like(scales).uniform_(-1e-6, 1e-6))
        self.mlp = MLP(in_channels * num_scales, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map (P, C, T, V) to (P, C', T, V)."""
        y = torch.einsum('nctv,kvw->nkctw', x, self.A + self.PA)  # (P, K, C, T, V)
        return self.mlp(y.flatten(1, 2))  # (P, C', T, V)


class UnfoldWindows(nn.Module):
    """Gather the joints of a window of frames for each frame: (P, C, T, V) -> (P, C, T', W V).

    Frames before the first and after the last are zero.

    Args:
        size: W, frames of a window.
        stride: T' = ceil(T / stride).
    """

    def __init__(self, size: int, stride: int):
        super().__init__()
        self.size, self.stride = size, stride

    def forward(self, x: Tensor) -> Tensor:
        """Map (P, C, T, V) to (P, C, T', W V)."""
        padding = (self.size - 1) // 2
        x = F.pad(x, (0, 0, padding, padding))
        windows = x.unfold(2, self.size, self.stride)  # (P, C, T', V, W)
        return windows.transpose(3, 4).flatten(3)


class MSG3DBlock(nn.Module):
    """A graph convolution over windows of W frames, each of which is then reduced to one frame.

    Args:
        in_channels, mid_channels, out_channels: of x, of the graph convolution, of the output.
        A: (V, V) adjacency matrix, ones for edges.
        num_scales: K of the graph convolution, see MSGCN.
        window_size, window_stride: see UnfoldWindows.
    """

    def __init__(
        self,
        in_channels: int,
        mid_channels: int,
        out_channels: int,
        A: Tensor,
        num_scales: int,
        window_size: int,
        window_stride: int,
    ):
        super().__init__()
        self.window_size = window_size
        with_loops = A + torch.eye(len(A))
        in_windows = with_loops.repeat(window_size, window_size)  # (W V, W V)
        self.gcn3d = nn.Sequential(
            UnfoldWindows(window_size, window_stride),
            MSGCN(num_scales, in_channels, mid_channels, in_windows),
        )
        self.out_conv = nn.Conv3d(mid_channels, out_channels, (1, window_size, 1))
        self.out_bn = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map (P, C, T, V) to (P, C', T', V)."""
        y = self.gcn3d(x).unflatten(3, (self.window_size, -1))  # (P, C, T', W, V)
        return self.out_bn(self.out_conv(y).squeeze(3))  # (P, C', T', V)


class MultiWindowMSG3DBlock(nn.Module):
    """The sum of MSG3DBlocks with windows of 3 and of 5 frames.

    Args:
        in_channels, mid_channels, out_channels, A, num_scales, window_stride: see MSG3DBlock.
    """

    def __init__(
        self,
        in_channels: int,
        mid_channels: int,
        out_channels: int,
        A: Tensor,
        num_scales: int,
        window_stride: int = 1,
    ):
        super().__init__()
        self.gcn3d = nn.ModuleList(
            MSG3DBlock(
                in_channels, mid_channels, out_channels, A, num_scales, window_size, window_stride
            )
            for window_size in (3, 5)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (P, C, T, V) to (P, C', T', V)."""
        return reduce(torch.add, (block(x) for block in self.gcn3d))
