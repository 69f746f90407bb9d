"""The block of graph networks: joints look at joints, then frames at frames, beside a shortcut."""

from __future__ import annotations

from torch import Tensor, nn


class GraphBlock(nn.Module):
    """relu(tcn(gcn(x)) + residual(x)): (P, C, T, V) -> (P, C', T', V).

    Source: ST-GCN, arXiv:1801.07455, section 3.6.

    Args:
        gcn: convolution over joints, (P, C, T, V) -> (P, C', T, V).
        tcn: convolution over time, (P, C', T, V) -> (P, C', T', V).
        residual: from x to what is added; None: nothing.
    """

    def __init__(self, gcn: nn.Module, tcn: nn.Module, residual: nn.Module | None):
        super().__init__()
        self.gcn, self.tcn = gcn, tcn
        self.relu = nn.ReLU()
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        y = self.tcn(self.gcn(x))
        return self.relu(y if self.residual is None else y + self.residual(x))
