"""The CPU renderer: computes and writes only the cells inside the cuts (about 1 % of joint maps, 5 % of limb maps)."""
from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .marks import Marks

FAINTEST = 1e-7         # of the peak: cells of a limb's box that would be lower stay 0
AT_A_TIME = 1024        # marks in one round, so that a round's temporaries stay in the cache


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
    base = torch.arange(B)[:, None] * out.stride(0) + torch.arange(S) * out.stride(1) + out.storage_offset()
    channel, frame, row, column = out.stride()[2:]
    if mirrored:
        base, column = base + (W - 1) * column, -column
    return Canvas(flat, (H, W), base.flatten(), channel, frame, row, column)


def fits(size: tuple[int, int], sigma: float) -> bool:
    """Is a picture large enough for the limbs' fixed-width strips? A smaller one is cheap to draw whole."""
    return min(size) >= _strip_width(sigma)


def draw(canvas: Canvas, marks: Marks, first_channel: int, sigma: float) -> None:
    """Draw marks (N, M, T, C) into channels first_channel, first_channel + 1 ..., the maximum over people M."""
    _, num_people, num_frames, num_channels = marks.peak.shape
    frames = torch.arange(num_frames)[:, None] * canvas.frame
    channels = (torch.arange(num_channels) + first_channel) * canvas.channel
    place = (canvas.base[:, None, None] + frames + channels).flatten()          # each mark's picture in canvas.flat
    drawn = (marks.peak > 0) & (marks.low < marks.high).all(-1)
    fields = [f for f in (marks.start, marks.end, marks.peak, marks.low, marks.high) if f is not None]
    for m in range(num_people):                                                 # one person's marks never share a cell
        for some in drawn[:, m].flatten().nonzero()[:, 0].split(AT_A_TIME):
            values = [f[:, m].flatten(0, 2).index_select(0, some) for f in fields]
            strokes = _joints if marks.end is None else _limbs
            index, heights = strokes(canvas, place[some], *values, sigma=sigma)
            if m > 0:
                heights = torch.maximum(canvas.flat[index].to(heights.dtype), heights)
            canvas.flat.scatter_(0, index, heights.to(canvas.flat.dtype))


def _joints(canvas: Canvas, place: Tensor, xy: Tensor, peak: Tensor, low: Tensor, high: Tensor, sigma: float):
    """(cells, heights) of J Gaussians around xy (J, 2). A Gaussian is the product of one profile per axis."""
    H, W = canvas.size
    columns, across = _profile(xy[:, 0], low[:, 0], high[:, 0], W, sigma)                     # (J, K)
    rows, down = _profile(xy[:, 1], low[:, 1], high[:, 1], H, sigma)
    first = place[:, None] + rows * canvas.row
    index = first[:, :, None] + (columns * canvas.column)[:, None, :]                         # (J, K, K)
    heights = (down * peak[:, None])[:, :, None] * across[:, None, :]
    return index.flatten(), heights.flatten()


def _profile(centre: Tensor, low: Tensor, high: Tensor, limit: int, sigma: float) -> tuple[Tensor, Tensor]:
    """K cells that cover low..high of each joint, all inside 0..limit - 1, and their Gaussian, 0 outside low..high."""
    width = int((high - low).max())
    cells = low.clamp(max=limit - width)[:, None] + torch.arange(width)
    gauss = torch.exp((cells - centre[:, None]).square_().mul_(-0.5 / sigma ** 2))
    return cells, gauss.mul_((cells >= low[:, None]) & (cells < high[:, None]))


def _limbs(canvas: Canvas, place: Tensor, start: Tensor, end: Tensor, peak: Tensor, low: Tensor, high: Tensor, sigma: float):
    """(cells, heights) of limbs start - end (J, 2), drawn as strips.

    A limb is cut into lines, across the axis it mostly runs along (u, the other is v). On each line only a strip of K
    cells around the limb is high enough to be seen: K is about 2 * sqrt(2) * 5.7 sigma whatever the limb's length or slope.
    """
    swap = ((end - start).abs()[:, 0] > (end - start).abs()[:, 1])[:, None]                   # u is x, else y

    def uv(xy: Tensor) -> tuple[Tensor, Tensor]:
        return torch.where(swap, xy, xy.flip(1)).unbind(1)

    (u0, v0), (u1, v1), (u_low, v_low), (u_high, v_high) = uv(start), uv(end), uv(low), uv(high)
    du, dv = u1 - u0, v1 - v0
    length2 = (du * du + dv * dv).clamp_(min=1e-12)             # 0 only for a joint, whose du and dv are 0 as well
    step_u, step_v = uv(torch.tensor([[canvas.column, canvas.row]]).expand(len(swap), 2))
    v_edge = uv(torch.tensor([[canvas.size[1], canvas.size[0]]]).expand(len(swap), 2))[1]

    # From limbs to lines: line i belongs to limb owner[i] and lies at u[i].
    num_lines = u_high - u_low
    owner = torch.repeat_interleave(torch.arange(len(num_lines)), num_lines)
    before = num_lines.cumsum(0) - num_lines
    whole = torch.stack([u_low - before, v_low, v_high, v_edge, place, step_u, step_v], 1).index_select(0, owner)
    u_first, v_low, v_high, v_edge, place, step_u, step_v = whole.unbind(1)
    real = torch.stack([u0, v0, du, dv, du / length2, dv / length2, peak.log(), 1 / torch.where(du == 0, 1, du)], 1)
    u0, v0, du, dv, along_u, along_v, log_peak, per_du = real.index_select(0, owner).unbind(1)

    u = torch.arange(len(owner)) + u_first
    ahead = u - u0
    K = _strip_width(sigma)
    middle = v0 + (ahead * per_du).clamp_(0, 1) * dv
    first = torch.minimum((middle.floor().long() - (K // 2 - 1)).clamp_(min=0), v_edge - K)   # of the strip's cells
    cells = torch.arange(K)
    # t: how far along the limb, 0..1, the nearest point lies; (x, y) of the limb is (u0, v0) + t * (du, dv)
    v = (first - v0)[:, None] + cells
    t = torch.addcmul((ahead * along_u)[:, None], v, along_v[:, None]).clamp_(0, 1)
    v.addcmul_(t, dv[:, None], value=-1)
    u_gap = torch.addcmul(ahead[:, None], t, du[:, None], value=-1)
    scale = -0.5 / sigma ** 2
    heights = torch.addcmul(log_peak[:, None], v, v, value=scale).addcmul_(u_gap, u_gap, value=scale).exp_()
    inside = (v_low - first).clamp_(0, K) * (K + 1) + (v_high - first).clamp_(0, K)
    heights.mul_(_windows(K).index_select(0, inside))
    index = torch.addcmul((place + u * step_u + first * step_v)[:, None], step_v[:, None], cells)
    return index.flatten(), heights.flatten()


def _strip_width(sigma: float) -> int:
    """Cells on a line across a limb (at most 45 degrees askew) that can be higher than FAINTEST of its peak."""
    return 2 * math.ceil(math.sqrt(2) * sigma * math.sqrt(-2 * math.log(FAINTEST)))


def _windows(K: int) -> Tensor:
    """((K + 1)^2, K): row a * (K + 1) + b is 1 at cells a..b - 1 and 0 elsewhere."""
    cells, edges = torch.arange(K), torch.arange(K + 1)
    return ((cells >= edges[:, None, None]) & (cells < edges[:, None])).flatten(0, 1).float()
