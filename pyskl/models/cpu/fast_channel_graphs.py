"""Graph convolutions with a graph for each channel.

These are products of (T, V) with (V, V), one for each person and channel, and need channels first
in memory. The 1x1 convolutions before and after them change the order as they write their output,
so that little is copied.
"""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from ..layers.ctr_graph_conv import CTRGC, UnitCTRGCN
from ..layers.dggcn import DGGCN, PrototypeGCN
from .channels_last import (
    CONVS,
    NORMS,
    Layer,
    as_images,
    as_rows,
    can_run_fast,
    norm_act,
    with_norm,
)
from .fast_graph_conv import run_shortcut


class ChannelGraphs(torch.autograd.Function):
    """y[c] = sum over k of x[k, c] graph[k, c], channels first in memory.

    Args of `apply`:
        x: (P, K, C, T, V).
        graph: (P, K, C, V, W).

    Returns:
        (P, C, T, W).
    """

    @staticmethod
    def forward(ctx, x: Tensor, graph: Tensor) -> Tensor:
        """Compute y."""
        ctx.save_for_backward(x, graph)
        P, K, C, T, _ = x.shape
        out = x.new_empty(P, C, T, graph.shape[-1])
        for i in range(P):
            torch.bmm(x[i, 0], graph[i, 0], out=out[i])
            for k in range(1, K):
                out[i].baddbmm_(x[i, k], graph[i, k])
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the gradients of x and graph."""
        x, graph = ctx.saved_tensors
        grad = grad.contiguous()
        grad_x, grad_graph = torch.empty_like(x), torch.empty_like(graph)
        for i in range(x.shape[0]):
            for k in range(x.shape[1]):
                torch.bmm(grad[i], graph[i, k].mT, out=grad_x[i, k])
                torch.bmm(x[i, k].mT, grad[i], out=grad_graph[i, k])
        return grad_x, grad_graph


class Reordering(torch.autograd.Function):
    """A 1x1 convolution from channels first to channels last in memory, or back.

    The gradient of x has the memory order of x.

    Args of `apply`:
        x: (P, C, N), channels first, or a view with channels last.
        weight: (D, C).
        bias: (D,).
        to_last: whether the output has channels last, and x first; else the other way round.

    Returns:
        (P, N, D) with `to_last`, else (P, D, N).
    """

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, bias: Tensor, to_last: bool) -> Tensor:
        """Convolve."""
        ctx.save_for_backward(x, weight)
        ctx.to_last = to_last
        if to_last:
            return torch.bmm(x.mT, weight.t().expand(len(x), -1, -1)).add_(bias)
        return torch.bmm(weight.expand(len(x), -1, -1), x).add_(bias[:, None])

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Compute the gradients of x, weight and bias."""
        x, weight = ctx.saved_tensors
        grad = grad.contiguous()
        weights = weight.expand(len(x), -1, -1)
        if ctx.to_last:  # (P, N, D)
            grad_x, grad_bias = torch.bmm(weights.mT, grad.mT), grad.flatten(0, 1).sum(0)
            return grad_x, torch.bmm(grad.mT, x.mT).sum(0), grad_bias, None
        grad_x, grad_bias = torch.bmm(grad.mT, weights).mT, grad.sum(2).sum(0)
        return grad_x, torch.bmm(grad, x.mT).sum(0), grad_bias, None


def to_channels_first(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Convolve (P, C, T, V), channels last, by 1x1: (P, D, T, V), channels first."""
    rows = as_rows(x).flatten(1, 2)  # (P, T V, C)
    return Reordering.apply(rows.mT, weight.flatten(1), bias, False).unflatten(2, x.shape[2:])


def to_channels_last(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Convolve (P, C, T, V), channels first, by 1x1: (P, D, T, V), channels last."""
    rows = Reordering.apply(x.flatten(2), weight.flatten(1), bias, True)  # (P, T V, D)
    return as_images(rows.unflatten(1, x.shape[2:]))


def mean_over_time(x: Tensor) -> Tensor:
    """Average (P, C, T, V), channels last, over frames: (P, V, C)."""
    return as_rows(x).flatten(2).mean(1).unflatten(1, (x.shape[3], -1))


class FastUnitCTRGCN(UnitCTRGCN):
    """UnitCTRGCN whose convolutions run as one, and which averages before it compares joints."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (P, C, T, V) to (P, C', T, V)."""
        if not (can_run_fast(self, x) and all(map(_has_plain_convs, self.convs))):
            return super().forward(x)
        K = len(self.A)
        units: list[Layer] = [*self.convs]
        weight = torch.cat([unit.conv3.weight for unit in units])
        bias = torch.cat([unit.conv3.bias for unit in units])
        y = to_channels_first(x, weight, bias).unflatten(1, (K, -1))  # (P, K, C', T, V)
        y = ChannelGraphs.apply(y, self.graphs(x)).contiguous(memory_format=torch.channels_last)
        return norm_act(y, self.bn, run_shortcut(self.down, x), relu=True)

    def graphs(self, x: Tensor) -> Tensor:
        """Return the graphs of all channels for x (P, C, T, V): (P, K, C', V, V)."""
        K, P, V = len(self.A), x.shape[0], x.shape[3]
        units: list[Layer] = [*self.convs]

        # conv1 and conv2 of all units as one product: (P, K, R, V) each.
        convs = [*(unit.conv1 for unit in units), *(unit.conv2 for unit in units)]
        weight = torch.cat([conv.weight.flatten(1) for conv in convs])
        bias = torch.cat([conv.bias for conv in convs])
        both = F.linear(mean_over_time(x), weight, bias)  # (P, V, 2 K R)
        a, b = both.view(P, V, 2, K, -1).permute(2, 0, 3, 4, 1)
        difference = (a[..., :, None] - b[..., None, :]).tanh().flatten(3)  # (P, K, R, V V)

        # conv4(difference) * alpha + A as one product.
        weight = torch.stack([unit.conv4.weight.flatten(1) for unit in units]) * self.alpha
        bias = torch.stack([unit.conv4.bias for unit in units]) * self.alpha  # (K, C')
        shared = self.A.flatten(1)[:, None] + bias[..., None]  # (K, C', V V)
        by_person = weight.expand(P, -1, -1, -1).flatten(0, 1)
        graph = torch.bmm(by_person, difference.flatten(0, 1)).unflatten(0, (P, K))
        return (graph + shared).unflatten(3, (V, V))


def _has_plain_convs(unit: nn.Module) -> bool:
    """Return whether a unit is a CTRGC with torch's or our convolutions."""
    if type(unit) is not CTRGC:
        return False
    return all(type(conv) in CONVS for conv in (unit.conv1, unit.conv2, unit.conv3, unit.conv4))


class FastDGGCN(DGGCN):
    """DGGCN whose graphs are applied with channels first in memory."""

    def joint_features(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return x1 and x2, both (P, K mid, V)."""
        if not _runs_fast(self, x):
            return super().joint_features(x)
        weight = torch.cat([self.conv1.weight, self.conv2.weight]).flatten(1)
        layers: list[Layer] = [self.conv1, self.conv2]
        bias = torch.cat([conv.bias for conv in layers])
        x1, x2 = F.linear(mean_over_time(x), weight, bias).mT.contiguous().chunk(2, 1)
        return x1, x2

    def convolve(self, x: Tensor, graph: Tensor) -> Tensor:
        """Convolve (P, C, T, V) along a graph (P, K, mid, V, V), see DGGCN: (P, C', T, V)."""
        if not _runs_fast(self, x):
            return super().convolve(x, graph)

        # The first convolution, to channels first.
        pre: list[Layer] = list(self.pre)
        conv, norm, act = pre
        y = with_norm(partial(to_channels_first, x), conv.weight, conv.bias, norm)
        y = act(y).contiguous()

        # The graphs.
        graph = graph.expand(len(x), self.num_groups, self.mid_channels, -1, -1)
        y = ChannelGraphs.apply(y[:, None], graph.flatten(1, 2)[:, None])

        # The last convolution, to channels last, beside the shortcut.
        shortcut, relu = run_shortcut(self.down, x), type(self.act) is nn.ReLU
        post: list[Layer] = [self.post, self.bn]
        conv, norm = post
        y = with_norm(partial(to_channels_last, y), conv.weight, conv.bias, norm, shortcut, relu)
        return y if relu else self.act(y)


class FastPrototypeGCN(PrototypeGCN, FastDGGCN):
    """PrototypeGCN as FastDGGCN; it averages over time before conv1 and conv2."""

    def joint_features(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return x1 and x2, both (P, K mid, V)."""
        features = FastDGGCN if _runs_fast(self, x) else PrototypeGCN
        return features.joint_features(self, x)


def _runs_fast(unit: DGGCN, x: Tensor) -> bool:
    """Return whether the fast computation applies to x and to a unit's layers as they are now."""
    convs = [unit.pre[0], unit.post, *([unit.conv1, unit.conv2] if unit.ctr or unit.ada else [])]
    known = all(type(conv) in CONVS for conv in convs) and len(unit.pre) == 3
    return known and type(unit.pre[1]) in (*NORMS, nn.Identity) and can_run_fast(unit, x)
