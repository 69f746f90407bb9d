"""Measure spotted segments: F1, average precision, accuracy of single frames.

The rule of the MiGA challenges' second track: a predicted segment is right if a true segment of its
class has an intersection over union above 0.3 with it. Each true segment is matched once:
predictions choose in order of their scores, and take the true segment with the largest overlap.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..annotations.segments import Segment, intersection_over_union
from ..errors import DataError
from ..wording import some
from .metrics import count_by_score

CHALLENGE_IOU = 0.3
IOUS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
NOTHING = -1  # the class of a frame in no segment

Segments = Mapping[str, Sequence[Segment]]


@dataclass(frozen=True)
class Counts:
    """Numbers of true segments, predicted segments, and predicted segments that are right."""

    true: int
    predicted: int
    right: int

    @property
    def precision(self) -> float:
        """Share of the predicted segments that are right; 0 if there are none."""
        return self.right / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        """Share of the true segments that were found; 0 if there are none."""
        return self.right / self.true if self.true else 0.0

    @property
    def f1(self) -> float:
        """2 right / (true + predicted); 0 if there are no segments at all."""
        total = self.true + self.predicted
        return 2 * self.right / total if total else 0.0


def match(
    truth: Sequence[Segment], predicted: Sequence[Segment], iou: float = CHALLENGE_IOU
) -> np.ndarray:
    """Match the predicted segments of one recording with the true ones.

    Args:
        truth: N segments; they may overlap.
        predicted: P segments. Those with higher scores choose first; of equal scores the earlier.
        iou: a match needs a larger intersection over union.

    Returns:
        (P,) index of the true segment of each prediction, -1 where it is wrong; no index occurs
        twice.
    """
    found = np.full(len(predicted), -1)
    if not len(truth) or not len(predicted):
        return found
    overlap = intersection_over_union(predicted, truth)  # (P, N)
    labels = np.array([segment.label for segment in truth])
    free = np.ones(len(truth), bool)
    order = sorted(range(len(predicted)), key=lambda i: (-predicted[i].score, predicted[i].start))
    for i in order:
        fits = free & (labels == predicted[i].label) & (overlap[i] > iou)
        if fits.any():
            found[i] = np.where(fits, overlap[i], -1).argmax()
            free[found[i]] = False
    return found


def count_right(
    truth: Segments, predicted: Segments, iou: float = CHALLENGE_IOU
) -> dict[int, Counts]:
    """Count segments by class over all recordings.

    Args:
        truth: true segments by recording.
        predicted: predicted segments by recording; a recording that is missing has none.
        iou: a match needs a larger intersection over union.

    Returns:
        Counts of each class that occurs in `truth` or `predicted`.

    Raises:
        DataError: predictions for a recording that is not in `truth`.
    """
    judged = _judged(truth, predicted, iou)
    true = _labels(truth)
    answered = Counter(segment.label for segment, _ in judged)
    right = Counter(segment.label for segment, is_right in judged if is_right)
    return {k: Counts(true[k], answered[k], right[k]) for k in sorted(true | answered)}


def sum_counts(counts: Mapping[int, Counts]) -> Counts:
    """Add the counts of all classes."""
    rows = counts.values()
    return Counts(
        sum(c.true for c in rows), sum(c.predicted for c in rows), sum(c.right for c in rows)
    )


def average_precision(
    truth: Segments, predicted: Segments, iou: float = CHALLENGE_IOU
) -> dict[int, float]:
    """Compute the area under the precision-recall curve of each class.

    The precision at a recall is the best at that recall or a higher one, as in ActivityNet and
    THUMOS.

    Args:
        truth: true segments by recording.
        predicted: predicted segments by recording.
        iou: a match needs a larger intersection over union.

    Returns:
        0..1 for each class that occurs in `truth`.
    """
    total, areas = _labels(truth), {}
    judged = _judged(truth, predicted, iou)
    for k in sorted(total):
        answers = [(segment.score, is_right) for segment, is_right in judged if segment.label == k]
        if not answers:
            areas[k] = 0.0
            continue
        right, taken = count_by_score(*map(np.array, zip(*answers)))
        precision = np.maximum.accumulate((right / taken)[::-1])[::-1]
        areas[k] = float((np.diff(right, prepend=0) / total[k] * precision).sum())
    return areas


def _labels(truth: Segments) -> Counter[int]:
    return Counter(segment.label for segments in truth.values() for segment in segments)


def _judged(truth: Segments, predicted: Segments, iou: float) -> list[tuple[Segment, bool]]:
    """Return all predictions, and whether each is right.

    Raises:
        DataError: predictions for a recording that is not in `truth`.
    """
    unknown = [name for name in predicted if name not in truth]
    if unknown:
        raise DataError(
            f'predictions for recordings without known labels: {some(unknown)}. Expected some of '
            f'{some(truth)}.'
        )
    judged: list[tuple[Segment, bool]] = []
    for name, segments in truth.items():
        answers = predicted.get(name, ())
        judged += zip(answers, (match(segments, answers, iou) >= 0).tolist())
    return judged


def frame_classes(segments: Sequence[Segment], first: int, num_frames: int) -> np.ndarray:
    """Return the class of each frame: (T,) int64, NOTHING outside of all segments.

    Args:
        segments: in any order; where several overlap, the one with the highest score counts. Frames
            outside of the recording are ignored.
        first: number of the recording's first frame.
        num_frames: T.
    """
    classes = np.full(num_frames, NOTHING)
    for segment in sorted(segments, key=lambda s: (s.score, -s.start)):
        classes[_inside(segment, first)] = segment.label
    return classes


def _inside(segment: Segment, first: int) -> slice:
    return slice(max(segment.start - first, 0), max(segment.end - first + 1, 0))


def frame_accuracy(
    truth: Segments, predicted: Segments, frames: Mapping[str, tuple[int, int]]
) -> tuple[float, float]:
    """Compare single frames of all recordings.

    A frame is right if its predicted class is one of its true ones, or if there is neither.

    Args:
        truth: true segments by recording.
        predicted: predicted segments by recording.
        frames: number of the first frame, and number of frames, by recording.

    Returns:
        The share of frames that are right, and the share of frames without a true segment, which
        predicting nothing would reach.
    """
    right = empty = total = 0
    for name, segments in truth.items():
        first, number = frames[name]
        answers = frame_classes(predicted.get(name, ()), first, number)
        true, agrees = np.zeros((2, number), bool)
        for segment in segments:
            inside = _inside(segment, first)
            true[inside] = True
            agrees[inside] |= answers[inside] == segment.label
        right += int((agrees | (~true & (answers == NOTHING))).sum())
        empty += int((~true).sum())
        total += number
    return (right / total, empty / total) if total else (float('nan'), float('nan'))


def evaluate_spotting(
    truth: Segments,
    predicted: Segments,
    frames: Mapping[str, tuple[int, int]] | None = None,
) -> dict[str, float]:
    """Compute all figures of spotted segments.

    Args:
        truth: true segments by recording.
        predicted: predicted segments by recording.
        frames: number of the first frame, and number of frames, by recording, for the accuracy of
            frames; None leaves it out.

    Returns:
        f1, precision, recall and macro_f1 by the challenge's rule; f1@0.1 ... and map@0.1 ... for
        each of IOUS, and map, their mean; frame_accuracy and frame_accuracy_of_nothing.

    Raises:
        DataError: no recordings, or no true segment in any.
    """
    if not any(truth.values()):
        raise DataError('no recording has a labelled segment, so there is nothing to measure.')
    counts = count_right(truth, predicted)
    whole = sum_counts(counts)
    present = [c.f1 for c in counts.values() if c.true]
    figures = {
        'f1': whole.f1,
        'precision': whole.precision,
        'recall': whole.recall,
        'macro_f1': float(np.mean(present)),
    }
    figures |= {f'f1@{iou:g}': sum_counts(count_right(truth, predicted, iou)).f1 for iou in IOUS}
    maps = {
        f'map@{iou:g}': float(np.mean([*average_precision(truth, predicted, iou).values()]))
        for iou in IOUS
    }
    figures |= {**maps, 'map': float(np.mean([*maps.values()]))}
    if frames is not None:
        accuracy, nothing = frame_accuracy(truth, predicted, frames)
        figures |= {'frame_accuracy': accuracy, 'frame_accuracy_of_nothing': nothing}
    return figures


def sliding_baseline(
    frames: Mapping[str, tuple[int, int]], label: int, length: int
) -> dict[str, list[Segment]]:
    """Predict one class in one window after the other: the baseline that spotting has to beat.

    Args:
        frames: number of the first frame, and number of frames, by recording.
        label: the class, usually the commonest.
        length: frames of a window, usually the median length of true segments.
    """
    return {
        name: [
            Segment(start, min(start + length, first + number) - 1, label)
            for start in range(first, first + number, length)
        ]
        for name, (first, number) in frames.items()
    }


def commonest(truth: Segments) -> tuple[int, int]:
    """Return the commonest class, and the median length of all segments in frames.

    Raises:
        DataError: there is no segment.
    """
    segments = [segment for each in truth.values() for segment in each]
    if not segments:
        raise DataError('no labelled segments: there is no commonest class.')
    label = Counter(segment.label for segment in segments).most_common(1)[0][0]
    return label, max(1, int(np.median([segment.num_frames for segment in segments])))
