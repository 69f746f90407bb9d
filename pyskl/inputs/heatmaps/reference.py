"""The slow, obvious renderer, in NumPy, one segment at a time as in PYSKL, to test the others."""

from __future__ import annotations

import numpy as np

from .geometry import FARTHEST, MIN_PEAK
from .spec import HeatmapSpec


def render_slowly(
    keypoint: np.ndarray, keypoint_score: np.ndarray, size: tuple[int, int], spec: HeatmapSpec
) -> np.ndarray:
    """Draw one clip and, with spec.double, its mirrored copy after it.

    Args:
        keypoint: (M, T, V, 2) pixels.
        keypoint_score: (M, T, V).
        size: (H, W) of the picture that the key points lie in, before spec.scaling.
        spec: what to draw.

    Returns:
        (T or 2 T, C, H, W) float32.
    """
    xy = keypoint.astype(np.float32) * np.float32(spec.scaling)
    score = np.ones_like(keypoint_score, dtype=np.float32)
    if spec.use_score:
        score = keypoint_score.astype(np.float32)
    known = (np.abs(xy) <= FARTHEST).all(-1) & np.isfinite(score)
    xy = np.where(known[..., None], xy, 0).astype(np.float32)
    score = np.where(known, score, 0).astype(np.float32)

    # Each person of each frame, the maximum over people.
    num_people, num_frames, num_joints = score.shape
    shape = (num_frames, spec.num_channels(num_joints), *spec.picture_size(size))
    maps = np.zeros(shape, dtype=np.float32)
    for t in range(num_frames):
        for m in range(num_people):
            _draw_person(maps[t], xy[m, t], score[m, t], spec)

    if spec.motion:
        motion = np.zeros_like(maps)
        motion[:-1] = maps[1:] - maps[:-1]
        maps = motion
    if spec.double:
        maps = np.concatenate([maps, maps[..., ::-1][:, list(spec.flip_order(num_joints))]])
    return maps


def _draw_person(maps: np.ndarray, xy: np.ndarray, score: np.ndarray, spec: HeatmapSpec) -> None:
    """Draw a person into the channels (C, H, W) of a frame."""
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
    """Draw a Gaussian around `centre` (x, y), cut at 3 sigma."""
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
    """Draw a Gaussian of the distance to the segment from start to end, cut at 3 sigma.

    A segment shorter than a pixel is its start joint.
    """
    peak = min(start_peak, end_peak)
    if peak < MIN_PEAK:
        return
    length2 = float(((end - start).astype(np.float64) ** 2).sum())
    if length2 < 1:
        return _draw_joint(picture, start, start_peak, sigma)
    x, y, window = _window(picture, np.minimum(start, end), np.maximum(start, end), sigma)
    to_start = (x - start[0]) ** 2 + (y - start[1]) ** 2
    to_end = (x - end[0]) ** 2 + (y - end[1]) ** 2

    # The position along the segment: 0 at the start, 1 at the end.
    along = (to_start - to_end + np.float32(length2)) / 2 / np.float32(length2)
    position = np.stack([x + 0 * y, y + 0 * x], axis=-1)  # (h, w, 2)
    gap = position - (start + along[..., None] * (end - start))
    to_line = gap[..., 0] ** 2 + gap[..., 1] ** 2
    distance2 = np.where(along <= 0, to_start, np.where(along >= 1, to_end, to_line))
    picture[window] = np.maximum(picture[window], np.exp(-distance2 / (2 * sigma**2)) * peak)


def _window(
    picture: np.ndarray, least: np.ndarray, most: np.ndarray, sigma: float
) -> tuple[np.ndarray, np.ndarray, tuple]:
    """Return x (1, w), y (h, 1) and slices of the cells within 3 sigma of [least, most].

    The limits are truncated toward zero in float64, as in the published code.
    """
    (x0, y0), (x1, y1), (height, width) = least.tolist(), most.tolist(), picture.shape
    left, right = max(int(x0 - 3 * sigma), 0), min(int(x1 + 3 * sigma) + 1, width)
    top, bottom = max(int(y0 - 3 * sigma), 0), min(int(y1 + 3 * sigma) + 1, height)
    right, bottom = max(left, right), max(top, bottom)
    x, y = np.arange(left, right, dtype=np.float32), np.arange(top, bottom, dtype=np.float32)
    return x, y[:, None], (slice(top, bottom), slice(left, right))
