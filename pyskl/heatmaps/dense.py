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
    part = out.narrow(2, first_channel, marks.num_channels)
    if not marks.values.shape[1]:
        part.zero_()
        return
    B, S, _, _, H, W = part.shape
    row = torch.arange(H, device=out.device)
    column = torch.arange(W, device=out.device)
    if mirrored:
        column = W - 1 - column
    in_a_row = B == 1 or S == 1 or part.stride(0) == S * part.stride(1)
    pieces = [part.flatten(0, 1)] if in_a_row else part.unbind(0)
    values = marks.values.permute(1, 0, 3, 2, 4)                                              # (M, N, C, T, 9)
    fill = _joints if marks.joints else _compiled_limbs() if compiled else _limbs
    for i, piece in enumerate(pieces):                                                        # (N, C, T, H, W) each
        fill(piece, row, column, values[:, i * len(piece):(i + 1) * len(piece)], sigma)


def _columns(values: Tensor) -> tuple[Tensor, ...]:
    """The 9 numbers of each mark, (M, N, C, T, 1) each."""
    return values.unsqueeze(-2).unbind(-1)


def _joints(part: Tensor, row: Tensor, column: Tensor, values: Tensor, sigma: float) -> None:
    """A Gaussian is the product of its profiles along x and y, which are small; only the product is as large as the maps."""
    peak, x, _, x_low, x_high, y, _, y_low, y_high = _columns(values)
    scale = -0.5 / sigma ** 2
    across = torch.exp((column - x).square() * scale)                                         # (M, N, C, T, W)
    down = torch.exp((row - y).square() * scale) * peak                                       # (M, N, C, T, H)
    across = torch.where((column >= x_low) & (column < x_high), across, 0)
    down = torch.where((row >= y_low) & (row < y_high), down, 0)
    for m in range(len(values)):
        if m == 0:
            torch.mul(down[m].unsqueeze(-1), across[m].unsqueeze(-2), out=part)
        else:
            torch.maximum(part, down[m].unsqueeze(-1) * across[m].unsqueeze(-2), out=part)


def _limbs(part: Tensor, row: Tensor, column: Tensor, values: Tensor, sigma: float) -> None:
    """The distance from each cell to the segment from start to end; t is how far along, 0..1, the nearest point lies."""
    peak, x0, x1, x_low, x_high, y0, y1, y_low, y_high = _columns(values)
    x, y = column - x0, row - y0                                                              # (M, N, C, T, W | H)
    dx, dy = x1 - x0, y1 - y0                                                                 # (M, N, C, T, 1)
    length2 = (dx * dx + dy * dy).clamp(min=1e-12)
    t = ((x * (dx / length2)).unsqueeze(-2) + (y * (dy / length2)).unsqueeze(-1)).clamp(0, 1)
    gap_x, gap_y = x.unsqueeze(-2) - t * dx.unsqueeze(-1), y.unsqueeze(-1) - t * dy.unsqueeze(-1)
    maps = torch.exp((gap_x * gap_x + gap_y * gap_y) * (-0.5 / sigma ** 2)) * peak.unsqueeze(-1)
    inside_x = (column >= x_low) & (column < x_high)
    inside_y = (row >= y_low) & (row < y_high)
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
