"""The head of 2D convolutional networks."""

from __future__ import annotations

from ...registry import HEADS
from .simple_head import SimpleHead


@HEADS.register_module()
class TSNHead(SimpleHead):
    """The head of 2D convolutional networks over S frames: features (N, S, D, H, W), dropout 0.5.

    Source: Temporal segment networks, arXiv:1608.00859.
    """

    only_mode = '2D'
