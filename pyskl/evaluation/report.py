"""Precision, recall, F1 and number of clips of each class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .metrics import count_by_class, known_clips


@dataclass(frozen=True)
class ClassReport:
    """Metrics of each class, (K,) each, with NaN instead of a silent 0 where one is undefined.

    Attributes:
        precision: right / predicted; NaN for a class that is never predicted.
        recall: right / support; NaN for a class without labels.
        f1: 2 right / (support + predicted); NaN for a class neither labelled nor predicted.
        support: clips with that label.
        predicted: clips with that prediction.
    """

    precision: np.ndarray
    recall: np.ndarray
    f1: np.ndarray
    support: np.ndarray
    predicted: np.ndarray


def per_class_report(scores: Any, labels: Any) -> ClassReport:
    """Return precision, recall, F1 and support of each class by argmax.

    The mean of `recall` without its NaNs is mean_class_accuracy.

    Args:
        scores: (N, K).
        labels: (N,), -1 where unknown: left out.

    Raises:
        DataError: as the metrics.
    """
    scores, labels = known_clips(scores, labels)
    right, support, predicted = count_by_class(scores.argmax(axis=1), labels, scores.shape[1])
    f1 = _ratio(2 * right, support + predicted)
    return ClassReport(_ratio(right, predicted), _ratio(right, support), f1, support, predicted)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
