"""The head of 3D convolutional networks."""

from __future__ import annotations

from ...registry import HEADS
from .simple_head import SimpleHead


@HEADS.register_module()
class I3DHead(SimpleHead):
    """The head of 3D convolutional networks: features (N, D, T, H, W), dropout 0.5.

    Source: PYSKL, arXiv:2205.09443; I3D, arXiv:1705.07750.
    """

    only_mode = '3D'
