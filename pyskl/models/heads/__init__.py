"""Heads: pooled features (N, D) -> class scores, embeddings and losses."""

from .gcn_head import GCNHead
from .i3d_head import I3DHead
from .simple_head import SimpleHead

__all__ = ['GCNHead', 'I3DHead', 'SimpleHead']
