"""Calibration of probabilities, and bootstrap intervals of metrics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import DataError
from .metrics import known_clips


@dataclass(frozen=True)
class ReliabilityBins:
    """What a reliability diagram draws: clips in bins by the probability of their best class.

    Attributes:
        edges: (bins + 1,) from 0 to 1; bin b holds edges[b] < confidence <= edges[b + 1], the first
            one also 0.
        confidence: (bins,) mean probability of the best class; NaN in an empty bin.
        accuracy: (bins,) share of clips whose best class is right; NaN in an empty bin.
        count: (bins,) clips.
    """

    edges: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray
    count: np.ndarray


def reliability_bins(probs: Any, labels: Any, bins: int = 15) -> ReliabilityBins:
    """Compare confidence with accuracy.

    Args:
        probs: (N, K) probabilities, each row with sum 1.
        labels: (N,), -1 where unknown: left out.
        bins: how many, of equal width.

    Raises:
        DataError: as the metrics, or the rows are no probabilities.

    Source: Guo et al. 2017, arXiv:1706.04599, section 2.
    """
    probs, labels = known_clips(probs, labels)
    off = np.flatnonzero(
        (probs < 0).any(axis=1) | ~(np.abs(probs.sum(axis=1, dtype=np.float64) - 1) < 1e-3)
    )
    if len(off):
        raise DataError(
            f'row {off[0]} of the scores does not hold probabilities: its sum is '
            f'{probs[off[0]].sum():.4g} ({len(off)} such rows). Expected non-negative numbers with '
            "sum 1, as average_clips='prob' gives them."
        )
    confidence = probs.max(axis=1).astype(np.float64)
    right = probs.argmax(axis=1) == labels
    edges = np.linspace(0, 1, bins + 1)
    place = np.clip(np.searchsorted(edges, confidence, side='left') - 1, 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    clips = np.where(count, count, np.nan)
    return ReliabilityBins(
        edges,
        np.bincount(place, confidence, bins) / clips,
        np.bincount(place, right, bins) / clips,
        count,
    )


def expected_calibration_error(probs: Any, labels: Any, bins: int = 15) -> float:
    """Return the mean distance between confidence and accuracy, weighted by the clips of each bin.

    It is 0 if, for example, 70 % of the clips with confidence 0.7 are right. Arguments and errors
    are those of `reliability_bins`.

    Source: Guo et al. 2017, arXiv:1706.04599, equation 3.
    """
    found = reliability_bins(probs, labels, bins)
    filled = found.count > 0
    gap = np.abs(found.accuracy - found.confidence)[filled]
    return float((gap * found.count[filled]).sum() / found.count.sum())


def bootstrap_interval(
    metric: Callable[..., float],
    *arrays: Any,
    level: float = 0.95,
    num_draws: int = 1000,
    seed: int = 0,
    groups: Any = None,
) -> tuple[float, float]:
    """Estimate how much a metric would vary with other clips of the same kind.

    As in bootstrap_interval(mean_class_accuracy, scores, labels). Clips of one person are alike, so
    without groups this is an interval for other clips of these people; for other people it is
    wider.

    Args:
        metric: called as metric(*arrays) with rows drawn with replacement, the same of every array.
        arrays: of N rows each, e.g. scores (N, K) and labels (N,).
        level: share of the draws inside the interval.
        num_draws: how often rows are drawn.
        seed: of the draws.
        groups: (N,) number of the group, such as a person, of each row. Whole groups are then
            drawn, as many as there are.

    Returns:
        Lower and upper end of the percentile interval.

    Raises:
        DataError: the arrays differ in length or are empty.

    Source: Efron, The Annals of Statistics 7, 1979.
    """
    arrays = tuple(np.asarray(array) for array in arrays)
    lengths = sorted({len(array) for array in arrays})
    if len(lengths) != 1 or not lengths[0] or groups is not None and len(groups) != lengths[0]:
        raise DataError(
            f'bootstrap: arrays of {lengths} rows; expected the same number of rows, at least 1.'
        )
    rng = np.random.default_rng(seed)
    if groups is None:
        rows = (rng.integers(0, lengths[0], lengths[0]) for _ in range(num_draws))
    else:
        number = np.unique(groups, return_inverse=True)[1]
        members = np.split(np.argsort(number, kind='stable'), np.cumsum(np.bincount(number))[:-1])
        rows = (
            np.concatenate([members[g] for g in rng.integers(0, len(members), len(members))])
            for _ in range(num_draws)
        )
    values = [metric(*(array[drawn] for array in arrays)) for drawn in rows]
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
