"""The accuracy of frequent and of rare classes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import DataError
from .report import per_class_report

GROUPS = ('head', 'middle', 'tail')


def class_groups(
    class_counts: Any, thresholds: tuple[int, int] | None = None
) -> dict[str, np.ndarray]:
    """Divide the classes into frequent and rare ones.

    Args:
        class_counts: (K,) training clips of each class.
        thresholds: None: thirds of the classes by their count, of equal counts the lower class
            first; the head is the largest group if K is no multiple of 3. (100, 20): the head has
            more than 100 clips, the tail fewer than 20, as in Liu et al. 2019, arXiv:1904.05160.

    Returns:
        Class numbers in ascending order by group: {'head': (n,), 'middle': (m,), 'tail': (k,)}.

    Raises:
        DataError: the counts are not K non-negative whole numbers.
    """
    counts = np.asarray(class_counts)
    if counts.ndim != 1 or not len(counts) or counts.dtype.kind not in 'iu' or (counts < 0).any():
        raise DataError(
            f'class_counts = {class_counts!r}: expected a whole number from 0 on for each class.'
        )
    if thresholds is None:
        frequent_first = np.argsort(-counts, kind='stable')
        parts = np.array_split(frequent_first, len(GROUPS))
    else:
        many, few = thresholds
        parts = [
            np.flatnonzero(part)
            for part in (counts > many, (counts <= many) & (counts >= few), counts < few)
        ]
    return {name: np.sort(part) for name, part in zip(GROUPS, parts)}


def is_long_tailed(class_counts: Any) -> bool:
    """Return whether some class has twice as many clips as another, so that groups make sense."""
    counts = np.asarray(class_counts)
    return bool(counts.max() >= 2 * max(counts.min(), 1))


def group_accuracy(
    scores: Any, labels: Any, class_counts: Any, thresholds: tuple[int, int] | None = None
) -> dict[str, float]:
    """Return the mean class accuracy of each group of `class_groups`.

    Weighted by the number of classes in each group, their mean is mean_class_accuracy.

    Args:
        scores: (N, K).
        labels: (N,), -1 where unknown.
        class_counts: see `class_groups`.
        thresholds: see `class_groups`.

    Returns:
        'head_acc', 'middle_acc' and 'tail_acc', over the classes with labels; NaN for a group
        without any.

    Raises:
        DataError: as the metrics, or there are not K counts.
    """
    recall = per_class_report(scores, labels).recall
    groups = class_groups(class_counts, thresholds)
    if sum(len(group) for group in groups.values()) != len(recall):
        raise DataError(f'{len(class_counts)} class counts for scores over {len(recall)} classes.')
    return {f'{name}_acc': _mean(recall[group]) for name, group in groups.items()}


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float('nan')
