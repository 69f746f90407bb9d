"""CTR-GCN: a graph for each channel, refined for each person.

Source: CTR-GCN, arXiv:2107.12213.

Settings and state-dict keys are PYSKL's.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from ...registry import BACKBONES
from ..layers.ctr_graph_conv import UnitCTRGCN
from ..layers.initial import init_like_he
from ..layers.temporal import MSTCN, shortcut
from .graph_backbone import BlockShape, GraphBackbone, block_shapes


class CTRGCNBlock(nn.Module):
    """A graph convolution and a convolution over time: relu(tcn1(gcn1(x)) + residual(x)).

    Args:
        shape: channels, stride and shortcut.
        A: (K, V, V) adjacency matrices to start from.
        kernel_size, dilations, tcn_dropout: see MSTCN.
    """

    def __init__(
        self,
        shape: BlockShape,
        A: Tensor,
        kernel_size: int,
        dilations: Sequence[int],
        tcn_dropout: float,
    ):
        super().__init__()
        width = shape.out_channels
        self.gcn1 = UnitCTRGCN(shape.in_channels, width, A)
        self.tcn1 = MSTCN(
            width, width, kernel_size, shape.stride, dilations, residual=False, dropout=tcn_dropout
        )
        self.relu = nn.ReLU()
        self.residual = shortcut(*shape[:3]) if shape.residual else None

    def forward(self, x: Tensor) -> Tensor:
        """Map (P, C, T, V) to (P, C', T', V)."""
        y = self.tcn1(self.gcn1(x))
        return self.relu(y if self.residual is None else y + self.residual(x))


@BACKBONES.register_module()
class CTRGCN(GraphBackbone):
    """CTR-GCN: channel-wise graph convolutions alternate with convolutions over time.

    Args:
        graph_cfg: the arguments of skeletons.graph.Graph.
        in_channels: C of a key point.
        base_channels: C of the first block.
        num_stages: the number of blocks; the first is omitted if in_channels = base_channels.
        inflate_stages, down_stages: blocks, counted from 1, with twice the channels and half the
            frames.
        pretrained: a checkpoint file to start from.
        num_person: M.
        kernel_size: frames of the convolutions over time.
        dilations: of the convolutions over time, one branch each.
        tcn_dropout: dropout after the convolutions over time, except in the first block.
    """

    def __init__(
        self,
        graph_cfg: Mapping[str, Any],
        in_channels: int = 3,
        base_channels: int = 64,
        num_stages: int = 10,
        inflate_stages: Sequence[int] = (5, 8),
        down_stages: Sequence[int] = (5, 8),
        pretrained: str | os.PathLike | None = None,
        num_person: int = 2,
        kernel_size: int = 5,
        dilations: Sequence[int] = (1, 2),
        tcn_dropout: float = 0,
    ):
        super().__init__(graph_cfg, in_channels, num_person, 'MVC')
        self.register_buffer('A', self.A0.clone())  # only for the checkpoints' keys
        shapes = block_shapes(in_channels, base_channels, num_stages, inflate_stages, down_stages)
        self.net = nn.ModuleList(
            CTRGCNBlock(
                shape, self.A0, kernel_size, dilations, tcn_dropout if shape.residual else 0
            )
            for shape in shapes
            if not shape.is_left_out
        )
        self.num_features = shapes[-1].out_channels
        init_like_he(self)
        for module in self.modules():
            if isinstance(module, UnitCTRGCN):
                nn.init.constant_(module.bn.weight, 1e-6)
        self.load_pretrained(pretrained)

    def person_features(self, x: Tensor) -> Tensor:
        """Map (P, C, T, V) to (P, C', T', V)."""
        for block in self.net:
            x = block(x)
        return x
