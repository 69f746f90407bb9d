"""The CPU renderer: compute and write only cells within 3 sigma.

These are about 1 % of the cells of joints and 5 % of those of limbs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .geometry import PEAK, X_HIGH, X_LOW, X_START, Y_START, Segments

FAINTEST = 1e-7  # of the peak; cells of a limb that would be lower stay 0
# So that temporary tensors stay in the cache.
SEGMENTS_AT_A_TIME = 4096
LINES_AT_A_TIME = 6144


@dataclass
class Canvas:
    """Zeroed memory of any layout, viewed as one dimension, to draw into.

    Attributes:
        flat: the memory, 1-D.
        size: (H, W) of a picture.
        base: (N,) offset of the first cell of each view, for mirrored views of its right end.
        channel, frame, row, column: strides; that of columns is negative for mirrored views.
    """

    flat: Tensor
    size: tuple[int, int]
    base: Tensor
    channel: int
    frame: int
    row: int
    column: int


def canvas_of(out: Tensor, mirrored: bool) -> Canvas:
    """Return a canvas over heatmaps.

    Args:
        out: (B, S, C, T, H, W) zeros, N = B * S views.
        mirrored: whether to draw from right to left.
    """
    B, S, _, _, H, W = out.shape
    flat = out.as_strided((out.untyped_storage().nbytes() // out.element_size(),), (1,), 0)
    base = (
        torch.arange(B)[:, None] * out.stride(0)
        + torch.arange(S) * out.stride(1)
        + int(out.storage_offset())
    )
    channel, frame, row, column = out.stride()[2:]
    if mirrored:
        base, column = base + (W - 1) * column, -column
    return Canvas(flat, (H, W), base.flatten(), channel, frame, row, column)


def fits(size: tuple[int, int], sigma: float) -> bool:
    """Return whether a picture is large enough for the strips of limbs.

    Smaller ones are cheap to draw as a whole.
    """
    return min(size) >= 2 * math.sqrt(2) * _reach(sigma) + 1


def draw(canvas: Canvas, segments: Segments, first_channel: int, sigma: float) -> None:
    """Draw segments, the maximum over people.

    Args:
        canvas: zeros.
        segments: of N views, M people, T frames and C channels.
        first_channel: the first of the C channels.
        sigma: standard deviation in pixels.
    """
    values = segments.values
    _, num_people, num_frames, num_channels, _ = values.shape
    frames = torch.arange(num_frames)[:, None] * canvas.frame
    channels = (torch.arange(num_channels) + first_channel) * canvas.channel
    # The picture of each segment in canvas.flat.
    place = (canvas.base[:, None, None] + frames + channels).flatten()
    drawn = (values[..., PEAK] > 0) & (values[..., X_LOW::4] < values[..., X_HIGH::4]).all(-1)
    draw_segments = _joints if segments.are_joints else _limbs
    for m in range(num_people):  # segments of one person never share a cell
        visible = drawn[:, m].flatten().nonzero()[:, 0]
        for chosen in visible.split(SEGMENTS_AT_A_TIME) if len(visible) else ():
            rows = values[:, m].flatten(0, 2).index_select(0, chosen)
            draw_segments(
                canvas, place.index_select(0, chosen), rows.T.contiguous(), sigma, merge=m > 0
            )


def _write(canvas: Canvas, index: Tensor, heights: Tensor, merge: bool) -> None:
    """Write heights into cells, each of which must occur once.

    Args:
        canvas: to write into.
        index: into canvas.flat.
        heights: float32.
        merge: whether to keep the content of a cell if it is higher.
    """
    if merge:
        heights = torch.maximum(canvas.flat[index].to(heights.dtype), heights)
    flat, heights = canvas.flat, heights.to(canvas.flat.dtype)
    if flat.element_size() == 2:  # scatter_ would convert a whole 16-bit canvas to float32 and back
        flat, heights = flat.view(torch.int16), heights.view(torch.int16)
    flat.scatter_(0, index, heights)


def _joints(canvas: Canvas, place: Tensor, values: Tensor, sigma: float, merge: bool) -> None:
    """Draw J Gaussians, each the product of a profile per axis.

    A profile has K cells, which cover the box of the joint, and is 0 outside of the box.

    Args:
        canvas: to draw into.
        place: (J,) the first cell of the picture of each joint.
        values: (9, J), see Segments.values.
        sigma: standard deviation in pixels.
        merge: see _write.
    """
    H, W = canvas.size
    # (2, J) each, x before y.
    centre, low, high = values[X_START::4], values[X_LOW::4], values[X_HIGH::4]
    K = int((high - low).max())
    first = torch.minimum(low, torch.tensor([[W - K], [H - K]], dtype=torch.float32))
    cells = first[:, None] + torch.arange(K, dtype=torch.float32)[:, None]  # (2, K, J)
    profile = (cells - centre[:, None]).square_().mul_(-0.5 / sigma**2).exp_()
    profile.mul_((cells >= low[:, None]) & (cells < high[:, None]))
    columns, rows = cells.long()
    index = (rows * canvas.row).add_(place)[:, None] + columns * canvas.column  # (K, K, J)
    heights = profile[1].mul_(values[PEAK])[:, None] * profile[0]
    _write(canvas, index.flatten(), heights.flatten(), merge)


def _limbs(canvas: Canvas, place: Tensor, values: Tensor, sigma: float, merge: bool) -> None:
    """Draw J limbs as strips.

    u is the axis that a limb mostly runs along, v the other one. The limb crosses lines of constant
    u. On each line only a strip of K cells around the limb is visible, with K <= 10 at the usual
    sigma, independent of the length of the limb.

    Args:
        canvas: to draw into.
        place: (J,) the first cell of the picture of each limb.
        values: (9, J), see Segments.values.
        sigma: standard deviation in pixels.
        merge: see _write.
    """
    # Turn each limb so that it runs along u.
    x, y = values[X_START : X_HIGH + 1], values[Y_START:]
    along_x = (x[1] - x[0]).abs() > (y[1] - y[0]).abs()
    u0, u1, u_low, u_high = torch.where(along_x, x, y)
    v0, v1, v_low, v_high = torch.where(along_x, y, x)
    steps = torch.tensor([canvas.row, canvas.column])
    step_u, step_v = steps[along_x.long()], steps[1 - along_x.long()]
    du, dv = u1 - u0, v1 - v0
    du = torch.where(du == 0, 1e-6, du)  # a limb may be shorter than a pixel: a joint

    # The numbers that _strips needs of each limb.
    length = torch.hypot(du, dv)
    along_u = du / length  # at least sqrt(1/2), or at most minus that
    reach = _reach(sigma) / along_u.abs()  # of the strip to either side of the limb
    width = torch.minimum((2 * reach).floor_().add_(1), v_high - v_low)  # K of each limb
    unit = math.sqrt(0.5) / sigma
    v_middle = (v0 + v1) / 2
    numbers = torch.stack(
        [
            (u_low - u0) * 2 / du - 1,
            2 / du,
            v_middle,
            v_middle - reach,
            dv / 2,
            v_low,
            v_high - width,
            along_u * unit,
            dv * 2 / length.square(),
            length * unit / 2,
            values[PEAK].log(),
        ]
    )
    cells = torch.stack([place + u_low.long() * step_u, step_u, step_v])

    # From limbs to lines, sorted by the width of their strips: from line narrow[k] on, strips have
    # more than k cells.
    width, order = width.sort()
    num_lines = (u_high - u_low).long()[order]
    last = num_lines.cumsum(0)
    owner = order.repeat_interleave(num_lines)
    rank = torch.arange(len(owner)) - (last - num_lines).repeat_interleave(num_lines)
    not_wider = torch.searchsorted(width, torch.arange(int(width[-1])), right=True)
    narrow = F.pad(last, (1, 0))[not_wider].tolist()
    for at in range(0, len(owner), LINES_AT_A_TIME):
        lines = slice(at, at + LINES_AT_A_TIME)
        limb = owner[lines]
        first_line = [max(n - at, 0) for n in narrow if n < at + len(limb)]
        _strips(
            canvas,
            numbers.index_select(1, limb),
            cells.index_select(1, limb),
            rank[lines],
            first_line,
            merge,
        )


def _strips(
    canvas: Canvas, numbers: Tensor, cells: Tensor, rank: Tensor, first_line: list[int], merge: bool
) -> None:
    """Draw a strip of cells on each of L lines.

    Args:
        canvas: to draw into.
        numbers: (11, L) of the limb that each line belongs to, see _limbs.
        cells: (3, L) of that limb: its first cell, and the strides along u and v.
        rank: (L,) the place of each line in its limb.
        first_line: only lines from first_line[k] on have a cell k.
        merge: see _write.
    """
    (
        t_first,
        per_u,
        v_middle,
        v_least,
        half_dv,
        first_min,
        first_max,
        across_v,
        along_v,
        half,
        log_peak,
    ) = numbers
    place, step_u, step_v = cells

    # t is where the limb crosses the line: -1 at its start, 1 at its end.
    t = torch.addcmul(t_first, rank, per_u)
    # The first cell of the strip, such that all cells are in the box of the limb.
    first = torch.addcmul(v_least, t.clamp(-1, 1), half_dv).ceil_()
    first = torch.minimum(torch.maximum(first, first_min), first_max)
    offset = first - torch.addcmul(v_middle, t, half_dv)

    # Distances across the limb's direction and beyond its ends, (K, L) each.
    cell = torch.arange(len(first_line), dtype=torch.float32)[:, None]
    across = torch.addcmul(offset * across_v, cell, across_v)
    beyond = F.softshrink(torch.addcmul(t.addcmul_(offset, along_v), cell, along_v), 1.0).mul_(half)
    heights = (
        torch.addcmul(log_peak, across, across, value=-1).addcmul_(beyond, beyond, value=-1).exp_()
    )
    index = (rank * step_u).add_(place).add_(first.long() * step_v)
    for row, line in zip(heights, first_line):
        _write(canvas, index[line:], row[line:], merge)
        index += step_v


def _reach(sigma: float) -> float:
    """Return the distance in pixels at which a limb has fallen to FAINTEST of its peak."""
    return sigma * math.sqrt(-2 * math.log(FAINTEST))
