"""Receives scores (N, K) and labels (N,), or targets (N, K) of clips with several labels at once; hands on accuracies.

A label of -1 says "nobody knows": such clips count in no metric. When no clip has a label, that is a DataError.
Targets are 1 for a clip's classes, else 0; a row of -1 says "nobody knows".
A class that no known label names is no part of a mean over classes, whether it is predicted or not.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ConfigError, DataError, did_you_mean

ONE_LABEL_METRICS = (
    'top_k_accuracy',
    'mean_class_accuracy',
    'macro_f1',
)  # of clips with one label each
METRICS = (*ONE_LABEL_METRICS, 'mean_average_precision')
UNKNOWN = -1


def top_k_accuracy(scores: Any, labels: Any, topk: int | Sequence[int] = (1, 5)) -> list[float]:
    """The share of clips whose class is among the k best scored, for each k.

    scores  (N, K), or PYSKL's list of N arrays (K,)      labels  (N,) whole numbers, -1 where unknown
    topk    k or several; a k above K counts every clip as right
    raises  DataError: shapes, NaN or a label outside -1..K-1; ConfigError: a k below 1
    Concretely: a class's rank is the number of classes that score higher, or as high with a lower number, so a tie goes
    to the lower class, as argmax has it, on every machine.
    """
    ks = (topk,) if isinstance(topk, (int, np.integer)) else tuple(topk)
    if not all(isinstance(k, (int, np.integer)) and not isinstance(k, bool) and k >= 1 for k in ks):
        raise ConfigError(f'topk = {topk!r}: expected whole numbers from 1 on, e.g. (1, 5).')
    scores, labels = known_clips(scores, labels)
    own = np.take_along_axis(scores, labels[:, None], axis=1)
    earlier = np.arange(scores.shape[1]) < labels[:, None]
    rank = ((scores > own) | ((scores == own) & earlier)).sum(axis=1)
    return [float((rank < k).mean()) for k in ks]


def confusion_matrix(pred: Any, labels: Any, num_classes: int) -> np.ndarray:
    """Counts (K, K) int64: row = true class, column = predicted class. Clips with label -1 are left out.

    raises  DataError: lengths differ, a prediction outside 0..K-1, a label outside -1..K-1
    """
    labels, pred = (
        check_labels(labels, num_classes),
        check_labels(pred, num_classes, 'predictions', lowest=0),
    )
    if len(pred) != len(labels):
        raise DataError(
            f'{len(pred)} predictions for {len(labels)} labels: expected one prediction a clip.'
        )
    known = labels != UNKNOWN
    cells = labels[known] * num_classes + pred[known]
    return np.bincount(cells, minlength=num_classes**2).reshape(num_classes, num_classes)


def mean_class_accuracy(scores: Any, labels: Any) -> float:
    """The mean, over the classes present in the labels, of the share of a class's clips that argmax gets right.

    The published code counts a class that is predicted but absent from the labels as 0; the field's standard, and ours,
    leaves it out.
    """
    matrix = _matrix(scores, labels)
    support = matrix.sum(axis=1)
    present = support > 0
    return float((matrix.diagonal()[present] / support[present]).mean())


def macro_f1(scores: Any, labels: Any) -> float:
    """The mean of F1 = 2 tp / (2 tp + fp + fn) over the classes present in the labels."""
    matrix = _matrix(scores, labels)
    support, predicted = matrix.sum(axis=1), matrix.sum(axis=0)
    present = support > 0
    return float((2 * matrix.diagonal()[present] / (support + predicted)[present]).mean())


def mean_average_precision(scores: Any, labels: Any) -> float:
    """The mean, over the classes that some clip has, of the average precision of their scores.

    scores  (N, K)      labels  (N, K) targets; or (N,), one label a clip
    ->      NaN when no clip has any class
    A class's average precision is the area under its precision-recall curve, in steps: clips are taken from the best scored on, those of
    equal score together, and each step's precision counts with the recall it adds.
    """
    scores, targets = _known_targets(scores, labels)
    own = [
        _average_precision(scores[:, k], targets[:, k]) for k in np.flatnonzero(targets.any(axis=0))
    ]
    return float(np.mean(own)) if own else float('nan')


def _average_precision(scores: np.ndarray, is_own: np.ndarray) -> float:
    """Of one class: its scores (N,), and which clips have it."""
    order = np.argsort(-scores, kind='stable')
    ranked = scores[order]
    taken = (
        np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)) + 1
    )  # how many clips after each step
    right = np.cumsum(is_own[order])[taken - 1]
    return float((np.diff(right, prepend=0) / right[-1] * right / taken).sum())


def evaluate(
    scores: Any,
    labels: Any,
    metrics: Sequence[str] = ('top_k_accuracy', 'mean_class_accuracy'),
    topk: int | Sequence[int] = (1, 5),
) -> OrderedDict[str, float]:
    """The metrics asked for, by name, in that order.

    labels   (N,); targets (N, K) where clips have several at once, which ONE_LABEL_METRICS do not take
    metrics  of METRICS
    ->       keys top1_acc, top5_acc (one for each k of topk), mean_class_accuracy, macro_f1, mean_average_precision
    raises   ConfigError for an unknown metric; DataError as the metrics do
    """
    metrics = (metrics,) if isinstance(metrics, str) else metrics
    check_metrics(metrics, several_labels=np.ndim(labels) == 2)
    ks = (topk,) if isinstance(topk, (int, np.integer)) else tuple(topk)
    figures: OrderedDict[str, float] = OrderedDict()
    for name in metrics:
        if name == 'top_k_accuracy':
            figures.update(
                (f'top{k}_acc', accuracy)
                for k, accuracy in zip(ks, top_k_accuracy(scores, labels, ks))
            )
        elif name == 'mean_class_accuracy':
            figures[name] = mean_class_accuracy(scores, labels)
        else:
            figures[name] = {
                'macro_f1': macro_f1,
                'mean_average_precision': mean_average_precision,
            }[name](scores, labels)
    return figures


def check_metrics(metrics: Sequence[str], several_labels: bool = False) -> None:
    """ConfigError unless every name is one of METRICS, and fit for clips with several labels where they have."""
    for name in metrics:
        if name not in METRICS:
            raise ConfigError(
                f'metric {name!r} is unknown.{did_you_mean(name, METRICS)} Known: {", ".join(METRICS)}.'
            )
        if several_labels and name in ONE_LABEL_METRICS:
            raise ConfigError(
                f'metric {name!r} is for clips with one label each, and these have several. Take mean_average_precision: '
                "evaluation = dict(metrics=['mean_average_precision']), --eval mean_average_precision."
            )


def known_clips(scores: Any, labels: Any) -> tuple[np.ndarray, np.ndarray]:
    """Checked scores (n, K) and labels (n,) of the clips whose label is known. DataError when they don't fit or none is."""
    scores = _check_scores(scores)
    return _known(scores, check_labels(labels, scores.shape[1]))


def _known_targets(scores: Any, labels: Any) -> tuple[np.ndarray, np.ndarray]:
    """The same with targets (n, K) bool: of (N, K), or of labels (N,)."""
    scores, labels = _check_scores(scores), np.asarray(labels)
    if labels.ndim != 2:
        scores, labels = known_clips(scores, labels)
        return scores, labels[:, None] == np.arange(scores.shape[1])
    if labels.shape[1] != scores.shape[1]:
        raise DataError(
            f'targets have shape {labels.shape} for scores over {scores.shape[1]} classes: expected one a class.'
        )
    wrong = np.flatnonzero(~(np.isin(labels, (0, 1)).all(axis=1) | (labels == UNKNOWN).all(axis=1)))
    if len(wrong):
        raise DataError(
            f'targets: row {wrong[0]} holds other numbers than 0 and 1 ({len(wrong)} such rows). Expected 1 for the classes '
            'that the clip has, else 0; -1 in a whole row where nobody knows.'
        )
    scores, labels = _known(scores, labels)
    return scores, labels > 0


def _check_scores(scores: Any) -> np.ndarray:
    try:
        scores = np.asarray(scores)
    except ValueError as error:
        raise DataError(
            'scores: the rows differ in length; expected (N, K), one score a class for each clip.'
        ) from error
    if scores.ndim != 2 or scores.shape[1] == 0 or scores.dtype.kind not in 'fiu':
        raise DataError(
            f'scores have shape {scores.shape} and type {scores.dtype}: expected numbers (N, K), '
            'one score a class for each clip.'
        )
    return scores


def _known(scores: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows of scores (N, K) and of labels (N,), or targets (N, K), whose clips have a label."""
    if len(scores) != len(labels):
        raise DataError(
            f'{len(scores)} rows of scores for {len(labels)} labels: expected one row a clip, in the same order.'
        )
    bad = np.flatnonzero(np.isnan(scores).any(axis=1))
    if len(bad):
        raise DataError(
            f'scores: NaN in row {bad[0]} ({len(bad)} such rows); nothing can be ranked by it.'
        )
    known = labels != UNKNOWN
    known = known.any(axis=1) if known.ndim == 2 else known
    if not known.any():
        raise DataError(
            f'none of the {len(labels)} clips has a label (-1 = unknown): there is nothing to measure against.'
        )
    return scores[known], labels[known]


def check_labels(
    labels: Any, num_classes: int, what: str = 'labels', lowest: int = UNKNOWN
) -> np.ndarray:
    """Labels as (N,) int64; DataError unless they are whole numbers in lowest..num_classes - 1."""
    try:
        array = np.asarray(labels)
    except ValueError as error:
        raise DataError(
            f'{what}: the entries differ in length; expected one class number a clip.'
        ) from error
    if array.ndim == 2:
        raise DataError(
            f'{what} have shape {array.shape}: expected whole numbers (N,), one a clip. Where clips have several labels, '
            'take mean_average_precision.'
        )
    if array.ndim != 1 or (array.size and array.dtype.kind not in 'iu'):
        raise DataError(
            f'{what} have shape {array.shape} and type {array.dtype}: expected whole numbers (N,), one a clip.'
        )
    outside = np.flatnonzero((array < lowest) | (array >= num_classes))
    if len(outside):
        unknown = ', or -1 where the class is unknown' if lowest == UNKNOWN else ''
        raise DataError(
            f'{what}[{outside[0]}] = {array[outside[0]]}: expected 0..{num_classes - 1}{unknown} '
            f'({len(outside)} such entries).'
        )
    return array.astype(np.int64)


def _matrix(scores: Any, labels: Any) -> np.ndarray:
    scores, labels = known_clips(scores, labels)
    return confusion_matrix(scores.argmax(axis=1), labels, scores.shape[1])
