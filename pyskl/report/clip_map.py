"""A map of the clips: near each other are those to which the network answers alike."""

from __future__ import annotations

from typing import Any

import numpy as np

from .figures import plain

FEWEST = 3  # clips, and classes
TINY = 1e-7  # probabilities below are taken for this


def clip_map(scores: np.ndarray) -> dict[str, Any] | None:
    """Return {x, y, shares}: the first two principal components of the clips' centred log scores.

    The log of softmax, centred over the classes, is linear in the features that the last layer
    sees; so this shows, as far as the classes need them, how the network embeds its clips.

    Args:
        scores: (N, K) probabilities.

    Returns:
        x and y (N,) in 0..1, and the shares of the variance along them; None with fewer than three
        clips or classes, or where all answers are equal.

    Source: Aitchison, The statistical analysis of compositional data, 1986 (centred log ratios).
    """
    if min(scores.shape) < FEWEST:
        return None
    logs = np.log(np.maximum(scores.astype(np.float64), TINY))
    logs -= logs.mean(1, keepdims=True)
    logs -= logs.mean(0)
    variances, axes = np.linalg.eigh(logs.T @ logs)  # rising
    if not variances[-1] > 1e-9:
        return None
    axes = axes[:, [-1, -2]]
    largest = np.abs(axes).argmax(0)
    axes = axes * np.sign(axes[largest, [0, 1]])  # a sign of its own, on every machine the same
    places = logs @ axes
    low, high = places.min(0), places.max(0)
    places = (places - low) / np.maximum((high - low).max(), 1e-12)  # one scale for both
    x, y = np.round(places, 3).T.tolist()
    return {'x': x, 'y': y, 'shares': plain(variances[[-1, -2]] / variances.clip(0).sum())}
