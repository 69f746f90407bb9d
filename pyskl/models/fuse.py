"""Fold BatchNorm into the convolution before it, since in testing both are linear."""

from __future__ import annotations

import torch
from mmcv.cnn import ConvModule
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd


@torch.no_grad()
def fuse_conv_bn(model: nn.Module) -> int:
    """Fold every BatchNorm that directly follows a convolution into it, in place.

    Other people's modules are left alone, except for nn.Sequential and ConvModule: a BatchNorm that
    is registered after a convolution may well be applied elsewhere.

    For each output channel, with s = gamma / sqrt(var + eps): w' = s * w, b' = beta + s * (b -
    mean). Afterwards the model is for testing only, and its state dict has biases in place of
    BatchNorm's tensors.

    Args:
        model: changed in place.

    Returns:
        The number of folded BatchNorms.
    """
    folded = 0
    for parent in list(model.modules()):
        if not _applies_in_order(parent):
            continue
        conv = None
        for name, child in list(parent.named_children()):
            if isinstance(child, _BatchNorm) and conv is not None and child.track_running_stats:
                _fold(conv, child)
                setattr(parent, name, nn.Identity())
                folded += 1
            conv = child if isinstance(child, _ConvNd) and _can_fold(child) else None
    return folded


def _applies_in_order(parent: nn.Module) -> bool:
    """Return whether a convolution passes its output to the BatchNorm registered after it.

    Known of nn.Sequential without a `forward` of its own, of mmcv's ConvModule by its `order`, and
    of this package's modules, whose networks are tested with and without folding.
    """
    if isinstance(parent, ConvModule):
        return 'conv norm' in ' '.join(parent.order)
    if isinstance(parent, nn.Sequential):
        return type(parent).forward is nn.Sequential.forward
    return type(parent).__module__.startswith('pyskl.')


def _can_fold(conv: _ConvNd) -> bool:
    return not conv.transposed or conv.groups == 1


def _fold(conv: _ConvNd, norm: _BatchNorm) -> None:
    """Change weight and bias of the convolution, computed in float64."""
    mean, var = (norm.get_buffer(name).double() for name in ('running_mean', 'running_var'))
    gamma = norm.weight.double() if norm.affine else torch.ones_like(var)
    beta = norm.bias.double() if norm.affine else torch.zeros_like(mean)
    scale = gamma / torch.sqrt(var + norm.eps)
    conv_bias = conv.bias.double() if conv.bias is not None else 0.0

    # The weight of a transposed convolution has its output channels on the second axis.
    axes = (1, -1) if conv.transposed else (-1, 1)
    weight = conv.weight.double() * scale.reshape(*axes, *[1] * (conv.weight.ndim - 2))
    bias = beta + (conv_bias - mean) * scale
    conv.weight.copy_(weight)
    conv.bias = nn.Parameter(bias.to(conv.weight.dtype))
