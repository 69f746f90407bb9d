"""Folds BatchNorm into the convolution before it: at test both are linear, and one pass over memory is saved."""
from __future__ import annotations

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd


@torch.no_grad()
def fuse_conv_bn(model: nn.Module) -> int:
    """Fold every BatchNorm that directly follows a convolution into it, in place; returns how many were folded.

    The model is for testing afterwards: its state dict has biases instead of BatchNorm's tensors.
    Concretely, per output channel: w' = w * gamma / sqrt(var + eps), b' = beta + (b - mean) * gamma / sqrt(var + eps).
    """
    folded = 0
    for parent in list(model.modules()):
        conv = None
        for name, child in list(parent.named_children()):
            if isinstance(child, _BatchNorm) and conv is not None and child.track_running_stats:
                _fold(conv, child)
                setattr(parent, name, nn.Identity())
                folded += 1
            conv = child if isinstance(child, _ConvNd) and not child.transposed else None
    return folded


def _fold(conv: _ConvNd, norm: _BatchNorm) -> None:
    gamma = norm.weight if norm.affine else torch.ones_like(norm.running_var)
    beta = norm.bias if norm.affine else torch.zeros_like(norm.running_mean)
    scale = gamma.double() / torch.sqrt(norm.running_var.double() + norm.eps)
    bias = conv.bias.double() if conv.bias is not None else 0.0
    folded = conv.weight.double() * scale.reshape(-1, *[1] * (conv.weight.ndim - 1))
    conv.weight.copy_(folded)
    conv.bias = nn.Parameter((beta.double() + (bias - norm.running_mean.double()) * scale).to(conv.weight.dtype))
