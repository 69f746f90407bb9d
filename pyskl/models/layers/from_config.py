"""Norms and activations by the names of configs: 'BN', 'ReLU' or dict(type='GN', num_groups=4)."""

from __future__ import annotations

from typing import Any

from mmcv.cnn import build_activation_layer, build_norm_layer
from torch import nn


def norm_layer(cfg: str | dict[str, Any], channels: int) -> nn.Module:
    """Build a norm.

    Args:
        cfg: name or mmcv config.
        channels: C of its input.

    Raises:
        ValueError: mmcv cannot build it.
    """
    cfg = {'type': cfg} if isinstance(cfg, str) else cfg
    try:
        return build_norm_layer(cfg, channels)[1]
    except (KeyError, AssertionError, TypeError) as error:
        raise ValueError(f'norm {cfg!r}: {error}. Known: BN, GN, LN, IN, SyncBN.') from error


def activation_layer(cfg: str | dict[str, Any]) -> nn.Module:
    """Build an activation.

    Args:
        cfg: name or mmcv config.

    Raises:
        ValueError: mmcv cannot build it.
    """
    cfg = {'type': cfg} if isinstance(cfg, str) else cfg
    try:
        return build_activation_layer(cfg)
    except (KeyError, AssertionError, TypeError) as error:
        raise ValueError(
            f'activation {cfg!r}: {error}. Known: ReLU, LeakyReLU, ELU, GELU, SiLU, Sigmoid, Tanh.'
        ) from error
