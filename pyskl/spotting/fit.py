"""Choose thresholds and stream weights on recordings with labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..annotations.segments import Segment
from ..errors import DataError
from ..evaluation.spotting import count_right, sum_counts
from ..scores.fitting import fit_blend
from .segments import Scores, Thresholds, find_segments

# The values to try for each threshold; frames are those of the windows.
CANDIDATES: dict[str, tuple[Any, ...]] = {
    'threshold': tuple(n / 20 for n in range(2, 19)),
    'smooth': (0.0, 4.0, 8.0, 12.0, 18.0),
    'shortest': (1, 8, 12, 16, 24, 32),
    'merge': (0, 8, 16, 24),
    'overlap': (0.0, 0.3, 0.6),
}
ROUNDS = 3

ToFile = Callable[[str, Sequence[Segment]], list[Segment]]


def fit_thresholds(
    scores: Mapping[str, Scores],
    truth: Mapping[str, Sequence[Segment]],
    start: Thresholds,
    to_file: ToFile,
) -> tuple[Thresholds, float]:
    """Choose the thresholds with the best F1 on these recordings.

    Coordinate ascent: each threshold in turn takes its best value, until none improves F1. A value
    changes only where F1 improves. F1 on these recordings is optimistic: report it on others.

    Args:
        scores: by recording.
        truth: by recording, in frames of the files.
        start: thresholds to begin with; the background class stays.
        to_file: maps the segments of a recording to frames of its file.

    Returns:
        The thresholds, and F1 on these recordings.

    Raises:
        DataError: no recording has a segment.
    """
    if not any(truth.values()):
        raise DataError(
            'no recording has a labelled segment, so there is nothing to choose thresholds on.'
        )

    def f1(thresholds: Thresholds) -> float:
        found = {
            name: to_file(name, find_segments(each, thresholds)) for name, each in scores.items()
        }
        return sum_counts(count_right(truth, found)).f1

    best, value = start, f1(start)
    for _ in range(ROUNDS):
        before = value
        for name, values in CANDIDATES.items():
            for candidate in values:
                tried = replace(best, **{name: candidate})
                if tried != best and (reached := f1(tried)) > value + 1e-12:
                    best, value = tried, reached
        if value <= before:
            break
    return best, value


def fit_weights(probs: np.ndarray, labels: np.ndarray) -> tuple[float, ...]:
    """Choose the stream weights with the lowest log loss of the blended scores.

    The same as `ensemble.py --fit-on val --objective log_loss` without temperatures, on windows.

    Args:
        probs: (S, N, K) scores of S streams for N windows; zeros where nobody is seen.
        labels: (N,) class of each window; below 0: unknown, ignored.

    Returns:
        S weights from 0 on, which sum to 1.

    Raises:
        DataError: no window with a class shows anybody.
    """
    total = probs.sum(2)
    used = (labels >= 0) & (labels < probs.shape[2]) & (total > 0).all(0)
    if not used.any():
        raise DataError(
            'no labelled frame shows anybody, so there is nothing to choose weights on.'
        )
    shares = probs[:, used] / total[:, used, None]
    return fit_blend(list(shares), labels[used], 'log_loss', temperature=False).weights
