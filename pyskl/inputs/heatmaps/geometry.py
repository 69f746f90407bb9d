"""From key points to the line segments that each channel of each frame shows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from .spec import HeatmapSpec

MIN_PEAK = 1e-3  # segments with a lower peak are not drawn
FARTHEST = (
    1e9  # pixels; a coordinate beyond it, infinite or NaN (or such a score) counts as missing
)


@dataclass
class Segments:
    """A line segment for each view, person, frame and channel: a limb, or a joint of no length.

    N views, M people, T frames, C channels.

    Attributes:
        values: (N, M, T, C, 9) float32. PEAK is the height, 0 if nothing is drawn. Four numbers
            along x and four along y follow: START and END of the segment, and LOW and HIGH of the
            cells that it may touch, low <= cell < high, inside the picture.
        are_joints: whether START and END are the same.
    """

    values: Tensor
    are_joints: bool

    @property
    def num_channels(self) -> int:
        """C."""
        return self.values.shape[3]


# Indices into the last axis of Segments.values.
PEAK = 0
X_START, X_END, X_LOW, X_HIGH, Y_START, Y_END, Y_LOW, Y_HIGH = range(1, 9)


def make_segments(
    keypoint: Tensor, score: Tensor, size: tuple[int, int], spec: HeatmapSpec, mirrored: bool
) -> list[Segments]:
    """Compute the segments of a batch.

    Args:
        keypoint: (N, M, T, V, 2) pixels of the picture before scaling.
        score: (N, M, T, V).
        size: (H, W) of the heatmap.
        spec: what to draw.
        mirrored: whether channels have the order of mirrored copies.

    Returns:
        Joints, then limbs, as `spec` says; their channels follow each other.

    Raises:
        ConfigError: a limb names a joint that the clips do not have.
    """
    spec.num_channels(keypoint.shape[3])
    xy = keypoint.float()
    if spec.scaling != 1:
        xy = xy * spec.scaling
    score = score.float() if spec.use_score else torch.ones_like(score, dtype=torch.float32)

    # Leave out only what cannot be drawn. As published, a joint at (0, 0) is drawn if it has a
    # score: a crop may have moved it there.
    known = (xy.abs() <= FARTHEST).all(-1) & score.isfinite()
    xy = torch.where(known[..., None], xy, 0)
    score = torch.where(known, score, 0)
    segments = []
    if spec.with_kp:
        segments.append(_joints(xy, score, size, spec, mirrored))
    if spec.with_limb:
        segments.append(_limbs(xy, score, size, spec, mirrored))
    return segments


def _joints(
    xy: Tensor, score: Tensor, size: tuple[int, int], spec: HeatmapSpec, mirrored: bool
) -> Segments:
    """Compute a segment of no length for each joint."""
    if mirrored:
        order = _indices(tuple(spec.joint_order(xy.shape[3])), xy.device)
        xy, score = xy.index_select(3, order), score.index_select(3, order)
    peak = torch.where(score >= MIN_PEAK, score, 0)
    return Segments(_pack(peak, xy, xy, size, spec.sigma), are_joints=True)


def _limbs(
    xy: Tensor, score: Tensor, size: tuple[int, int], spec: HeatmapSpec, mirrored: bool
) -> Segments:
    """Compute a segment for each limb."""
    order = spec.limb_order() if mirrored else range(len(spec.skeletons))
    first, second = _indices(tuple(tuple(spec.skeletons[i]) for i in order), xy.device).unbind(1)
    start, end = xy.index_select(3, first), xy.index_select(3, second)
    start_score, end_score = score.index_select(3, first), score.index_select(3, second)
    peak = torch.minimum(start_score, end_score)
    drawn = peak >= MIN_PEAK

    # A limb shorter than a pixel is its start joint, drawn with the score of that joint.
    short = _float64(end - start).square_().sum(-1) < 1
    end = torch.where(short[..., None], start, end)
    peak = torch.where(drawn, torch.where(short, start_score, peak), 0)
    return Segments(_pack(peak, start, end, size, spec.sigma), are_joints=False)


@lru_cache(maxsize=64)
def _indices(places: tuple, device: torch.device) -> Tensor:
    """Return indices on a device; cached, since copying them makes the host wait for a GPU."""
    with torch.inference_mode(False):
        return torch.tensor(places, device=device)


def _pack(peak: Tensor, start: Tensor, end: Tensor, size: tuple[int, int], sigma: float) -> Tensor:
    """Compute Segments.values.

    The cells are those within 3 sigma. Their limits are truncated toward zero in float64, as in the
    published code.
    """
    ends = torch.stack([start, end], -1)  # (N, M, T, C, 2, 2)
    low, high = _float64(ends if start is end else ends.sort(-1).values).unbind(-1)
    limits = [(low - 3 * sigma).trunc_(), (high + 3 * sigma).trunc_().add_(1)]
    box = torch.stack(limits, -1).clamp_(min=0)
    box[..., 0, :].clamp_(max=size[1])  # a number: making a tensor on a GPU waits for it
    box[..., 1, :].clamp_(max=size[0])
    box = box.float()
    return torch.cat([peak[..., None], torch.cat([ends, box], -1).flatten(-2)], -1)


def _float64(values: Tensor) -> Tensor:
    """Return float64 values, except on MPS devices, which have none."""
    return values if values.device.type == 'mps' else values.double()
