"""Graph convolutions as two matrix products each, over joints first, then over channels.

With channels last each frame is a matrix (V, C), and all K graphs are one matrix (V K, V). Their
product (V K, C), viewed as (V, K C), is the input of the 1x1 convolution. Nothing is copied.
"""

from __future__ import annotations

from functools import partial, reduce

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from ..layers.adaptive_graph_conv import UnitAAGCN
from ..layers.graph_conv import UnitGCN
from ..layers.ms_graph_conv import MSGCN, MSG3DBlock
from .channels_last import (
    CONVS,
    Layer,
    as_images,
    as_rows,
    can_run_fast,
    conv_norm,
    pointwise,
    with_norm,
)

PIECE = 1 << 18  # numbers that fit into the cache of a core


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
        """Compute y."""
        P, T, V, _ = x.shape
        gathered = gather_joints(graph, x).view(-1, weight.shape[1])  # (P T W, K C)
        y = torch.mm(gathered, weight.t()).view(P, T, -1, len(weight)).add_(bias)
        ctx.save_for_backward(x, graph, weight, gathered)
        ctx.bias_ndim = bias.ndim
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Compute the gradients of x, graph, weight and bias."""
        x, graph, weight, gathered = ctx.saved_tensors
        P, T, V, C = x.shape
        grad = grad.contiguous()

        # Of the product over channels.
        rows = grad.view(-1, len(weight))
        grad_weight = torch.mm(rows.t(), gathered)
        grad_bias = grad.flatten(0, 1).sum(0)  # (W, D)
        grad_bias = grad_bias if ctx.bias_ndim == 2 else grad_bias.sum(0)
        grad_gathered = torch.mm(rows, weight).view(P, T, -1, C)

        # Of the product over joints.
        grad_x = gather_joints(graph.mT, grad_gathered) if ctx.needs_input_grad[0] else None
        grad_graph = None
        if ctx.needs_input_grad[1]:
            grad_graph = torch.stack([graph_gradient(*pair) for pair in zip(grad_gathered, x)])
            grad_graph = grad_graph if graph.ndim == 3 else grad_graph.sum(0)
        return grad_x, grad_graph, grad_weight, grad_bias


def graph_gradient(grad: Tensor, x: Tensor) -> Tensor:
    """Sum the products grad x' over frames, in pieces whose products fit into the cache.

    Args:
        grad: (T, R, C).
        x: (T, V, C).

    Returns:
        (R, V).
    """
    at_once = max(1, PIECE // (grad.shape[1] * x.shape[1]))
    pieces = zip(grad.split(at_once), x.split(at_once))
    return reduce(torch.add, (torch.bmm(g, frames.mT).sum(0) for g, frames in pieces))


def gather_joints(graph: Tensor, x: Tensor) -> Tensor:
    """Multiply a graph with each frame.

    Args:
        graph: (R, V), or (P, R, V): one for each person.
        x: (P, T, V, C).

    Returns:
        (P, T, R, C).
    """
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
    """Compute relu(norm(graph convolution of x) + shortcut).

    Args:
        x: (P, C, T, V), channels last.
        graph: see GraphConvolution.
        weight: see GraphConvolution.
        bias: see GraphConvolution.
        norm: a norm; a BatchNorm in testing becomes part of the weights.
        shortcut: (P, D, T, V); None adds nothing.
        relu: whether ReLU follows.
    """

    def convolve(weight: Tensor, bias: Tensor) -> Tensor:
        return as_images(GraphConvolution.apply(as_rows(x), graph, weight, bias))

    return with_norm(convolve, weight, bias, norm, shortcut, relu)


def run_shortcut(down: nn.Module, x: Tensor) -> Tensor:
    """Apply `down`, the identity or a convolution and BatchNorm, to x."""
    if type(down) is nn.Sequential and len(down) == 2 and type(down[0]) in CONVS:
        return conv_norm(x, down[0], down[1])
    return down(x)


class FastUnitGCN(UnitGCN):
    """UnitGCN that multiplies with its graph first, even if its convolution comes first."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (P, C, T, V) to (P, C', T, V)."""
        if not (can_run_fast(self, x) and type(self.conv) in CONVS):
            return super().forward(x)
        A, K = self.graph(), self.num_subsets  # (K, V, W)
        graph = A.permute(2, 0, 1).flatten(0, 1)  # (W K, V)
        conv: Layer = self.conv
        weight, bias = conv.weight.flatten(1), conv.bias
        if self.conv_pos == 'pre':  # the graph also gathers the convolution's bias
            weight = weight.unflatten(0, (K, -1)).transpose(0, 1).flatten(1)  # (C', K C)
            bias = A.sum(1).t() @ bias.view(K, -1)  # (W, C')
        shortcut = None if self.down is None else run_shortcut(self.down, x)
        relu = type(self.act) is nn.ReLU
        y = graph_conv_norm(x, graph, weight, bias, self.bn, shortcut, relu)
        return y if relu else self.act(y)


class FastMSGCN(MSGCN):
    """MSGCN whose graph and 1x1 convolution are two matrix products."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (P, C, T, V) to (P, C', T, V)."""
        if not (can_run_fast(self, x) and type(self.mlp.layers[0]) in CONVS):
            return super().forward(x)
        return self.convolve(x, (self.A + self.PA).permute(2, 0, 1).flatten(0, 1))

    def convolve(self, x: Tensor, graph: Tensor) -> Tensor:
        """Convolve (P, C, T, V) along a graph (W K, V): (P, C', T, W)."""
        layers: list[Layer] = list(self.mlp.layers)
        conv, norm, _ = layers
        return graph_conv_norm(x, graph, conv.weight.flatten(1), conv.bias, norm, relu=True)


class FastMSG3DBlock(MSG3DBlock):
    """MSG3DBlock whose windows are reduced to frames by one matrix product."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (P, C, T, V) to (P, C', T', V)."""
        if not (can_run_fast(self, x) and type(self.gcn3d[1]) is FastMSGCN):
            return super().forward(x)
        layers: list[Layer] = list(self.gcn3d)
        unfold, gcn = layers
        W, V = self.window_size, x.shape[3]
        windows = Windows.apply(as_rows(x), W, unfold.stride)  # (P, T', W V, C)

        # Order the graph's output by joint, then by frame of the window.
        graph = (gcn.A + gcn.PA).permute(2, 0, 1).unflatten(0, (W, V))  # (W, V, K, W V)
        y = gcn.convolve(as_images(windows), graph.transpose(0, 1).flatten(0, 2))
        images = as_images(as_rows(y).unflatten(2, (V, W)).flatten(3))  # (P, W C, T', V)

        # So the convolution over the window is a 1x1 convolution.
        conv: Layer = self.out_conv
        weight = conv.weight[..., 0].squeeze(2).transpose(1, 2).flatten(1)[..., None, None]
        return with_norm(partial(pointwise, images), weight, conv.bias, self.out_bn)


class Windows(torch.autograd.Function):
    """Gather windows of W frames, see UnfoldWindows: (P, T, V, C) -> (P, T', W V, C)."""

    @staticmethod
    def forward(ctx, x: Tensor, size: int, stride: int) -> Tensor:
        """Gather windows."""
        P, T, V, C = x.shape
        padding = (size - 1) // 2
        frames = (T + 2 * padding - size) // stride + 1
        ctx.shape, ctx.settings = x.shape, (size, stride, padding, frames)
        padded = F.pad(x, (0, 0, 0, 0, padding, padding))
        out = x.new_empty(P, frames, size, V, C)
        for i in range(size):
            out[:, :, i] = padded[:, i::stride][:, :frames]
        return out.flatten(2, 3)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Add the gradients of all windows up, frame by frame."""
        (P, T, V, C), (size, stride, padding, frames) = ctx.shape, ctx.settings
        grad = grad.reshape(P, frames, size, V, C)
        out = grad.new_zeros(P, T + 2 * padding, V, C)
        for i in range(size):
            out[:, i::stride][:, :frames] += grad[:, :, i]
        return out[:, padding : padding + T], None, None


class FastUnitAAGCN(UnitAAGCN):
    """UnitAAGCN whose convolutions run as one."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (P, C, T, V) to (P, C', T, V)."""
        convs = [*self.conv_d, *(self.conv_a if self.adaptive else ())]
        if not (can_run_fast(self, x) and all(type(conv) in CONVS for conv in convs)):
            return super().forward(x)
        graph = self.graphs(x)  # (K, V, W) or (P, K, V, W)
        graph = graph.movedim(-1, -3).flatten(-3, -2)  # (..., W K, V)
        units: list[Layer] = list(self.conv_d)
        weight = torch.cat([conv.weight.flatten(1) for conv in units], 1)  # (C', K C)
        bias = torch.stack([conv.bias for conv in units]).sum(0)
        y = graph_conv_norm(x, graph, weight, bias, self.bn, run_shortcut(self.down, x), relu=True)
        return self.attend(y) if self.attention else y

    def graphs(self, x: Tensor) -> Tensor:
        """Return the K graphs for x (P, C, T, V), see `graph`: (K, V, V) or (P, K, V, V)."""
        if not self.adaptive:
            return self.A
        K, (P, _, T, V) = len(self.A), x.shape
        convs: list[Layer] = [*self.conv_a, *self.conv_b]
        weight = torch.cat([conv.weight.flatten(1) for conv in convs])
        bias = torch.cat([conv.bias for conv in convs])
        both = F.linear(as_rows(x), weight, bias)  # (P, T, V, 2 K E)
        both = both.view(P, T, V, 2, K, -1).permute(3, 0, 4, 2, 1, 5)  # (2, P, K, V, T, E)
        a, b = both.reshape(2, P * K, V, -1)
        similarity = torch.bmm(a, b.mT).view(P, K, V, V) / a.shape[-1]
        return self.A + similarity.tanh() * self.alpha

    def attend(self, y: Tensor) -> Tensor:
        """Weigh joints, then frames, then channels of (P, C', T, V), see UnitAAGCN."""
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
