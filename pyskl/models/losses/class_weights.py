"""What a clip of each class counts in the loss: from the training clips of each class to K weights."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

DEFAULT_BETA = 0.999


def effective_weights(counts: np.ndarray, beta: float = DEFAULT_BETA) -> np.ndarray:
    """One over the effective number of clips: Class-Balanced Loss, Cui et al. 2019, arXiv:1901.05555, equation 2.

    counts  (K,) training clips of each class      beta  0..1: 0 weighs all classes alike, towards 1 it is one over the count
    ->      (K,) float64 with mean 1: w = (1 - beta) / (1 - beta ** n)
    """
    return _mean_one(
        (1 - beta) / -np.expm1(at_least_one(counts) * np.log(beta))
        if beta
        else np.ones(len(counts))
    )


def sqrt_weights(counts: np.ndarray) -> np.ndarray:
    """One over the square root of the count: half way between no weights and the inverse frequency. Mahajan et al. 2018,
    arXiv:1805.00932, section 2.2, who sample so. (K,) -> (K,) float64 with mean 1."""
    return _mean_one(1 / np.sqrt(at_least_one(counts)))


def at_least_one(counts: np.ndarray) -> np.ndarray:
    """(K,) float64. A class without training clips counts as one with a single clip, so that nothing becomes infinite."""
    return np.maximum(np.asarray(counts, np.float64), 1.0)


def _mean_one(weights: np.ndarray) -> np.ndarray:
    return weights / weights.mean()


WEIGHTINGS: dict[str, Callable[..., np.ndarray]] = {
    'effective': effective_weights,
    'sqrt': sqrt_weights,
}
