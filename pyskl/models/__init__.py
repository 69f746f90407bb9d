"""The network: drawn heatmaps -> backbone -> head -> losses or class probabilities."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from ..registry import BACKBONES, HEADS, LOSSES, RECOGNIZERS
from . import backbones, heads, losses, recognizers
from .cpu.fuse import fuse_conv_bn
from .cpu.speed_up import speed_up

__all__ = ['BACKBONES', 'HEADS', 'LOSSES', 'RECOGNIZERS', 'backbones', 'build_model', 'fuse_conv_bn', 'heads', 'losses',
           'recognizers', 'speed_up']


def build_model(cfg: Mapping[str, Any]) -> nn.Module:
    """A recognizer from the config's `model`; ConfigError when an argument is unknown, missing or does not fit."""
    return RECOGNIZERS.build(cfg, 'model')
