"""BatchNorm3d whose batch statistics stay exact with channels last in memory.

torch's CPU kernel for that layout adds up each channel's values one after the other in float32; over a batch's half a million
values per channel the statistics are then off by 1e-4, and small gradients by a percent. Here rows are grouped first, so that
each running sum is short, and the groups' sums are added pairwise. It costs no time.
"""
from __future__ import annotations

import torch
from torch import nn
from torch.autograd.function import once_differentiable

MAX_COLUMNS = 32768         # groups x channels: what stays in a core's cache


class ExactBatchNorm3d(nn.BatchNorm3d):
    """nn.BatchNorm3d in weights, arguments and meaning; training on the CPU with channels last, its sums are exact to 1e-6."""

    _abbr_ = 'bn'           # mmcv names the layer by it in the state dict

    def takes_batch(self, x: torch.Tensor) -> bool:
        """Are the statistics to be taken from this input, and channels last on the CPU?"""
        batch_statistics = self.training or not self.track_running_stats
        return (batch_statistics and x.numel() > 0 and x.device.type == 'cpu' and x.dtype == torch.float32 and self.affine
                and x.is_contiguous(memory_format=torch.channels_last_3d))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.takes_batch(x):
            return super().forward(x)
        out, mean, var = GroupedBatchNorm.apply(x, self.weight, self.bias, self.eps)
        self.remember(mean, var, x.numel() // x.shape[1])
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
    """x (B, C, T, H, W) channels last, weight and bias (C,) -> normalised x; mean and biased variance (C,) of the batch."""

    @staticmethod
    def forward(ctx, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, eps: float) -> tuple[torch.Tensor, ...]:
        rows = x.permute(0, 2, 3, 4, 1).flatten(0, 3)                                      # (N, C)
        mean, var = statistics(rows)
        ctx.save_for_backward(x, weight, mean, torch.rsqrt(var + eps))
        ctx.eps = eps
        ctx.mark_non_differentiable(mean, var)
        return torch.native_batch_norm(x, weight, bias, mean, var, False, 0.0, eps)[0], mean, var

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: torch.Tensor, *_: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, weight, mean, scale = ctx.saved_tensors
        grad = grad.contiguous(memory_format=torch.channels_last_3d)
        mask = list(ctx.needs_input_grad[:3])
        return *torch.ops.aten.native_batch_norm_backward(grad, x, weight, None, None, mean, scale, True, ctx.eps, mask), None


def statistics(rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """rows (N, C) -> mean and biased variance (C,). Groups are compared, as in Chan's formula for parallel variances."""
    count, channels = rows.shape
    groups = max(1, min(MAX_COLUMNS // channels, count))
    grouped = count - count % groups
    mean, var = torch.batch_norm_update_stats(rows[:grouped].view(-1, groups * channels), None, None, 0.0)
    mean, var = _together(mean.view(groups, -1), var.view(groups, -1), mean.new_full((groups, 1), 1 / groups))
    if grouped == count:
        return mean, var
    rest = torch.batch_norm_update_stats(rows[grouped:], None, None, 0.0)                # fewer rows than groups: short sums too
    return _together(torch.stack([mean, rest[0]]), torch.stack([var, rest[1]]), mean.new_tensor([[grouped / count], [1 - grouped / count]]))


def _together(mean: torch.Tensor, var: torch.Tensor, share: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Means and variances (G, C) of parts with these shares (G, 1) of the rows -> those of all rows (C,)."""
    whole = (share * mean).sum(0)
    return whole, (share * (var + (mean - whole).square())).sum(0)
