"""Receives scores and labels; hands on one row a class: precision, recall, F1 and how many clips there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import DataError
from .metrics import confusion_matrix, known_clips


@dataclass(frozen=True)
class ClassReport:
    """One figure a class, each (K,). NaN where a figure has no meaning, never a silent 0.

    precision  right / predicted; NaN for a class never predicted
    recall     right / support; NaN for a class that no label names
    f1         2 right / (support + predicted); NaN for a class neither labelled nor predicted
    support    clips with that label      predicted  clips given that class
    """

    precision: np.ndarray
    recall: np.ndarray
    f1: np.ndarray
    support: np.ndarray
    predicted: np.ndarray


def per_class_report(scores: Any, labels: Any) -> ClassReport:
    """Precision, recall, F1 and support of each class by argmax; clips with label -1 are left out.

    scores  (N, K)      labels  (N,)      raises  DataError as the metrics do
    Concretely: the mean of `recall` without its NaNs is mean_class_accuracy.
    """
    scores, labels = known_clips(scores, labels)
    matrix = confusion_matrix(scores.argmax(axis=1), labels, scores.shape[1])
    right, support, predicted = matrix.diagonal(), matrix.sum(axis=1), matrix.sum(axis=0)
    f1 = _share(2 * right, support + predicted)
    return ClassReport(_share(right, predicted), _share(right, support), f1, support, predicted)


def format_report(report: ClassReport, names: Sequence[str] | None = None) -> str:
    """The report as a table of text, one line a class; '-' where a figure has no meaning.

    names   K class names, the numbers 0..K-1 by default      raises  DataError when their number is not K
    """
    num_classes = len(report.support)
    names = [str(k) for k in range(num_classes)] if names is None else list(names)
    if len(names) != num_classes:
        raise DataError(f'{len(names)} class names for scores over {num_classes} classes.')
    width = max(5, *(len(name) for name in names))
    lines = [f'{"class":<{width}}  precision  recall     f1  support']
    for k, name in enumerate(names):
        precision, recall, f1 = (
            _cell(figure[k]) for figure in (report.precision, report.recall, report.f1)
        )
        lines.append(
            f'{name:<{width}}  {precision:>9}  {recall:>6} {f1:>6}  {report.support[k]:>7}'
        )
    return '\n'.join(lines)


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)


def _cell(value: float) -> str:
    return '-' if np.isnan(value) else f'{value:.4f}'
