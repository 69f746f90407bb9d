"""BatchNorm behind a 1x1x1 convolution, from the moments of the convolution's input.

z = W y is linear, so over a batch mean(z) = W mean(y) and var(z) = diag(W cov(y) W'): BatchNorm's statistics are known before z
is, and both layers are one convolution with other weights. z itself, widest of a bottleneck's tensors, is neither kept nor read
again: with G = g y' summed over the batch for the gradient g, the gradients of W, gamma and beta follow from G and cov(y), and
that of y is again a convolution of g and y. What is added are products with y as wide as deep: for a few channels next to nothing.

The layers: Batch Normalization, arXiv:1502.03167, section 3.
"""
from __future__ import annotations

import torch
import torch.nn.functional as F
from torch.autograd.function import once_differentiable

from .conv3d_as_2d import Conv3dAs2d, frames, picked, spread, volumes
from .exact_batch_norm import ONCE, ExactBatchNorm3d, Runs, count

MAX_ROWS = 8192         # that are summed up in float32, before float64 takes over
WIDTH = 40              # see is_worth_it; measured


def is_worth_it(conv: Conv3dAs2d) -> bool:
    """Is it a plain 1x1x1 convolution from so few channels to so many that what is added costs less than what is saved?

    Added is arithmetic in proportion to in_channels**2, saved are passes over memory in proportion to out_channels.
    """
    plain = conv.kernel_size == (1, 1, 1) and conv.padding == (0, 0, 0) and conv.groups == 1 and conv.bias is None
    return plain and conv.in_channels ** 2 <= WIDTH * conv.out_channels


def moment_norm(x: torch.Tensor, conv: Conv3dAs2d, norm: ExactBatchNorm3d, shortcut: torch.Tensor | None, relu: bool) -> torch.Tensor:
    """relu(norm(conv(x)) + shortcut) with the batch's statistics: x (B, C, T, H, W), shortcut (B, D, T', H', W') or None."""
    runs = norm.runs or ONCE
    out, mean, var = MomentNorm.apply(x, conv.weight, norm.weight, norm.bias, norm.eps, conv.stride, shortcut, relu, runs)
    norm.remember(mean, var, count(out, runs))
    return out


class MomentNorm(torch.autograd.Function):
    """x, weight (D, C, 1, 1, 1), gamma, beta (D,), eps, stride, shortcut or None, relu, runs -> (B, D, T', H', W'), mean and variance (D,).

    Volumes in and out, channels last, so that autograd can sum the gradients of a block's input in place: not those of views.
    """

    @staticmethod
    def forward(ctx, x: torch.Tensor, weight: torch.Tensor, gamma: torch.Tensor, beta: torch.Tensor, eps: float,
                stride: tuple[int, int, int], shortcut: torch.Tensor | None, relu: bool, runs: Runs) -> tuple[torch.Tensor, ...]:
        read = picked(x, stride)
        images, w = frames(read), weight.flatten(1).double()
        parts = [(frames(read[:, :, some]), times) for some, times in runs]
        total = count(read, runs)
        centre = sum(times * sums(part) for part, times in parts) / total                  # (C,)
        second = sum(times * products(part, part) for part, times in parts) / total        # (C, C)
        mean = w @ centre
        var = (w @ (second - centre.outer(centre))).mul_(w).sum(1).clamp_(min=0)
        inverse = torch.rsqrt(var + eps)
        scale = gamma.double() * inverse
        folded = as_kernel(scale[:, None] * w, weight)
        shift = (beta - scale * mean).to(weight.dtype)
        is_finite = bool(torch.isfinite(shift).all())                                      # NaN is to be seen: oneDNN's ReLU makes it 0
        out = volumes(joined_conv2d(images, folded, shift, None if shortcut is None else frames(shortcut), relu and is_finite), read)
        if relu and not is_finite:
            out.relu_()
        ctx.save_for_backward(read, weight, folded, centre, second, mean, inverse, scale, out if relu else None)
        ctx.shape, ctx.stride, ctx.runs, ctx.total = x.shape, stride, runs, total
        mean, var = mean.to(weight.dtype), var.to(weight.dtype)
        ctx.mark_non_differentiable(mean, var)
        return out, mean, var

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: torch.Tensor, *_: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        read, weight, folded, centre, second, mean, inverse, scale, out = ctx.saved_tensors
        grad = grad.contiguous(memory_format=torch.channels_last_3d)
        if out is not None:
            grad = torch.ops.aten.threshold_backward(grad, out, 0)
        images, grads, w = frames(read), frames(grad), weight.flatten(1).double()
        mean_grad = sums(grads) / ctx.total                                                # (D,): beta's over the number of pixels
        cross = products(grads, images) / ctx.total                                        # (D, C)
        mean_gamma = inverse * ((cross * w).sum(1) - mean * mean_grad)
        # The gradient of z is scale * grad + slope * z + level.
        slope = -scale * inverse * mean_gamma
        level = -scale * mean_grad - slope * mean
        mean_weight = scale[:, None] * cross + slope[:, None] * (w @ second) + level.outer(centre)
        from_images = joined_conv2d(images, as_kernel((w.t() * slope) @ w, weight), (level @ w).to(weight.dtype), None, relu=False)
        for some, times in ctx.runs:
            if times > 1:
                from_images[some] *= times
        grad_images = joined_conv2d(grads, folded.transpose(0, 1), None, from_images, relu=False)
        grad_x = spread(volumes(grad_images, read), ctx.shape, ctx.stride)
        grad_weight, grad_gamma, grad_beta = (ctx.total * g.to(weight.dtype) for g in (mean_weight, mean_gamma, mean_grad))
        grad_shortcut = grad if ctx.needs_input_grad[6] else None
        return grad_x, grad_weight.view_as(weight), grad_gamma, grad_beta, None, None, grad_shortcut, None, None


def joined_conv2d(images: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, shortcut: torch.Tensor | None,
                  relu: bool) -> torch.Tensor:
    """relu(conv2d(images) + shortcut) without gradients. oneDNN does all of it as it writes the output."""
    if not (torch.backends.mkldnn.is_available() and torch.backends.mkldnn.enabled):
        out = F.conv2d(images, weight, bias)
        out = out if shortcut is None else out.add_(shortcut)
        return out.relu_() if relu else out
    conv, how = torch.ops.mkldnn._convolution_pointwise, ((0, 0), (1, 1), (1, 1), 1)       # padding, stride, dilation, groups
    if shortcut is None:
        return conv(images, weight, bias, *how, 'relu' if relu else 'none', [], None)
    shortcut = shortcut.contiguous(memory_format=torch.channels_last)
    return conv.binary(images, shortcut, weight, bias, *how, 'add', 1.0, 'relu' if relu else None, [], None)


def as_kernel(matrix: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """(D, C) -> (D, C, 1, 1) in the weight's dtype."""
    return matrix.to(weight.dtype)[:, :, None, None]


def rows(images: torch.Tensor) -> torch.Tensor:
    """(N, C, H, W) channels last -> (groups, rows, C), at most MAX_ROWS rows a group where the pictures are not larger."""
    number, pixels = images.shape[0], images.shape[2] * images.shape[3]
    groups = next(g for g in range(1, number + 1) if number % g == 0 and (number // g * pixels <= MAX_ROWS or g == number))
    return images.permute(0, 2, 3, 1).reshape(groups, -1, images.shape[1])


def sums(images: torch.Tensor) -> torch.Tensor:
    """Over all pixels: (N, C, H, W) -> (C,), float64 (torch sums up in pairs, so that float32 is enough before)."""
    return images.permute(0, 2, 3, 1).flatten(0, 2).sum(0).double()


def products(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """The sum over all pixels of a's channels times b's: (N, D, H, W), (N, C, H, W) -> (D, C), float64."""
    by_group = torch.bmm(rows(b).transpose(1, 2), rows(a))                                 # (groups, C, D): faster than its transpose
    return by_group.double().sum(0).t()
