"""The block of graph networks: a graph convolution and one over time, beside a shortcut."""

from __future__ import annotations

from torch import Tensor, nn


class GraphBlock(nn.Module):
    """A graph convolution and a convolution over time: relu(tcn(gcn(x)) + residual(x)).

    Args:
        gcn: convolution over joints, (P, C, T, V) -> (P, C', T, V).
        tcn: convolution over time, (P, C', T, V) -> (P, C', T', V).
        residual: the shortcut, (P, C, T, V) -> (P, C', T', V); None: none.

    Source: ST-GCN, arXiv:1801.07455, section 3.6.
    """

    def __init__(self, gcn: nn.Module, tcn: nn.Module, residual: nn.Module | None):
        super().__init__()
        self.gcn, self.tcn = gcn, tcn
        self.relu = nn.ReLU()
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        """Map (P, C, T, V) to (P, C', T', V)."""
        return self.finish(self.gcn(x), x)

    def finish(self, y: Tensor, x: Tensor) -> Tensor:
        """Convolve the output of `gcn` over time, and add the shortcut of x: (P, C', T', V)."""
        y = self.tcn(y)
        return self.relu(y if self.residual is None else y + self.residual(x))
