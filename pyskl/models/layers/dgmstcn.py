"""Convolutions over time that also see the mean joint: (P, C, T, V) -> (P, C', T', V)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from .temporal import MultiScaleTCN


class DGMSTCN(MultiScaleTCN):
    """Dynamic joint-skeleton fusion: each joint plus the whole skeleton, weighted per joint.

    The mean joint passes the branches as an additional joint, and add_coeff[v] times its result is
    added to joint v.

    Args:
        in_channels, out_channels: C and C'.
        num_joints: number of coefficients, V or more.
        **kwargs: as in MultiScaleTCN.

    Source: DG-STGCN, arXiv:2210.05895.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        num_joints: int = 25,
        **kwargs: Any,
    ):
        super().__init__(in_channels, out_channels, **kwargs)
        self.add_coeff = nn.Parameter(torch.zeros(num_joints))

    def forward(self, x: Tensor) -> Tensor:
        """Map (P, C, T, V) to (P, C', T', V)."""
        V = x.shape[-1]
        x = torch.cat([x, x.mean(-1, keepdim=True)], -1)  # (P, C, T, V + 1)
        joined = torch.cat([branch(x) for branch in self.branches], 1)  # (P, widths, T', V + 1)

        joints, skeleton = joined[..., :V], joined[..., V:]
        fused = joints + skeleton * self.add_coeff[:V]  # (P, widths, T', V)
        return self.drop(self.bn(self.transform(fused)))
