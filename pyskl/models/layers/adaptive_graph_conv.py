"""The adaptive graph convolution of 2s-AGCN and its attention: (P, C, T, V) -> (P, C', T, V)."""

from __future__ import annotations

import math
from functools import reduce
from typing import Any

import torch
from torch import Tensor, nn

from .down import down


class UnitAAGCN(nn.Module):
    """A graph convolution whose graph is learned and adapts to each person; PYSKL's 'unit_aagcn'.

    Args:
        in_channels, out_channels: C and C'.
        A: (K, V, V) adjacency matrices to start from.
        coff_embedding: joints are compared in C' // coff_embedding channels.
        adaptive: whether A is learned and the similarity of a person's joints is added to it.
        attention: whether joints, frames and channels are weighed afterwards.

    Source: AAGCN, arXiv:1912.06971, sections III-C and III-D.
    """

    A: Tensor

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        A: Tensor,
        coff_embedding: int = 4,
        adaptive: bool = True,
        attention: bool = True,
    ):
        super().__init__()
        self.adaptive, self.attention = adaptive, attention
        num_joints, num_subsets = A.shape[1], len(A)
        embedding = out_channels // coff_embedding

        # The graph: A + alpha * similarity of the joints.
        if adaptive:
            self.A = nn.Parameter(A.clone())
            self.alpha = nn.Parameter(torch.zeros(1))
        else:
            self.register_buffer('A', A.clone())
        self.conv_d = _convs(num_subsets, in_channels, out_channels)
        if adaptive:
            self.conv_a = _convs(num_subsets, in_channels, embedding)
            self.conv_b = _convs(num_subsets, in_channels, embedding)

        # The three gates.
        if attention:
            kernel = num_joints if num_joints % 2 else num_joints - 1
            self.conv_ta = nn.Conv1d(out_channels, 1, 9, padding=4)
            self.conv_sa = nn.Conv1d(out_channels, 1, kernel, padding=(kernel - 1) // 2)
            self.fc1c = nn.Linear(out_channels, out_channels // 2)
            self.fc2c = nn.Linear(out_channels // 2, out_channels)

        self.down = down(in_channels, out_channels)
        self.bn = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU()

    @torch.no_grad()
    def init_weights(self) -> None:
        """Initialise the unit so that it computes its shortcut: BatchNorm near 0, gates at 1/2."""
        convs: list[Any] = [*self.conv_d]
        nn.init.constant_(self.bn.weight, 1e-6)
        for conv in convs:
            fan_out_in = conv.weight.numel() * len(convs)
            nn.init.normal_(conv.weight, 0, math.sqrt(2 / fan_out_in))
            nn.init.zeros_(conv.bias)
        if self.attention:
            nn.init.zeros_(self.conv_ta.weight)
            nn.init.xavier_normal_(self.conv_sa.weight)
            nn.init.kaiming_normal_(self.fc1c.weight)
            nn.init.zeros_(self.fc2c.weight)
            gates: tuple[Any, ...] = (self.conv_ta, self.conv_sa, self.fc1c, self.fc2c)
            for layer in gates:
                nn.init.zeros_(layer.bias)

    def graph(self, x: Tensor, k: int) -> Tensor:
        """Return the k-th graph for x (P, C, T, V): (V, V), or if adaptive (P, V, V)."""
        if not self.adaptive:
            return self.A[k]
        a, b = self.conv_a[k](x), self.conv_b[k](x)  # (P, C' / 4, T, V) each
        similarity = torch.einsum('nctv,nctw->nvw', a, b) / (a.shape[1] * a.shape[2])
        return self.A[k] + similarity.tanh() * self.alpha

    def forward(self, x: Tensor) -> Tensor:
        """Map (P, C, T, V) to (P, C', T, V)."""
        product = 'nctv,nvw->nctw' if self.adaptive else 'nctv,vw->nctw'
        terms = (
            conv(torch.einsum(product, x, self.graph(x, k)))  # (P, C', T, V)
            for k, conv in enumerate(self.conv_d)
        )
        y = self.relu(self.bn(reduce(torch.add, terms)) + self.down(x))
        return self.attend(y) if self.attention else y

    def attend(self, y: Tensor) -> Tensor:
        """Multiply joints, then frames, then channels of (P, C', T, V) by 1 + a gate in [0, 1]."""
        joints = self.conv_sa(y.mean(2)).sigmoid()  # (P, 1, V)
        y = y * joints[:, :, None] + y
        frames = self.conv_ta(y.mean(3)).sigmoid()  # (P, 1, T)
        y = y * frames[..., None] + y
        channels = self.fc2c(self.relu(self.fc1c(y.mean((2, 3))))).sigmoid()  # (P, C')
        return y * channels[..., None, None] + y


def _convs(number: int, in_channels: int, out_channels: int) -> nn.ModuleList:
    return nn.ModuleList(nn.Conv2d(in_channels, out_channels, 1) for _ in range(number))
