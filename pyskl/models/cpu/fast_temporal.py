"""Convolutions over time whose branches read x together: their first convolutions run as one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.utils import _pair

from ..layers.dgmstcn import DGMSTCN
from ..layers.temporal import MSTCN, MultiScaleTCN, UnitTCN
from .channels_last import (
    CONVS,
    NORMS,
    Layer,
    add_act,
    as_images,
    as_rows,
    can_run_fast,
    conv_norm,
    is_fixed,
    is_pointwise,
    norm_act,
    pointwise,
    scale_and_shift,
)
from .exact_batch_norm import EACH_ONCE, ExactBatchNorm2d, GroupedBatchNorm, as_volume, num_values


class FastUnitTCN(UnitTCN):
    """UnitTCN that can also add a shortcut and apply ReLU."""

    def forward(self, x: Tensor, shortcut: Tensor | None = None, relu: bool = False) -> Tensor:
        """Compute relu(UnitTCN(x) + shortcut): (P, C, T, V) -> (P, C', T', V)."""
        if not (can_run_fast(self, x) and type(self.conv) in CONVS and is_inactive(self.drop)):
            return add_act(super().forward(x), shortcut, relu)
        return conv_norm(x, self.conv, self.bn, shortcut, relu)


class FastMultiScaleTCN(MultiScaleTCN):
    """MultiScaleTCN whose branches start together."""

    def forward(self, x: Tensor, shortcut: Tensor | None = None, relu: bool = False) -> Tensor:
        """Compute relu(MultiScaleTCN(x) + shortcut): (P, C, T, V) -> (P, C', T', V)."""
        if not self.has_known_layers(x):
            return add_act(super().forward(x), shortcut, relu)
        return self.mix_branches(torch.cat(run_branches(self.branches, x), 1), shortcut, relu)

    def mix_branches(self, joined: Tensor, shortcut: Tensor | None, relu: bool) -> Tensor:
        """Apply the layers after the branches to (P, sum of widths, T', V)."""
        norm, _, conv = self.transform
        return conv_norm(norm_act(joined, norm, relu=True), conv, self.bn, shortcut, relu)

    def has_known_layers(self, x: Tensor) -> bool:
        """Return whether the fast computation applies to x and to the layers as they are now."""
        kinds = [type(layer) for layer in self.transform]
        ends_as_built = (
            len(kinds) == 3 and kinds[0] in NORMS and kinds[1] is nn.ReLU and kinds[2] in CONVS
        )
        can_run = can_run_fast(self, x) and is_inactive(self.drop)
        return can_run and ends_as_built and can_start_together(self.branches)


class FastDGMSTCN(DGMSTCN, FastMultiScaleTCN):
    """DGMSTCN whose branches start together."""

    def forward(self, x: Tensor, shortcut: Tensor | None = None, relu: bool = False) -> Tensor:
        """Compute relu(DGMSTCN(x) + shortcut): (P, C, T, V) -> (P, C', T', V)."""
        if not self.has_known_layers(x):
            return add_act(DGMSTCN.forward(self, x), shortcut, relu)
        V = x.shape[-1]
        rows = as_rows(x)
        x = as_images(torch.cat([rows, rows.mean(2, keepdim=True)], 2))  # (P, C, T, V + 1)
        joined = as_rows(torch.cat(run_branches(self.branches, x), 1))
        joints, skeleton = joined.split([V, 1], 2)
        fused = as_images(torch.addcmul(joints, skeleton, self.add_coeff[:V, None]))
        return self.mix_branches(fused, shortcut, relu)


class FastMSTCN(MSTCN):
    """MSTCN whose branches start together."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (P, C, T, V) to (P, C', T', V)."""
        known_act = type(self.act) in (nn.ReLU, nn.Identity)
        if not (can_run_fast(self, x) and can_start_together(self.branches) and known_act):
            return super().forward(x)
        y = torch.cat(run_branches(self.branches, x), 1)
        shortcut = None if self.residual is None else self.residual(x)
        return self.drop(add_act(y, shortcut, type(self.act) is nn.ReLU))


def is_inactive(drop: nn.Module) -> bool:
    """Return whether a module is a dropout that changes nothing."""
    return type(drop) is nn.Dropout and (drop.p == 0 or not drop.training)


def can_start_together(branches: Iterable[Layer]) -> bool:
    """Return whether the starts of at least two branches can run as one.

    Each is a 1x1 convolution, BatchNorm and ReLU, with the BatchNorms all in training, all in
    testing or all folded away.
    """
    starts = [branch[:3] for branch in branches if _has_start(branch)]
    if len(starts) < 2:
        return False
    convs, norms = [start[0] for start in starts], [start[1] for start in starts]
    if not all(is_pointwise(conv) and conv.bias is not None for conv in convs):
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


def _has_start(branch: Layer) -> bool:
    """Return whether a branch starts with convolution, BatchNorm and ReLU, and goes on."""
    if type(branch) is not nn.Sequential or len(branch) < 4:
        return False
    conv, norm, act = list(branch)[:3]
    known = type(conv) in CONVS and type(norm) in (*NORMS, nn.Identity) and type(act) is nn.ReLU
    return known and conv.stride == (1, 1)


def run_branches(branches: Iterable[Layer], x: Tensor) -> list[Tensor]:
    """Return the output of each branch for (P, C, T, V), see can_start_together."""
    with_start = [branch for branch in branches if _has_start(branch)]
    started = iter(run_starts([branch[:3] for branch in with_start], x))
    outs = []
    for branch in branches:
        if _has_start(branch):
            outs.append(run_layers(branch[3:], next(started)))
        else:
            outs.append(run_layers(branch if type(branch) is nn.Sequential else [branch], x))
    return outs


def run_layers(branch: Sequence[nn.Module] | nn.Sequential, x: Tensor) -> Tensor:
    """Apply layers in order, a convolution together with the BatchNorm after it."""
    layers: list[Layer] = list(branch)
    while layers:
        layer = layers.pop(0)
        if type(layer) in CONVS and layers and type(layers[0]) in NORMS:
            x = conv_norm(x, layer, layers.pop(0))
        elif type(layer) is nn.MaxPool2d:
            x = max_pool(x, layer)
        else:
            x = layer(x)
    return x


def run_starts(starts: Sequence[Layer], x: Tensor) -> tuple[Tensor, ...]:
    """Compute 1x1 convolution, BatchNorm and ReLU of several branches as one."""
    convs, norms = [start[0] for start in starts], [start[1] for start in starts]
    widths = [conv.out_channels for conv in convs]
    weight = torch.cat([conv.weight for conv in convs])
    bias = torch.cat([conv.bias for conv in convs])

    # In testing BatchNorm is folded into the weights, or has been before.
    if all(map(is_fixed, norms)):
        scale, shift = map(torch.cat, zip(*map(scale_and_shift, norms)))
        weight, bias = weight * scale[:, None, None, None], bias * scale + shift
    if type(norms[0]) is nn.Identity or is_fixed(norms[0]):
        return pointwise(x, weight, bias, relu=True).split(widths, 1)

    # In training one BatchNorm computes the statistics of all.
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


def max_pool(x: Tensor, pool: Layer) -> Tensor:
    """Pool (P, C, T, V) over time; without gradients as the maximum of neighbouring frames."""
    x = x.contiguous(memory_format=torch.channels_last)
    kernel, stride, padding = map(_pair, (pool.kernel_size, pool.stride, pool.padding))
    of_three = kernel == (3, 1) and padding == (1, 0) and stride[1] == 1 and pool.dilation == 1
    if torch.is_grad_enabled() or not of_three:
        return F.max_pool2d(
            x, kernel, stride, padding, pool.dilation, pool.ceil_mode, pool.return_indices
        )

    # The maximum of frames t - 1, t and t + 1; the first has no frame before, the last none after.
    rows, step = as_rows(x), stride[0]
    before, after = rows[:, step - 1 :: step], rows[:, 1::step]
    out = rows[:, ::step].clone(memory_format=torch.contiguous_format)
    with_before, with_after = out[:, 1:], out[:, : after.shape[1]]
    torch.maximum(with_before, before[:, : with_before.shape[1]], out=with_before)
    torch.maximum(with_after, after[:, : with_after.shape[1]], out=with_after)
    return as_images(out)
