"""Heads: from pooled features (N, D) to class scores, embeddings and losses."""

from .gcn_head import GCNHead
from .i3d_head import I3DHead
from .rgbpose_head import RGBPoseHead
from .simple_head import SimpleHead
from .slowfast_head import SlowFastHead
from .tsn_head import TSNHead

__all__ = ['GCNHead', 'I3DHead', 'RGBPoseHead', 'SimpleHead', 'SlowFastHead', 'TSNHead']
