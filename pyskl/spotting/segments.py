"""Find segments in the class scores along a recording."""

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
        middles: (N,) frames that the scores are for, rising, counted from the recording's first.
        probs: (N, K) float32; zeros where nobody is seen.
        num_frames: T, length of the recording.
    """

    middles: np.ndarray
    probs: np.ndarray
    num_frames: int


@dataclass(frozen=True)
class Thresholds:
    """What makes a segment; frames are those of the windows.

    Attributes:
        threshold: probability that a class has to reach, 0..1.
        smooth: standard deviation in frames of the Gaussian that smooths the scores; 0: none.
        merge: longest gap in frames between segments of one class that become one.
        shortest: fewest frames of a segment.
        overlap: if two segments share more than this part of the shorter one, the one with the
            higher score stays.
        background: the class that is never a segment; None: there is none.
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


def find_segments(scores: Scores, thresholds: Thresholds) -> list[Segment]:
    """Find the segments of a whole recording.

    A segment lies where a class's smoothed score is at least the threshold. It begins and ends
    where the line between two neighbouring scores crosses the threshold; its score is the mean
    score.

    Args:
        scores: along the recording.
        thresholds: what makes a segment.

    Returns:
        Segments in order of their first frame, counted from the recording's first.
    """
    stride = int(scores.middles[1] - scores.middles[0]) if len(scores.middles) > 1 else 1
    finder = SegmentFinder(thresholds, stride)
    return finder.add(scores.middles, scores.probs) + finder.close(scores.num_frames)


class SegmentFinder:
    """Find segments while scores come in.

    A segment is settled, and returned, once no later score can change it: all scores that smooth it
    are known, the gap behind it is too long to be closed, and no unfinished segment that may turn
    out to have a higher score overlaps it. So the segments are those of `find_segments`.

    Args:
        thresholds: what makes a segment.
        stride: frames from one score to the next.
        horizon: longest chain in frames of segments that overlap one another; it is cut there,
            which bounds the memory. None: never.
    """

    def __init__(self, thresholds: Thresholds, stride: int, horizon: int | None = None):
        self.thresholds, self.horizon = thresholds, horizon
        self._sigma = thresholds.smooth / stride
        self._reach = int(np.ceil(3 * self._sigma))
        self._rows: list[tuple[np.ndarray, np.ndarray]] = []  # middles and scores, not smoothed
        self._num_smoothed = 0  # of these rows; they are kept to smooth the rows behind them
        self._last: tuple[int, np.ndarray] | None = None  # the latest smoothed scores: middle, (K,)
        self._spans: dict[int, _Span] = {}  # unfinished segments, by class
        self._waiting: list[Segment] = []  # finished, but one with a higher score may suppress them

    def add(self, middles: np.ndarray, probs: np.ndarray) -> list[Segment]:
        """Take the next scores.

        Args:
            middles: (n,) frames that they are for.
            probs: (n, K).

        Returns:
            The segments that are settled now, in order of their first frame.
        """
        self._rows.append((middles, probs))
        self._follow_smoothed(self._reach)
        if self._last is None:
            return []
        middle = self._last[0]
        for k, span in list(self._spans.items()):
            if span.paused_before(middle, self.thresholds.merge):
                self._end(k, span.end)
        frontier = min([middle, *(span.start for span in self._spans.values())])
        oldest = min([frontier, *(segment.start for segment in self._waiting)])
        if self.horizon is not None and middle - oldest > self.horizon:
            return self._cut(*self._last)
        return self._settled(frontier)

    def close(self, num_frames: int) -> list[Segment]:
        """Return the remaining segments at the end of a recording of `num_frames` frames."""
        self._follow_smoothed(0)
        return self._end_all(num_frames - 1)

    def _follow_smoothed(self, without: int) -> None:
        """Smooth and follow the rows that are left, except the last `without`."""
        if not self._rows:
            return
        middles, probs = map(np.concatenate, zip(*self._rows))
        begin, stop = self._num_smoothed, len(probs) - without
        if stop > begin:
            self._follow(middles[begin:stop], smooth_rows(probs, begin, stop, self._sigma))
            dropped = max(stop - self._reach, 0)
            middles, probs = middles[dropped:], probs[dropped:]
            self._num_smoothed = stop - dropped
        self._rows = [(middles, probs)]

    def _follow(self, middles: np.ndarray, probs: np.ndarray) -> None:
        """Begin, pause and resume the spans of all classes by smoothed scores (n, K)."""
        done = 0  # rows that were followed before
        if self._last is not None:
            middles = np.concatenate([[self._last[0]], middles])
            probs = np.concatenate([self._last[1][None], probs])
            done = 1
        on = probs >= self.thresholds.threshold
        classes = {*np.flatnonzero(on.any(0)).tolist(), *self._spans}
        for k in sorted(classes - {self.thresholds.background}):
            self._follow_class(k, middles, probs[:, k], on[:, k], done)
        self._last = int(middles[-1]), probs[-1]

    def _follow_class(
        self, k: int, middles: np.ndarray, values: np.ndarray, on: np.ndarray, done: int
    ) -> None:
        """Follow the scores (n,) of one class; the first `done` of them were followed before."""
        # The rows at which the score rises to the threshold or falls below it.
        changes = (np.flatnonzero(on[1:] != on[:-1]) + 1).tolist()
        if not done and on[0]:
            changes.insert(0, 0)
        for at in changes:
            border = 0.0 if at == 0 else self._crossing(middles, values, at - 1)
            span = self._spans.get(k)
            if span is not None:
                span.add(values[done:at])
            done = at
            if span is not None and not on[at]:
                span.pause(math.floor(border))
                continue

            # It rises: close the gap behind a paused span, or begin a new one.
            start = math.ceil(border)
            if span is not None and span.paused_before(start, self.thresholds.merge):
                self._end(k, span.end)
            self._spans.setdefault(k, _Span(start)).end = None
        if k in self._spans:
            self._spans[k].add(values[done:])

    def _crossing(self, middles: np.ndarray, values: np.ndarray, i: int) -> float:
        """Return the frame between middles i and i + 1 at which the score meets the threshold."""
        share = (self.thresholds.threshold - float(values[i])) / (
            float(values[i + 1]) - float(values[i])
        )
        return float(middles[i]) + share * float(middles[i + 1] - middles[i])

    def _end(self, k: int, end: int | None) -> None:
        """Finish the span of a class, at `end` if it is not paused."""
        span = self._spans.pop(k)
        if span.end is None and end is not None:
            span.pause(end)
        if span.end is not None and span.end - span.start + 1 >= self.thresholds.shortest:
            self._waiting.append(Segment(span.start, span.end, k, span.score))

    def _end_all(self, end: int) -> list[Segment]:
        """Finish all spans and return all segments."""
        for k in list(self._spans):
            self._end(k, end)
        return self._settled(None)

    def _cut(self, middle: int, values: np.ndarray) -> list[Segment]:
        """Finish all spans at the latest scores, and begin those again that are not paused."""
        going_on = [k for k, span in self._spans.items() if span.end is None]
        segments = self._end_all(middle)
        for k in going_on:
            self._spans[k] = _Span(middle + 1)
            self._spans[k].add(values[k : k + 1])
        return segments

    def _settled(self, frontier: int | None) -> list[Segment]:
        """Return the segments that end before the frame `frontier`; None: all.

        Segments that overlap one another, directly or through others, are returned together.
        """
        groups: list[list[Segment]] = []
        end = -1
        for segment in sorted(self._waiting):
            if segment.start > end:
                groups.append([])
            groups[-1].append(segment)
            end = max(end, segment.end)
        self._waiting, settled = [], []
        for group in groups:
            if frontier is None or max(segment.end for segment in group) < frontier:
                settled += suppress_overlaps(group, self.thresholds.overlap)
            else:
                self._waiting += group
        return settled


class _Span:
    """An unfinished segment of one class.

    Attributes:
        start: first frame.
        end: last frame while it is paused, that is, the score is below the threshold; else None.
        score: mean score up to `end`.
    """

    def __init__(self, start: int):
        self.start = start
        self.end: int | None = None
        self.score = 0.0
        self._total, self._number = 0.0, 0  # of the scores so far

    def add(self, values: np.ndarray) -> None:
        """Add scores one after the other, so that the sum does not depend on how they are split."""
        self._total = float(np.concatenate([[self._total], values]).cumsum()[-1])
        self._number += len(values)

    def pause(self, end: int) -> None:
        """Set the end for now: a later score may close the gap."""
        self.end, self.score = end, self._total / self._number

    def paused_before(self, frame: int, gap: int) -> bool:
        """Return whether the span is paused with more than `gap` frames before `frame`."""
        return self.end is not None and frame - self.end - 1 > gap


def smooth_rows(probs: np.ndarray, start: int, stop: int, sigma: float) -> np.ndarray:
    """Smooth rows start..stop-1 along time with a Gaussian that is cut at 3 sigma.

    A row's sum does not depend on which rows are computed together. At the ends the weights of the
    rows that exist are scaled to sum to 1.

    Args:
        probs: (N, K).
        start: first row to smooth.
        stop: the row after the last.
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
    """Non-maximum suppression over all classes.

    Args:
        segments: in any order.
        overlap: a segment is dropped if it shares more than this part of the shorter one with a
            segment that stays and has a higher score.
    """
    order = sorted(segments, key=lambda s: (-s.score, s.start, s.label))
    starts, ends = bounds(order).T
    kept = np.zeros(len(order), bool)
    for i in range(len(order)):  # row by row: noisy scores make very many segments
        common = np.minimum(ends[kept], ends[i]) - np.maximum(starts[kept], starts[i]) + 1
        shorter = np.minimum((ends - starts)[kept], ends[i] - starts[i]) + 1
        kept[i] = not (common / shorter > overlap).any()
    return sorted(order[i] for i in np.flatnonzero(kept))
