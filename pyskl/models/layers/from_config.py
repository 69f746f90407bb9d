"""Norms and activations by the names of configs: 'BN', 'ReLU' or dict(type='GN', num_groups=4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mmcv.cnn import build_activation_layer, build_norm_layer
from torch import nn

LayerConfig = str | dict[str, Any]  # a name or an mmcv config

NORMS = 'BN, GN, LN, IN, SyncBN'
ACTIVATIONS = 'ReLU, LeakyReLU, ELU, GELU, SiLU, Sigmoid, Tanh'


def norm_layer(cfg: LayerConfig, channels: int) -> nn.Module:
    """Build a norm of `channels` channels.

    Raises:
        ValueError: mmcv cannot build it.
    """
    return _build(lambda layer: build_norm_layer(layer, channels)[1], cfg, 'norm', NORMS)


def activation_layer(cfg: LayerConfig) -> nn.Module:
    """Build an activation.

    Raises:
        ValueError: mmcv cannot build it.
    """
    return _build(build_activation_layer, cfg, 'activation', ACTIVATIONS)


def _build(
    build: Callable[[dict[str, Any]], nn.Module], cfg: LayerConfig, kind: str, known: str
) -> nn.Module:
    cfg = {'type': cfg} if isinstance(cfg, str) else cfg
    try:
        return build(cfg)
    except (KeyError, AssertionError, TypeError) as error:
        raise ValueError(f'{kind} {cfg!r}: {error}. Known: {known}.') from error
