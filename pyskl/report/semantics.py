"""Whether the model confuses classes whose labels mean something similar."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import rankdata, spearmanr

from .figures import plain, symmetric_rates

NUM_PERMUTATIONS = 999
NUM_PAIRS = 9


def semantics(table: np.ndarray, matrix: np.ndarray) -> dict[str, Any] | None:
    """Correlate the similarity of label vectors with confusions.

    Args:
        table: (K, D) label vectors.
        matrix: (K, K) confusion matrix, counts.

    Returns:
        None with fewer than 4 classes that have clips, else:
        similarity: (K, K) cosine of the vectors.
        confusion: (K, K) symmetric share of clips, see figures.symmetric_rates.
        rho: Spearman's rank correlation of the two, over all pairs of classes that have clips.
        p: p-value of Mantel's test with 999 permutations, one-sided.
        pairs: the 9 most similar pairs: [a, b, similarity, confusion].
        classes: number of classes that have clips.
    """
    length = np.linalg.norm(table, axis=1, keepdims=True)
    unit = table / np.where(length > 0, length, 1)
    similarity, confusion = (unit @ unit.T).astype(np.float64), symmetric_rates(matrix)
    present = np.flatnonzero(matrix.sum(1))
    if len(present) < 4:
        return None
    rho, p = mantel(similarity[np.ix_(present, present)], confusion[np.ix_(present, present)])
    a, b = np.triu_indices(len(present), 1)
    best = np.argsort(-similarity[present[a], present[b]], kind='stable')[:NUM_PAIRS]
    pairs = [[int(present[a[i]]), int(present[b[i]])] for i in best]
    return {
        'similarity': plain(np.round(similarity, 3)),
        'confusion': plain(np.round(confusion, 4)),
        'rho': plain(rho),
        'p': plain(p),
        'pairs': [[i, j, plain(similarity[i, j]), plain(confusion[i, j])] for i, j in pairs],
        'classes': len(present),
    }


def mantel(one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """Return Spearman's rho of two symmetric (n, n) over their upper triangles, and its p-value.

    The p-value is one-sided, from random permutations of the classes of one matrix. Both are NaN
    when either matrix is constant.

    Source: Mantel, Cancer Research 27, 1967.
    """
    pairs = np.triu_indices(len(one), 1)
    if np.ptp(one[pairs]) == 0 or np.ptp(other[pairs]) == 0:
        return float('nan'), float('nan')
    rho = float(spearmanr(one[pairs], other[pairs]).statistic)
    ranks = np.zeros_like(one)
    ranks[pairs] = rankdata(one[pairs])
    ranks += ranks.T
    fixed = rankdata(other[pairs])
    fixed = (fixed - fixed.mean()) / fixed.std()
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(NUM_PERMUTATIONS):
        order = rng.permutation(len(one))
        moved = ranks[np.ix_(order, order)][pairs]
        found += float((fixed * (moved - moved.mean())).mean() / moved.std()) >= rho - 1e-12
    return rho, (found + 1) / (NUM_PERMUTATIONS + 1)
