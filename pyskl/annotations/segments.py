"""What happens when in a long recording: segments of frames, each with a class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, order=True)
class Segment:
    """A class from one frame to another.

    Attributes:
        start: number of the first frame.
        end: number of the last frame, which belongs to it.
        label: class, from 0 on.
        score: how sure a prediction is; 1 for what is known.
    """

    start: int
    end: int
    label: int
    score: float = 1.0

    @property
    def num_frames(self) -> int:
        """Number of frames, the last one included."""
        return self.end - self.start + 1


def common_frames(first: Sequence[Segment], second: Sequence[Segment]) -> np.ndarray:
    """Return how many frames each pair of N and M segments has in common: (N, M) int64."""
    a, b = bounds(first), bounds(second)
    begin = np.maximum(a[:, None, 0], b[None, :, 0])
    end = np.minimum(a[:, None, 1], b[None, :, 1])
    return np.maximum(end - begin + 1, 0)


def intersection_over_union(first: Sequence[Segment], second: Sequence[Segment]) -> np.ndarray:
    """Return the temporal intersection over union of each pair: (N, M) in 0..1."""
    common = common_frames(first, second)
    a, b = (np.diff(bounds(segments), axis=1)[:, 0] + 1 for segments in (first, second))
    return common / np.maximum(a[:, None] + b[None] - common, 1)


def bounds(segments: Sequence[Segment]) -> np.ndarray:
    """Return first and last frames, (N, 2) int64."""
    pairs = [(segment.start, segment.end) for segment in segments]
    return np.array(pairs, np.int64).reshape(-1, 2)
