"""The renderer for accelerators: expressions over every cell, in few passes over memory."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable

import torch
from torch import Tensor

from .geometry import Segments


def draw(
    out: Tensor,
    segments: Segments,
    first_channel: int,
    sigma: float,
    mirrored: bool,
    compiled: bool = False,
) -> None:
    """Draw segments into channels of heatmaps, and overwrite their content.

    Args:
        out: (B, S, C, T, H, W).
        segments: of N = B * S views, M people, T frames and C' channels.
        first_channel: the first of the C' channels.
        sigma: standard deviation in pixels.
        mirrored: whether to draw from right to left.
        compiled: whether to draw limbs in one pass by torch.compile. If that fails, plain torch
            draws them, with a warning. Joints need one pass per person anyway.
    """
    part = out.narrow(2, first_channel, segments.num_channels)
    if not segments.values.shape[1]:
        part.zero_()
        return
    B, S, _, _, H, W = part.shape
    row = torch.arange(H, device=out.device).view(H, 1, 1)
    column = torch.arange(W, device=out.device).view(W, 1)
    if mirrored:
        column = W - 1 - column

    # Draw all views at once if their addresses are evenly spaced, else sample by sample.
    evenly_spaced = B == 1 or S == 1 or part.stride(0) == S * part.stride(1)
    pieces = [part.flatten(0, 1)] if evenly_spaced else part.unbind(0)
    values = segments.values.transpose(0, 1).unsqueeze(3).unsqueeze(3)  # (M, N, T, 1, 1, C, 9)
    # A tensor, since a number would be float64 in compiled code.
    scale = torch.full((), -0.5 / sigma**2, dtype=torch.float32, device=out.device)
    fill = _limbs
    if segments.are_joints:
        fill = _joints
    elif compiled:
        fill = _compiled_limbs()
    for i, piece in enumerate(pieces):  # (N, C, T, H, W) each
        # In the order of memory, and detached, since compilers examine the base of a view.
        channels_last = piece.permute(0, 2, 3, 4, 1).detach()
        fill(channels_last, row, column, values[:, i * len(piece) : (i + 1) * len(piece)], scale)


def _joints(part: Tensor, row: Tensor, column: Tensor, values: Tensor, scale: Tensor) -> None:
    """Draw Gaussians as products of their profiles along x and y, which are small."""
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
    """Draw Gaussians of the distance from each cell to the segment from start to end."""
    # (M, N, T, 1, 1, C) each.
    peak, x0, x1, x_low, x_high, y0, y1, y_low, y_high = values.unbind(-1)
    x, y = column - x0, row - y0  # (M, N, T, 1 | H, W | 1, C)
    dx, dy = x1 - x0, y1 - y0

    # t is the position of the nearest point, 0 at the start and 1 at the end.
    length2 = (dx * dx + dy * dy).clamp(min=1e-12)
    t = (x * (dx / length2) + y * (dy / length2)).clamp(0, 1)  # (M, N, T, H, W, C)
    gap_x, gap_y = x - t * dx, y - t * dy
    maps = torch.exp((gap_x * gap_x + gap_y * gap_y) * scale) * peak
    inside = (column >= x_low) & (column < x_high) & (row >= y_low) & (row < y_high)
    maps = torch.where(inside, maps, 0)
    # In compiled code this is faster than one maximum over all people.
    part.copy_(functools.reduce(torch.maximum, maps.unbind(0)))


@functools.cache
def _compiled_limbs() -> Callable:
    """Return _limbs compiled by torch.compile, which becomes plain _limbs if that fails."""
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
            # Without compiler or triton the plain expression is correct, only slower.
            except Exception as error:
                broken = True
                warnings.warn(
                    f'heatmaps are drawn by plain torch, since torch.compile failed: {error}',
                    stacklevel=2,
                )
        return _limbs(*args)

    return fill
