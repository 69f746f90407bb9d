"""The head of graph networks."""

from __future__ import annotations

from ...registry import HEADS
from .simple_head import SimpleHead


@HEADS.register_module()
class GCNHead(SimpleHead):
    """The head of graph networks: features (N, M, D, T, V), no dropout.

    Source: PYSKL, arXiv:2205.09443.
    """

    only_mode = 'GCN'
