"""The numbers of the page, from probabilities and labels, as lists and dicts for JSON.

Shapes: N clips, K classes. A figure without meaning, such as the recall of a class without clips,
is None.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from ..evaluation import (
    bootstrap_interval,
    class_groups,
    confusion_matrix,
    evaluate,
    expected_calibration_error,
    group_accuracy,
    is_long_tailed,
    per_class_report,
    reliability_bins,
)
from ..evaluation.metrics import count_by_class, mean_f1, mean_recall, ranks_of_labels

TITLES = {
    'top1_acc': 'Top-1',
    'top5_acc': 'Top-5',
    'mean_class_accuracy': 'Mean-class accuracy',
    'macro_f1': 'Macro-F1',
}
NUM_MISTAKES = 20
NUM_PAIRS = 15
DIGITS = 5


def plain(value: Any) -> Any:
    """Return a number or array for JSON: rounded to 5 decimals, None for NaN."""
    if isinstance(value, np.ndarray):
        return [plain(item) for item in value.tolist()]
    if isinstance(value, (float, np.floating)):
        return round(float(value), DIGITS) if math.isfinite(value) else None
    return value


def headline(
    scores: np.ndarray, labels: np.ndarray, groups: np.ndarray | None = None
) -> list[dict[str, Any]]:
    """Return the four headline figures with their 95 % bootstrap intervals.

    Args:
        scores: (N, K) probabilities.
        labels: (N,) labels, all known.
        groups: (N,) person of each clip; adds an interval that draws whole persons.

    Returns:
        [{key, title, value, low, high}, ...]; with `groups`, group_low and group_high too.
    """
    num_classes = scores.shape[1]
    values = evaluate(scores, labels, ('top_k_accuracy', 'mean_class_accuracy', 'macro_f1'))
    pred = scores.argmax(1)
    rank = ranks_of_labels(scores, labels)

    # counts are enough for the figures over classes, and over many draws much faster
    def over_classes(figure: Callable[..., float]) -> Callable[..., float]:
        return lambda pred, labels: figure(*count_by_class(pred, labels, num_classes))

    draws: dict[str, tuple[Any, ...]] = {
        'top1_acc': (np.mean, rank < 1),
        'top5_acc': (np.mean, rank < 5),
        'mean_class_accuracy': (over_classes(mean_recall), pred, labels),
        'macro_f1': (over_classes(mean_f1), pred, labels),
    }
    rows = []
    for key, (figure, *arrays) in draws.items():
        low, high = map(plain, bootstrap_interval(figure, *arrays))
        row = {'key': key, 'title': TITLES[key], 'value': plain(values[key])}
        rows.append({**row, 'low': low, 'high': high})
        if groups is not None:
            low, high = map(plain, bootstrap_interval(figure, *arrays, groups=groups))
            rows[-1] |= {'group_low': low, 'group_high': high}
    return rows


def chance(labels: np.ndarray, num_classes: int) -> dict[str, list[float]]:
    """Return {key: [guessing, most frequent]}: the headline figures of two trivial classifiers.

    `guessing` is what a random class scores on average, `most frequent` what always predicting the
    most frequent class of these clips scores (for top-5 the five most frequent).
    """
    support = np.sort(np.bincount(labels, minlength=num_classes))[::-1]
    shares = support[support > 0] / len(labels)
    one, five = 1 / num_classes, min(5, num_classes) / num_classes
    guessed = float((2 * shares * one / (shares + one)).mean())
    largest = float(shares[0])
    rows = {
        'top1_acc': (one, largest),
        'top5_acc': (five, float(shares[:5].sum())),
        'mean_class_accuracy': (one, 1 / len(shares)),
        'macro_f1': (guessed, 2 * largest / (1 + largest) / len(shares)),
    }
    return {key: [plain(value) for value in pair] for key, pair in rows.items()}


def confused_pairs(matrix: np.ndarray) -> list[list[int]]:
    """Return the most confused pairs, at most 15, the most clips first.

    Args:
        matrix: (K, K) counts.

    Returns:
        [[a, b, clips of a predicted as b, clips of b predicted as a], ...].
    """
    both = np.triu(matrix + matrix.T, 1)
    order = np.lexsort((-np.triu(symmetric_rates(matrix), 1).ravel(), -both.ravel()))[:NUM_PAIRS]
    pairs = (divmod(int(at), len(matrix)) for at in order if both.flat[at])
    return [[a, b, int(matrix[a, b]), int(matrix[b, a])] for a, b in pairs]


def confusion(scores: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """Return the confusion matrix, its most confused pairs, and two orders of the classes.

    Returns:
        {counts: (K, K), pairs: see confused_pairs, orders: {id: [...], similarity: [...]}}.
    """
    matrix = confusion_matrix(scores.argmax(1), labels, scores.shape[1])
    return {
        'counts': matrix.tolist(),
        'pairs': confused_pairs(matrix),
        'orders': {'id': list(range(len(matrix))), 'similarity': similar_order(matrix)},
    }


def similar_order(matrix: np.ndarray) -> list[int]:
    """Order the classes so that confused ones stand together; classes without clips come last.

    The order is that of the leaves of a hierarchical clustering by `symmetric_rates`, with average
    linkage and optimal leaf order.

    Source: Bar-Joseph et al., Fast optimal leaf ordering for hierarchical clustering, 2001.
    """
    present = np.flatnonzero(matrix.sum(0) + matrix.sum(1))
    absent = sorted(set(range(len(matrix))) - set(present.tolist()))
    if len(present) < 3:
        return [*present.tolist(), *absent]
    distance = 1 - symmetric_rates(matrix)[np.ix_(present, present)]
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(distance, checks=False), 'average', optimal_ordering=True)
    return [*present[leaves_list(tree)].tolist(), *absent]


def symmetric_rates(matrix: np.ndarray) -> np.ndarray:
    """Return (K, K) shares of clips that are confused, the mean of both directions."""
    rates = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    return (rates + rates.T) / 2


def classes(
    scores: np.ndarray, labels: np.ndarray, names: Sequence[str], train_counts: np.ndarray | None
) -> list[dict[str, Any]]:
    """Return a row for each class.

    Args:
        scores: (N, K) probabilities.
        labels: (N,) labels, all known.
        names: class names.
        train_counts: (K,) training clips, if known.

    Returns:
        [{id, name, group, train, support, predicted, precision, recall, f1, typical}, ...].
        `typical` is the clip of the class that is recognised with the highest probability; without
        one, the clip whose probability of the class is highest.
    """
    report = per_class_report(scores, labels)
    counts = report.support if train_counts is None else train_counts
    named = class_groups(counts) if is_long_tailed(counts) else {}
    group_of = {int(k): group for group, members in named.items() for k in members}
    right = scores.argmax(1) == labels
    figures = {key: plain(values) for key, values in vars(report).items()}
    rows = []
    for k, name in enumerate(names):
        members = np.flatnonzero(labels == k)
        best_first = members[np.lexsort((-scores[members, k], ~right[members]))].tolist()
        rows.append(
            {
                'id': k,
                'name': name,
                'group': group_of.get(k),
                'train': None if train_counts is None else int(train_counts[k]),
                **{key: values[k] for key, values in figures.items()},
                'typical': best_first[0] if best_first else None,
            }
        )
    return rows


def groups(
    scores: np.ndarray, labels: np.ndarray, train_counts: np.ndarray | None
) -> list[dict[str, Any]]:
    """Return the accuracy of frequent and rare classes: thirds by training clips, else test clips.

    Returns:
        [{name, classes, least, most, clips, accuracy}, ...] for head, middle and tail; [] where all
        classes are about equally frequent (is_long_tailed).
    """
    support = np.bincount(labels, minlength=scores.shape[1])
    counts = support if train_counts is None else train_counts
    if not is_long_tailed(counts):
        return []
    accuracy = group_accuracy(scores, labels, counts)
    return [
        {
            'name': name,
            'classes': len(members),
            'least': int(counts[members].min()),
            'most': int(counts[members].max()),
            'clips': int(support[members].sum()),
            'accuracy': plain(accuracy[f'{name}_acc']),
        }
        for name, members in class_groups(counts).items()
        if len(members)
    ]


def calibration(scores: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """Return {ece, confidence, accuracy, count, edges}: 15 bins of a reliability diagram."""
    bins = reliability_bins(scores, labels)
    return {
        'ece': plain(expected_calibration_error(scores, labels)),
        'edges': plain(bins.edges),
        'confidence': plain(bins.confidence),
        'accuracy': plain(bins.accuracy),
        'count': bins.count.tolist(),
    }


def mistakes(scores: np.ndarray, labels: np.ndarray) -> list[int]:
    """Return the most confident mistakes, at most 20, the most confident first."""
    pred = scores.argmax(1)
    wrong = np.flatnonzero(pred != labels)
    return wrong[np.argsort(-scores[wrong, pred[wrong]], kind='stable')][:NUM_MISTAKES].tolist()
