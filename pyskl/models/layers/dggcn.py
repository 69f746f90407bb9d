"""Graph convolutions with learned graphs that depend on the clip: (P, C, T, V) -> (P, C', T, V)."""

from __future__ import annotations

from functools import reduce
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ...errors import ConfigError
from .down import down
from .from_config import LayerConfig, activation_layer, norm_layer

Act = Literal['tanh', 'softmax', 'sigmoid', 'relu']


class DGGCN(nn.Module):
    """Dynamic group graph convolution: K groups of channels, with a graph for each channel.

    With x1 and x2 two 1x1 convolutions of the mean over time, channel c of group k has the graph

        G[k, c, v, w] = A[k, v, w] + alpha tanh(x1[k, c, v] - x2[k, c, w])
                        + beta softmax_v(sum over c of x1[k, c, v] x2[k, c, w])

    A is a parameter. alpha and beta start at 0, so that training starts with A alone.

    Args:
        in_channels, out_channels: C and C'.
        A: (K, V, V) initial graphs.
        ratio: channels of a group as a share of C'.
        ctr: 'T': with the term of alpha, from the mean over time; None: without it.
        ada: 'T': with the term of beta, shared by the channels of a group; None: without it.
        subset_wise: whether each group has its own alpha and beta; else all use the first.
        ada_act, ctr_act: activations in place of softmax and tanh above.
        norm, act: names or mmcv configs of the layers.

    Raises:
        ConfigError: groups would have no channels.

    Source: DG-STGCN, arXiv:2210.05895.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        A: Tensor,
        ratio: float = 0.25,
        ctr: Literal['T'] | None = 'T',
        ada: Literal['T'] | None = 'T',
        subset_wise: bool = False,
        ada_act: Act = 'softmax',
        ctr_act: Act = 'tanh',
        norm: LayerConfig = 'BN',
        act: LayerConfig = 'ReLU',
    ):
        super().__init__()
        self.num_groups, self.subset_wise = len(A), subset_wise
        self.ctr, self.ada, self.ctr_act, self.ada_act = ctr, ada, ctr_act, ada_act
        self.mid_channels = int(ratio * out_channels)
        if self.mid_channels < 1:
            raise ConfigError(
                f'model.backbone: gcn_ratio = {ratio} of {out_channels} channels leaves groups '
                f'without channels. Expected {1 / out_channels:g} or more; 1 / the number of '
                'graphs is usual.'
            )
        width = self.num_groups * self.mid_channels

        self.A = nn.Parameter(A.clone())
        if ctr:
            self.alpha = nn.Parameter(torch.zeros(self.num_groups))
        if ada:
            self.beta = nn.Parameter(torch.zeros(self.num_groups))
        self.pre = nn.Sequential(
            nn.Conv2d(in_channels, width, 1), norm_layer(norm, width), activation_layer(act)
        )
        self.post = nn.Conv2d(width, out_channels, 1)
        if ctr or ada:
            self.conv1 = nn.Conv2d(in_channels, width, 1)
            self.conv2 = nn.Conv2d(in_channels, width, 1)
        self.down = down(in_channels, out_channels, norm)
        self.bn = norm_layer(norm, out_channels)
        self.act = activation_layer(act)

    def forward(self, x: Tensor) -> Tensor:
        """Map (P, C, T, V) to (P, C', T, V)."""
        graph = self.A[:, None]  # (K, 1, V, V)
        if self.ctr or self.ada:
            graph = graph + self.learned_graph(x)  # (P, K, mid, V, V)
        return self.convolve(x, graph)

    def learned_graph(self, x: Tensor) -> Tensor:
        """Return the sum of the terms that depend on the clip.

        Args:
            x: (P, C, T, V).

        Returns:
            (P, K, mid, V, V), or with `ada` alone (P, K, 1, V, V).
        """
        x1, x2 = (
            joint.unflatten(1, (self.num_groups, self.mid_channels))  # (P, K, mid, V)
            for joint in self.joint_features(x)
        )
        terms: list[Tensor] = []
        if self.ctr:
            difference = x1[..., :, None] - x2[..., None, :]  # (P, K, mid, V, V)
            terms.append(_act(self.ctr_act, difference) * self._weight(self.alpha))
        if self.ada:
            product = torch.einsum('pkcv,pkcw->pkvw', x1, x2)[:, :, None]  # (P, K, 1, V, V)
            terms.append(_act(self.ada_act, product) * self._weight(self.beta))
        return reduce(torch.add, terms)

    def joint_features(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return x1 and x2, both (P, K mid, V)."""
        mean = x.mean(2, keepdim=True)  # (P, C, 1, V)
        return self.conv1(mean).squeeze(2), self.conv2(mean).squeeze(2)

    def convolve(self, x: Tensor, graph: Tensor) -> Tensor:
        """Convolve x along a graph.

        Args:
            x: (P, C, T, V).
            graph: (P, K, mid, V, V), or of a shape that broadcasts to it.

        Returns:
            (P, C', T, V).
        """
        y = self.pre(x).unflatten(1, (self.num_groups, self.mid_channels))  # (P, K, mid, T, V)
        y = torch.matmul(y, graph).flatten(1, 2)  # (P, K mid, T, V)
        return self.act(self.bn(self.post(y)) + self.down(x))

    def _weight(self, weight: Tensor) -> Tensor:
        """Return alpha or beta (K,) in a shape that broadcasts with (P, K, mid, V, V)."""
        return weight[:, None, None, None] if self.subset_wise else weight[0]


class PrototypeGCN(DGGCN):
    """ProtoGCN's dynamic graph convolution, which also returns the clip's term of the graph.

    x1 and x2 are convolved frame by frame, then averaged, which gives the same result.

    Args:
        in_channels, out_channels, A, ratio, ctr, ada: as in DGGCN.
        **kwargs: as in DGGCN.

    Source: ProtoGCN, arXiv:2411.18941.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        A: Tensor,
        ratio: float = 0.125,
        ctr: Literal['T'] = 'T',
        ada: Literal['T'] = 'T',
        **kwargs: Any,
    ):
        super().__init__(in_channels, out_channels, A, ratio, ctr, ada, **kwargs)

    def forward(  # type: ignore[override]
        self, x: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Map (P, C, T, V) to (P, C', T, V) and the clip's term of the graph (P, K mid, V, V)."""
        added = self.learned_graph(x)
        return self.convolve(x, self.A[:, None] + added), added.flatten(1, 2)

    def joint_features(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return x1 and x2, both (P, K mid, V)."""
        return self.conv1(x).mean(2), self.conv2(x).mean(2)


def _act(name: Act, x: Tensor) -> Tensor:
    """Apply an activation to (..., V, V); softmax normalises over the first of the two joints."""
    return x.softmax(-2) if name == 'softmax' else getattr(torch, name)(x)
