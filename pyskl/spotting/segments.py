"""From class scores along a recording to segments."""

from __future__ import annotations

import math
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


def find_segments(scores: Scores, how: Thresholds) -> list[Segment]:
    """Find the segments of a whole recording.

    Where a class's smoothed score is at least the threshold, a segment lies; its ends are where the
    line between two neighbouring scores crosses it. Its score is the mean of the class's scores.

    Args:
        scores: along the recording.
        how: the thresholds.

    Returns:
        Segments by their first frame, counted from the recording's first.
    """
    stride = int(scores.middles[1] - scores.middles[0]) if len(scores.middles) > 1 else 1
    finder = SegmentFinder(how, stride)
    return finder.add(scores.middles, scores.probs) + finder.close(scores.num_frames)


class SegmentFinder:
    """Find segments while scores come in, in the memory of what is not settled yet.

    A segment is settled, and comes out, once no later score can change it: the scores behind it are
    there to smooth it, the gap behind it is too long to be closed, and no class whose segment may turn
    out surer has begun in its frames. So the segments are those of `find_segments`.

    Args:
        how: the thresholds.
        stride: frames from one score to the next.
        horizon: frames after which a chain of segments that overlap one another is cut, which bounds
            the memory; None: never.
    """

    def __init__(self, how: Thresholds, stride: int, horizon: int | None = None):
        self.how, self.horizon = how, horizon
        self._sigma = how.smooth / stride
        self._reach = int(np.ceil(3 * self._sigma))
        self._rows: list[tuple[np.ndarray, np.ndarray]] = []  # middles and scores as they came
        self._num_smoothed = 0  # of these rows; they stay for the rows behind them
        self._last: tuple[int, np.ndarray] | None = None  # the latest smoothed score: middle, (K,)
        self._spans: dict[int, _Span] = {}  # by class
        self._waiting: list[Segment] = []  # a surer one may still come

    def add(self, middles: np.ndarray, probs: np.ndarray) -> list[Segment]:
        """Take scores that follow those before.

        Args:
            middles: (n,) frames that they are of.
            probs: (n, K).

        Returns:
            The segments that are settled now, by their first frame.
        """
        self._rows.append((middles, probs))
        self._follow_smoothed(self._reach)
        if self._last is None:
            return []
        middle = self._last[0]
        for k, span in list(self._spans.items()):
            if span.paused_before(middle, self.how.merge):
                self._end(k, span.end)
        frontier = min([middle, *(span.start for span in self._spans.values())])
        oldest = min([frontier, *(segment.start for segment in self._waiting)])
        if self.horizon is not None and middle - oldest > self.horizon:
            return self._cut(*self._last)
        return self._settled(frontier)

    def close(self, num_frames: int) -> list[Segment]:
        """Return the segments that are left, of a recording of so many frames."""
        self._follow_smoothed(0)
        return self._end_all(num_frames - 1)

    def _follow_smoothed(self, without: int) -> None:
        """Smooth and follow what came, but for so many rows at the end."""
        if not self._rows:
            return
        middles, probs = map(np.concatenate, zip(*self._rows))
        begin, stop = self._num_smoothed, len(probs) - without
        if stop > begin:
            self._follow(middles[begin:stop], smooth_rows(probs, begin, stop, self._sigma))
            forgotten = max(stop - self._reach, 0)
            middles, probs, self._num_smoothed = (
                middles[forgotten:],
                probs[forgotten:],
                stop - forgotten,
            )
        self._rows = [(middles, probs)]

    def _follow(self, middles: np.ndarray, probs: np.ndarray) -> None:
        """Begin, pause and go on with the span of each class, by its smoothed scores (n, K)."""
        done = 0  # rows that were followed before
        if self._last is not None:
            middles = np.concatenate([[self._last[0]], middles])
            probs = np.concatenate([self._last[1][None], probs])
            done = 1
        on = probs >= self.how.threshold
        classes = {*np.flatnonzero(on.any(0)).tolist(), *self._spans}
        for k in sorted(classes - {self.how.background}):
            self._follow_class(k, middles, probs[:, k], on[:, k], done)
        self._last = int(middles[-1]), probs[-1]

    def _follow_class(
        self, k: int, middles: np.ndarray, values: np.ndarray, on: np.ndarray, done: int
    ) -> None:
        """Do so for the scores (n,) of one class, of which the first `done` were followed before."""
        changes = (np.flatnonzero(on[1:] != on[:-1]) + 1).tolist()
        for at in [0] * bool(not done and on[0]) + changes:
            border = 0.0 if at == 0 else self._crossing(middles, values, at - 1)
            span = self._spans.get(k)
            if span is not None:
                span.add(values[done:at])
            done = at
            if span is not None and not on[at]:
                span.pause(math.floor(border))
                continue
            start = math.ceil(border)
            if span is not None and span.paused_before(start, self.how.merge):
                self._end(k, span.end)
            self._spans.setdefault(k, _Span(start)).end = None
        if k in self._spans:
            self._spans[k].add(values[done:])

    def _crossing(self, middles: np.ndarray, values: np.ndarray, i: int) -> float:
        """Return where, between the i-th middle and the next, the line of scores meets the threshold."""
        share = (self.how.threshold - float(values[i])) / (float(values[i + 1]) - float(values[i]))
        return float(middles[i]) + share * float(middles[i + 1] - middles[i])

    def _end(self, k: int, end: int | None) -> None:
        """End the span of a class, at `end` if it has not paused before."""
        span = self._spans.pop(k)
        if span.end is None and end is not None:
            span.pause(end)
        if span.end is not None and span.end - span.start + 1 >= self.how.shortest:
            self._waiting.append(Segment(span.start, span.end, k, span.score))

    def _end_all(self, end: int) -> list[Segment]:
        for k in list(self._spans):
            self._end(k, end)
        return self._settled(None)

    def _cut(self, middle: int, values: np.ndarray) -> list[Segment]:
        """End all spans at the latest score, and begin those again that go on."""
        going_on = [k for k, span in self._spans.items() if span.end is None]
        segments = self._end_all(middle)
        for k in going_on:
            self._spans[k] = _Span(middle + 1)
            self._spans[k].add(values[k : k + 1])
        return segments

    def _settled(self, frontier: int | None) -> list[Segment]:
        """Return the segments that nothing from the frame `frontier` on can suppress; None: all."""
        groups: list[list[Segment]] = []  # of segments that overlap one another
        end = -1
        for segment in sorted(self._waiting):
            if segment.start > end:
                groups.append([])
            groups[-1].append(segment)
            end = max(end, segment.end)
        self._waiting, settled = [], []
        for group in groups:
            if frontier is None or max(segment.end for segment in group) < frontier:
                settled += suppress_overlaps(group, self.how.overlap)
            else:
                self._waiting += group
        return settled


class _Span:
    """Frames of one class that may become a segment.

    Attributes:
        start: the first frame.
        end: the last frame where the score fell below the threshold; None while it is above.
        score: the mean of the scores up to `end`.
    """

    def __init__(self, start: int):
        self.start = start
        self.end: int | None = None
        self.score = 0.0
        self._total, self._number = 0.0, 0  # of the scores so far

    def add(self, values: np.ndarray) -> None:
        """Add up further scores one by one, so that it does not matter how many come at once."""
        self._total = float(np.concatenate([[self._total], values]).cumsum()[-1])
        self._number += len(values)

    def pause(self, end: int) -> None:
        """Set the end, for now: a score further on may close the gap."""
        self.end, self.score = end, self._total / self._number

    def paused_before(self, frame: int, gap: int) -> bool:
        """Return whether more than `gap` frames lie between the end and a frame."""
        return self.end is not None and frame - self.end - 1 > gap


def smooth_rows(probs: np.ndarray, start: int, stop: int, sigma: float) -> np.ndarray:
    """Smooth rows start..stop-1 along time by a Gaussian, cut at 3 sigma.

    Each row is added up by itself, so that it does not matter how many rows come at once. At the ends
    the weights of what is there sum up to 1.

    Args:
        probs: (N, K).
        start: first row of the answer.
        stop: the one behind the last.
        sigma: standard deviation in rows; 0: none.

    Returns:
        (stop - start, K) float32.
    """
    reach = int(np.ceil(3 * sigma))
    if not reach:
        return probs[start:stop]
    total, weights = np.zeros((stop - start, probs.shape[1])), np.zeros((stop - start, 1))
    for offset in range(-min(reach, stop - 1), min(reach, len(probs) - 1 - start) + 1):
        weight = np.exp(-0.5 * (offset / sigma) ** 2)
        rows = slice(max(start + offset, 0), min(stop + offset, len(probs)))
        inside = slice(rows.start - offset - start, rows.stop - offset - start)
        total[inside] += weight * probs[rows]
        weights[inside] += weight
    return (total / weights).astype(np.float32)


def suppress_overlaps(segments: Sequence[Segment], overlap: float) -> list[Segment]:
    """Drop segments that share more than `overlap` of the shorter one with a surer segment."""
    order = sorted(segments, key=lambda s: (-s.score, s.start, s.label))
    starts, ends = bounds(order).T
    kept = np.zeros(len(order), bool)
    for i in range(len(order)):  # one row at a time: noisy scores have very many segments
        common = np.minimum(ends[kept], ends[i]) - np.maximum(starts[kept], starts[i]) + 1
        shorter = np.minimum((ends - starts)[kept], ends[i] - starts[i]) + 1
        kept[i] = not (common / shorter > overlap).any()
    return sorted(order[i] for i in np.flatnonzero(kept))
