"""The renderer for accelerators: broadcast expressions over every cell, as few passes over memory as they take."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable

import torch
from torch import Tensor

from .geometry import Marks


def draw(
    out: Tensor,
    marks: Marks,
    first_channel: int,
    sigma: float,
    mirrored: bool,
    compiled: bool = False,
) -> None:
    """Fill channels of out (B, S, C, T, H, W) with marks (N = B * S, M, T, C'), whatever was there before.

    compiled   draw limbs in one pass through torch.compile; plain torch, with a warning, where that does not work.
               Joints take one pass per person anyway
    """
    part = out.narrow(2, first_channel, marks.num_channels)
    if not marks.values.shape[1]:
        part.zero_()
        return
    B, S, _, _, H, W = part.shape
    row = torch.arange(H, device=out.device).view(H, 1, 1)
    column = torch.arange(W, device=out.device).view(W, 1)
    if mirrored:
        column = W - 1 - column
    in_a_row = B == 1 or S == 1 or part.stride(0) == S * part.stride(1)
    pieces = [part.flatten(0, 1)] if in_a_row else part.unbind(0)
    values = marks.values.transpose(0, 1).unsqueeze(3).unsqueeze(3)  # (M, N, T, 1, 1, C, 9)
    scale = torch.full(
        (), -0.5 / sigma**2, dtype=torch.float32, device=out.device
    )  # compiled, a number would be float64
    fill = _joints if marks.joints else _compiled_limbs() if compiled else _limbs
    for i, piece in enumerate(pieces):  # (N, C, T, H, W) each
        channels_last = piece.permute(
            0, 2, 3, 4, 1
        ).detach()  # the order in memory; compilers ask what a view is of
        fill(channels_last, row, column, values[:, i * len(piece) : (i + 1) * len(piece)], scale)


def _joints(part: Tensor, row: Tensor, column: Tensor, values: Tensor, scale: Tensor) -> None:
    """A Gaussian is the product of its profiles along x and y, which are small; only the product is as large as the maps."""
    peak, x, _, x_low, x_high, y, _, y_low, y_high = values.unbind(-1)  # (M, N, T, 1, 1, C) each
    across = torch.exp((column - x).square() * scale)  # (M, N, T, 1, W, C)
    down = torch.exp((row - y).square() * scale) * peak  # (M, N, T, H, 1, C)
    across = torch.where((column >= x_low) & (column < x_high), across, 0)
    down = torch.where((row >= y_low) & (row < y_high), down, 0)
    for m in range(len(values)):
        if m == 0:
            torch.mul(down[m], across[m], out=part)
        else:
            torch.maximum(part, down[m] * across[m], out=part)


def _limbs(part: Tensor, row: Tensor, column: Tensor, values: Tensor, scale: Tensor) -> None:
    """The distance from each cell to the segment from start to end; t is how far along, 0..1, the nearest point lies."""
    peak, x0, x1, x_low, x_high, y0, y1, y_low, y_high = values.unbind(
        -1
    )  # (M, N, T, 1, 1, C) each
    x, y = column - x0, row - y0  # (M, N, T, 1 | H, W | 1, C)
    dx, dy = x1 - x0, y1 - y0
    length2 = (dx * dx + dy * dy).clamp(min=1e-12)
    t = (x * (dx / length2) + y * (dy / length2)).clamp(0, 1)  # (M, N, T, H, W, C)
    gap_x, gap_y = x - t * dx, y - t * dy
    maps = torch.exp((gap_x * gap_x + gap_y * gap_y) * scale) * peak
    inside = (column >= x_low) & (column < x_high) & (row >= y_low) & (row < y_high)
    maps = torch.where(inside, maps, 0)
    part.copy_(
        functools.reduce(torch.maximum, maps.unbind(0))
    )  # compiled, a maximum over all people at once would be slower


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
            except torch.OutOfMemoryError:
                raise
            except (
                Exception
            ) as error:  # no compiler, no triton: the plain expression is correct, only slower
                broken = True
                warnings.warn(
                    f'heatmaps are drawn by plain torch, since torch.compile failed: {error}',
                    stacklevel=2,
                )
        return _limbs(*args)

    return fill
