"""The graph convolution of ST-GCN and ST-GCN++: (P, C, T, V) -> (P, C', T, V)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from .down import down
from .from_config import LayerConfig, activation_layer, norm_layer


class UnitGCN(nn.Module):
    """Each joint becomes a weighted sum of its neighbours; PYSKL's 'unit_gcn'.

    y[w] = act(BN(sum over k and v of A[k, v, w] W_k x[v]) + x), the latter `with_res` only.

    Args:
        in_channels, out_channels: C and C'.
        A: (K, V, V) adjacency matrices to start from.
        adaptive: how the matrices are learned. None: not at all; 'init': A is a parameter;
            'offset': A + PA, with PA starting near 0; 'importance': A * PA, with PA starting at 1.
        conv_pos: whether the 1x1 convolution comes before A ('pre', to K C' channels) or after it
            ('post', from K C channels).
        with_res: add x before the activation, through a 1x1 convolution if C' differs from C.
        norm, act: names or mmcv configs of the layers.

    Source: ST-GCN, arXiv:1801.07455, section 3; ST-GCN++, arXiv:2205.09443, section 3.2.
    """

    A: Tensor

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        A: Tensor,
        adaptive: Literal['init', 'offset', 'importance'] | None = 'importance',
        conv_pos: Literal['pre', 'post'] = 'pre',
        with_res: bool = False,
        norm: LayerConfig = 'BN',
        act: LayerConfig = 'ReLU',
    ):
        super().__init__()
        self.adaptive, self.conv_pos = adaptive, conv_pos
        self.num_subsets = len(A)

        # The graph.
        if adaptive == 'init':
            self.A = nn.Parameter(A.clone())
        else:
            self.register_buffer('A', A.clone())
        if adaptive == 'offset':
            self.PA = nn.Parameter(torch.empty_like(A).uniform_(-1e-6, 1e-6))
        elif adaptive == 'importance':
            self.PA = nn.Parameter(torch.ones_like(A))

        # The layers.
        self.bn = norm_layer(norm, out_channels)
        self.act = activation_layer(act)
        if conv_pos == 'pre':
            self.conv = nn.Conv2d(in_channels, out_channels * self.num_subsets, 1)
        else:
            self.conv = nn.Conv2d(in_channels * self.num_subsets, out_channels, 1)
        self.down = down(in_channels, out_channels, norm) if with_res else None

    def graph(self) -> Tensor:
        """Return the current adjacency matrices, (K, V, V)."""
        if self.adaptive == 'offset':
            return self.A + self.PA
        if self.adaptive == 'importance':
            return self.A * self.PA
        return self.A

    def forward(self, x: Tensor) -> Tensor:
        """Map (P, C, T, V) to (P, C', T, V)."""
        if self.conv_pos == 'pre':
            y = self.conv(x).unflatten(1, (self.num_subsets, -1))  # (P, K, C', T, V)
            y = torch.einsum('nkctv,kvw->nctw', y, self.graph())
        else:
            y = torch.einsum('nctv,kvw->nkctw', x, self.graph())
            y = self.conv(y.flatten(1, 2))  # (P, C', T, V)
        y = self.bn(y)
        return self.act(y if self.down is None else y + self.down(x))
