"""The weight of each class in the loss, computed from the number of its training clips."""

from __future__ import annotations

import numpy as np


def effective_weights(counts: np.ndarray, beta: float) -> np.ndarray:
    """Weigh a class by one over its effective number of clips: w = (1 - beta) / (1 - beta ** n).

    Args:
        counts: (K,) training clips of each class.
        beta: in [0, 1). With 0 all classes weigh the same; towards 1 the weight becomes one over
            the count.

    Returns:
        (K,) float64 with mean 1.

    Source: Class-balanced loss, arXiv:1901.05555, equation 2.
    """
    if beta == 0:
        return np.ones(len(counts))
    return _mean_one((1 - beta) / -np.expm1(at_least_one(counts) * np.log(beta)))


def sqrt_weights(counts: np.ndarray) -> np.ndarray:
    """Weigh a class by one over the square root of its count: (K,) -> (K,) float64 with mean 1.

    Source: arXiv:1805.00932, section 2.2, where clips are sampled so.
    """
    return _mean_one(1 / np.sqrt(at_least_one(counts)))


def at_least_one(counts: np.ndarray) -> np.ndarray:
    """Count a class without clips as one with a single clip, so that no weight is infinite."""
    return np.maximum(np.asarray(counts, np.float64), 1.0)


def _mean_one(weights: np.ndarray) -> np.ndarray:
    return weights / weights.mean()
