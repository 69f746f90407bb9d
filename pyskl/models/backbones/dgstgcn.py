"""DG-STGCN: graphs that are learned, independent of the skeleton, and refined by each clip.

Source: DG-STGCN, arXiv:2210.05895.

Settings and state-dict keys are PYSKL's.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from ...errors import ConfigError
from ...registry import BACKBONES
from ..layers.dggcn import DGGCN
from ..layers.dgmstcn import DGMSTCN
from .graph_backbone import DataNorm, GraphBackbone, block_shapes


@BACKBONES.register_module()
class DGSTGCN(GraphBackbone):
    """Blocks of dynamic graph convolutions and multi-scale convolutions over time.

    Args:
        graph_cfg: the arguments of skeletons.graph.Graph; mode='random' with num_filter=8 is usual.
        in_channels: C of a key point.
        base_channels: C of the first block.
        ch_ratio: factor of the channels in each block of `inflate_stages`.
        num_stages: the number of blocks; the first is omitted if in_channels = base_channels.
        inflate_stages, down_stages: blocks, counted from 1, with more channels and half the frames.
        data_bn_type: see GraphBackbone.
        num_person: M, needed if data_bn_type is 'MVC'.
        pretrained: a checkpoint file to start from.
        kwargs: the settings of the blocks. gcn_*: see DGGCN; tcn_*: see DGMSTCN. A tuple of
            num_stages values gives each block its own. By default tcn_num_joints is 25, as in all
            published checkpoints, or V if that is more.
    """

    unit_kinds = {'gcn': {'dggcn': DGGCN}, 'tcn': {'dgmstcn': DGMSTCN}}

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
        shapes = block_shapes(
            in_channels, base_channels, num_stages, inflate_stages, down_stages, ch_ratio
        )
        V = self.graph.num_joints
        self.build_blocks(shapes, {'tcn_num_joints': max(25, V), **kwargs})
        for module in self.modules():
            if isinstance(module, DGMSTCN) and len(module.add_coeff) < V:
                raise ConfigError(
                    f'model.backbone ({type(self).__name__}).tcn_num_joints = '
                    f'{len(module.add_coeff)}: the layout {self.graph.topology.name!r} has {V} '
                    f'joints. Give {V} or more, or leave it out.'
                )
        self.load_pretrained(pretrained)

    def person_features(self, x: Tensor) -> Any:
        """Map (P, C, T, V) to (P, C', T', V)."""
        return self.run_blocks(x)
