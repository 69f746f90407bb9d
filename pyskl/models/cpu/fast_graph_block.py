"""Blocks of graph networks whose last layer also adds the shortcut."""

from __future__ import annotations

from torch import Tensor, nn

from ..backbones.protogcn import PrototypeBlock
from ..layers.graph_block import GraphBlock
from .channels_last import can_run_fast
from .fast_temporal import FastDGMSTCN, FastMultiScaleTCN, FastUnitTCN

ADDING_LAYERS = (FastUnitTCN, FastMultiScaleTCN, FastDGMSTCN)


class _FastBlock(GraphBlock):
    def finish(self, y: Tensor, x: Tensor) -> Tensor:
        """Convolve the output of `gcn` over time, and add the shortcut of x: (P, C', T', V)."""
        known_layers = type(self.tcn) in ADDING_LAYERS and type(self.relu) is nn.ReLU
        if not (known_layers and can_run_fast(self, x)):
            return super().finish(y, x)
        shortcut = None if self.residual is None else self.residual(x)
        return self.tcn(y, shortcut, relu=True)


class FastGraphBlock(_FastBlock):
    """GraphBlock whose convolution over time also adds the shortcut."""


class FastPrototypeBlock(_FastBlock, PrototypeBlock):
    """PrototypeBlock whose convolution over time also adds the shortcut."""
