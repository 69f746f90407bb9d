"""Metrics of scores (N, K).

Labels are (N,), or targets (N, K), 1 for a clip's classes and otherwise 0, for clips with several
labels at once. A label, or a row of targets, of -1 is unknown: such clips do not count. It is a
DataError if no clip has a label. Means over classes leave out classes without labels, whether they
are predicted or not.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import ConfigError, DataError, did_you_mean

# Metrics for clips with one label each.
ONE_LABEL_METRICS = ('top_k_accuracy', 'mean_class_accuracy', 'macro_f1')
METRICS = (*ONE_LABEL_METRICS, 'mean_average_precision')
UNKNOWN = -1


def top_k_accuracy(scores: Any, labels: Any, topk: int | Sequence[int] = (1, 5)) -> list[float]:
    """Return the share of clips whose class is among the k best, for each k.

    On a tie the lower class is better, as for argmax, on every machine.

    Args:
        scores: (N, K), or PYSKL's list of N arrays (K,).
        labels: (N,) whole numbers, -1 where unknown.
        topk: k or several; with a k above K every clip is right.

    Raises:
        DataError: wrong shapes, NaN, or a label outside -1..K-1.
        ConfigError: a k below 1.
    """
    ks = _several(topk)
    if not all(isinstance(k, (int, np.integer)) and not isinstance(k, bool) and k >= 1 for k in ks):
        raise ConfigError(f'topk = {topk!r}: expected whole numbers from 1 on, e.g. (1, 5).')
    scores, labels = known_clips(scores, labels)
    ranks = ranks_of_labels(scores, labels)
    return [float((ranks < k).mean()) for k in ks]


def _several(topk: int | Sequence[int]) -> tuple[int, ...]:
    return (topk,) if isinstance(topk, (int, np.integer)) else tuple(topk)


def ranks_of_labels(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return (N,) how many classes go before each clip's own: higher scores, and equal lower ones.

    Args:
        scores: (N, K).
        labels: (N,), all known.
    """
    of_label = np.take_along_axis(scores, labels[:, None], axis=1)
    is_lower = np.arange(scores.shape[1]) < labels[:, None]
    return ((scores > of_label) | ((scores == of_label) & is_lower)).sum(axis=1)


def confusion_matrix(pred: Any, labels: Any, num_classes: int) -> np.ndarray:
    """Count clips by true class (rows) and predicted class (columns).

    Args:
        pred: (N,) classes.
        labels: (N,) classes, -1 where unknown: left out.
        num_classes: K.

    Returns:
        (K, K) int64.

    Raises:
        DataError: lengths differ, a prediction outside 0..K-1, a label outside -1..K-1.
    """
    labels = check_labels(labels, num_classes)
    pred = check_labels(pred, num_classes, 'predictions', lowest=0)
    if len(pred) != len(labels):
        raise DataError(
            f'{len(pred)} predictions for {len(labels)} labels: expected one prediction per clip.'
        )
    known = labels != UNKNOWN
    cells = labels[known] * num_classes + pred[known]
    return np.bincount(cells, minlength=num_classes**2).reshape(num_classes, num_classes)


def mean_class_accuracy(scores: Any, labels: Any) -> float:
    """Return the mean over classes of the share of a class's clips that argmax gets right.

    The published code counts a class that is predicted but absent from the labels as 0; here, as is
    standard, it is left out.
    """
    return mean_recall(*_counts(scores, labels))


def macro_f1(scores: Any, labels: Any) -> float:
    """Return the mean over classes of F1 = 2 tp / (2 tp + fp + fn)."""
    return mean_f1(*_counts(scores, labels))


def count_by_class(
    pred: np.ndarray, labels: np.ndarray, num_classes: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (K,) counts of clips that are right, of the class, and predicted as the class.

    Args:
        pred: (N,) classes.
        labels: (N,) classes, all known.
        num_classes: K.
    """
    right, support, predicted = (
        np.bincount(classes, minlength=num_classes)
        for classes in (labels[pred == labels], labels, pred)
    )
    return right, support, predicted


def mean_recall(right: np.ndarray, support: np.ndarray, predicted: np.ndarray) -> float:
    """Return mean_class_accuracy from the counts of `count_by_class`."""
    present = support > 0
    return float((right[present] / support[present]).mean())


def mean_f1(right: np.ndarray, support: np.ndarray, predicted: np.ndarray) -> float:
    """Return macro_f1 from the counts of `count_by_class`."""
    present = support > 0
    return float((2 * right[present] / (support + predicted)[present]).mean())


def mean_average_precision(scores: Any, labels: Any) -> float:
    """Return the mean over classes of the average precision.

    That is the area under a class's precision-recall curve, in steps: clips are taken from the best
    score on, equal scores together, and the precision of each step is weighted by the recall that
    it adds.

    Args:
        scores: (N, K).
        labels: (N, K) targets, or (N,) one label per clip.

    Returns:
        NaN if no clip has any class.
    """
    scores, targets = _known_targets(scores, labels)
    present = np.flatnonzero(targets.any(axis=0))
    by_class = [_average_precision(scores[:, k], targets[:, k]) for k in present]
    return float(np.mean(by_class)) if by_class else float('nan')


def _average_precision(scores: np.ndarray, is_positive: np.ndarray) -> float:
    """Return the average precision of one class from its scores (N,) and the clips that have it."""
    right, taken = count_by_score(scores, is_positive)
    return float((np.diff(right, prepend=0) / right[-1] * right / taken).sum())


def count_by_score(scores: np.ndarray, is_right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Take answers from the best score on, equal scores together.

    Args:
        scores: (N,) of the answers.
        is_right: (N,) whether each is right.

    Returns:
        (S,) how many are right, and how many were taken, after each of S different scores.
    """
    order = np.argsort(-scores, kind='stable')
    ranked = scores[order]
    taken = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)) + 1
    return np.cumsum(is_right[order])[taken - 1], taken


def evaluate(
    scores: Any,
    labels: Any,
    metrics: Sequence[str] = ('top_k_accuracy', 'mean_class_accuracy'),
    topk: int | Sequence[int] = (1, 5),
) -> OrderedDict[str, float]:
    """Compute metrics by name.

    Args:
        scores: (N, K).
        labels: (N,), or targets (N, K) of clips with several labels, which ONE_LABEL_METRICS do not
            accept.
        metrics: names in METRICS.
        topk: the k of top_k_accuracy.

    Returns:
        In the order of `metrics`: top1_acc, top5_acc ... (one for each k), mean_class_accuracy,
        macro_f1, mean_average_precision.

    Raises:
        ConfigError: an unknown metric.
        DataError: as the metrics.
    """
    metrics = (metrics,) if isinstance(metrics, str) else metrics
    check_metrics(metrics, several_labels=np.ndim(labels) == 2)
    ks = _several(topk)
    values: OrderedDict[str, float] = OrderedDict()
    for name in metrics:
        if name == 'top_k_accuracy':
            accuracies = top_k_accuracy(scores, labels, ks)
            values.update((f'top{k}_acc', accuracy) for k, accuracy in zip(ks, accuracies))
        else:
            values[name] = _MEANS[name](scores, labels)
    return values


_MEANS: dict[str, Callable[[Any, Any], float]] = {
    'mean_class_accuracy': mean_class_accuracy,
    'macro_f1': macro_f1,
    'mean_average_precision': mean_average_precision,
}


def check_metrics(metrics: Sequence[str], several_labels: bool = False) -> None:
    """Check names of metrics.

    Args:
        metrics: the names.
        several_labels: whether clips have several labels at once.

    Raises:
        ConfigError: a name is not in METRICS, or not for clips with several labels.
    """
    for name in metrics:
        if name not in METRICS:
            raise ConfigError(
                f'metrics: {name!r} is unknown.{did_you_mean(name, METRICS)} Known: '
                f'{", ".join(METRICS)}.'
            )
        if several_labels and name in ONE_LABEL_METRICS:
            raise ConfigError(
                f'metric {name!r} is for clips with one label each, and these have several. Use '
                "mean_average_precision: evaluation = dict(metrics=['mean_average_precision']), "
                '--eval mean_average_precision.'
            )


def known_clips(scores: Any, labels: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the checked scores (n, K) and labels (n,) of the clips with known labels.

    Raises:
        DataError: they do not fit each other, or no label is known.
    """
    scores = _check_scores(scores)
    return _known(scores, check_labels(labels, scores.shape[1]))


def _known_targets(scores: Any, labels: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the same with targets (n, K) bool, from targets (N, K) or labels (N,)."""
    scores, labels = _check_scores(scores), np.asarray(labels)
    if labels.ndim != 2:
        scores, labels = known_clips(scores, labels)
        return scores, labels[:, None] == np.arange(scores.shape[1])
    if labels.shape[1] != scores.shape[1]:
        raise DataError(
            f'targets have shape {labels.shape} for scores over {scores.shape[1]} classes: '
            'expected one per class.'
        )
    wrong = np.flatnonzero(~(np.isin(labels, (0, 1)).all(axis=1) | (labels == UNKNOWN).all(axis=1)))
    if len(wrong):
        raise DataError(
            f'targets: row {wrong[0]} holds other numbers than 0 and 1 ({len(wrong)} such rows). '
            'Expected 1 for the classes of the clip, otherwise 0; -1 in the whole row if they are '
            'unknown.'
        )
    scores, labels = _known(scores, labels)
    return scores, labels > 0


def _check_scores(scores: Any) -> np.ndarray:
    try:
        scores = np.asarray(scores)
    except ValueError as error:
        raise DataError(
            'scores: the rows differ in length; expected (N, K), one score per class and clip.'
        ) from error
    if scores.ndim != 2 or scores.shape[1] == 0 or scores.dtype.kind not in 'fiu':
        raise DataError(
            f'scores have shape {scores.shape} and type {scores.dtype}: expected numbers (N, K), '
            'one score per class and clip.'
        )
    return scores


def _known(scores: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of scores (N, K), and of labels (N,) or targets (N, K), with known labels."""
    if len(scores) != len(labels):
        raise DataError(
            f'{len(scores)} rows of scores for {len(labels)} labels: expected one row per clip, in '
            'the same order.'
        )
    bad = np.flatnonzero(np.isnan(scores).any(axis=1))
    if len(bad):
        raise DataError(
            f'scores: NaN in row {bad[0]} ({len(bad)} such rows), which cannot be ranked.'
        )
    known = labels != UNKNOWN
    known = known.any(axis=1) if known.ndim == 2 else known
    if not known.any():
        raise DataError(
            f'none of the {len(labels)} clips has a label (-1 = unknown): there is nothing to '
            'evaluate against.'
        )
    return scores[known], labels[known]


def check_labels(
    labels: Any, num_classes: int, what: str = 'labels', lowest: int = UNKNOWN
) -> np.ndarray:
    """Return labels as (N,) int64.

    Args:
        labels: (N,) classes.
        num_classes: K.
        what: they are called in messages.
        lowest: the smallest number allowed.

    Raises:
        DataError: not whole numbers in lowest..num_classes - 1.
    """
    try:
        array = np.asarray(labels)
    except ValueError as error:
        raise DataError(
            f'{what}: the entries differ in length; expected one class number per clip.'
        ) from error
    if array.ndim != 1 or (array.size and array.dtype.kind not in 'iu'):
        several = ' For clips with several labels use mean_average_precision.'
        raise DataError(
            f'{what} have shape {array.shape} and type {array.dtype}: expected whole numbers (N,), '
            f'one per clip.{several if array.ndim == 2 else ""}'
        )
    outside = np.flatnonzero((array < lowest) | (array >= num_classes))
    if len(outside):
        unknown = ', or -1 where the class is unknown' if lowest == UNKNOWN else ''
        raise DataError(
            f'{what}[{outside[0]}] = {array[outside[0]]}: expected 0..{num_classes - 1}{unknown} '
            f'({len(outside)} such entries).'
        )
    return array.astype(np.int64)


def _counts(scores: Any, labels: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    scores, labels = known_clips(scores, labels)
    return count_by_class(scores.argmax(axis=1), labels, scores.shape[1])
