"""BatchNorm with exact batch statistics for channels last in memory.

For that layout torch's CPU kernel adds the values of each channel one after the other in float32:
over half a million values the statistics are off by 1e-4, and small gradients by a percent. Here
rows are summed in groups, so that every running sum is short, and the sums of groups are combined
pairwise. This takes no extra time.

Frames (or people) that occur several times may pass the network once, if BatchNorm counts each as
often as it occurs: see `counting_frames`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from itertools import groupby

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.modules.batchnorm import _BatchNorm

from .observers import is_recorded

# Slices of the frames of a volume (1, C, F, H, W), in order and without gaps, and how often each
# frame of a slice counts.
FrameCounts = tuple[tuple[slice, int], ...]

# For any number of volumes.
EACH_ONCE: FrameCounts = ((slice(None), 1),)
MAX_COLUMNS = 4096  # groups x channels that fit into the first cache of a core
PIECE = 1 << 18  # numbers that stay in the cache between two passes


class _ExactBatchNorm(_BatchNorm):
    """The base of exact BatchNorm for images and for volumes.

    Attributes:
        frame_counts: how often each frame counts, see `counting_frames`; None: once.
        layout: the memory format that it computes itself.
        dtypes: the dtypes that it computes itself.
    """

    frame_counts: FrameCounts | None = None
    layout = torch.channels_last_3d
    dtypes: tuple[torch.dtype, ...] = (torch.float32,)

    def uses_batch_statistics(self, x: Tensor) -> bool:
        """Return whether x is normalised by the exact statistics of the batch."""
        from_batch = self.training or not self.track_running_stats
        return (
            from_batch
            and x.numel() > 0
            and x.device.type == 'cpu'
            and x.dtype in self.dtypes
            and self.affine
            and x.is_contiguous(memory_format=self.layout)
            and not is_recorded()
        )

    def forward(self, x: Tensor) -> Tensor:
        """Normalise x, exactly where `uses_batch_statistics`, else as torch does."""
        if self.frame_counts is not None:
            x = x.contiguous(memory_format=self.layout)
        if not self.uses_batch_statistics(x):
            return super().forward(x)
        return self.normalise(x)

    def normalise(self, x: Tensor, shortcut: Tensor | None = None, relu: bool = False) -> Tensor:
        """Compute relu(norm(x) + shortcut) with the statistics of x."""
        counts = self.frame_counts or EACH_ONCE
        out, mean, var = GroupedBatchNorm.apply(
            x, self.weight, self.bias, self.eps, counts, shortcut, relu
        )
        self.update_running_statistics(mean, var, num_values(as_volume(x), counts))
        return out

    @torch.no_grad()
    def update_running_statistics(self, mean: Tensor, var: Tensor, count: int) -> None:
        """Add the statistics of a batch to the running statistics, in training.

        Args:
            mean: (C,) of the batch.
            var: (C,) biased variance of the batch.
            count: values per channel in the batch.
        """
        if not (self.training and self.track_running_stats):
            return
        batches, running_mean, running_var = (
            self.get_buffer(name) for name in ('num_batches_tracked', 'running_mean', 'running_var')
        )
        batches += 1
        share = 1.0 / int(batches) if self.momentum is None else self.momentum
        running_mean.lerp_(mean, share)
        running_var.lerp_(var * (count / max(count - 1, 1)), share)


class ExactBatchNorm3d(_ExactBatchNorm, nn.BatchNorm3d):
    """nn.BatchNorm3d whose sums are exact to 1e-6 in training on the CPU with channels last."""


class ExactBatchNorm2d(_ExactBatchNorm, nn.BatchNorm2d):
    """nn.BatchNorm2d with the sums of ExactBatchNorm3d.

    Its input is (P, C, T, V) of P people, who count as frames do in ExactBatchNorm3d.
    """

    layout = torch.channels_last
    dtypes = (torch.float32, torch.float64)


class GroupedBatchNorm(torch.autograd.Function):
    """BatchNorm with the statistics of the batch, plus a shortcut, and ReLU.

    Args of `apply`:
        x: (B, C, T, H, W), or (P, C, T, V) of P people, who count as frames; channels last.
        weight, bias: (C,).
        eps: added to the variance.
        counts: how often each frame counts.
        shortcut: of the shape of x; None: none.
        relu: whether ReLU follows.

    Returns:
        relu(norm(x) + shortcut); mean and biased variance of the batch, (C,) each, without
        gradient.
    """

    @staticmethod
    def forward(
        ctx,
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        eps: float,
        counts: FrameCounts,
        shortcut: Tensor | None = None,
        relu: bool = False,
    ) -> tuple[Tensor, ...]:
        """Normalise x."""
        # Statistics of the frames that count equally often, then of all.
        volume = as_volume(x)
        parts = [statistics(_rows(volume[:, :, frames])) for frames, _ in counts]
        total = num_values(volume, counts)
        shares = [times * volume[:, :1, frames].numel() / total for frames, times in counts]
        mean, var = parts[0]
        if len(parts) > 1:
            means, variances = map(torch.stack, zip(*parts))
            mean, var = _combine(means, variances, x.new_tensor(shares)[:, None])

        out = torch.native_batch_norm(x, weight, bias, mean, var, False, 0.0, eps)[0]
        out = out if shortcut is None else out.add_(shortcut)
        out = out.relu_() if relu else out
        ctx.save_for_backward(x, weight, mean, torch.rsqrt(var + eps), out if relu else None)
        ctx.eps, ctx.counts = eps, counts
        ctx.mark_non_differentiable(mean, var)
        return out, mean, var

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        """Compute the gradients of x, weight, bias and shortcut."""
        x, weight, mean, scale, out = ctx.saved_tensors
        layout = torch.channels_last if x.ndim == 4 else torch.channels_last_3d
        grad = grad.contiguous(memory_format=layout)
        if out is not None:
            grad = torch.ops.aten.threshold_backward(grad, out, 0)
        wants_x, each_once = ctx.needs_input_grad[0], ctx.counts == EACH_ONCE
        grad_x, *grads = torch.ops.aten.native_batch_norm_backward(
            grad,
            x,
            weight,
            None,
            None,
            mean,
            scale,
            True,
            ctx.eps,
            [wants_x and each_once, True, True],
        )
        if wants_x and not each_once:
            grad_weight, grad_bias = grads
            grad_x = _input_gradient(
                grad, x, weight, mean, scale, grad_weight, grad_bias, ctx.counts
            )
        return grad_x, *grads, None, None, grad if ctx.needs_input_grad[5] else None, None


def _input_gradient(
    grad: Tensor,
    x: Tensor,
    weight: Tensor,
    mean: Tensor,
    scale: Tensor,
    grad_weight: Tensor,
    grad_bias: Tensor,
    counts: FrameCounts,
) -> Tensor:
    """Compute the gradient of x if frames count several times.

    `grad` holds, for each frame, the sum over its occurrences.

    Source: Batch Normalization, arXiv:1502.03167, section 3.
    """
    total = num_values(as_volume(x), counts)
    steepness = weight * scale
    slope = -steepness * scale * grad_weight / total
    level = -steepness * grad_bias / total - slope * mean
    out = torch.empty_like(x)
    for frames, times in counts:
        slopes, levels = times * slope, times * level
        # In pieces that are still in the cache when they are read again.
        of_frames = (_rows(as_volume(t)[:, :, frames]) for t in (out, x, grad))
        pieces = (rows.split(max(1, PIECE // x.shape[1])) for rows in of_frames)
        for out_rows, x_rows, grad_rows in zip(*pieces):
            torch.addcmul(levels, x_rows, slopes, out=out_rows).addcmul_(grad_rows, steepness)
    return out


def as_volume(x: Tensor) -> Tensor:
    """View (P, C, T, V) as a volume (1, C, P, T, V) of P frames; a volume is returned unchanged."""
    return x.transpose(0, 1)[None] if x.ndim == 4 else x


def _rows(x: Tensor) -> Tensor:
    """View (B, C, T, H, W), channels last, as (B * T * H * W, C)."""
    return x.permute(0, 2, 3, 4, 1).flatten(0, 3)


def num_values(x: Tensor, counts: FrameCounts) -> int:
    """Return the number of values per channel of (B, C, T, H, W), each as often as it counts."""
    return sum(times * x[:, :1, frames].numel() for frames, times in counts)


def frame_counts(times: Iterable[int]) -> FrameCounts:
    """Turn the number of occurrences of each frame, ascending, into slices of equal ones."""
    counts, start = [], 0
    for number, frames in groupby(times):
        stop = start + len(list(frames))
        counts.append((slice(start, stop), number))
        start = stop
    return tuple(counts)


@contextlib.contextmanager
def counting_frames(module: nn.Module, counts: FrameCounts) -> Iterator[None]:
    """Make the BatchNorms of a module count frames several times, in training, within the context.

    Args:
        module: holds the BatchNorms, whose input must be (1, C, F, H, W) or (F, C, T, V).
        counts: how often each of the F frames counts.
    """
    norms = [m for m in module.modules() if isinstance(m, _ExactBatchNorm)]
    for norm in norms:
        norm.frame_counts = counts
    try:
        yield
    finally:
        for norm in norms:
            norm.frame_counts = None


def statistics(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Compute mean and biased variance, (C,) each, of rows (N, C).

    The statistics of groups of rows are combined by Chan's formula for parallel variances.
    """
    number, channels = rows.shape
    groups = max(1, min(MAX_COLUMNS // channels, number))
    grouped = number - number % groups
    mean, var = torch.batch_norm_update_stats(
        rows[:grouped].view(-1, groups * channels), None, None, 0.0
    )
    equal_shares = mean.new_full((groups, 1), 1 / groups)
    mean, var = _combine(mean.view(groups, -1), var.view(groups, -1), equal_shares)
    if grouped == number:
        return mean, var

    # The remaining rows are fewer than the groups, so their sums are short, too.
    rest_mean, rest_var = torch.batch_norm_update_stats(rows[grouped:], None, None, 0.0)
    shares = mean.new_tensor([[grouped / number], [1 - grouped / number]])
    return _combine(torch.stack([mean, rest_mean]), torch.stack([var, rest_var]), shares)


def _combine(mean: Tensor, var: Tensor, share: Tensor) -> tuple[Tensor, Tensor]:
    """Combine mean and var (G, C) of parts, with shares (G, 1) of all rows, to (C,) each."""
    whole = (share * mean).sum(0)
    return whole, (share * (var + (mean - whole).square())).sum(0)
