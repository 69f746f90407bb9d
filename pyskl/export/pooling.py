"""Adaptive max pooling, for which ONNX has no operation, by operations that it has."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class WindowMaxPool(nn.Module):
    """nn.AdaptiveMaxPool2d((n, 1)) over maps of T rows; T need not be a multiple of n.

    Args:
        rows: T.
        windows: n.
    """

    index: Tensor

    def __init__(self, rows: int, windows: int):
        super().__init__()
        edges = [(i * rows // windows, -(-(i + 1) * rows // windows)) for i in range(windows)]
        longest = max(end - start for start, end in edges)
        # Shorter windows repeat their last row, which does not change the maximum.
        index = [[min(start + k, end - 1) for k in range(longest)] for start, end in edges]
        self.register_buffer('index', torch.tensor(index), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (P, C, T, V) to (P, C, n, 1)."""
        rows = x.amax(3).index_select(2, self.index.flatten())
        return rows.unflatten(2, tuple(self.index.shape)).amax(3, keepdim=True)
