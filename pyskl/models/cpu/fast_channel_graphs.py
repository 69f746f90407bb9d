"""Graph convolutions with a graph for each channel.

Those are products of (T, V) with (V, V), one for each person and channel, and want channels first.
The 1x1 convolutions beside them change the order as they write, so that little is copied.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from ..layers.ctr_graph_conv import CTRGC, UnitCTRGCN
from ..layers.dggcn import DGGCN, PrototypeGCN
from .channels_last import (
    NORMS,
    add_act,
    as_images,
    as_rows,
    can_run_fast,
    folded,
    is_fixed,
    norm_act,
    scale_and_shift,
)
from .fast_graph_conv import shortcut_of
from .fast_temporal import CONVS


class ChannelGraphs(torch.autograd.Function):
    """y[c] = sum over k of x[k, c] graph[k, c], with channels first.

    Args of `apply`:
        x: (P, K, C, T, V).
        graph: (P, K, C, V, W).

    Returns:
        (P, C, T, W).
    """

    @staticmethod
    def forward(ctx, x: Tensor, graph: Tensor) -> Tensor:
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
        x, graph = ctx.saved_tensors
        grad = grad.contiguous()
        grad_x, grad_graph = torch.empty_like(x), torch.empty_like(graph)
        for i in range(x.shape[0]):
            for k in range(x.shape[1]):
                torch.bmm(grad[i], graph[i, k].mT, out=grad_x[i, k])
                torch.bmm(x[i, k].mT, grad[i], out=grad_graph[i, k])
        return grad_x, grad_graph


class Reordering(torch.autograd.Function):
    """A 1x1 convolution between the two orders of memory, its gradients in the right one too.

    Args of `apply`:
        x: (P, C, N), channels first or, as a view, last.
        weight: (D, C).
        bias: (D,).
        last: whether channels are last in the output, not in x; else the other way round.

    Returns:
        (P, N, D) with `last`, else (P, D, N).
    """

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, bias: Tensor, last: bool) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.last = last
        if last:
            return torch.bmm(x.mT, weight.t().expand(len(x), -1, -1)).add_(bias)
        return torch.bmm(weight.expand(len(x), -1, -1), x).add_(bias[:, None])

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        grad = grad.contiguous()
        weights = weight.expand(len(x), -1, -1)
        if ctx.last:  # (P, N, D)
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
    """UnitCTRGCN: one convolution for all graphs, and joints compared after averaging."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (P, C, T, V) to (P, C', T, V)."""
        if not (can_run_fast(self, x) and all(map(_is_built, self.convs))):
            return super().forward(x)
        K = len(self.A)
        weight = torch.cat([conv.conv3.weight for conv in self.convs])
        bias = torch.cat([conv.conv3.bias for conv in self.convs])
        y = to_channels_first(x, weight, bias).unflatten(1, (K, -1))  # (P, K, C', T, V)
        y = ChannelGraphs.apply(y, self.graphs(x)).contiguous(memory_format=torch.channels_last)
        return norm_act(y, self.bn, shortcut_of(self.down, x), relu=True)

    def graphs(self, x: Tensor) -> Tensor:
        """Return the graphs of all channels, (P, K, C', V, V)."""
        K, P, V = len(self.A), x.shape[0], x.shape[3]
        pairs = [[conv.conv1 for conv in self.convs], [conv.conv2 for conv in self.convs]]
        weight = torch.cat([conv.weight.flatten(1) for convs in pairs for conv in convs])
        bias = torch.cat([conv.bias for convs in pairs for conv in convs])
        a, b = (  # (P, K, R, V) each
            F.linear(mean_over_time(x), weight, bias).view(P, V, 2, K, -1).permute(2, 0, 3, 4, 1)
        )
        difference = (a[..., :, None] - b[..., None, :]).tanh().flatten(3)  # (P, K, R, V V)

        # conv4(difference) * alpha + A as one product.
        weight = torch.stack([conv.conv4.weight.flatten(1) for conv in self.convs]) * self.alpha
        bias = torch.stack([conv.conv4.bias for conv in self.convs]) * self.alpha  # (K, C')
        shared = self.A.flatten(1)[:, None] + bias[..., None]  # (K, C', V V)
        by_person = weight.expand(P, -1, -1, -1).flatten(0, 1)
        graph = torch.bmm(by_person, difference.flatten(0, 1)).unflatten(0, (P, K))
        return (graph + shared).unflatten(3, (V, V))


def _is_built(conv: nn.Module) -> bool:
    layers = (conv.conv1, conv.conv2, conv.conv3, conv.conv4) if type(conv) is CTRGC else ()
    return bool(layers) and all(type(layer) in CONVS for layer in layers)


class FastDGGCN(DGGCN):
    """DGGCN whose joints are compared after averaging."""

    def joint_features(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return x1 and x2, both (P, K mid, V)."""
        if not _runs_fast(self, x):
            return super().joint_features(x)
        weight = torch.cat([self.conv1.weight, self.conv2.weight]).flatten(1)
        bias = torch.cat([self.conv1.bias, self.conv2.bias])
        return F.linear(mean_over_time(x), weight, bias).mT.contiguous().chunk(2, 1)

    def convolve(self, x: Tensor, graph: Tensor) -> Tensor:
        """Pass (P, C, T, V) along a graph (P, K, mid, V, V): (P, C', T, V)."""
        if not _runs_fast(self, x):
            return super().convolve(x, graph)
        conv, norm, act = self.pre
        weight, bias = conv.weight, conv.bias
        if is_fixed(norm):
            weight, bias = folded(weight, bias, *scale_and_shift(norm))
            y = act(to_channels_first(x, weight, bias))
        else:
            y = act(norm(to_channels_first(x, weight, bias))).contiguous()
        graph = graph.expand(len(x), self.num_groups, self.mid_channels, -1, -1)
        y = ChannelGraphs.apply(y[:, None], graph.flatten(1, 2)[:, None])
        shortcut, relu = shortcut_of(self.down, x), type(self.act) is nn.ReLU
        weight, bias, norm = self.post.weight, self.post.bias, self.bn
        if is_fixed(norm):
            weight, bias = folded(weight, bias, *scale_and_shift(norm))
            y = add_act(to_channels_last(y, weight, bias), shortcut, relu)
        else:
            y = norm_act(to_channels_last(y, weight, bias), norm, shortcut, relu)
        return y if relu else self.act(y)


class FastPrototypeGCN(PrototypeGCN, FastDGGCN):
    """PrototypeGCN whose joints are compared after averaging."""

    def joint_features(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return x1 and x2, both (P, K mid, V)."""
        features = FastDGGCN if _runs_fast(self, x) else PrototypeGCN
        return features.joint_features(self, x)


def _runs_fast(unit: DGGCN, x: Tensor) -> bool:
    convs = [unit.pre[0], unit.post, *([unit.conv1, unit.conv2] if unit.ctr or unit.ada else [])]
    known = all(type(conv) in CONVS for conv in convs) and len(unit.pre) == 3
    return known and type(unit.pre[1]) in (*NORMS, nn.Identity) and can_run_fast(unit, x)
