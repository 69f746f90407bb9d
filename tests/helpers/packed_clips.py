"""Unpack the report's key points, as the page's script does."""

import zlib

import numpy as np

from pyskl.report.packing import SCORE_LEVELS, PackedClip


def unpack_clip(clip: PackedClip, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Return keypoint (M, T, V, 2) in pixels and score (M, T, V)."""
    M, T, V = clip.shape
    raw = np.frombuffer(zlib.decompress(clip.data, -15), np.uint8).astype(np.int64)
    n = 2 * M * V * T
    steps = raw[:n] + (raw[n : 2 * n] << 8 if bits > 8 else 0)
    lines = _unfolded(steps.reshape(2, M, V, T), 1 << bits)
    levels = _unfolded(raw[-n // 2 :].reshape(M, V, T), SCORE_LEVELS + 1)
    *corner, extent = clip.box
    keypoint = lines.transpose(1, 3, 2, 0) * (extent / ((1 << bits) - 1)) + corner
    return keypoint, levels.transpose(0, 2, 1) / SCORE_LEVELS


def _unfolded(folded: np.ndarray, size: int) -> np.ndarray:
    steps = np.where(folded & 1, -(folded + 1 >> 1), folded >> 1)
    return np.cumsum(steps, -1) % size
