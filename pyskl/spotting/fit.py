"""Choose thresholds and weights of streams by recordings whose truth is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..annotations.segments import Segment
from ..errors import DataError
from ..evaluation.spotting import CHALLENGE_IOU, add_up, count_right
from ..scores.fitting import fit_blend
from .segments import Scores, Thresholds, find_segments

# What is tried, one setting after the other, as long as it gains; frames are those of the windows.
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
    iou: float = CHALLENGE_IOU,
) -> tuple[Thresholds, float]:
    """Choose the thresholds with the best F1 on these recordings.

    Each threshold in turn takes the value that gains most, until none gains; of equally good ones
    the one that was there, or else the first. F1 on the same recordings is too good: report others.

    Args:
        scores: by recording.
        truth: by recording, in frames of the files.
        start: where to begin; its background stays.
        to_file: brings the segments of a recording to frames of its file.
        iou: what the intersection over union has to exceed.

    Returns:
        The thresholds, and F1 on these recordings.

    Raises:
        DataError: no recording has a segment.
    """
    if not any(truth.values()):
        raise DataError(
            'none of the recordings has a labelled segment: nothing to choose thresholds by.'
        )

    def f1(how: Thresholds) -> float:
        found = {name: to_file(name, find_segments(each, how)) for name, each in scores.items()}
        return add_up(count_right(truth, found, iou)).f1

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
    """Choose the weights under which the blended scores make these labels most likely.

    As `ensemble.py --fit-on val --objective log_loss`, without temperatures, of single moments.

    Args:
        probs: (S, N, K) scores of S streams at N moments; zeros where nobody is seen.
        labels: (N,) the class of each moment; below 0: not known, passed over.

    Returns:
        S weights, none negative, sum 1.

    Raises:
        DataError: no moment with a class shows anybody.
    """
    total = probs.sum(2)
    used = (labels >= 0) & (labels < probs.shape[2]) & (total > 0).all(0)
    if not used.any():
        raise DataError('no labelled frame shows anybody: nothing to choose weights by.')
    shares = probs[:, used] / total[:, used, None]
    return fit_blend(list(shares), labels[used], 'log_loss', temperature=False).weights
