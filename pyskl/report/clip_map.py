"""A map of the clips: clips with similar scores lie close to each other."""

from __future__ import annotations

from typing import Any

import numpy as np

from .figures import plain

MIN_SIZE = 3  # clips, and classes
MIN_PROBABILITY = 1e-7  # lower ones are raised to this


def clip_map(scores: np.ndarray) -> dict[str, Any] | None:
    """Return {x, y, shares}: the first two principal components of the clips' centred log scores.

    The log of softmax, centred over the classes, is linear in the features before the last layer;
    so the map shows how the network embeds its clips, as far as the classes need it.

    Args:
        scores: (N, K) probabilities.

    Returns:
        x and y (N,) in 0..1, and their shares of the variance; None with fewer than three clips or
        classes, or if all scores are equal.

    Source: Aitchison, The statistical analysis of compositional data, 1986 (centred log ratios).
    """
    if min(scores.shape) < MIN_SIZE:
        return None
    logs = np.log(np.maximum(scores.astype(np.float64), MIN_PROBABILITY))
    logs -= logs.mean(1, keepdims=True)
    logs -= logs.mean(0)
    variances, axes = np.linalg.eigh(logs.T @ logs)  # in ascending order
    if not variances[-1] > 1e-9:
        return None
    axes = axes[:, [-1, -2]]
    largest = np.abs(axes).argmax(0)
    axes = axes * np.sign(axes[largest, [0, 1]])  # the same sign on every machine
    places = logs @ axes
    low, high = places.min(0), places.max(0)
    places = (places - low) / np.maximum((high - low).max(), 1e-12)  # the same scale for both axes
    x, y = np.round(places, 3).T.tolist()
    return {'x': x, 'y': y, 'shares': plain(variances[[-1, -2]] / variances.clip(0).sum())}
