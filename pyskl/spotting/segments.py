"""From class scores along a recording to segments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..annotations.segments import Segment, bounds
from ..errors import ConfigError


@dataclass(frozen=True)
class Scores:
    """Class scores along a recording.

    Attributes:
        middles: (N,) frames that they are of, rising, counted from the recording's first.
        probs: (N, K) float32; zeros where nobody is seen.
        num_frames: T.
    """

    middles: np.ndarray
    probs: np.ndarray
    num_frames: int


@dataclass(frozen=True)
class Thresholds:
    """What makes a segment; frames are those that the windows count in.

    Attributes:
        threshold: probability that a class has to reach, 0..1.
        smooth: standard deviation, in frames, of the Gaussian that smooths scores along time; 0: none.
        merge: segments of one class with a gap of at most so many frames become one.
        shortest: segments of fewer frames are dropped.
        overlap: of two segments that share more than this part of the shorter one, the surer stays.
        background: the class that is no answer; None: all are.
    """

    threshold: float = 0.5
    smooth: float = 0.0
    merge: int = 8
    shortest: int = 12
    overlap: float = 0.3
    background: int | None = None

    def __post_init__(self) -> None:
        for right, name, expected in (
            (0 < self.threshold <= 1, 'threshold', 'a probability above 0, up to 1'),
            (0 <= self.smooth < np.inf, 'smooth', 'frames, 0 or more'),
            (self.merge >= 0, 'merge', 'frames, 0 or more'),
            (self.shortest >= 1, 'shortest', 'frames, 1 or more'),
            (0 <= self.overlap <= 1, 'overlap', 'a share, 0 to 1'),
            (self.background is None or self.background >= 0, 'background', 'a class, or none'),
        ):
            if not right:
                raise ConfigError(f'{name} = {getattr(self, name)}: expected {expected}.')


def smoothed(scores: Scores, deviation: float) -> np.ndarray:
    """Smooth scores along time: (N, K). At the ends the weights of what is there sum up to 1."""
    if len(scores.middles) < 2 or not deviation:
        return scores.probs
    sigma = deviation / float(scores.middles[1] - scores.middles[0])
    reach = min(int(np.ceil(3 * sigma)), len(scores.probs) - 1)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(sigma, 1e-6)) ** 2)
    total = np.convolve(np.ones(len(scores.probs)), weights, 'full')[
        reach : reach + len(scores.probs)
    ]
    columns = [
        np.convolve(column, weights, 'full')[reach : reach + len(column)] / total
        for column in scores.probs.T
    ]
    return np.stack(columns, 1).astype(np.float32)


def find_segments(scores: Scores, how: Thresholds) -> list[Segment]:
    """Find the segments of a recording.

    Where a class's smoothed score is at least the threshold, a segment lies; its ends are where the
    line between two neighbouring scores crosses it. Its score is the mean of the class's scores.

    Args:
        scores: along the recording.
        how: the settings.

    Returns:
        Segments by their first frame, counted from the recording's first.
    """
    probs = smoothed(scores, how.smooth)
    found: list[Segment] = []
    for k in range(probs.shape[1]):
        if k != how.background and (probs[:, k] >= how.threshold).any():
            found += _of_class(k, probs[:, k], scores, how)
    return sorted(_surest(found, how.overlap))


def _of_class(k: int, values: np.ndarray, scores: Scores, how: Thresholds) -> list[Segment]:
    """The segments of one class whose scores are (N,)."""
    on = values >= how.threshold
    edges = np.flatnonzero(np.diff(np.concatenate([[0], on.view(np.int8), [0]]))).reshape(-1, 2)
    spans: list[list[int]] = []  # first and last frame, first middle and the one behind the last
    for a, b in edges.tolist():
        start = 0 if a == 0 else int(np.ceil(_crossing(values, scores, a - 1, how.threshold)))
        end = scores.num_frames - 1
        if b < len(values):
            end = int(np.floor(_crossing(values, scores, b - 1, how.threshold)))
        if spans and start - spans[-1][1] - 1 <= how.merge:
            spans[-1][1::2] = end, b
        else:
            spans.append([start, end, a, b])
    return [
        Segment(start, end, k, float(values[a:b].mean()))
        for start, end, a, b in spans
        if end - start + 1 >= how.shortest
    ]


def _crossing(values: np.ndarray, scores: Scores, i: int, threshold: float) -> float:
    """The frame between the i-th middle and the next where the line of scores meets the threshold."""
    share = (threshold - float(values[i])) / (float(values[i + 1]) - float(values[i]))
    return float(scores.middles[i]) + share * float(scores.middles[i + 1] - scores.middles[i])


def _surest(segments: Sequence[Segment], overlap: float) -> list[Segment]:
    """Drop segments that share more than `overlap` of the shorter one with a surer segment."""
    order = sorted(segments, key=lambda s: (-s.score, s.start, s.label))
    if not order:
        return []
    starts, ends = bounds(order).T
    kept = np.zeros(len(order), bool)
    for i in range(len(order)):  # one row at a time: noisy scores have very many segments
        common = np.minimum(ends[kept], ends[i]) - np.maximum(starts[kept], starts[i]) + 1
        shorter = np.minimum((ends - starts)[kept], ends[i] - starts[i]) + 1
        kept[i] = not (common / shorter > overlap).any()
    return [order[i] for i in np.flatnonzero(kept)]
