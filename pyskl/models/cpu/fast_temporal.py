"""Convolutions over time whose branches begin with one wide convolution: they read the same x."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.utils import _pair

from ..layers.dgmstcn import DGMSTCN
from ..layers.temporal import MSTCN, MultiScaleTCN, UnitTCN
from .channels_last import (
    NORMS,
    PointwiseConv2d,
    add_act,
    as_images,
    as_rows,
    can_run_fast,
    conv_norm,
    folded,
    is_fixed,
    is_pointwise,
    norm_act,
    pointwise,
    scale_and_shift,
)
from .exact_batch_norm import EACH_ONCE, ExactBatchNorm2d, GroupedBatchNorm, as_volume, num_values

CONVS = (nn.Conv2d, PointwiseConv2d)


class FastUnitTCN(UnitTCN):
    """UnitTCN, to whose BatchNorm a shortcut and ReLU may be joined."""

    def forward(self, x: Tensor, shortcut: Tensor | None = None, relu: bool = False) -> Tensor:
        """Compute relu(UnitTCN(x) + shortcut): (P, C, T, V) -> (P, C', T', V)."""
        if not (can_run_fast(self, x) and type(self.conv) in CONVS and is_idle(self.drop)):
            return add_act(super().forward(x), shortcut, relu)
        return conv_norm(x, self.conv, self.bn, shortcut, relu)


class FastMultiScaleTCN(MultiScaleTCN):
    """MultiScaleTCN whose branches begin together."""

    def forward(self, x: Tensor, shortcut: Tensor | None = None, relu: bool = False) -> Tensor:
        """Compute relu(MultiScaleTCN(x) + shortcut): (P, C, T, V) -> (P, C', T', V)."""
        if not (can_run_fast(self, x) and begin_alike(self.branches) and self._ends_as_built()):
            return add_act(super().forward(x), shortcut, relu)
        return self.finish(torch.cat(all_branches(self.branches, x), 1), shortcut, relu)

    def finish(self, joined: Tensor, shortcut: Tensor | None, relu: bool) -> Tensor:
        """Apply what comes after the branches to (P, sum of widths, T', V)."""
        norm, _, conv = self.transform
        return conv_norm(affine_act(joined, norm), conv, self.bn, shortcut, relu)

    def _ends_as_built(self) -> bool:
        kinds = [type(layer) for layer in self.transform]
        built = len(kinds) == 3 and kinds[0] in NORMS and kinds[1] is nn.ReLU and kinds[2] in CONVS
        return built and is_idle(self.drop)


class FastDGMSTCN(DGMSTCN, FastMultiScaleTCN):
    """DGMSTCN whose branches begin together."""

    def forward(self, x: Tensor, shortcut: Tensor | None = None, relu: bool = False) -> Tensor:
        """Compute relu(DGMSTCN(x) + shortcut): (P, C, T, V) -> (P, C', T', V)."""
        if not (can_run_fast(self, x) and begin_alike(self.branches) and self._ends_as_built()):
            return add_act(DGMSTCN.forward(self, x), shortcut, relu)
        V = x.shape[-1]
        rows = as_rows(x)
        x = as_images(torch.cat([rows, rows.mean(2, keepdim=True)], 2))  # (P, C, T, V + 1)
        joined = as_rows(torch.cat(all_branches(self.branches, x), 1))
        local, whole = joined.split([V, 1], 2)
        fused = as_images(torch.addcmul(local, whole, self.add_coeff[:V, None]))
        return self.finish(fused, shortcut, relu)


class FastMSTCN(MSTCN):
    """MSTCN whose branches begin together."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (P, C, T, V) to (P, C', T', V)."""
        known_act = type(self.act) in (nn.ReLU, nn.Identity)
        if not (can_run_fast(self, x) and begin_alike(self.branches) and known_act):
            return super().forward(x)
        y = torch.cat(all_branches(self.branches, x), 1)
        shortcut = None if self.residual is None else self.residual(x)
        return self.drop(add_act(y, shortcut, type(self.act) is nn.ReLU))


def is_idle(drop: nn.Module) -> bool:
    """Return whether a dropout does nothing."""
    return type(drop) is nn.Dropout and (drop.p == 0 or not drop.training)


def begin_alike(branches: Sequence[nn.Module]) -> bool:
    """Return whether there are branches that begin with 1x1 convolution, BatchNorm and ReLU alike.

    The BatchNorms are all in training, in testing or folded away.
    """
    starts = [branch[:3] for branch in branches if _is_wide(branch)]
    if len(starts) < 2:
        return False
    norms = [start[1] for start in starts]
    convs = [start[0] for start in starts]
    with_bias = all((conv.bias is None) == (convs[0].bias is None) for conv in convs)
    if not with_bias or not all(map(is_pointwise, convs)):
        return False
    if all(type(norm) is nn.Identity for norm in norms) or all(map(is_fixed, norms)):
        return True
    first = norms[0]
    return all(
        type(norm) is ExactBatchNorm2d
        and norm.training
        and norm.affine
        and (norm.eps, norm.track_running_stats) == (first.eps, first.track_running_stats)
        for norm in norms
    )


def _is_wide(branch: nn.Module) -> bool:
    if type(branch) is not nn.Sequential or len(branch) < 4:
        return False
    conv, norm, act = branch[:3]
    known = type(conv) in CONVS and type(norm) in (*NORMS, nn.Identity) and type(act) is nn.ReLU
    return known and conv.stride == (1, 1)


def all_branches(branches: Sequence[nn.Module], x: Tensor) -> list[Tensor]:
    """Return what each branch makes of (P, C, T, V)."""
    wide = [branch for branch in branches if _is_wide(branch)]
    parts = iter(start_together([branch[:3] for branch in wide], x))
    outs = []
    for branch in branches:
        if _is_wide(branch):
            outs.append(run(branch[3:], next(parts)))
        else:
            outs.append(run(branch if type(branch) is nn.Sequential else [branch], x))
    return outs


def run(layers: Sequence[nn.Module], x: Tensor) -> Tensor:
    """Apply layers in order, a BatchNorm together with the convolution before it."""
    layers = list(layers)
    while layers:
        layer = layers.pop(0)
        if type(layer) in CONVS and layers and type(layers[0]) in NORMS:
            x = conv_norm(x, layer, layers.pop(0))
        elif type(layer) is nn.MaxPool2d:
            x = pooled(x, layer)
        elif is_fixed(layer):
            x = affine_act(x, layer, relu=False)
        else:
            x = layer(x)
    return x


def start_together(starts: Sequence[nn.Sequential], x: Tensor) -> tuple[Tensor, ...]:
    """Compute 1x1 convolution, BatchNorm and ReLU of several branches as one."""
    convs, norms = [start[0] for start in starts], [start[1] for start in starts]
    widths = [conv.out_channels for conv in convs]
    weight = torch.cat([conv.weight for conv in convs])
    bias = None if convs[0].bias is None else torch.cat([conv.bias for conv in convs])
    if all(map(is_fixed, norms)):
        scale, shift = map(torch.cat, zip(*map(scale_and_shift, norms)))
        weight, bias = folded(weight, bias, scale, shift)
        return pointwise(x, weight, bias, relu=True).split(widths, 1)
    if type(norms[0]) is nn.Identity:
        return pointwise(x, weight, bias, relu=True).split(widths, 1)

    y = pointwise(x, weight, bias)
    if not norms[0].uses_batch_statistics(y):
        return tuple(norm(part).relu() for norm, part in zip(norms, y.split(widths, 1)))
    gamma = torch.cat([norm.weight for norm in norms])
    beta = torch.cat([norm.bias for norm in norms])
    counts = norms[0].frame_counts or EACH_ONCE
    y, mean, var = GroupedBatchNorm.apply(y, gamma, beta, norms[0].eps, counts, None, True)
    count = num_values(as_volume(y), counts)
    for norm, *moments in zip(norms, mean.split(widths), var.split(widths)):
        norm.update_running_statistics(*moments, count)
    return y.split(widths, 1)


def affine_act(x: Tensor, norm: nn.Module, relu: bool = True) -> Tensor:
    """Compute relu(norm(x))."""
    if not is_fixed(norm):
        return norm_act(x, norm, relu=relu)
    return add_act(norm(x), None, relu)


def pooled(x: Tensor, pool: nn.MaxPool2d) -> Tensor:
    """Pool (P, C, T, V) over time; without gradients as the maximum of neighbouring frames."""
    x = x.contiguous(memory_format=torch.channels_last)
    kernel, stride, padding = map(_pair, (pool.kernel_size, pool.stride, pool.padding))
    of_three = kernel == (3, 1) and padding == (1, 0) and stride[1] == 1 and pool.dilation == 1
    if torch.is_grad_enabled() or not of_three:
        return F.max_pool2d(
            x, kernel, stride, padding, pool.dilation, pool.ceil_mode, pool.return_indices
        )
    rows, step = as_rows(x), stride[0]
    before, after = rows[:, step - 1 :: step], rows[:, 1::step]
    out = rows[:, ::step].clone(memory_format=torch.contiguous_format)
    late, early = out[:, 1:], out[:, : after.shape[1]]
    torch.maximum(late, before[:, : late.shape[1]], out=late)
    torch.maximum(early, after[:, : early.shape[1]], out=early)
    return as_images(out)
