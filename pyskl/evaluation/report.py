"""Precision, recall, F1 and number of clips of each class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import DataError
from .metrics import confusion_matrix, known_clips


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
    matrix = confusion_matrix(scores.argmax(axis=1), labels, scores.shape[1])
    right, support, predicted = matrix.diagonal(), matrix.sum(axis=1), matrix.sum(axis=0)
    f1 = _ratio(2 * right, support + predicted)
    return ClassReport(_ratio(right, predicted), _ratio(right, support), f1, support, predicted)


def format_report(report: ClassReport, names: Sequence[str] | None = None) -> str:
    """Return the report as a table, one line per class, with '-' for what is undefined.

    Args:
        report: of K classes.
        names: of the classes; the numbers 0..K-1 by default.

    Raises:
        DataError: not K names.
    """
    num_classes = len(report.support)
    names = [str(k) for k in range(num_classes)] if names is None else list(names)
    if len(names) != num_classes:
        raise DataError(f'{len(names)} class names for scores over {num_classes} classes.')
    width = max(5, *(len(name) for name in names))
    lines = [f'{"class":<{width}}  precision  recall     f1  support']
    for k, name in enumerate(names):
        precision, recall, f1 = (
            _cell(values[k]) for values in (report.precision, report.recall, report.f1)
        )
        lines.append(
            f'{name:<{width}}  {precision:>9}  {recall:>6} {f1:>6}  {report.support[k]:>7}'
        )
    return '\n'.join(lines)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)


def _cell(value: float) -> str:
    return '-' if np.isnan(value) else f'{value:.4f}'
