"""BatchNorm3d whose batch statistics stay exact with channels last in memory.

torch's CPU kernel for that layout adds up each channel's values one after the other in float32; over a batch's half a million
values per channel the statistics are then off by 1e-4, and small gradients by a percent. Here rows are grouped first, so that
each running sum is short, and the groups' sums are added pairwise. It costs no time.

Frames that are alike may pass as one, if BatchNorm counts it as often as they occur: see `counted`.
"""
from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import nn
from torch.autograd.function import once_differentiable

Runs = tuple[tuple[slice, int], ...]        # frames of a volume (1, C, F, H, W) from first to last, and how often each of them counts

ONCE: Runs = ((slice(None), 1), )           # of any number of volumes
MAX_COLUMNS = 32768                         # groups x channels: what stays in a core's cache
PIECE = 1 << 18                             # numbers that stay there between two passes over them


class ExactBatchNorm3d(nn.BatchNorm3d):
    """nn.BatchNorm3d in weights, arguments and meaning; training on the CPU with channels last, its sums are exact to 1e-6."""

    _abbr_ = 'bn'                   # mmcv names the layer by it in the state dict
    runs: Runs | None = None        # how often frames count, set by `counted`; None: once

    def takes_batch(self, x: torch.Tensor) -> bool:
        """Are the statistics to be taken from this input, and channels last on the CPU?"""
        batch_statistics = self.training or not self.track_running_stats
        return (batch_statistics and x.numel() > 0 and x.device.type == 'cpu' and x.dtype == torch.float32 and self.affine
                and x.is_contiguous(memory_format=torch.channels_last_3d))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.runs is not None:
            x = x.contiguous(memory_format=torch.channels_last_3d)
        if not self.takes_batch(x):
            return super().forward(x)
        runs = self.runs or ONCE
        out, mean, var = GroupedBatchNorm.apply(x, self.weight, self.bias, self.eps, runs)
        self.remember(mean, var, count(x, runs))
        return out

    @torch.no_grad()
    def remember(self, mean: torch.Tensor, var: torch.Tensor, count: int) -> None:
        """In training, take a batch's mean and biased variance (C,) of `count` values a channel into the running statistics."""
        if not (self.training and self.track_running_stats):
            return
        self.num_batches_tracked += 1
        share = 1.0 / int(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, share)
        self.running_var.lerp_(var * (count / max(count - 1, 1)), share)


class GroupedBatchNorm(torch.autograd.Function):
    """x (B, C, T, H, W) channels last, weight and bias (C,), eps, runs -> normalised x; mean and biased variance (C,) of the batch."""

    @staticmethod
    def forward(ctx, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, eps: float, runs: Runs) -> tuple[torch.Tensor, ...]:
        parts = [statistics(_rows(x[:, :, some])) for some, _ in runs]
        shares = [times * x[:, :1, some].numel() / count(x, runs) for some, times in runs]
        mean, var = parts[0] if len(parts) == 1 else _together(*map(torch.stack, zip(*parts)), x.new_tensor(shares)[:, None])
        ctx.save_for_backward(x, weight, mean, torch.rsqrt(var + eps))
        ctx.eps, ctx.runs = eps, runs
        ctx.mark_non_differentiable(mean, var)
        return torch.native_batch_norm(x, weight, bias, mean, var, False, 0.0, eps)[0], mean, var

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: torch.Tensor, *_: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, weight, mean, scale = ctx.saved_tensors
        grad = grad.contiguous(memory_format=torch.channels_last_3d)
        of_x, once = ctx.needs_input_grad[0], ctx.runs == ONCE
        grad_x, *grads = torch.ops.aten.native_batch_norm_backward(grad, x, weight, None, None, mean, scale, True, ctx.eps,
                                                                   [of_x and once, True, True])
        if of_x and not once:
            grad_x = _gradient(grad, x, weight, mean, scale, *grads, ctx.runs)
        return grad_x, *grads, None, None


def _gradient(grad: torch.Tensor, x: torch.Tensor, weight: torch.Tensor, mean: torch.Tensor, scale: torch.Tensor,
              grad_weight: torch.Tensor, grad_bias: torch.Tensor, runs: Runs) -> torch.Tensor:
    """BatchNorm's gradient of x, where `grad` holds the sum over the frames that each frame stands for (Ioffe & Szegedy, section 3)."""
    steepness = weight * scale
    slope = -steepness * scale * grad_weight / count(x, runs)
    level = -steepness * grad_bias / count(x, runs) - slope * mean
    out = torch.empty_like(x)
    for some, times in runs:
        slopes, levels = times * slope, times * level
        for to, given, above in zip(*(_rows(t[:, :, some]).split(max(1, PIECE // x.shape[1])) for t in (out, x, grad))):
            torch.addcmul(levels, given, slopes, out=to).addcmul_(above, steepness)
    return out


def _rows(x: torch.Tensor) -> torch.Tensor:
    """(B, C, T, H, W) channels last -> (B * T * H * W, C)"""
    return x.permute(0, 2, 3, 4, 1).flatten(0, 3)


def count(x: torch.Tensor, runs: Runs) -> int:
    """How many values a channel of (B, C, T, H, W) has, each as often as it counts."""
    return sum(times * x[:, :1, some].numel() for some, times in runs)


@contextlib.contextmanager
def counted(module: nn.Module, runs: Runs) -> Iterator[None]:
    """Within it, BatchNorms of this module that see a volume (1, C, F, H, W) in training count its frames as often as `runs` says."""
    norms = [m for m in module.modules() if isinstance(m, ExactBatchNorm3d)]
    for norm in norms:
        norm.runs = runs
    try:
        yield
    finally:
        for norm in norms:
            norm.runs = None


def statistics(rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """rows (N, C) -> mean and biased variance (C,). Groups are compared, as in Chan's formula for parallel variances."""
    number, channels = rows.shape
    groups = max(1, min(MAX_COLUMNS // channels, number))
    grouped = number - number % groups
    mean, var = torch.batch_norm_update_stats(rows[:grouped].view(-1, groups * channels), None, None, 0.0)
    mean, var = _together(mean.view(groups, -1), var.view(groups, -1), mean.new_full((groups, 1), 1 / groups))
    if grouped == number:
        return mean, var
    rest = torch.batch_norm_update_stats(rows[grouped:], None, None, 0.0)                # fewer rows than groups: short sums too
    shares = mean.new_tensor([[grouped / number], [1 - grouped / number]])
    return _together(torch.stack([mean, rest[0]]), torch.stack([var, rest[1]]), shares)


def _together(mean: torch.Tensor, var: torch.Tensor, share: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Means and variances (G, C) of parts with these shares (G, 1) of the rows -> those of all rows (C,)."""
    whole = (share * mean).sum(0)
    return whole, (share * (var + (mean - whole).square())).sum(0)
