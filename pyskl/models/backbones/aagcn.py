"""AAGCN and 2s-AGCN: graph convolutions whose graph is learned and adapts to each clip.

Source: AAGCN, arXiv:1912.06971; 2s-AGCN, arXiv:1805.07694.

Settings and state-dict keys are PYSKL's.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from ...registry import BACKBONES
from ..layers.adaptive_graph_conv import UnitAAGCN
from ..layers.initial import init_like_he
from ..layers.temporal import MultiScaleTCN, UnitTCN
from .graph_backbone import DataNorm, GraphBackbone, block_shapes


@BACKBONES.register_module()
class AAGCN(GraphBackbone):
    """AAGCN; with gcn_attention=False the network of 2s-AGCN.

    Args:
        graph_cfg: the arguments of skeletons.graph.Graph.
        in_channels: C of a key point.
        base_channels: C of the first block.
        data_bn_type: see GraphBackbone.
        num_person: M, needed if data_bn_type is 'MVC'.
        num_stages: the number of blocks; the first is omitted if in_channels = base_channels.
        inflate_stages, down_stages: blocks, counted from 1, with twice the channels and half the
            frames.
        pretrained: a checkpoint file to start from.
        kwargs: the settings of the blocks. gcn_*: see UnitAAGCN; tcn_type: 'unit_tcn' or 'mstcn',
            and tcn_*: see UnitTCN or MultiScaleTCN. A tuple of num_stages values gives each block
            its own.
    """

    unit_kinds = {
        'gcn': {'unit_aagcn': UnitAAGCN},
        'tcn': {'unit_tcn': UnitTCN, 'mstcn': MultiScaleTCN},
    }

    def __init__(
        self,
        graph_cfg: Mapping[str, Any],
        in_channels: int = 3,
        base_channels: int = 64,
        data_bn_type: DataNorm = 'MVC',
        num_person: int = 2,
        num_stages: int = 10,
        inflate_stages: Sequence[int] = (5, 8),
        down_stages: Sequence[int] = (5, 8),
        pretrained: str | os.PathLike | None = None,
        **kwargs,
    ):
        super().__init__(graph_cfg, in_channels, num_person, data_bn_type)
        self.register_buffer('A', self.A0.clone())  # only for the checkpoints' keys
        shapes = block_shapes(in_channels, base_channels, num_stages, inflate_stages, down_stages)
        self.build_blocks(shapes, kwargs)
        init_like_he(self)
        for module in self.modules():
            if isinstance(module, UnitAAGCN):
                module.init_weights()
        self.load_pretrained(pretrained)

    def person_features(self, x: Tensor) -> Tensor:
        """Map (P, C, T, V) to (P, C', T', V)."""
        return self.run_blocks(x)
