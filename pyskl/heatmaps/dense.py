"""The renderer for accelerators: one broadcast expression over every cell, compiled into one pass over memory on CUDA."""
from __future__ import annotations

import functools
import warnings
from collections.abc import Callable

import torch
from torch import Tensor

from .marks import Marks


def draw(out: Tensor, marks: Marks, first_channel: int, sigma: float, mirrored: bool, compiled: bool = False) -> None:
    """Fill channels of out (B, S, C, T, H, W) with marks (N = B * S, M, T, C'), whatever was there before.

    compiled   fuse the expression by torch.compile; falls back to plain torch when that does not work here
    """
    part = out.narrow(2, first_channel, marks.peak.shape[-1])
    fill = _compiled_fill() if compiled else _fill
    fill(part, marks.start, marks.end, marks.peak, marks.low, marks.high, sigma, mirrored)


def _fill(part: Tensor, start: Tensor, end: Tensor | None, peak: Tensor, low: Tensor, high: Tensor, sigma: float,
          mirrored: bool) -> None:
    B, S, C, T, H, W = part.shape
    column = torch.arange(W, device=part.device)
    if mirrored:
        column = W - 1 - column
    row = torch.arange(H, device=part.device)
    scale = -0.5 / sigma ** 2

    def per_mark(values: Tensor) -> Tensor:
        """(N, M, T, C) -> (M, B, S, C, T, 1)"""
        return values.unflatten(0, (B, S)).permute(2, 0, 1, 4, 3).unsqueeze(-1)

    inside_x = (column >= per_mark(low[..., 0])) & (column < per_mark(high[..., 0]))          # (M, B, S, C, T, W)
    inside_y = (row >= per_mark(low[..., 1])) & (row < per_mark(high[..., 1]))                # (M, B, S, C, T, H)
    x, y = column - per_mark(start[..., 0]), row - per_mark(start[..., 1])
    height = per_mark(peak)
    if end is None:
        across = torch.where(inside_x, torch.exp(x * x * scale), 0)
        down = torch.where(inside_y, torch.exp(y * y * scale) * height, 0)
        maps = across.unsqueeze(-2) * down.unsqueeze(-1)                                      # (M, B, S, C, T, H, W)
    else:
        dx, dy = per_mark(end[..., 0] - start[..., 0]), per_mark(end[..., 1] - start[..., 1])
        length2 = (dx * dx + dy * dy).clamp(min=1e-12)
        t = ((x * dx / length2).unsqueeze(-2) + (y * dy / length2).unsqueeze(-1)).clamp(0, 1)
        gap_x = x.unsqueeze(-2) - t * dx.unsqueeze(-1)
        gap_y = y.unsqueeze(-1) - t * dy.unsqueeze(-1)
        maps = torch.exp((gap_x * gap_x + gap_y * gap_y) * scale) * height.unsqueeze(-1)
        maps = torch.where(inside_x.unsqueeze(-2) & inside_y.unsqueeze(-1), maps, 0)
    part.copy_(maps.amax(0) if maps.shape[0] else torch.zeros_like(part))


@functools.cache
def _compiled_fill() -> Callable:
    """_fill through torch.compile, or _fill itself from the first failure on."""
    compiled = torch.compile(_fill, dynamic=True)
    broken = False

    def fill(*args) -> None:
        nonlocal broken
        if not broken:
            try:
                return compiled(*args)
            except Exception as error:      # no compiler, no triton: the plain expression is correct, only slower
                broken = True
                warnings.warn(f'heatmaps are drawn by plain torch, torch.compile failed: {error}', stacklevel=2)
        return _fill(*args)

    return fill
