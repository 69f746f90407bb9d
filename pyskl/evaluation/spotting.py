"""How well segments were spotted in recordings: F1, average precision, accuracy of single frames.

The rule of the MiGA challenges' second track: a predicted segment counts when its label is right
and its intersection over union with a true one exceeds 0.3; each true segment is matched once. Of
several predictions the surest chooses first, and takes the true segment that it covers best.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..annotations.segments import Segment, intersection_over_union
from ..errors import ConfigError, DataError
from ..wording import some

CHALLENGE_IOU = 0.3
IOUS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
NOTHING = -1  # the class of a frame in no segment

Segments = Mapping[str, Sequence[Segment]]


@dataclass(frozen=True)
class Counts:
    """How many segments there are, were predicted, and were predicted rightly."""

    true: int
    predicted: int
    right: int

    @property
    def precision(self) -> float:
        """Share of the predicted segments that are right; 0 where there are none."""
        return self.right / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        """Share of the true segments that were found; 0 where there are none."""
        return self.right / self.true if self.true else 0.0

    @property
    def f1(self) -> float:
        """2 right / (true + predicted); 0 where nothing is true and nothing predicted."""
        total = self.true + self.predicted
        return 2 * self.right / total if total else 0.0


def match(
    truth: Sequence[Segment], predicted: Sequence[Segment], iou: float = CHALLENGE_IOU
) -> np.ndarray:
    """Find the true segment of each predicted one, in one recording.

    Args:
        truth: N segments; they may overlap.
        predicted: P segments with scores. The surest chooses first; of equally sure ones the
            earlier.
        iou: what the intersection over union has to exceed.

    Returns:
        (P,) indices into `truth`, -1 where a prediction is wrong. None occurs twice.
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
    """Count by class over all recordings.

    Args:
        truth: of each recording that is judged, by name; a recording may have none.
        predicted: of the same recordings; one that is not named has none.

    Returns:
        Counts of each class that is true or predicted anywhere.

    Raises:
        DataError: predictions for a recording whose truth is not known.
    """
    _check_names(truth, predicted)
    true, said, right = Counter[int](), Counter[int](), Counter[int]()
    for name, segments in truth.items():
        answers = predicted.get(name, ())
        true.update(segment.label for segment in segments)
        said.update(segment.label for segment in answers)
        matches = match(segments, answers, iou)
        right.update(segment.label for segment, at in zip(answers, matches) if at >= 0)
    return {k: Counts(true[k], said[k], right[k]) for k in sorted(true | said)}


def sum_counts(counts: Mapping[int, Counts]) -> Counts:
    """Return the counts over all classes."""
    each = list(counts.values())
    return Counts(
        sum(c.true for c in each), sum(c.predicted for c in each), sum(c.right for c in each)
    )


def average_precision(
    truth: Segments, predicted: Segments, iou: float = CHALLENGE_IOU
) -> dict[int, float]:
    """Return each true class's area under its precision-recall curve.

    Predictions are taken from the surest on; the precision at a recall is the best that is reached
    at that recall or a higher one, as ActivityNet and THUMOS have it.

    Returns:
        0..1 for each class that occurs in `truth`.
    """
    _check_names(truth, predicted)
    total = Counter(segment.label for segments in truth.values() for segment in segments)
    ranked: dict[int, list[tuple[float, bool]]] = {k: [] for k in total}
    for name, segments in truth.items():
        answers = predicted.get(name, ())
        for segment, at in zip(answers, match(segments, answers, iou)):
            if segment.label in ranked:
                ranked[segment.label].append((segment.score, at >= 0))
    return {k: _area(ranked[k], total[k]) for k in sorted(total)}


def _area(ranked: list[tuple[float, bool]], total: int) -> float:
    if not ranked:
        return 0.0
    scores, right = (np.array(column) for column in zip(*sorted(ranked, key=lambda r: -r[0])))
    last = np.flatnonzero(np.append(scores[1:] != scores[:-1], True))  # equally sure: at once
    hits = right.cumsum()[last]
    precision = np.maximum.accumulate((hits / (last + 1))[::-1])[::-1]
    return float((np.diff(hits, prepend=0) / total * precision).sum())


def frame_classes(segments: Sequence[Segment], first: int, num_frames: int) -> np.ndarray:
    """Give each frame a class: (T,) int64, NOTHING in no segment, the surest where several lie.

    Args:
        segments: in any order; frames outside of the recording are passed over.
        first: number of the recording's first frame.
        num_frames: T.
    """
    classes = np.full(num_frames, NOTHING)
    for segment in sorted(segments, key=lambda s: (s.score, -s.start)):
        classes[max(segment.start - first, 0) : max(segment.end - first + 1, 0)] = segment.label
    return classes


def frame_accuracy(
    truth: Segments, predicted: Segments, frames: Mapping[str, tuple[int, int]]
) -> tuple[float, float]:
    """Compare single frames of all recordings.

    A frame is right when its class is one of those that are true there, or nothing is on both
    sides.

    Args:
        truth: by recording.
        predicted: by recording.
        frames: number of the first frame, and how many there are, of each recording.

    Returns:
        The share of frames that are right, and the share in which nothing is true: what answering
        nothing would reach.
    """
    right = empty = total = 0
    for name, segments in truth.items():
        first, number = frames[name]
        said = frame_classes(predicted.get(name, ()), first, number)
        true = np.zeros(number, bool)
        agrees = np.zeros(number, bool)
        for segment in segments:
            inside = slice(max(segment.start - first, 0), max(segment.end - first + 1, 0))
            true[inside] = True
            agrees[inside] |= said[inside] == segment.label
        right += int((agrees | (~true & (said == NOTHING))).sum())
        empty += int((~true).sum())
        total += number
    return (right / total, empty / total) if total else (float('nan'), float('nan'))


def evaluate_spotting(
    truth: Segments,
    predicted: Segments,
    frames: Mapping[str, tuple[int, int]] | None = None,
    ious: Sequence[float] = IOUS,
) -> dict[str, float]:
    """Measure all that is reported of spotted segments.

    Args:
        truth: by recording.
        predicted: by recording.
        frames: number of the first frame and number of frames of each recording, for the accuracy
            of frames; None leaves it out.
        ious: what the intersection over union has to exceed; CHALLENGE_IOU is always there.

    Returns:
        f1, precision, recall and macro_f1 by the challenge's rule; f1@0.1 ... and map@0.1 ... for
        each of `ious`, map as their mean; frame_accuracy and frame_accuracy_of_nothing.

    Raises:
        ConfigError: an IoU outside 0..1; DataError: no recordings, or no true segment in any.
    """
    wrong = [iou for iou in ious if not 0 <= iou < 1]
    if wrong:
        raise ConfigError(f'IoU {wrong[0]}: expected numbers from 0 up to, but not, 1.')
    if not any(truth.values()):
        raise DataError(
            'none of the recordings has a labelled segment: there is nothing to measure.'
        )
    counts = count_right(truth, predicted)
    whole = sum_counts(counts)
    present = [c.f1 for c in counts.values() if c.true]
    figures = {
        'f1': whole.f1,
        'precision': whole.precision,
        'recall': whole.recall,
        'macro_f1': float(np.mean(present)),
    }
    figures |= {f'f1@{iou:g}': sum_counts(count_right(truth, predicted, iou)).f1 for iou in ious}
    maps = {
        f'map@{iou:g}': float(np.mean([*average_precision(truth, predicted, iou).values()]))
        for iou in ious
    }
    figures |= maps | ({'map': float(np.mean([*maps.values()]))} if maps else {})
    if frames is not None:
        accuracy, nothing = frame_accuracy(truth, predicted, frames)
        figures |= {'frame_accuracy': accuracy, 'frame_accuracy_of_nothing': nothing}
    return figures


def sliding_baseline(
    frames: Mapping[str, tuple[int, int]], label: int, length: int
) -> dict[str, list[Segment]]:
    """Answer one class in one window after the other: what spotting has to beat.

    Args:
        frames: number of the first frame and number of frames of each recording.
        label: the class, the commonest one.
        length: frames of a window, best the median length of what is to be found.
    """
    return {
        name: [
            Segment(start, min(start + length, first + number) - 1, label)
            for start in range(first, first + number, length)
        ]
        for name, (first, number) in frames.items()
    }


def commonest(truth: Segments) -> tuple[int, int]:
    """Return the commonest class, and the median number of frames of all segments.

    Raises:
        DataError: there is no segment.
    """
    segments = [segment for each in truth.values() for segment in each]
    if not segments:
        raise DataError('no labelled segments: there is no commonest class.')
    label = Counter(segment.label for segment in segments).most_common(1)[0][0]
    return label, max(1, int(np.median([segment.num_frames for segment in segments])))


def _check_names(truth: Segments, predicted: Segments) -> None:
    unknown = [name for name in predicted if name not in truth]
    if unknown:
        raise DataError(
            f'predictions for recordings whose truth is not known: {some(unknown)}. Expected some '
            f'of {some(truth)}.'
        )
