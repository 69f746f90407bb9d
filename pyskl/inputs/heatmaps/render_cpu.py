"""The CPU renderer: computes and writes only the cells inside the cuts (about 1 % of joint maps, 5 % of limb maps)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .geometry import PEAK, X_HIGH, X_LOW, X_START, Y_START, Marks

FAINTEST = 1e-7  # of the peak: cells of a limb's box that would be lower stay 0
MARKS_AT_A_TIME = (
    4096  # in one round, and of their lines below, so that the temporaries stay in the cache
)
LINES_AT_A_TIME = 6144


@dataclass
class Canvas:
    """Where to draw: zeroed memory of any layout, seen as one long row.

    flat          the memory, 1-D             size  (H, W)
    base          (N,) offset of each view's first cell; of its right end when the views are mirrored
    channel, frame, row, column               strides; the column's is negative when the views are mirrored
    """

    flat: Tensor
    size: tuple[int, int]
    base: Tensor
    channel: int
    frame: int
    row: int
    column: int


def canvas_of(out: Tensor, mirrored: bool) -> Canvas:
    """A canvas over out (B, S, C, T, H, W), zeroed memory. N = B * S views, drawn right to left when mirrored."""
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
    """Is a picture large enough for the limbs' fixed-width strips? A smaller one is cheap to draw whole."""
    return min(size) >= 2 * math.sqrt(2) * _reach(sigma) + 1


def draw(canvas: Canvas, marks: Marks, first_channel: int, sigma: float) -> None:
    """Draw marks (N, M, T, C) into channels first_channel, first_channel + 1 ..., the maximum over people M."""
    values = marks.values
    _, num_people, num_frames, num_channels, _ = values.shape
    frames = torch.arange(num_frames)[:, None] * canvas.frame
    channels = (torch.arange(num_channels) + first_channel) * canvas.channel
    place = (
        canvas.base[:, None, None] + frames + channels
    ).flatten()  # each mark's picture in canvas.flat
    drawn = (values[..., PEAK] > 0) & (values[..., X_LOW::4] < values[..., X_HIGH::4]).all(-1)
    stroke = _joints if marks.joints else _limbs
    for m in range(num_people):  # one person's marks never share a cell
        seen = drawn[:, m].flatten().nonzero()[:, 0]
        for some in seen.split(MARKS_AT_A_TIME) if len(seen) else ():
            one = values[:, m].flatten(0, 2).index_select(0, some)
            stroke(canvas, place.index_select(0, some), one.T.contiguous(), sigma, merge=m > 0)


def _write(canvas: Canvas, index: Tensor, heights: Tensor, merge: bool) -> None:
    """Write heights at index, or the higher of the two where `merge`. No index comes twice in one call."""
    if merge:
        heights = torch.maximum(canvas.flat[index].to(heights.dtype), heights)
    flat, heights = canvas.flat, heights.to(canvas.flat.dtype)
    if (
        flat.element_size() == 2
    ):  # scatter_ would turn all of a bfloat16 or float16 canvas into float32 and back
        flat, heights = flat.view(torch.int16), heights.view(torch.int16)
    flat.scatter_(0, index, heights)


def _joints(canvas: Canvas, place: Tensor, marks: Tensor, sigma: float, merge: bool) -> None:
    """J Gaussians, each the product of one profile per axis: K cells that cover the joint's box, 0 outside of it.

    place (J,)    marks (9, J), as in Marks.values
    """
    H, W = canvas.size
    centre, low, high = marks[X_START::4], marks[X_LOW::4], marks[X_HIGH::4]  # (2, J), x before y
    K = int((high - low).max())
    first = torch.minimum(low, torch.tensor([[W - K], [H - K]], dtype=torch.float32))
    cells = first[:, None] + torch.arange(K, dtype=torch.float32)[:, None]  # (2, K, J)
    profile = (cells - centre[:, None]).square_().mul_(-0.5 / sigma**2).exp_()
    profile.mul_((cells >= low[:, None]) & (cells < high[:, None]))
    columns, rows = cells.long()
    index = (rows * canvas.row).add_(place)[:, None] + columns * canvas.column  # (K, K, J)
    heights = profile[1].mul_(marks[PEAK])[:, None] * profile[0]
    _write(canvas, index.flatten(), heights.flatten(), merge)


def _limbs(canvas: Canvas, place: Tensor, marks: Tensor, sigma: float, merge: bool) -> None:
    """J limbs, drawn as strips. place (J,), marks (9, J), as in Marks.values.

    A limb is cut into lines across the axis that it mostly runs along: u is that axis, v the other. On each line only a strip
    of K cells around the limb can be seen, K <= 10 at the usual sigma however long the limb is.
    """
    x, y = marks[X_START : X_HIGH + 1], marks[Y_START:]
    along_x = (x[1] - x[0]).abs() > (y[1] - y[0]).abs()
    u0, u1, u_low, u_high = torch.where(along_x, x, y)
    v0, v1, v_low, v_high = torch.where(along_x, y, x)
    steps = torch.tensor([canvas.row, canvas.column])
    step_u, step_v = steps[along_x.long()], steps[1 - along_x.long()]
    du, dv = u1 - u0, v1 - v0
    du = torch.where(du == 0, 1e-6, du)  # a joint (start = end) is a limb of next to no length
    length = torch.hypot(du, dv)
    along_u = du / length  # at least sqrt(1/2), or at most minus that
    reach = _reach(sigma) / along_u.abs()  # of the strip to either side of the limb
    width = torch.minimum((2 * reach).floor_().add_(1), v_high - v_low)  # K of each limb
    unit = math.sqrt(0.5) / sigma
    v_middle = (v0 + v1) / 2
    columns = torch.stack(
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
            marks[PEAK].log(),
        ]
    )
    whole = torch.stack([place + u_low.long() * step_u, step_u, step_v])

    # From limbs to lines, those with narrow strips first: lines narrow[k] and behind have more than k cells.
    width, order = width.sort()
    num_lines = (u_high - u_low).long()[order]
    last = num_lines.cumsum(0)
    owner = order.repeat_interleave(num_lines)
    rank = torch.arange(len(owner)) - (last - num_lines).repeat_interleave(num_lines)
    narrow = F.pad(last, (1, 0))[
        torch.searchsorted(width, torch.arange(int(width[-1])), right=True)
    ].tolist()
    for at in range(0, len(owner), LINES_AT_A_TIME):
        some = slice(at, at + LINES_AT_A_TIME)
        limb = owner[some]
        first_line = [max(n - at, 0) for n in narrow if n < at + len(limb)]
        _strips(
            canvas,
            columns.index_select(1, limb),
            whole.index_select(1, limb),
            rank[some],
            first_line,
            merge,
        )


def _strips(
    canvas: Canvas, columns: Tensor, whole: Tensor, rank: Tensor, first_line: list[int], merge: bool
) -> None:
    """One strip of cells for each of L lines; cell k for lines first_line[k], first_line[k] + 1 ... only.

    columns (11, L) and whole (3, L) describe the limb that each line belongs to, rank its place in it.
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
    ) = columns
    place, step_u, step_v = whole
    t = torch.addcmul(
        t_first, rank, per_u
    )  # where the limb meets the line: -1 its start, 1 its end
    first = torch.addcmul(v_least, t.clamp(-1, 1), half_dv).ceil_()  # the strip's first cell
    first = torch.minimum(
        torch.maximum(first, first_min), first_max
    )  # all of it inside the limb's box
    offset = first - torch.addcmul(v_middle, t, half_dv)
    # The distance is split into that across the limb's direction and that beyond its ends, both (K, L).
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
    """Pixels from a limb within which it is higher than FAINTEST of its peak."""
    return sigma * math.sqrt(-2 * math.log(FAINTEST))
