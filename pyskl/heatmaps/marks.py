"""From key points to marks: what each channel of each frame shows, and the box that it may touch. Shared by both renderers."""
from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .spec import HeatmapSpec

MIN_PEAK = 1e-3         # a mark with a lower peak is not drawn
FARTHEST = 1e9          # pixels; a coordinate beyond it, infinite or NaN counts as missing (as does such a score)


@dataclass
class Marks:
    """One mark per view, person, frame and channel: a joint (start = end) or a limb. N views, T frames, C channels.

    start, end  (N, M, T, C, 2)  pixels, x right and y down; end is None where all marks are joints
    peak        (N, M, T, C)     the height; 0 where nothing is drawn
    low, high   (N, M, T, C, 2)  int64, the box of cells that may be touched: low <= cell < high, already inside the picture
    """

    start: Tensor
    end: Tensor | None
    peak: Tensor
    low: Tensor
    high: Tensor


def make_marks(keypoint: Tensor, score: Tensor, size: tuple[int, int], spec: HeatmapSpec, mirrored: bool) -> list[Marks]:
    """The marks of a batch, joints before limbs; each entry fills the channels behind those of the one before.

    keypoint  (N, M, T, V, 2)  pixels of the unscaled picture     score  (N, M, T, V)
    size      (H, W) of the heatmap                               mirrored  take the channels in the mirrored copies' order
    """
    spec.num_channels(keypoint.shape[3])
    xy = keypoint.float() * spec.scaling if spec.scaling != 1 else keypoint.float()
    score = score.float() if spec.use_score else torch.ones_like(score, dtype=torch.float32)
    known = (xy.abs() <= FARTHEST).all(-1) & score.isfinite()
    xy = torch.where(known[..., None], xy, 0)
    score = torch.where(known, score, 0)
    marks = []
    if spec.with_kp:
        marks.append(_joints(xy, score, size, spec, mirrored))
    if spec.with_limb:
        marks.append(_limbs(xy, score, size, spec, mirrored))
    return marks


def _joints(xy: Tensor, score: Tensor, size: tuple[int, int], spec: HeatmapSpec, mirrored: bool) -> Marks:
    if mirrored:
        order = torch.tensor(spec.joint_order(xy.shape[3]), device=xy.device)
        xy, score = xy.index_select(3, order), score.index_select(3, order)
    return Marks(xy, None, torch.where(score >= MIN_PEAK, score, 0), *_box(xy, xy, size, spec.sigma))


def _limbs(xy: Tensor, score: Tensor, size: tuple[int, int], spec: HeatmapSpec, mirrored: bool) -> Marks:
    order = spec.limb_order() if mirrored else range(len(spec.skeletons))
    first, second = torch.tensor([spec.skeletons[i] for i in order], device=xy.device).unbind(1)
    start, end = xy.index_select(3, first), xy.index_select(3, second)
    start_score, end_score = score.index_select(3, first), score.index_select(3, second)
    peak = torch.minimum(start_score, end_score)
    drawn = peak >= MIN_PEAK
    # A limb shorter than a pixel is its start joint, drawn with the start's own score.
    short = _exact(end - start).square_().sum(-1) < 1
    end = torch.where(short[..., None], start, end)
    peak = torch.where(drawn, torch.where(short, start_score, peak), 0)
    return Marks(start, end, peak, *_box(torch.minimum(start, end), torch.maximum(start, end), size, spec.sigma))


def _box(least: Tensor, most: Tensor, size: tuple[int, int], sigma: float) -> tuple[Tensor, Tensor]:
    """Cells within 3 sigma of [least, most], edges truncated toward zero as the published code does (in float64)."""
    edges = _exact(torch.stack([least, most], -1))
    edges = edges.add_(edges.new_tensor([-3 * sigma, 3 * sigma])).trunc_().add_(edges.new_tensor([0, 1])).clamp_(min=0)
    return torch.minimum(edges, edges.new_tensor([[size[1]], [size[0]]])).long().unbind(-1)


def _exact(values: Tensor) -> Tensor:
    return values if values.device.type == 'mps' else values.double()      # that device has no float64
