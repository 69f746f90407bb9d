"""The channel-wise graph convolution of CTR-GCN: (P, C, T, V) -> (P, C', T, V)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .down import down


class CTRGC(nn.Module):
    """A graph convolution with a graph for each channel, refined by how a person's joints differ.

    Source: CTR-GCN, arXiv:2107.12213, section 3.2.

    Args:
        in_channels, out_channels: C and C'.
        rel_reduction: joints are compared in C // rel_reduction channels; in 8 where C <= 16.
    """

    def __init__(self, in_channels: int, out_channels: int, rel_reduction: int = 8):
        super().__init__()
        compared = 8 if in_channels <= 16 else in_channels // rel_reduction
        self.conv1 = nn.Conv2d(in_channels, compared, 1)
        self.conv2 = nn.Conv2d(in_channels, compared, 1)
        self.conv3 = nn.Conv2d(in_channels, out_channels, 1)
        self.conv4 = nn.Conv2d(compared, out_channels, 1)

    def forward(self, x: Tensor, A: Tensor, alpha: Tensor) -> Tensor:
        """Map (P, C, T, V) to (P, C', T, V).

        Args:
            A: (V, V) the graph that all channels share.
            alpha: (1,) how much of the difference is added to it.
        """
        a = self.conv1(x).mean(2)  # (P, R, V)
        b = self.conv2(x).mean(2)  # (P, R, V)
        difference = (a[..., :, None] - b[..., None, :]).tanh()  # (P, R, V, V)
        graph = self.conv4(difference) * alpha + A  # (P, C', V, V)
        return torch.einsum('ncuv,nctu->nctv', graph, self.conv3(x))


class UnitCTRGCN(nn.Module):
    """One CTRGC for each matrix of A, summed, BatchNorm, plus x, ReLU; PYSKL's 'unit_ctrgcn'.

    Args:
        in_channels, out_channels: C and C'.
        A: (K, V, V) adjacency matrices to start from; learnt.
    """

    def __init__(self, in_channels: int, out_channels: int, A: Tensor):
        super().__init__()
        self.A = nn.Parameter(A.clone())
        self.alpha = nn.Parameter(torch.zeros(1))
        self.convs = nn.ModuleList(CTRGC(in_channels, out_channels) for _ in A)
        self.down = down(in_channels, out_channels)
        self.bn = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        y = sum(conv(x, self.A[k], self.alpha) for k, conv in enumerate(self.convs))
        return self.relu(self.bn(y) + self.down(x))
