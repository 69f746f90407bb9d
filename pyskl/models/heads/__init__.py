"""Heads: pooled features (N, D) -> class scores, embeddings and losses."""

from .simple_head import GCNHead, I3DHead, SimpleHead

__all__ = ['GCNHead', 'I3DHead', 'SimpleHead']
