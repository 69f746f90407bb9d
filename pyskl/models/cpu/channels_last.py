"""Convolution, BatchNorm, shortcut and ReLU of (P, C, T, V) with channels last in memory.

In memory that is a matrix of P * T * V rows of C channels, so a 1x1 convolution is one matrix
product, forward and backward. In testing BatchNorm is part of the convolution's weights.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from .conv1x1_bn import joined_conv2d
from .exact_batch_norm import ExactBatchNorm2d
from .observers import has_hooks, is_recorded

WIDE = 96  # channels, see WideConvolution; measured
NORMS = (nn.BatchNorm2d, ExactBatchNorm2d)


def can_run_fast(module: nn.Module, x: Tensor) -> bool:
    """Return whether x lies with channels last on the CPU, and nobody looks at the module's parts."""
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
    """nn.Conv2d in weights, arguments and output; with channels last 1x1 kernels are products."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (P, C, T, V) to (P, D, T', V')."""
        if is_pointwise(self) and can_run_fast(self, x):
            return convolve(x, self, self.weight, self.bias)
        return super().forward(x)


def is_pointwise(conv: nn.Conv2d) -> bool:
    """Return whether each output depends on one place of the input only."""
    return conv.kernel_size == (1, 1) and conv.padding == (0, 0) and conv.groups == 1


def conv_norm(
    x: Tensor,
    conv: nn.Conv2d,
    norm: nn.Module | None = None,
    shortcut: Tensor | None = None,
    relu: bool = False,
) -> Tensor:
    """Compute relu(norm(conv(x)) + shortcut).

    Args:
        x: (P, C, T, V), channels last.
        conv, norm: the layers; norm None or nn.Identity: none.
        shortcut: (P, D, T', V); None adds nothing.
        relu: whether ReLU follows.
    """
    if norm is None or type(norm) is nn.Identity:
        return convolve(x, conv, conv.weight, conv.bias, shortcut, relu)
    if is_fixed(norm):
        scale, shift = scale_and_shift(norm)
        weight, bias = folded(conv.weight, conv.bias, scale, shift)
        return convolve(x, conv, weight, bias, shortcut, relu)
    return norm_act(convolve(x, conv, conv.weight, conv.bias), norm, shortcut, relu)


def convolve(
    x: Tensor,
    conv: nn.Conv2d,
    weight: Tensor,
    bias: Tensor | None,
    shortcut: Tensor | None = None,
    relu: bool = False,
) -> Tensor:
    """Compute relu(conv(x) + shortcut) with other weights than the convolution's own."""
    if not is_pointwise(conv):
        geometry = conv.stride, conv.padding, conv.dilation, conv.groups
        wide = min(weight.shape[:2]) >= WIDE and bias is not None and torch.is_grad_enabled()
        y = (WideConvolution.apply if wide else F.conv2d)(x, weight, bias, *geometry)
        return add_act(y, shortcut, relu)
    if conv.stride != (1, 1):
        x = as_images(as_rows(x)[:, :: conv.stride[0], :: conv.stride[1]].contiguous())
    return pointwise(x, weight, bias, shortcut, relu)


class WideConvolution(torch.autograd.Function):
    """F.conv2d, whose weight's gradient is computed with channels first.

    oneDNN is a fifth faster so where the channels are many.
    """

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, bias: Tensor, *geometry: Any) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.geometry = geometry
        return F.conv2d(x, weight, bias, *geometry)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        *geometry, groups = ctx.geometry
        settings = ([len(weight)], *geometry, False, (0, 0), groups)
        backward = torch.ops.aten.convolution_backward
        grad_x = None
        if ctx.needs_input_grad[0]:
            grad_x = backward(grad, x, weight, *settings, [True, False, False])[0]
        grads = grad.contiguous(), x.contiguous(), weight
        _, *grads = backward(*grads, *settings, [False, True, True])
        return grad_x, *grads, None, None, None, None


def pointwise(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    shortcut: Tensor | None = None,
    relu: bool = False,
) -> Tensor:
    """Compute relu(1x1 convolution of x + shortcut); weight (D, C, 1, 1)."""
    if x.dtype == weight.dtype == torch.float32 and not torch.is_grad_enabled():
        y = joined_conv2d(x, weight, bias, shortcut, relu=False)  # its ReLU would hide NaN
        return y.relu_() if relu else y
    y = as_images(F.linear(as_rows(x), weight.flatten(1), bias))
    return add_act(y, shortcut, relu)


def add_act(y: Tensor, shortcut: Tensor | None, relu: bool) -> Tensor:
    """Compute relu(y + shortcut); may write into y where no gradient is wanted."""
    if not torch.is_grad_enabled():
        y = y if shortcut is None else y.add_(shortcut)
        return y.relu_() if relu else y
    y = y if shortcut is None else y + shortcut
    return y.relu() if relu else y


def norm_act(
    y: Tensor, norm: nn.Module, shortcut: Tensor | None = None, relu: bool = False
) -> Tensor:
    """Compute relu(norm(y) + shortcut)."""
    if type(norm) is ExactBatchNorm2d and norm.uses_batch_statistics(y):
        return norm.normalise(y, shortcut, relu)
    return add_act(norm(y), shortcut, relu)


def is_fixed(norm: nn.Module) -> bool:
    """Return whether this is a BatchNorm in testing."""
    return type(norm) in NORMS and not norm.training and norm.track_running_stats


def scale_and_shift(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Return (C,) scale and shift of a BatchNorm in testing."""
    scale = torch.rsqrt(norm.running_var + norm.eps)
    scale = scale if norm.weight is None else scale * norm.weight
    shift = -norm.running_mean * scale
    return scale, shift if norm.bias is None else shift + norm.bias


def folded(
    weight: Tensor, bias: Tensor | None, scale: Tensor, shift: Tensor
) -> tuple[Tensor, Tensor]:
    """Fold a scale and a shift (D,) into weight (D, ...) and bias (D,) before them."""
    weight = weight * scale.view(-1, *[1] * (weight.ndim - 1))
    return weight, shift if bias is None else bias * scale + shift
