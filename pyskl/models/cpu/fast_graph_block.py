"""Blocks of graph networks whose last layer also adds the shortcut."""

from __future__ import annotations

from torch import Tensor, nn

from ..backbones.protogcn import PrototypeBlock
from ..layers.graph_block import GraphBlock
from .channels_last import can_run_fast
from .fast_temporal import FastDGMSTCN, FastMultiScaleTCN, FastUnitTCN

ADDING_LAYERS = (FastUnitTCN, FastMultiScaleTCN, FastDGMSTCN)


class FastGraphBlock(GraphBlock):
    """GraphBlock whose convolution over time also adds the shortcut."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (P, C, T, V) to (P, C', T', V)."""
        if not can_add_shortcut(self, x):
            return super().forward(x)
        shortcut = None if self.residual is None else self.residual(x)
        return self.tcn(self.gcn(x), shortcut, relu=True)


class FastPrototypeBlock(PrototypeBlock):
    """PrototypeBlock whose convolution over time also adds the shortcut."""

    def forward(  # type: ignore[override]
        self, x: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Map (P, C, T, V) to (P, C', T', V) and the graph (P, K mid, V, V)."""
        if not can_add_shortcut(self, x):
            return super().forward(x)
        y, graph = self.gcn(x)
        shortcut = None if self.residual is None else self.residual(x)
        return self.tcn(y, shortcut, relu=True), graph


def can_add_shortcut(block: GraphBlock, x: Tensor) -> bool:
    """Return whether the last layers of a block are of known classes and have no hooks."""
    return (
        type(block.tcn) in ADDING_LAYERS and type(block.relu) is nn.ReLU and can_run_fast(block, x)
    )
