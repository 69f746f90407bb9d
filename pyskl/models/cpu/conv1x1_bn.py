"""A 1x1x1 convolution and the BatchNorm after it as one layer, in training.

The convolution is linear, so BatchNorm's statistics follow from those of the convolution's input,
and both layers together are one convolution with other weights. The output z of the convolution
alone, the widest tensor of a bottleneck, is never computed.

Symbols and shapes, for N values per channel (pixels of all frames of all clips):

    y       (C, N)   input                          W       (D, C)   the convolution's weight
    z       (D, N)   W y, never computed            gamma   (D,)     BatchNorm's weight
    out     (D, N)   what BatchNorm gives           beta    (D,)     BatchNorm's bias
    g       (D, N)   the loss's gradient of out     s       (D,)     gamma * r
    m, S    (C,), (C, C)   mean of y, mean of y y'  r       (D,)     1 / sqrt(var(z) + eps)

Forward:

    (1)  mean(z) = W m
    (2)  var(z)  = diag(W (S - m m') W')
    (3)  out     = (s W) y + (beta - s mean(z))                 one convolution with a bias

Backward, with the means over all values b = mean(g) (D,) and G = mean(g y') (D, C):

    (4)  d beta  = N b
    (5)  d gamma = N q,   q = r * (diag(G W') - mean(z) * b)
    (6)  d z     = s g + slope * z + level,   slope = -s r q,   level = -s b - slope * mean(z)
    (7)  d W     = N (s G + slope * (W S) + level m')           since mean(d z y')
    (8)  d y     = W' d z = (s W)' g + (W' (slope * W)) y + W' level      two convolutions

Extra cost: the products of y with itself, C * C * N multiplications; hence `joining_saves_time`.

Source of the layer: Batch Normalization, arXiv:1502.03167, section 3.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from .conv3d_as_2d import Conv3dAs2d, as_images, as_volumes, subsample, subsample_gradient
from .exact_batch_norm import EACH_ONCE, ExactBatchNorm3d, FrameCounts, num_values

MAX_ROWS = 8192  # rows to sum up in float32; longer sums continue in float64
MAX_RATIO = 40  # of in_channels**2 to out_channels, see joining_saves_time; measured


def joining_saves_time(conv: Conv3dAs2d) -> bool:
    """Return whether a layer is a plain 1x1x1 convolution for which joining saves time.

    The additional arithmetic grows with in_channels**2, the saved memory traffic with out_channels.
    """
    plain = (
        conv.kernel_size == (1, 1, 1)
        and conv.padding == (0, 0, 0)
        and conv.groups == 1
        and conv.bias is None
    )
    return plain and conv.in_channels**2 <= MAX_RATIO * conv.out_channels


def conv1x1_bn(
    x: Tensor, conv: Conv3dAs2d, norm: ExactBatchNorm3d, shortcut: Tensor | None, relu: bool
) -> Tensor:
    """Compute relu(norm(conv(x)) + shortcut) with the batch's statistics.

    Args:
        x: (B, C, T, H, W), channels last.
        conv: the convolution.
        norm: the BatchNorm, whose running statistics are updated.
        shortcut: (B, D, T', H', W'); None adds nothing.
        relu: whether ReLU follows.

    Returns:
        (B, D, T', H', W'), channels last.
    """
    counts = norm.frame_counts or EACH_ONCE
    out, mean, var = Conv1x1BatchNorm.apply(
        x, conv.weight, norm.weight, norm.bias, norm.eps, conv.stride, shortcut, relu, counts
    )
    norm.update_running_statistics(mean, var, num_values(out, counts))
    return out


class Conv1x1BatchNorm(torch.autograd.Function):
    """The computation of `conv1x1_bn`; numbers in comments refer to the equations above.

    Inputs and outputs are volumes, not views of them as images, so that autograd can sum the
    gradients of a block's input in place.

    Args of `apply`:
        x: (B, C, T, H, W).
        weight: (D, C, 1, 1, 1).
        gamma, beta: (D,).
        eps: added to the variance.
        stride: (frames, lines, columns).
        shortcut: (B, D, T', H', W') or None.
        relu: whether ReLU follows.
        counts: how often each frame counts.

    Returns:
        The output (B, D, T', H', W'); mean and biased variance of z, (D,) each, without gradient.
    """

    @staticmethod
    def forward(
        ctx,
        x: Tensor,
        weight: Tensor,
        gamma: Tensor,
        beta: Tensor,
        eps: float,
        stride: tuple[int, int, int],
        shortcut: Tensor | None,
        relu: bool,
        counts: FrameCounts,
    ) -> tuple[Tensor, ...]:
        """Compute equations (1) to (3)."""
        read = subsample(x, stride)  # the pixels that the kernel reads
        images, w = as_images(read), weight.flatten(1).double()

        # The first and second moments of the input; each frame counts as often as it occurs.
        total, channels = num_values(read, counts), read.shape[1]
        input_mean, second = w.new_zeros(channels), w.new_zeros(channels, channels)
        for frames, times in counts:
            part = as_images(read[:, :, frames])
            input_mean += times * sums(part)
            second += times * products(part, part)
        input_mean /= total
        second /= total

        # (1), (2), (3): one convolution instead of two layers.
        mean = w @ input_mean
        var = (w @ (second - input_mean.outer(input_mean))).mul_(w).sum(1).clamp_(min=0)
        inverse = torch.rsqrt(var + eps)
        scale = gamma.double() * inverse
        folded = as_kernel(scale[:, None] * w, weight)
        shift = (beta - scale * mean).to(weight.dtype)

        # oneDNN's ReLU turns NaN into 0. If there may be NaN, use torch's ReLU, which keeps it.
        is_finite = bool(torch.isfinite(shift).all())
        shortcut_images = None if shortcut is None else as_images(shortcut)
        out = as_volumes(
            joined_conv2d(images, folded, shift, shortcut_images, relu and is_finite), read
        )
        if relu and not is_finite:
            out.relu_()

        ctx.save_for_backward(
            read, weight, folded, input_mean, second, mean, inverse, scale, out if relu else None
        )
        ctx.shape, ctx.stride, ctx.counts, ctx.total = x.shape, stride, counts, total
        mean, var = mean.to(weight.dtype), var.to(weight.dtype)
        ctx.mark_non_differentiable(mean, var)
        return out, mean, var

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        """Compute equations (4) to (8)."""
        read, weight, folded, input_mean, second, mean, inverse, scale, out = ctx.saved_tensors
        grad = grad.contiguous(memory_format=torch.channels_last_3d)
        if out is not None:
            grad = torch.ops.aten.threshold_backward(grad, out, 0)
        images, grads, w = as_images(read), as_images(grad), weight.flatten(1).double()

        # (4) to (7), all divided by the number of values.
        mean_beta = sums(grads) / ctx.total  # (D,)
        cross = products(grads, images) / ctx.total  # (D, C)
        mean_gamma = inverse * ((cross * w).sum(1) - mean * mean_beta)
        slope = -scale * inverse * mean_gamma
        level = -scale * mean_beta - slope * mean
        mean_weight = (
            scale[:, None] * cross + slope[:, None] * (w @ second) + level.outer(input_mean)
        )

        # (8). `grad` is already summed over the occurrences of each frame; the other term is not.
        input_weight = as_kernel((w.t() * slope) @ w, weight)
        from_input = joined_conv2d(
            images, input_weight, (level @ w).to(weight.dtype), None, relu=False
        )
        for frames, times in ctx.counts:
            if times > 1:
                from_input[frames] *= times
        grad_images = joined_conv2d(grads, folded.transpose(0, 1), None, from_input, relu=False)
        grad_x = subsample_gradient(as_volumes(grad_images, read), ctx.shape, ctx.stride)

        grad_weight, grad_gamma, grad_beta = (
            ctx.total * g.to(weight.dtype) for g in (mean_weight, mean_gamma, mean_beta)
        )
        grad_shortcut = grad if ctx.needs_input_grad[6] else None
        return (
            grad_x,
            grad_weight.view_as(weight),
            grad_gamma,
            grad_beta,
            None,
            None,
            grad_shortcut,
            None,
            None,
        )


def joined_conv2d(
    images: Tensor, weight: Tensor, bias: Tensor | None, shortcut: Tensor | None, relu: bool
) -> Tensor:
    """Compute relu(conv2d(images) + shortcut) without gradients, in one pass of oneDNN.

    Args:
        images: (N, C, H, W), channels last.
        weight: (D, C, 1, 1).
        bias: (D,) or None.
        shortcut: (N, D, H, W) or None.
        relu: whether ReLU follows.
    """
    # PyTorch 2.6 raises for shortcuts that are channels last and contiguous at once.
    adds_in_one_pass = shortcut is None or (shortcut.shape[1] > 1 and shortcut[0, 0].numel() > 1)
    uses_onednn = torch.backends.mkldnn.is_available() and torch.backends.mkldnn.enabled
    if not (uses_onednn and adds_in_one_pass):
        out = F.conv2d(images, weight, bias)
        out = out if shortcut is None else out.add_(shortcut)
        return out.relu_() if relu else out
    conv = torch.ops.mkldnn._convolution_pointwise
    settings = ((0, 0), (1, 1), (1, 1), 1)  # padding, stride, dilation, groups
    if shortcut is None:
        return conv(images, weight, bias, *settings, 'relu' if relu else 'none', [], None)
    shortcut = shortcut.contiguous(memory_format=torch.channels_last)
    activation = 'relu' if relu else None
    return conv.binary(images, shortcut, weight, bias, *settings, 'add', 1.0, activation, [], None)


def as_kernel(matrix: Tensor, weight: Tensor) -> Tensor:
    """View (D, C) as (D, C, 1, 1), in the weight's dtype."""
    return matrix.to(weight.dtype)[:, :, None, None]


def _grouped_rows(images: Tensor) -> Tensor:
    """View (N, C, H, W), channels last, as (groups, rows, C).

    A group is one image, or several with at most MAX_ROWS rows in all.
    """
    number, pixels = images.shape[0], images.shape[2] * images.shape[3]
    groups = next(
        g
        for g in range(1, number + 1)
        if number % g == 0 and (number // g * pixels <= MAX_ROWS or g == number)
    )
    return images.permute(0, 2, 3, 1).reshape(groups, -1, images.shape[1])


def sums(images: Tensor) -> Tensor:
    """Sum (N, C, H, W) over all pixels, to (C,) in float64.

    Float32 is exact enough for the sums themselves, since torch adds pairwise.
    """
    return images.permute(0, 2, 3, 1).flatten(0, 2).sum(0).double()


def products(a: Tensor, b: Tensor) -> Tensor:
    """Sum the products of channels over all pixels.

    Args:
        a: (N, D, H, W), channels last.
        b: (N, C, H, W), channels last.

    Returns:
        (D, C) in float64.
    """
    # Computing (groups, C, D) is faster than its transpose.
    by_group = torch.bmm(_grouped_rows(b).transpose(1, 2), _grouped_rows(a))
    return by_group.double().sum(0).t()
