"""Pipeline steps from key points in pixels to heatmaps, as operations that every runtime has.

Each module computes on a batch what the step named in its docstring computes on a clip. No branch
depends on values, so that the modules can be traced.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ..datasets.pipelines import (
    CenterCrop,
    Heatmap2Potion,
    MMCompact,
    PoseCompact,
    Resize,
    TenCrop,
    ThreeCrop,
)
from ..inputs.heatmaps.geometry import FARTHEST, MIN_PEAK
from ..inputs.heatmaps.spec import HeatmapSpec

Size = tuple[int, int]


class CompactPose(nn.Module):
    """The step PoseCompact: crop each clip's picture to the box around its key points.

    All frames and views of a clip share one box. Its edges are computed in float64, as in the step.

    Args:
        step: its settings.
    """

    def __init__(self, step: PoseCompact):
        super().__init__()
        self.padding, self.threshold, self.hw_ratio = step.padding, step.threshold, step.hw_ratio
        self.allow_imgpad = step.allow_imgpad

    def forward(self, xy: Tensor, size: Tensor) -> tuple[Tensor, Tensor]:
        """Move key points into their box.

        Args:
            xy: (B, S, M, T, V, 2) float32 pixels; NaN, infinity and exact zeros are ignored.
            size: (B, 2) float64 width and height of the picture.

        Returns:
            Key points and size in the cropped picture.
        """
        # The extent of all present key points; a clip with a small one stays as it is.
        shown = (xy != 0) & xy.isfinite()
        least = torch.where(shown, xy, math.inf).flatten(1, -2).amin(1)  # (B, 2) x, y
        most = torch.where(shown, xy, -math.inf).flatten(1, -2).amax(1)
        extent = (most - least).double()
        large = (extent >= self.threshold).all(1, keepdim=True)  # (B, 1)

        # The box: padded, brought to the wanted ratio, in whole pixels.
        middle = (most + least).double() / 2
        half_w, half_h = (extent / 2 * (1 + self.padding)).unbind(1)
        if self.hw_ratio is not None:
            half_h = torch.maximum(self.hw_ratio[0] * half_w, half_h)
            half_w = torch.maximum(1 / self.hw_ratio[1] * half_h, half_w)
        half = torch.stack([half_w, half_h], 1)
        low, high = middle - half, middle + half
        if not self.allow_imgpad:
            low, high = low.clamp(min=0), torch.minimum(high, size)
        low, high = truncated(low), truncated(high)

        # Key points relative to the box; missing coordinates stay 0.
        crops = large & (high > low).all(1, keepdim=True)
        size = torch.where(crops, high - low, size)
        corner = torch.where(crops, low, 0).float()[:, None, None, None, None]
        return torch.where(xy == 0, xy, xy - corner), size


class ResizePose(nn.Module):
    """The step Resize, for key points.

    Args:
        step: its settings.
    """

    def __init__(self, step: Resize):
        super().__init__()
        self.scale, self.keep_ratio = step.scale, step.keep_ratio

    def forward(self, xy: Tensor, size: Tensor) -> tuple[Tensor, Tensor]:
        """Scale key points and size; shapes as in CompactPose.forward."""
        new = self.new_size(size)
        factor = (new / size).float()
        return xy * factor[:, None, None, None, None], new

    def new_size(self, size: Tensor) -> Tensor:
        """Return (B, 2) width and height after resizing pictures of this size."""
        if not isinstance(self.scale, tuple):
            return (size * self.scale + 0.5).floor().clamp(min=1)
        if not self.keep_ratio:
            new = torch.tensor([int(edge) for edge in self.scale], dtype=torch.float64)
            return new.expand_as(size)
        factor = min(self.scale) / size.amin(1, keepdim=True)
        if math.isfinite(max(self.scale)):
            factor = torch.minimum(factor, max(self.scale) / size.amax(1, keepdim=True))
        return (size * factor + 0.5).floor().clamp(min=1)


class CenterCropPose(nn.Module):
    """The step CenterCrop, for key points.

    Args:
        step: its settings.
    """

    def __init__(self, step: CenterCrop):
        super().__init__()
        self.crop_size = step.crop_size

    def forward(self, xy: Tensor, size: Tensor) -> tuple[Tensor, Tensor]:
        """Move key points into the crop; shapes as in CompactPose.forward."""
        new = torch.tensor(self.crop_size, dtype=torch.float64).expand_as(size)
        corner = ((size - new) / 2).floor().float()
        return xy - corner[:, None, None, None, None], new


# The pipeline's steps that move key points in their picture, and the modules that compute them.
PICTURE_STEPS = {
    PoseCompact: CompactPose,
    MMCompact: CompactPose,
    Resize: ResizePose,
    CenterCrop: CenterCropPose,
}


def size_behind(steps: Sequence[Any]) -> Size | None:
    """Return (H, W) of the picture after some pipeline steps; None if it depends on the clip."""
    size = None
    for step in steps:
        if isinstance(step, (CenterCrop, ThreeCrop, TenCrop)):
            size = step.crop_size[::-1]
        elif isinstance(step, Resize) and (size is not None or not step.keep_ratio):
            before = torch.tensor([(size or (1, 1))[::-1]]).double()
            width, height = ResizePose(step).new_size(before)[0].tolist()
            size = int(height), int(width)
        else:
            size = None
    return size


class DrawHeatmaps(nn.Module):
    """The step GeneratePoseTarget: draw the heatmaps that inputs.heatmaps draws.

    Args:
        spec: what to draw.
        size: (H, W) of the picture of the key points, before spec.scaling.
        num_joints: V; None: only limbs are drawn, and any number of joints is taken.
    """

    order: Tensor
    limbs: Tensor

    def __init__(self, spec: HeatmapSpec, size: Size, num_joints: int | None):
        super().__init__()
        self.spec, self.size = spec, spec.picture_size(size)
        self.num_joints = num_joints
        order = spec.flip_order(num_joints or 0) if spec.double else ()
        self.register_buffer('order', torch.tensor(order, dtype=torch.long), persistent=False)
        limbs = torch.tensor(spec.skeletons if spec.with_limb else (), dtype=torch.long).view(-1, 2)
        self.register_buffer('limbs', limbs, persistent=False)

    def forward(self, xy: Tensor, score: Tensor, mirrored: Tensor) -> Tensor:
        """Draw N views.

        Args:
            xy: (N, M, T, V, 2) pixels.
            score: (N, M, T, V) heights of the peaks.
            mirrored: (N,) bool, the views to mirror left to right.

        Returns:
            (N, C, T, H, W) float32.
        """
        xy = xy * self.spec.scaling
        known = (xy.abs() <= FARTHEST).all(-1) & score.isfinite()
        xy = torch.where(known[..., None], xy, 0)
        score = torch.where(known, score if self.spec.use_score else 1.0, 0)
        parts = []
        if self.spec.with_kp:
            parts.append(self._joints(xy, score))
        if self.spec.with_limb:
            parts.append(self._limbs(xy, score))
        maps = torch.cat(parts, 2)  # (N, T, C, H, W)
        if self.spec.motion:
            maps = torch.cat([maps[:, 1:] - maps[:, :-1], torch.zeros_like(maps[:, :1])], 1)
        if self.spec.double:
            turned = maps.flip(-1).index_select(2, self.order)
            maps = torch.where(mirrored[:, None, None, None, None], turned, maps)
        return maps.transpose(1, 2)

    def of_views(self, xy: Tensor, score: Tensor, mirrored: Tensor) -> Tensor:
        """Draw n views of each of B clips.

        Args:
            xy: (B, n, M, T, V, 2) pixels.
            score: (B, n, M, T, V).
            mirrored: (n,) bool.

        Returns:
            (B, n, C, T, H, W) float32.
        """
        num_clips = xy.shape[0]
        maps = self(xy.flatten(0, 1), score.flatten(0, 1), mirrored.repeat(num_clips))
        return maps.unflatten(0, (num_clips, -1))

    def _joints(self, xy: Tensor, score: Tensor) -> Tensor:
        """Draw joints (N, T, V, H, W): a Gaussian is the product of its profiles along x and y."""
        peak = torch.where(score >= MIN_PEAK, score, 0)
        x, y = xy.unbind(-1)
        across, down = self._profile(x, self.size[1]), self._profile(y, self.size[0])
        down = down * peak[..., None]
        return (down[..., :, None] * across[..., None, :]).amax(1)

    def _profile(self, place: Tensor, length: int) -> Tensor:
        """Return (..., length), a Gaussian of height 1 along one axis, cut at 3 sigma."""
        cell = torch.arange(length, dtype=torch.float32)
        height = torch.exp((cell - place[..., None]).square() * (-0.5 / self.spec.sigma**2))
        return torch.where(self._reached(place, place, cell), height, 0)

    def _reached(self, low: Tensor, high: Tensor, cell: Tensor) -> Tensor:
        """Return which cells of an axis lie within 3 sigma of low..high, edges in float64."""
        first = truncated(low.double() - 3 * self.spec.sigma)[..., None].float()
        last = truncated(high.double() + 3 * self.spec.sigma)[..., None].float()
        return (cell >= first) & (cell <= last)

    def _limbs(self, xy: Tensor, score: Tensor) -> Tensor:
        """Draw limbs (N, T, L, H, W): each a Gaussian of the distance to the segment."""
        start, end = (xy.index_select(3, joints) for joints in self.limbs.unbind(1))
        start_score, end_score = (score.index_select(3, joints) for joints in self.limbs.unbind(1))
        peak = torch.minimum(start_score, end_score)
        drawn = peak >= MIN_PEAK

        # A limb shorter than a pixel is drawn as its start joint, with that joint's score.
        short = (end - start).double().square().sum(-1) < 1
        end = torch.where(short[..., None], start, end)
        peak = torch.where(drawn, torch.where(short, start_score, peak), 0)[..., None, None]

        # t, 0..1, is the place on the limb that is nearest to a cell.
        (x0, y0), (x1, y1) = start.unbind(-1), end.unbind(-1)
        column = torch.arange(self.size[1], dtype=torch.float32)
        row = torch.arange(self.size[0], dtype=torch.float32)
        x, y = (column - x0[..., None])[..., None, :], (row - y0[..., None])[..., :, None]
        dx, dy = (x1 - x0)[..., None, None], (y1 - y0)[..., None, None]
        length2 = (dx * dx + dy * dy).clamp(min=1e-12)
        t = (x * (dx / length2) + y * (dy / length2)).clamp(0, 1)  # (N, M, T, L, H, W)
        gap2 = (x - t * dx).square() + (y - t * dy).square()
        maps = torch.exp(gap2 * (-0.5 / self.spec.sigma**2)) * peak
        in_columns = self._reached(torch.minimum(x0, x1), torch.maximum(x0, x1), column)
        in_rows = self._reached(torch.minimum(y0, y1), torch.maximum(y0, y1), row)
        return torch.where(in_columns[..., None, :] & in_rows[..., :, None], maps, 0).amax(1)


class PaintPotion(nn.Module):
    """The step Heatmap2Potion: one picture of each view's heatmaps, in which colour encodes time.

    Args:
        step: its settings.
        frames: T of each view.
    """

    colours: Tensor

    def __init__(self, step: Heatmap2Potion, frames: int):
        super().__init__()
        self.option = step.option
        self.register_buffer('colours', torch.from_numpy(step.colours(frames)), persistent=False)

    def forward(self, maps: Tensor) -> Tensor:
        """Paint views (B, n, V, T, H, W) as pictures (B, n, V * colours, H, W)."""
        total = torch.einsum('bnvthw,tc->bnvchw', maps, self.colours)
        u = total / (total.amax((4, 5), keepdim=True) + 1e-4)
        i = u.sum(3, keepdim=True)
        painted = {'U': [u], 'I': [i], 'N': [u / (i + 1)], 'full': [u, i, u / (i + 1)]}
        return torch.cat(painted[self.option], 3).flatten(2, 3)


def truncated(values: Tensor) -> Tensor:
    """Round towards zero, by operations that ONNX has."""
    return torch.where(values < 0, values.ceil(), values.floor())
