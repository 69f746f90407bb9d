"""From key points to marks: what each channel of each frame shows, and the box that it may touch. Shared by both renderers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from .spec import HeatmapSpec

MIN_PEAK = 1e-3  # a mark with a lower peak is not drawn
FARTHEST = (
    1e9  # pixels; a coordinate beyond it, infinite or NaN counts as missing (as does such a score)
)


@dataclass
class Marks:
    """One mark per view, person, frame and channel: a joint or a limb. N views, M people, T frames, C channels.

    values  (N, M, T, C, 9) float32: PEAK, the height, 0 where nothing is drawn; then four numbers along x and four along y:
            START and END of the limb (a joint's are the same), LOW and HIGH of the cells that may be touched, low <= cell < high,
            inside the picture
    joints  are all of them joints?
    """

    values: Tensor
    joints: bool

    @property
    def num_channels(self) -> int:
        return self.values.shape[3]


PEAK = 0
X_START, X_END, X_LOW, X_HIGH, Y_START, Y_END, Y_LOW, Y_HIGH = range(1, 9)


def make_marks(
    keypoint: Tensor, score: Tensor, size: tuple[int, int], spec: HeatmapSpec, mirrored: bool
) -> list[Marks]:
    """The marks of a batch, joints before limbs; each entry fills the channels behind those of the one before.

    keypoint  (N, M, T, V, 2)  pixels of the unscaled picture     score  (N, M, T, V)
    size      (H, W) of the heatmap                               mirrored  take the channels in the mirrored copies' order
    """
    spec.num_channels(keypoint.shape[3])
    xy = keypoint.float()
    if spec.scaling != 1:
        xy = xy * spec.scaling
    score = score.float() if spec.use_score else torch.ones_like(score, dtype=torch.float32)
    # Only what cannot be drawn is left out. A joint at (0, 0) is drawn when it has a score, as
    # published: a crop may have put it there.
    known = (xy.abs() <= FARTHEST).all(-1) & score.isfinite()
    xy = torch.where(known[..., None], xy, 0)
    score = torch.where(known, score, 0)
    marks = []
    if spec.with_kp:
        marks.append(_joints(xy, score, size, spec, mirrored))
    if spec.with_limb:
        marks.append(_limbs(xy, score, size, spec, mirrored))
    return marks


def _joints(
    xy: Tensor, score: Tensor, size: tuple[int, int], spec: HeatmapSpec, mirrored: bool
) -> Marks:
    if mirrored:
        order = _indices(tuple(spec.joint_order(xy.shape[3])), xy.device)
        xy, score = xy.index_select(3, order), score.index_select(3, order)
    return Marks(
        _pack(torch.where(score >= MIN_PEAK, score, 0), xy, xy, size, spec.sigma), joints=True
    )


def _limbs(
    xy: Tensor, score: Tensor, size: tuple[int, int], spec: HeatmapSpec, mirrored: bool
) -> Marks:
    order = spec.limb_order() if mirrored else range(len(spec.skeletons))
    first, second = _indices(tuple(tuple(spec.skeletons[i]) for i in order), xy.device).unbind(1)
    start, end = xy.index_select(3, first), xy.index_select(3, second)
    start_score, end_score = score.index_select(3, first), score.index_select(3, second)
    peak = torch.minimum(start_score, end_score)
    drawn = peak >= MIN_PEAK
    # A limb shorter than a pixel is its start joint, drawn with the start's own score.
    short = _exact(end - start).square_().sum(-1) < 1
    end = torch.where(short[..., None], start, end)
    peak = torch.where(drawn, torch.where(short, start_score, peak), 0)
    return Marks(_pack(peak, start, end, size, spec.sigma), joints=False)


@lru_cache(maxsize=64)
def _indices(places: tuple, device: torch.device) -> Tensor:
    """As a tensor on the device; kept, since copying it there makes the host wait for a GPU."""
    with torch.inference_mode(False):
        return torch.tensor(places, device=device)


def _pack(peak: Tensor, start: Tensor, end: Tensor, size: tuple[int, int], sigma: float) -> Tensor:
    """Marks.values. The box is what lies within 3 sigma, edges truncated toward zero as the published code does (in float64)."""
    ends = torch.stack([start, end], -1)  # (N, M, T, C, 2, 2)
    low, high = _exact(ends if start is end else ends.sort(-1).values).unbind(-1)
    box = torch.stack([(low - 3 * sigma).trunc_(), (high + 3 * sigma).trunc_().add_(1)], -1).clamp_(
        min=0
    )
    box[..., 0, :].clamp_(max=size[1])  # numbers, no tensors: to make one on a GPU waits for it
    box[..., 1, :].clamp_(max=size[0])
    box = box.float()
    return torch.cat([peak[..., None], torch.cat([ends, box], -1).flatten(-2)], -1)


def _exact(values: Tensor) -> Tensor:
    return values if values.device.type == 'mps' else values.double()  # that device has no float64
