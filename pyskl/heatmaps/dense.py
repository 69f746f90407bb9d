"""The renderer for accelerators: broadcast expressions over every cell, as few passes over memory as they take."""
from __future__ import annotations

import functools
import warnings
from collections.abc import Callable

import torch
from torch import Tensor

from .marks import Marks


def draw(out: Tensor, marks: Marks, first_channel: int, sigma: float, mirrored: bool, compiled: bool = False) -> None:
    """Fill channels of out (B, S, C, T, H, W) with marks (N = B * S, M, T, C'), whatever was there before.

    compiled   draw limbs in one pass through torch.compile; plain torch, with a warning, where that does not work.
               Joints take one pass per person anyway
    """
    part = out.narrow(2, first_channel, marks.peak.shape[-1])
    if not marks.peak.shape[1]:
        part.zero_()
        return
    B, S, _, _, H, W = part.shape
    row = torch.arange(H, device=out.device)
    column = torch.arange(W, device=out.device)
    if mirrored:
        column = W - 1 - column
    in_a_row = B == 1 or S == 1 or part.stride(0) == S * part.stride(1)
    pieces = [part.flatten(0, 1)] if in_a_row else part.unbind(0)
    fields = [f for f in (marks.peak[..., None], marks.start, marks.end, marks.low, marks.high) if f is not None]
    fill = _joints if marks.end is None else _compiled_limbs() if compiled else _limbs
    for i, piece in enumerate(pieces):                                                        # (N, C, T, H, W) each
        N = len(piece)
        fill(piece, row, column, *(_per_mark(f[i * N:(i + 1) * N]) for f in fields), sigma)


def _per_mark(values: Tensor) -> Tensor:
    """(N, M, T, C, 2) -> (M, N, C, T, 1, 2), to be broadcast over rows or columns"""
    return values.permute(1, 0, 3, 2, 4).unsqueeze(-2)


def _joints(part: Tensor, row: Tensor, column: Tensor, peak: Tensor, xy: Tensor, low: Tensor, high: Tensor, sigma: float) -> None:
    """A Gaussian is the product of its profiles along x and y, which are small; only the product is as large as the maps."""
    scale = -0.5 / sigma ** 2
    across = torch.exp((column - xy[..., 0]).square() * scale)                                # (M, N, C, T, W)
    down = torch.exp((row - xy[..., 1]).square() * scale) * peak[..., 0]                      # (M, N, C, T, H)
    across = torch.where((column >= low[..., 0]) & (column < high[..., 0]), across, 0)
    down = torch.where((row >= low[..., 1]) & (row < high[..., 1]), down, 0)
    for m in range(len(peak)):
        if m == 0:
            torch.mul(down[m].unsqueeze(-1), across[m].unsqueeze(-2), out=part)
        else:
            torch.maximum(part, down[m].unsqueeze(-1) * across[m].unsqueeze(-2), out=part)


def _limbs(part: Tensor, row: Tensor, column: Tensor, peak: Tensor, start: Tensor, end: Tensor, low: Tensor, high: Tensor,
           sigma: float) -> None:
    """The distance from each cell to the segment from start to end; t is how far along, 0..1, the nearest point lies."""
    x, y = column - start[..., 0], row - start[..., 1]                                        # (M, N, C, T, W | H)
    dx, dy = (end - start).unbind(-1)                                                         # (M, N, C, T, 1)
    length2 = (dx * dx + dy * dy).clamp(min=1e-12)
    t = ((x * (dx / length2)).unsqueeze(-2) + (y * (dy / length2)).unsqueeze(-1)).clamp(0, 1)
    gap_x, gap_y = x.unsqueeze(-2) - t * dx.unsqueeze(-1), y.unsqueeze(-1) - t * dy.unsqueeze(-1)
    maps = torch.exp((gap_x * gap_x + gap_y * gap_y) * (-0.5 / sigma ** 2)) * peak
    inside_x = (column >= low[..., 0]) & (column < high[..., 0])
    inside_y = (row >= low[..., 1]) & (row < high[..., 1])
    maps = torch.where(inside_x.unsqueeze(-2) & inside_y.unsqueeze(-1), maps, 0)              # (M, N, C, T, H, W)
    part.copy_(maps.amax(0))


@functools.cache
def _compiled_limbs() -> Callable:
    """_limbs through torch.compile, or _limbs itself from the first failure on."""
    compiled: Callable | None = None
    broken = False

    def fill(*args) -> None:
        nonlocal compiled, broken
        if not broken:
            try:
                compiled = compiled or torch.compile(_limbs, dynamic=True)
                return compiled(*args)
            except Exception as error:      # no compiler, no triton: the plain expression is correct, only slower
                broken = True
                warnings.warn(f'heatmaps are drawn by plain torch, since torch.compile failed: {error}', stacklevel=2)
        return _limbs(*args)

    return fill
