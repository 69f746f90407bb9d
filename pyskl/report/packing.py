"""Key points in few bytes: rounded to a grid, differences between frames, deflated, clip by clip.

Before deflate, a clip is a row of planes of bytes, each byte a difference to the frame before:
    low: (2, M, V, T), the low 8 bits of x, then of y.
    high: (2, M, V, T), the bits above; only if bits > 8.
    score: (M, V, T), 0 to 7.
Differences are taken modulo the grid and folded, so that small ones of either sign become small
numbers: 0, -1, 1, -2 -> 0, 1, 2, 3. A missing joint has score 0 and stays at its last place.
skeleton.js unpacks them, and tests/helpers/packed_clips.py.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..drawing.skeleton import in_picture, real_frames
from ..skeletons import is_present

SCORE_LEVELS = 7  # 0 is missing, 1 to 7 are scores in (0, 1]
# (bits, every n-th frame), tried in this order. The player interpolates between frames, so half of
# the frames look better than a coarse grid.
QUALITIES = ((10, 1), (9, 1), (10, 2), (9, 2), (8, 2), (9, 3), (8, 3), (8, 4))
_SAMPLE = 256  # clips to estimate the size of all from
_POSE_SAMPLE = 64  # clips to average for a pose


@dataclass(frozen=True)
class PackedClip:
    """A packed clip.

    Attributes:
        data: raw deflate.
        box: (x, y, extent) of the square of the clip's joints, in pixels.
        shape: (M, T, V) of what is kept.
    """

    data: bytes
    box: tuple[float, float, float]
    shape: tuple[int, int, int]


@dataclass
class Packed:
    """Packed clips.

    Attributes:
        bits: bits of a coordinate.
        step: every `step`-th frame is kept.
        text: base64 of all clips in a row.
        lengths: characters of each clip, 0 where it is left out.
        boxes: see PackedClip.
        shapes: see PackedClip.
    """

    bits: int
    step: int
    text: str
    lengths: list[int]
    boxes: list[tuple[float, float, float]]
    shapes: list[tuple[int, int, int]]


def real_part(keypoint: np.ndarray, score: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Leave out empty frames at the end and people who never appear, but keep one of each.

    Args:
        keypoint: (M, T, V, 2).
        score: (M, T, V); None where all joints have score 1.
    """
    score = np.ones(keypoint.shape[:-1], np.float32) if score is None else score
    last = real_frames(keypoint, score)
    people = np.flatnonzero(is_present(keypoint, score).any((1, 2)))
    people = people if len(people) else np.arange(1)
    return keypoint[people, :last], score[people, :last]


def pack_clip(
    keypoint: np.ndarray, score: np.ndarray | None, bits: int = 10, step: int = 1
) -> PackedClip:
    """Pack a clip on a grid of 2**bits lines.

    A joint is moved by at most half a line in x and in y: extent / (2**bits - 1) / 2.

    Args:
        keypoint: (M, T, V, 2) in pixels.
        score: (M, T, V) in 0..1.
        bits: bits of a coordinate.
        step: keep every `step`-th frame.
    """
    keypoint, score = real_part(keypoint, score)
    keypoint, score = keypoint[:, ::step].astype(np.float64), score[:, ::step]
    seen = is_present(keypoint, score)
    corner, extent = _box(keypoint[seen])
    grid = (1 << bits) - 1
    lines = np.rint((np.where(seen[..., None], keypoint, corner) - corner) / extent * grid)
    lines = lines.astype(np.int64).transpose(3, 0, 2, 1)  # (2, M, V, T)
    lines = _hold(lines, seen.transpose(0, 2, 1))
    levels = np.where(seen, np.maximum(1, np.rint(np.clip(score, 0, 1) * SCORE_LEVELS)), 0)
    levels = levels.astype(np.int64).transpose(0, 2, 1)
    steps = _folded(lines, 1 << bits)
    planes = [steps & 255, steps >> 8] if bits > 8 else [steps]
    planes.append(_folded(levels, SCORE_LEVELS + 1))
    raw = b''.join(plane.astype(np.uint8).tobytes() for plane in planes)
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    people, frames, joints = score.shape
    return PackedClip(
        deflate.compress(raw) + deflate.flush(),
        (*np.round(corner, 2).tolist(), extent),
        (people, frames, joints),
    )


def pack_all(clips: Sequence, first: Sequence[int], budget: int) -> Packed:
    """Pack all clips at the best quality whose text stays within `budget` characters.

    Args:
        clips: annotations.
        first: all their indices, the most important first; what does not fit at the lowest quality
            is left out from the end.
        budget: characters of the text.
    """
    sample = spread(len(clips), _SAMPLE)
    for bits, step in QUALITIES:
        total = sum(_text_length(_pack(clips[i], bits, step)) for i in sample)
        if total * len(clips) / len(sample) * 1.03 <= budget:
            break
    kept = [PackedClip(b'', (0.0, 0.0, 1.0), (0, 0, 0))] * len(clips)
    used = 0
    for i in first:
        clip = _pack(clips[i], bits, step)
        used += _text_length(clip)
        if used > budget:
            break
        kept[i] = clip
    texts = [base64.b64encode(clip.data).decode() for clip in kept]
    return Packed(
        bits,
        step,
        ''.join(texts),
        [len(text) for text in texts],
        [clip.box for clip in kept],
        [clip.shape for clip in kept],
    )


def mean_pose(clips: Sequence) -> list[list[float]]:
    """Return V pairs (x, y) in 0..1: each joint's mean place in the clip's box, over some clips."""
    clip_places = []
    for i in spread(len(clips), _POSE_SAMPLE):
        keypoint, score = real_part(*in_picture(clips[i]))
        seen = is_present(keypoint, score)
        corner, extent = _box(keypoint[seen])
        places = np.where(seen[..., None], (keypoint - corner) / extent, np.nan)
        clip_places.append(places.reshape(-1, *keypoint.shape[2:]))
    places = np.concatenate(clip_places)
    number = np.maximum((~np.isnan(places)).sum(0), 1)
    return np.round(np.nansum(places, 0) / number, 3).tolist()


def spread(count: int, most: int) -> list[int]:
    """Return at most `most` different indices below `count`, evenly spread."""
    return np.unique(np.linspace(0, count - 1, min(most, count)).astype(int)).tolist()


def _pack(annotation: dict, bits: int, step: int) -> PackedClip:
    return pack_clip(*in_picture(annotation), bits, step)


def _text_length(clip: PackedClip) -> int:
    return -(-len(clip.data) // 3) * 4


def _box(xy: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the square around points (n, 2): its corner, in hundredths of a pixel, and extent."""
    if not len(xy):
        return np.zeros(2), 1.0
    corner = np.floor(xy.min(0) * 100) / 100
    return corner, float(max(np.ceil((xy.max(0) - corner).max() * 100) / 100, 1.0))


def _hold(lines: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Keep missing joints at their last place, or before that at their first; lines (2, ..., T)."""
    at = np.where(seen, np.arange(seen.shape[-1]), -1)
    last = np.maximum.accumulate(at, -1)
    start = np.where(seen.any(-1), seen.argmax(-1), 0)[..., None]
    return np.take_along_axis(
        lines, np.broadcast_to(np.where(last < 0, start, last), lines.shape), -1
    )


def _folded(values: np.ndarray, size: int) -> np.ndarray:
    """Return differences along the last axis, modulo size, as 0, 1, 2 ... for 0, -1, 1, -2 ..."""
    steps = np.diff(values, axis=-1, prepend=0) % size
    return np.where(steps < size // 2, 2 * steps, 2 * (size - steps) - 1)
