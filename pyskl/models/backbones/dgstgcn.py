"""DG-STGCN: the graphs are learned, not given by the skeleton, and each clip changes them.

Source: DG-STGCN, arXiv:2210.05895.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from ...errors import ConfigError
from ...registry import BACKBONES
from ..layers.dggcn import DGGCN
from ..layers.dgmstcn import DGMSTCN
from ..layers.graph_block import GraphBlock
from ..layers.temporal import shortcut
from .graph_backbone import DataNorm, GraphBackbone, block_shapes


@BACKBONES.register_module()
class DGSTGCN(GraphBackbone):
    """Ten blocks of dynamic graph convolutions and multi-scale convolutions over time.

    Args:
        graph_cfg: the arguments of skeletons.graph.Graph; mode='random' with num_filter=8 is usual.
        in_channels: C of a key point.
        base_channels: C of the first block.
        ch_ratio: how many times as many channels a block of `inflate_stages` has.
        num_stages: the number of blocks; the first is left out where in_channels is base_channels.
        inflate_stages, down_stages: blocks, counted from 1, with more channels and half the frames.
        data_bn_type: see GraphBackbone.
        num_person: M, where data_bn_type is 'MVC'.
        pretrained: a checkpoint file to start from.
        kwargs: the settings of the blocks. gcn_*: see DGGCN; tcn_*: see DGMSTCN. A tuple of
            num_stages values gives each block its own. tcn_num_joints is 25, as in all published
            checkpoints, or V where that is more.
    """

    unit_kinds = {'gcn': {'dggcn': DGGCN}, 'tcn': {'dgmstcn': DGMSTCN}}
    block: type[GraphBlock] = GraphBlock

    def __init__(
        self,
        graph_cfg: Mapping[str, Any],
        in_channels: int = 3,
        base_channels: int = 64,
        ch_ratio: float = 2,
        num_stages: int = 10,
        inflate_stages: Sequence[int] = (5, 8),
        down_stages: Sequence[int] = (5, 8),
        data_bn_type: DataNorm = 'VC',
        num_person: int = 2,
        pretrained: str | os.PathLike | None = None,
        **kwargs,
    ):
        super().__init__(graph_cfg, in_channels, num_person, data_bn_type)
        units = self.units({'tcn_num_joints': max(25, self.graph.num_joints), **kwargs}, num_stages)
        shapes = block_shapes(
            in_channels, base_channels, num_stages, inflate_stages, down_stages, ch_ratio
        )
        self.gcn = nn.ModuleList(
            self.block(
                unit['gcn'](shape.in_channels, shape.out_channels, self.A0),
                unit['tcn'](shape.out_channels, shape.out_channels, stride=shape.stride),
                shortcut(*shape[:3]) if shape.residual else None,
            )
            for shape, unit in zip(shapes, units)
            if not shape.is_left_out
        )
        self._check_coefficients()
        self.num_features = shapes[-1].out_channels
        self.load_pretrained(pretrained)

    def person_features(self, x: Tensor) -> Any:
        """Map (P, C, T, V) to (P, C', T', V)."""
        for block in self.gcn:
            x = block(x)
        return x

    def _check_coefficients(self) -> None:
        V = self.graph.num_joints
        for block in self.gcn:
            if (given := len(block.tcn.add_coeff)) < V:
                raise ConfigError(
                    f'model.backbone ({type(self).__name__}).tcn_num_joints = {given}: the layout '
                    f'{self.graph.topology.name!r} has {V} joints. Give {V} or more, or leave it out.'
                )
