"""Convolution, BatchNorm, shortcut and ReLU of (P, C, T, V) with channels last in memory.

In memory such a tensor is a matrix of P * T * V rows of C channels, so a 1x1 convolution is one
matrix product, forward and backward. In testing BatchNorm becomes part of the weights before it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from .conv1x1_bn import joined_conv2d
from .exact_batch_norm import ExactBatchNorm2d
from .observers import has_hooks, is_recorded

WIDE = 96  # channels from which WideConvolution is faster; measured
NORMS = (nn.BatchNorm2d, ExactBatchNorm2d)

Layer = Any  # a module whose class the caller has checked


def can_run_fast(module: nn.Module, x: Tensor) -> bool:
    """Return whether x is on the CPU with channels last, and no hook needs the module's parts."""
    return (
        x.device.type == 'cpu'
        and x.dtype in ExactBatchNorm2d.dtypes
        and x.ndim == 4
        and x.is_contiguous(memory_format=torch.channels_last)
        and not is_recorded()
        and not torch.is_autocast_enabled('cpu')
        and not any(map(has_hooks, module.children()))
    )


def as_rows(x: Tensor) -> Tensor:
    """View (P, C, T, V) as (P, T, V, C)."""
    return x.permute(0, 2, 3, 1)


def as_images(rows: Tensor) -> Tensor:
    """View (P, T, V, C) as (P, C, T, V)."""
    return rows.permute(0, 3, 1, 2)


class PointwiseConv2d(nn.Conv2d):
    """nn.Conv2d whose 1x1 kernels run as matrix products if channels are last in memory."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (P, C, T, V) to (P, D, T', V')."""
        if is_pointwise(self) and can_run_fast(self, x):
            return convolve(x, self, self.weight, self.bias)
        return super().forward(x)


CONVS = (nn.Conv2d, PointwiseConv2d)


def is_pointwise(conv: nn.Conv2d) -> bool:
    """Return whether each output depends on one place of the input only."""
    return conv.kernel_size == (1, 1) and conv.padding == (0, 0) and conv.groups == 1


def conv_norm(
    x: Tensor,
    conv: Layer,
    norm: Layer | None = None,
    shortcut: Tensor | None = None,
    relu: bool = False,
) -> Tensor:
    """Compute relu(norm(conv(x)) + shortcut).

    Args:
        x: (P, C, T, V), channels last.
        conv: an nn.Conv2d.
        norm: a norm; None or nn.Identity: none.
        shortcut: (P, D, T', V); None adds nothing.
        relu: whether ReLU follows.
    """
    if norm is None or type(norm) is nn.Identity:
        return convolve(x, conv, conv.weight, conv.bias, shortcut, relu)
    if is_fixed(norm):
        weight, bias = folded(conv.weight, conv.bias, norm)
        return convolve(x, conv, weight, bias, shortcut, relu)
    return norm_act(convolve(x, conv, conv.weight, conv.bias), norm, shortcut, relu)


def convolve(
    x: Tensor,
    conv: Layer,
    weight: Tensor,
    bias: Tensor | None,
    shortcut: Tensor | None = None,
    relu: bool = False,
) -> Tensor:
    """Compute relu(convolution of x + shortcut).

    Args:
        x: (P, C, T, V), channels last.
        conv: an nn.Conv2d, of which only kernel size, stride, padding, dilation and groups count.
        weight: used in place of that of `conv`.
        bias: used in place of that of `conv`.
        shortcut: (P, D, T', V); None adds nothing.
        relu: whether ReLU follows.
    """
    if not is_pointwise(conv):
        geometry = conv.stride, conv.padding, conv.dilation, conv.groups
        is_wide = min(weight.shape[:2]) >= WIDE and bias is not None and torch.is_grad_enabled()
        y = (WideConvolution.apply if is_wide else F.conv2d)(x, weight, bias, *geometry)
        return add_act(y, shortcut, relu)
    if conv.stride != (1, 1):
        x = as_images(as_rows(x)[:, :: conv.stride[0], :: conv.stride[1]].contiguous())
    return pointwise(x, weight, bias, shortcut, relu)


class WideConvolution(torch.autograd.Function):
    """F.conv2d that computes the gradient of its weight with channels first.

    With many channels oneDNN takes a fifth less time for it that way.
    """

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, bias: Tensor, *geometry: Any) -> Tensor:
        """Convolve; `geometry` is (stride, padding, dilation, groups)."""
        ctx.save_for_backward(x, weight)
        ctx.geometry = geometry
        return F.conv2d(x, weight, bias, *geometry)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Compute the gradients of x, weight and bias."""
        x, weight = ctx.saved_tensors
        *geometry, groups = ctx.geometry
        settings = ([len(weight)], *geometry, False, (0, 0), groups)
        backward = torch.ops.aten.convolution_backward
        grad_x = None
        if ctx.needs_input_grad[0]:
            grad_x = backward(grad, x, weight, *settings, [True, False, False])[0]
        channels_first = grad.contiguous(), x.contiguous(), weight
        _, *grads = backward(*channels_first, *settings, [False, True, True])
        return grad_x, *grads, None, None, None, None


def pointwise(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    shortcut: Tensor | None = None,
    relu: bool = False,
) -> Tensor:
    """Compute relu(1x1 convolution of x + shortcut) with weight (D, C, 1, 1)."""
    if x.dtype == weight.dtype == torch.float32 and not torch.is_grad_enabled():
        y = joined_conv2d(x, weight, bias, shortcut, relu=False)  # oneDNN's ReLU hides NaN
        return y.relu_() if relu else y
    y = as_images(F.linear(as_rows(x), weight.flatten(1), bias))
    return add_act(y, shortcut, relu)


def add_act(y: Tensor, shortcut: Tensor | None, relu: bool) -> Tensor:
    """Compute relu(y + shortcut), in place if gradients are disabled."""
    if not torch.is_grad_enabled():
        y = y if shortcut is None else y.add_(shortcut)
        return y.relu_() if relu else y
    y = y if shortcut is None else y + shortcut
    return y.relu() if relu else y


def norm_act(y: Tensor, norm: Layer, shortcut: Tensor | None = None, relu: bool = False) -> Tensor:
    """Compute relu(norm(y) + shortcut)."""
    if type(norm) is ExactBatchNorm2d and norm.uses_batch_statistics(y):
        return norm.normalise(y, shortcut, relu)
    return add_act(norm(y), shortcut, relu)


def with_norm(
    operation: Callable[[Tensor, Tensor], Tensor],
    weight: Tensor,
    bias: Tensor,
    norm: Layer,
    shortcut: Tensor | None = None,
    relu: bool = False,
) -> Tensor:
    """Compute relu(norm(operation(weight, bias)) + shortcut).

    Args:
        operation: linear in its weight and bias.
        weight: (D, ...).
        bias: (..., D).
        norm: a norm; a BatchNorm in testing becomes part of weight and bias.
        shortcut: of the shape of the output; None adds nothing.
        relu: whether ReLU follows.
    """
    if is_fixed(norm):
        return add_act(operation(*folded(weight, bias, norm)), shortcut, relu)
    return norm_act(operation(weight, bias), norm, shortcut, relu)


def is_fixed(norm: Layer) -> bool:
    """Return whether a module is a BatchNorm in testing mode."""
    return type(norm) in NORMS and not norm.training and norm.track_running_stats


def scale_and_shift(norm: Layer) -> tuple[Tensor, Tensor]:
    """Return the scale and shift, (C,) each, that a BatchNorm in testing mode applies."""
    scale = torch.rsqrt(norm.running_var + norm.eps)
    scale = scale if norm.weight is None else scale * norm.weight
    shift = -norm.running_mean * scale
    return scale, shift if norm.bias is None else shift + norm.bias


def folded(weight: Tensor, bias: Tensor | None, norm: Layer) -> tuple[Tensor, Tensor]:
    """Fold a BatchNorm in testing mode into the weight (D, ...) and bias (..., D) before it."""
    scale, shift = scale_and_shift(norm)
    weight = weight * scale.view(-1, *[1] * (weight.ndim - 1))
    return weight, shift if bias is None else bias * scale + shift
