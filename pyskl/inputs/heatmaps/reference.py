"""The slow, obvious renderer: numpy, one mark at a time, as PYSKL draws. Tests and benchmarks hold the fast ones against it."""

from __future__ import annotations

import numpy as np

from .geometry import FARTHEST, MIN_PEAK
from .spec import HeatmapSpec


def render_slowly(
    keypoint: np.ndarray, keypoint_score: np.ndarray, size: tuple[int, int], spec: HeatmapSpec
) -> np.ndarray:
    """Draw one clip, plain and, with spec.double, mirrored behind it.

    keypoint        (M, T, V, 2)  pixels     keypoint_score  (M, T, V)
    size            (H, W) of the picture that the key points lie in, before spec.scaling
    ->              (T or 2 T, C, H, W) float32
    """
    keypoint = keypoint.astype(np.float32) * np.float32(spec.scaling)
    score = (
        keypoint_score.astype(np.float32)
        if spec.use_score
        else np.ones_like(keypoint_score, dtype=np.float32)
    )
    known = (np.abs(keypoint) <= FARTHEST).all(-1) & np.isfinite(score)
    keypoint, score = (
        np.where(known[..., None], keypoint, 0).astype(np.float32),
        np.where(known, score, 0).astype(np.float32),
    )
    num_people, num_frames, num_joints = score.shape
    maps = np.zeros(
        (num_frames, spec.num_channels(num_joints), *spec.picture_size(size)), dtype=np.float32
    )
    for t in range(num_frames):
        for m in range(num_people):
            _draw_person(maps[t], keypoint[m, t], score[m, t], spec)
    if spec.motion:
        nothing = np.zeros_like(maps[:1])
        maps = (
            np.concatenate([[maps[t + 1] - maps[t] for t in range(num_frames - 1)], nothing])
            if num_frames > 1
            else nothing
        )
    if spec.double:
        maps = np.concatenate([maps, maps[..., ::-1][:, list(spec.flip_order(num_joints))]])
    return maps


def _draw_person(maps: np.ndarray, xy: np.ndarray, score: np.ndarray, spec: HeatmapSpec) -> None:
    channel = 0
    if spec.with_kp:
        for joint in range(len(xy)):
            _draw_joint(maps[channel], xy[joint], score[joint], spec.sigma)
            channel += 1
    if spec.with_limb:
        for start, end in spec.skeletons:
            _draw_limb(maps[channel], xy[start], xy[end], score[start], score[end], spec.sigma)
            channel += 1


def _draw_joint(picture: np.ndarray, centre: np.ndarray, peak: float, sigma: float) -> None:
    """A Gaussian of that peak around `centre` (x, y), cut at 3 sigma, the cut truncated toward zero."""
    if peak < MIN_PEAK:
        return
    x, y, window = _window(picture, centre, centre, sigma)
    distance2 = (x - centre[0]) ** 2 + (y - centre[1]) ** 2
    picture[window] = np.maximum(picture[window], np.exp(-distance2 / (2 * sigma**2)) * peak)


def _draw_limb(
    picture: np.ndarray,
    start: np.ndarray,
    end: np.ndarray,
    start_peak: float,
    end_peak: float,
    sigma: float,
) -> None:
    """The same for the distance to the segment from start to end; a segment shorter than a pixel is its start joint."""
    peak = min(start_peak, end_peak)
    if peak < MIN_PEAK:
        return
    length2 = float(((end - start).astype(np.float64) ** 2).sum())
    if length2 < 1:
        return _draw_joint(picture, start, start_peak, sigma)
    x, y, window = _window(picture, np.minimum(start, end), np.maximum(start, end), sigma)
    to_start = (x - start[0]) ** 2 + (y - start[1]) ** 2
    to_end = (x - end[0]) ** 2 + (y - end[1]) ** 2
    along = (
        (to_start - to_end + np.float32(length2)) / 2 / np.float32(length2)
    )  # 0 at the start's foot, 1 at the end's
    position = np.stack([x + 0 * y, y + 0 * x], axis=-1)  # (h, w, 2)
    gap = position - (start + along[..., None] * (end - start))
    to_line = gap[..., 0] ** 2 + gap[..., 1] ** 2
    distance2 = np.where(along <= 0, to_start, np.where(along >= 1, to_end, to_line))
    picture[window] = np.maximum(picture[window], np.exp(-distance2 / (2 * sigma**2)) * peak)


def _window(
    picture: np.ndarray, least: np.ndarray, most: np.ndarray, sigma: float
) -> tuple[np.ndarray, np.ndarray, tuple]:
    """x (1, w), y (h, 1) and slices of the cells within 3 sigma of [least, most]. Edges in float64, as numpy 1 computed them."""
    (x0, y0), (x1, y1), (height, width) = least.tolist(), most.tolist(), picture.shape
    left, right = max(int(x0 - 3 * sigma), 0), min(int(x1 + 3 * sigma) + 1, width)
    top, bottom = max(int(y0 - 3 * sigma), 0), min(int(y1 + 3 * sigma) + 1, height)
    right, bottom = max(left, right), max(top, bottom)
    x, y = np.arange(left, right, dtype=np.float32), np.arange(top, bottom, dtype=np.float32)
    return x, y[:, None], (slice(top, bottom), slice(left, right))
