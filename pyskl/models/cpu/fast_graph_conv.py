"""Graph convolutions as two matrix products each: joints first, then channels.

With channels last each frame is a matrix (V, C), and all K graphs are one matrix (V K, V): their
product (V K, C) is, seen as (V, K C), what the 1x1 convolution takes. Nothing is copied in between.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from ..layers.adaptive_graph_conv import UnitAAGCN
from ..layers.graph_conv import UnitGCN
from ..layers.ms_graph_conv import MSGCN, MSG3DBlock
from .channels_last import (
    add_act,
    as_images,
    as_rows,
    can_run_fast,
    conv_norm,
    folded,
    is_fixed,
    norm_act,
    pointwise,
    scale_and_shift,
)
from .fast_temporal import CONVS

PIECE = 1 << 18  # numbers that stay in a core's cache


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
            grad_graph = torch.stack([graph_gradient(*pair) for pair in zip(grad_gathered, x)])
            grad_graph = grad_graph if graph.ndim == 3 else grad_graph.sum(0)
        return grad_x, grad_graph, grad_weight, grad_bias


def graph_gradient(grad: Tensor, x: Tensor) -> Tensor:
    """Sum grad x' over the frames of (T, R, C) and (T, V, C): (R, V)."""
    at_once = max(1, PIECE // (grad.shape[1] * x.shape[1]))
    pieces = zip(grad.split(at_once), x.split(at_once))
    return sum(torch.bmm(g, frames.mT).sum(0) for g, frames in pieces)


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
        shortcut = None if self.down is None else shortcut_of(self.down, x)
        if type(self.act) is nn.ReLU:
            return graph_conv_norm(x, graph, weight, bias, self.bn, shortcut, relu=True)
        return self.act(graph_conv_norm(x, graph, weight, bias, self.bn, shortcut))


class FastMSGCN(MSGCN):
    """MSGCN, joints first."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (P, C, T, V) to (P, C', T, V)."""
        if not (can_run_fast(self, x) and type(self.mlp.layers[0]) in CONVS):
            return super().forward(x)
        return self.convolve(x, (self.A + self.PA).permute(2, 0, 1).flatten(0, 1))

    def convolve(self, x: Tensor, graph: Tensor) -> Tensor:
        """Pass (P, C, T, V) along a graph (W K, V): (P, C', T, W)."""
        conv, norm, _ = self.mlp.layers
        weight = conv.weight.flatten(1)
        if type(norm) is nn.Identity:
            y = GraphConvolution.apply(as_rows(x), graph, weight, conv.bias)
            return add_act(as_images(y), None, relu=True)
        return graph_conv_norm(x, graph, weight, conv.bias, norm, None, relu=True)


class FastMSG3DBlock(MSG3DBlock):
    """MSG3DBlock, joints first, whose windows are summed up by one product."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (P, C, T, V) to (P, C', T', V)."""
        if not (can_run_fast(self, x) and type(self.gcn3d[1]) is FastMSGCN):
            return super().forward(x)
        unfold, gcn = self.gcn3d
        W, V = self.window_size, x.shape[3]
        windows = Windows.apply(as_rows(x), W, unfold.stride, unfold.dilation)  # (P, T', W V, C)

        # Joint by joint, the frames of its window side by side.
        graph = (gcn.A + gcn.PA).permute(2, 0, 1).unflatten(0, (W, V))  # (W, V, K, W V)
        y = gcn.convolve(as_images(windows), graph.transpose(0, 1).flatten(0, 2))
        rows = as_rows(y).unflatten(2, (V, W)).flatten(3)  # (P, T', V, W C)
        weight = self.out_conv.weight[..., 0].squeeze(2).transpose(1, 2).flatten(1)
        images = as_images(rows)
        if is_fixed(self.out_bn):
            weight, bias = folded(weight, self.out_conv.bias, *scale_and_shift(self.out_bn))
            return pointwise(images, weight[..., None, None], bias)
        y = pointwise(images, weight[..., None, None], self.out_conv.bias)
        return norm_act(y, self.out_bn)


class Windows(torch.autograd.Function):
    """Windows of W frames: (P, T, V, C) -> (P, T', W V, C), see UnfoldWindows."""

    @staticmethod
    def forward(ctx, x: Tensor, size: int, stride: int, dilation: int) -> Tensor:
        P, T, V, C = x.shape
        reach = (size - 1) * dilation
        padding = reach // 2
        frames = (T + 2 * padding - reach - 1) // stride + 1
        ctx.shape, ctx.settings = x.shape, (size, stride, dilation, padding, frames)
        padded = F.pad(x, (0, 0, 0, 0, padding, padding))
        out = x.new_empty(P, frames, size, V, C)
        for i in range(size):
            out[:, :, i] = padded[:, i * dilation :][:, ::stride][:, :frames]
        return out.flatten(2, 3)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, ...]:
        (P, T, V, C), (size, stride, dilation, padding, frames) = ctx.shape, ctx.settings
        grad = grad.reshape(P, frames, size, V, C)
        out = grad.new_zeros(P, T + 2 * padding, V, C)
        for i in range(size):
            out[:, i * dilation :][:, ::stride][:, :frames] += grad[:, :, i]
        return out[:, padding : padding + T], None, None, None


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
        both = F.linear(as_rows(x), weight, bias)  # (P, T, V, 2 K E)
        both = both.view(P, T, V, 2, K, -1).permute(3, 0, 4, 2, 1, 5)  # (2, P, K, V, T, E)
        a, b = both.reshape(2, P * K, V, -1)
        alike = torch.bmm(a, b.mT).view(P, K, V, V) / a.shape[-1]
        return self.A + alike.tanh() * self.alpha

    def attend(self, y: Tensor) -> Tensor:
        """Weigh joints, then frames, then channels of (P, C', T, V)."""
        if not y.is_contiguous(memory_format=torch.channels_last) or y.device.type != 'cpu':
            return super().attend(y)
        rows = as_rows(y)  # (P, T, V, C')
        joints = self.conv_sa(rows.flatten(2).mean(1).unflatten(1, (y.shape[3], -1)).mT)
        rows = rows * (1 + joints.sigmoid())[:, :, :, None]  # (P, 1, V, 1)
        frames = self.conv_ta(rows.mean(2).mT)
        rows = rows * (1 + frames.sigmoid()).mT[..., None]  # (P, T, 1, 1)
        pooled = rows.flatten(1, 2).mean(1)
        channels = self.fc2c(self.relu(self.fc1c(pooled))).sigmoid()  # (P, C')
        return as_images(rows * (1 + channels)[:, None, None])
