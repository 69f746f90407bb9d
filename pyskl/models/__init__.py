"""Networks: from an input through backbone and head to losses or class probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..registry import BACKBONES, HEADS, LOSSES, RECOGNIZERS
from . import backbones, heads, losses, recognizers
from .backbones.base import Backbone
from .cpu.speed_up import speed_up
from .fuse import fuse_conv_bn
from .heads.base import Head
from .recognizers.base import Recognizer

__all__ = [
    'BACKBONES',
    'HEADS',
    'LOSSES',
    'RECOGNIZERS',
    'Backbone',
    'Head',
    'Recognizer',
    'backbones',
    'build_model',
    'fuse_conv_bn',
    'heads',
    'losses',
    'recognizers',
    'speed_up',
]


def build_model(cfg: Mapping[str, Any]) -> Recognizer:
    """Build a recognizer.

    Args:
        cfg: the config's `model`.

    Raises:
        ConfigError: an argument is unknown, missing or wrong.
    """
    return RECOGNIZERS.build(cfg, 'model')
