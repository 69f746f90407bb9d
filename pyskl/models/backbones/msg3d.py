"""MS-G3D: graph convolutions over several distances, in one frame and over windows of frames.

Source: MS-G3D, arXiv:2003.14111.

Settings and state-dict keys are PYSKL's.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from ...registry import BACKBONES
from ..layers.ms_graph_conv import MSGCN, MultiWindowMSG3DBlock
from ..layers.stages import check_positive
from ..layers.temporal import MSTCN
from .graph_backbone import GraphBackbone


@BACKBONES.register_module()
class MSG3D(GraphBackbone):
    """MS-G3D: three stages with 1, 2 and 4 times base_channels channels.

    Args:
        graph_cfg: the arguments of skeletons.graph.Graph; its mode must be 'binary_adj'.
        in_channels: C of a key point.
        base_channels: C of the first stage.
        num_gcn_scales: number of distances (0, 1, ...) that the graph convolutions distinguish.
        num_g3d_scales: the same for graph convolutions over windows of frames.
        num_person: M.
        tcn_dropout: dropout after the convolutions over time, except the first two.
        pretrained: a checkpoint file to start from.

    Raises:
        ValueError: graph_cfg has another mode, or a number of scales is below 1.
    """

    def __init__(
        self,
        graph_cfg: Mapping[str, Any],
        in_channels: int = 3,
        base_channels: int = 96,
        num_gcn_scales: int = 13,
        num_g3d_scales: int = 6,
        num_person: int = 2,
        tcn_dropout: float = 0,
        pretrained: str | os.PathLike | None = None,
    ):
        super().__init__(graph_cfg, in_channels, num_person, 'MVC')
        if self.graph.mode != 'binary_adj':
            raise ValueError(
                f"graph_cfg.mode = {self.graph.mode!r}: expected 'binary_adj', since the network "
                'computes distances itself.'
            )
        check_positive(num_gcn_scales=num_gcn_scales, num_g3d_scales=num_g3d_scales)
        A = self.A0[0]
        self.register_buffer('A', A.clone())  # only for the checkpoints' keys
        c1, c2, c3 = base_channels, base_channels * 2, base_channels * 4
        self.num_features = c3

        # Stage 1 keeps the frames.
        self.gcn3d1 = MultiWindowMSG3DBlock(in_channels, c1, c1, A, num_g3d_scales)
        self.sgcn1 = nn.Sequential(
            MSGCN(num_gcn_scales, in_channels, c1, A), MSTCN(c1, c1), MSTCN(c1, c1)
        )
        self.sgcn1[-1].act = nn.Identity()
        self.tcn1 = MSTCN(c1, c1, dropout=tcn_dropout)

        # Stage 2 halves the frames.
        self.gcn3d2 = MultiWindowMSG3DBlock(c1, c1, c2, A, num_g3d_scales, window_stride=2)
        self.sgcn2 = nn.Sequential(
            MSGCN(num_gcn_scales, c1, c1, A),
            MSTCN(c1, c2, stride=2, dropout=tcn_dropout),
            MSTCN(c2, c2, dropout=tcn_dropout),
        )
        self.sgcn2[-1].act = nn.Identity()
        self.tcn2 = MSTCN(c2, c2, dropout=tcn_dropout)

        # Stage 3 halves the frames again.
        self.gcn3d3 = MultiWindowMSG3DBlock(c2, c2, c3, A, num_g3d_scales, window_stride=2)
        self.sgcn3 = nn.Sequential(
            MSGCN(num_gcn_scales, c2, c2, A),
            MSTCN(c2, c3, stride=2, dropout=tcn_dropout),
            MSTCN(c3, c3, dropout=tcn_dropout),
        )
        self.sgcn3[-1].act = nn.Identity()
        self.tcn3 = MSTCN(c3, c3, dropout=tcn_dropout)
        self.load_pretrained(pretrained)

    def person_features(self, x: Tensor) -> Tensor:
        """Map (P, C, T, V) to (P, 4 base_channels, T / 4, V)."""
        x = self.tcn1((self.sgcn1(x) + self.gcn3d1(x)).relu())  # (P, 96, T, V)
        x = self.tcn2((self.sgcn2(x) + self.gcn3d2(x)).relu())  # (P, 192, T / 2, V)
        return self.tcn3((self.sgcn3(x) + self.gcn3d3(x)).relu())  # (P, 384, T / 4, V)
