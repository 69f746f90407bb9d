"""Graph convolutions as two matrix products each: joints first, then channels.

With channels last each frame is a matrix (V, C), and all K graphs are one matrix (V K, V): their
product (V K, C) is, seen as (V, K C), what the 1x1 convolution takes. Nothing is copied in between.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from ..layers.adaptive_graph_conv import UnitAAGCN
from ..layers.graph_conv import UnitGCN
from ..layers.ms_graph_conv import MSGCN
from .fast_temporal import CONVS
from .rows import (
    NORMS,
    add_act,
    as_images,
    as_rows,
    can_run_fast,
    conv_norm,
    folded,
    is_fixed,
    norm_act,
    scale_and_shift,
)


class GraphConvolution(torch.autograd.Function):
    """y[w] = bias[w] + sum over k of weight[k] (sum over v of graph[w, k, v] x[v]).

    Args of `apply`:
        x: (P, T, V, C).
        graph: (W K, V), or (P, W K, V): one for each person.
        weight: (D, K C).
        bias: (D,) or (W, D).

    Returns:
        (P, T, W, D).
    """

    @staticmethod
    def forward(ctx, x: Tensor, graph: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        P, T, V, _ = x.shape
        gathered = along(graph, x).view(-1, weight.shape[1])  # (P T W, K C)
        y = torch.mm(gathered, weight.t()).view(P, T, -1, len(weight)).add_(bias)
        ctx.save_for_backward(x, graph, weight, gathered)
        ctx.bias_ndim = bias.ndim
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, graph, weight, gathered = ctx.saved_tensors
        P, T, V, C = x.shape
        grad = grad.contiguous()
        rows = grad.view(-1, len(weight))
        grad_weight = torch.mm(rows.t(), gathered)
        grad_bias = grad.flatten(0, 1).sum(0)  # (W, D)
        grad_bias = grad_bias if ctx.bias_ndim == 2 else grad_bias.sum(0)
        grad_gathered = torch.mm(rows, weight).view(P, T, -1, C)
        grad_x = along(graph.mT, grad_gathered) if ctx.needs_input_grad[0] else None
        grad_graph = None
        if ctx.needs_input_grad[1]:
            by_frame = torch.bmm(grad_gathered.flatten(0, 1), x.flatten(0, 1).mT)
            by_frame = by_frame.view(P, T, -1, V)
            grad_graph = by_frame.sum(1) if graph.ndim == 3 else by_frame.sum((0, 1))
        return grad_x, grad_graph, grad_weight, grad_bias


def along(graph: Tensor, x: Tensor) -> Tensor:
    """Multiply a graph (R, V), or (P, R, V), with each frame of (P, T, V, C): (P, T, R, C)."""
    P, T, V, C = x.shape
    if graph.ndim == 2:
        return torch.bmm(graph.expand(P * T, -1, -1), x.reshape(P * T, V, C)).view(P, T, -1, C)
    out = x.new_empty(P, T, graph.shape[1], C)
    for i in range(P):
        torch.bmm(graph[i].expand(T, -1, -1), x[i], out=out[i])
    return out


def graph_conv_norm(
    x: Tensor,
    graph: Tensor,
    weight: Tensor,
    bias: Tensor,
    norm: nn.Module,
    shortcut: Tensor | None = None,
    relu: bool = False,
) -> Tensor:
    """Compute relu(norm(graph convolution of x) + shortcut); see GraphConvolution.

    Args:
        x: (P, C, T, V), channels last.
        shortcut: (P, D, T, V); None adds nothing.
    """
    fixed = is_fixed(norm)
    if fixed:
        weight, bias = folded_matrix(weight, bias, *scale_and_shift(norm))
    y = as_images(GraphConvolution.apply(as_rows(x), graph, weight, bias))
    return add_act(y, shortcut, relu) if fixed else norm_act(y, norm, shortcut, relu)


def folded_matrix(
    weight: Tensor, bias: Tensor, scale: Tensor, shift: Tensor
) -> tuple[Tensor, Tensor]:
    """Fold a scale and a shift (D,) into weight (D, K C) and bias (..., D) before them."""
    return weight * scale[:, None], bias * scale + shift


def shortcut_of(down: nn.Module, x: Tensor) -> Tensor:
    """Return x through `down`: the identity, or a convolution and BatchNorm."""
    if type(down) is nn.Sequential and len(down) == 2 and type(down[0]) in CONVS:
        return conv_norm(x, down[0], down[1])
    return down(x)


class FastUnitGCN(UnitGCN):
    """UnitGCN, joints first."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (P, C, T, V) to (P, C', T, V)."""
        if not (can_run_fast(self, x) and type(self.conv) in CONVS):
            return super().forward(x)
        A, K = self.graph(), self.num_subsets  # (K, V, W)
        graph = A.permute(2, 0, 1).flatten(0, 1)  # (W K, V)
        weight, bias = self.conv.weight.flatten(1), self.conv.bias
        if self.conv_pos == 'pre':
            weight = weight.unflatten(0, (K, -1)).transpose(0, 1).flatten(1)  # (C', K C)
            bias = A.sum(1).t() @ bias.view(K, -1)  # (W, C')
        shortcut = shortcut_of(self.down, x) if self.with_res else None
        if type(self.act) is nn.ReLU:
            return graph_conv_norm(x, graph, weight, bias, self.bn, shortcut, relu=True)
        return self.act(graph_conv_norm(x, graph, weight, bias, self.bn, shortcut))


class FastMSGCN(MSGCN):
    """MSGCN, joints first."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (P, C, T, V) to (P, C', T, V)."""
        conv, norm, _ = self.mlp.layers
        if not (can_run_fast(self, x) and type(conv) in CONVS):
            return super().forward(x)
        graph = (self.A + self.PA).permute(2, 0, 1).flatten(0, 1)  # (W K, V)
        weight = conv.weight.flatten(1)
        if type(norm) is nn.Identity:
            y = GraphConvolution.apply(as_rows(x), graph, weight, conv.bias)
            return add_act(as_images(y), None, relu=True)
        return graph_conv_norm(x, graph, weight, conv.bias, norm, None, relu=True)


class FastUnitAAGCN(UnitAAGCN):
    """UnitAAGCN, joints first, its convolutions side by side."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (P, C, T, V) to (P, C', T, V)."""
        convs = [*self.conv_d, *(self.conv_a if self.adaptive else ())]
        if not (can_run_fast(self, x) and all(type(conv) in CONVS for conv in convs)):
            return super().forward(x)
        graph = self.graphs(x)  # (K, V, W) or (P, K, V, W)
        graph = graph.movedim(-1, -3).flatten(-3, -2)  # (..., W K, V)
        weight = torch.cat([conv.weight.flatten(1) for conv in self.conv_d], 1)  # (C', K C)
        bias = torch.stack([conv.bias for conv in self.conv_d]).sum(0)
        y = graph_conv_norm(x, graph, weight, bias, self.bn, shortcut_of(self.down, x), relu=True)
        return self.attend(y) if self.attention else y

    def graphs(self, x: Tensor) -> Tensor:
        """Return all graphs, see `graph`."""
        if not self.adaptive:
            return self.A
        K, (P, _, T, V) = len(self.A), x.shape
        convs = [*self.conv_a, *self.conv_b]
        weight = torch.cat([conv.weight.flatten(1) for conv in convs])
        bias = torch.cat([conv.bias for conv in convs])
        both = torch.nn.functional.linear(as_rows(x), weight, bias)  # (P, T, V, 2 K E)
        both = both.view(P, T, V, 2, K, -1).permute(3, 0, 4, 2, 1, 5)  # (2, P, K, V, T, E)
        a, b = both.reshape(2, P * K, V, -1)
        alike = torch.bmm(a, b.mT).view(P, K, V, V) / a.shape[-1]
        return self.A + alike.tanh() * self.alpha
