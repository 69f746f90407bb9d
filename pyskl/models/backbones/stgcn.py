"""ST-GCN and ST-GCN++: graph convolutions over joints alternate with convolutions over time.

Source: ST-GCN, arXiv:1801.07455; ST-GCN++ as in PYSKL, arXiv:2205.09443.

Settings and state-dict keys are PYSKL's.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from ...registry import BACKBONES
from ..layers.graph_conv import UnitGCN
from ..layers.temporal import MultiScaleTCN, UnitTCN
from .graph_backbone import DataNorm, GraphBackbone, block_shapes


@BACKBONES.register_module()
class STGCN(GraphBackbone):
    """ST-GCN; with gcn_adaptive='init', gcn_with_res=True, tcn_type='mstcn' ST-GCN++.

    Args:
        graph_cfg: the arguments of skeletons.graph.Graph.
        in_channels: C of a key point.
        base_channels: C of the first block.
        data_bn_type: see GraphBackbone.
        ch_ratio: factor of the channels in each block of `inflate_stages`.
        num_person: M, needed if data_bn_type is 'MVC'.
        num_stages: the number of blocks; the first is omitted if in_channels = base_channels.
        inflate_stages, down_stages: blocks, counted from 1, with more channels and half the frames.
        pretrained: a checkpoint file to start from.
        kwargs: the settings of the blocks. gcn_*: see UnitGCN; tcn_type: 'unit_tcn' or 'mstcn', and
            tcn_*: see UnitTCN or MultiScaleTCN. A tuple of num_stages values gives each block its
            own.
    """

    unit_kinds = {
        'gcn': {'unit_gcn': UnitGCN},
        'tcn': {'unit_tcn': UnitTCN, 'mstcn': MultiScaleTCN},
    }

    def __init__(
        self,
        graph_cfg: Mapping[str, Any],
        in_channels: int = 3,
        base_channels: int = 64,
        data_bn_type: DataNorm = 'VC',
        ch_ratio: float = 2,
        num_person: int = 2,
        num_stages: int = 10,
        inflate_stages: Sequence[int] = (5, 8),
        down_stages: Sequence[int] = (5, 8),
        pretrained: str | os.PathLike | None = None,
        **kwargs,
    ):
        super().__init__(graph_cfg, in_channels, num_person, data_bn_type)
        shapes = block_shapes(
            in_channels, base_channels, num_stages, inflate_stages, down_stages, ch_ratio
        )
        self.build_blocks(shapes, kwargs)
        self.load_pretrained(pretrained)

    def person_features(self, x: Tensor) -> Tensor:
        """Map (P, C, T, V) to (P, C', T', V)."""
        return self.run_blocks(x)
