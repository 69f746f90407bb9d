"""The channel-wise graph convolution of CTR-GCN: (P, C, T, V) -> (P, C', T, V)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .down import down


class CTRGC(nn.Module):
    """A graph convolution with a graph for each channel, refined by differences between joints.

    Args:
        in_channels, out_channels: C and C'.

    Source: CTR-GCN, arXiv:2107.12213, section 3.2.
    """

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        # The number of channels in which joints are compared.
        compared = 8 if in_channels <= 16 else in_channels // 8
        self.conv1 = nn.Conv2d(in_channels, compared, 1)
        self.conv2 = nn.Conv2d(in_channels, compared, 1)
        self.conv3 = nn.Conv2d(in_channels, out_channels, 1)
        self.conv4 = nn.Conv2d(compared, out_channels, 1)

    def forward(self, x: Tensor, A: Tensor, alpha: Tensor) -> Tensor:
        """Compute the convolution.

        Args:
            x: (P, C, T, V).
            A: (V, V) the graph that all channels share.
            alpha: (1,) weight of the refinement.

        Returns:
            (P, C', T, V).
        """
        a = self.conv1(x).mean(2)  # (P, R, V)
        b = self.conv2(x).mean(2)  # (P, R, V)
        difference = (a[..., :, None] - b[..., None, :]).tanh()  # (P, R, V, V)
        graph = self.conv4(difference) * alpha + A  # (P, C', V, V)
        return torch.einsum('ncuv,nctu->nctv', graph, self.conv3(x))


class UnitCTRGCN(nn.Module):
    """The sum of one CTRGC per adjacency matrix: relu(bn(sum) + x); PYSKL's 'unit_ctrgcn'.

    Args:
        in_channels, out_channels: C and C'.
        A: (K, V, V) adjacency matrices to start from; they are learned.

    Source: CTR-GCN, arXiv:2107.12213, section 3.3.
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
        """Map (P, C, T, V) to (P, C', T, V)."""
        y = sum(conv(x, self.A[k], self.alpha) for k, conv in enumerate(self.convs))
        return self.relu(self.bn(y) + self.down(x))
