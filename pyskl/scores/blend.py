"""Blend the scores of several streams with weights."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..errors import ConfigError, DataError
from ..wording import count

PUBLISHED_WEIGHTS = (0.4, 0.6)  # joint, limb


def check_weights(weights: Sequence[float] | None, num_streams: int) -> tuple[float, ...]:
    """Return one weight per stream.

    Args:
        weights: None: 1 for one stream, the published 0.4 and 0.6 for two.
        num_streams: how many streams there are.

    Raises:
        ConfigError: another number of weights, None for three or more, not finite in float32, or
            all zero.
    """
    if weights is None:
        if num_streams > 2:
            raise ConfigError(
                f'--weights is missing: there are no published ones for {num_streams} streams. '
                f'Give {num_streams}, like --weights{" 1" * num_streams}.'
            )
        return PUBLISHED_WEIGHTS if num_streams == 2 else (1.0,)
    if len(weights) != num_streams:
        raise ConfigError(
            f'--weights: {count(len(weights), "weight")} for {count(num_streams, "stream")}: '
            'expected one per stream, in their order.'
        )
    with np.errstate(over='ignore'):
        used = [float(np.float32(w)) for w in weights]
    if not all(map(math.isfinite, used)) or not any(used):
        raise ConfigError(
            f'--weights {" ".join(map(str, weights))}: expected finite numbers, not all of them 0.'
        )
    return tuple(float(w) for w in weights)


def blend(scores: Sequence[np.ndarray], weights: Sequence[float] | None = None) -> np.ndarray:
    """Return the weighted sum of aligned streams, added in order in float32 as published.

    Args:
        scores: (N, K) float32 for each stream.
        weights: see `check_weights`.

    Returns:
        (N, K) float32.

    Raises:
        ConfigError: as `check_weights`.
        DataError: the sum exceeds float32.
    """
    weights = check_weights(weights, len(scores))
    with np.errstate(over='ignore', invalid='ignore'):
        total: np.ndarray = np.float32(weights[0]) * scores[0]
        for weight, stream in zip(weights[1:], scores[1:]):
            total = total + np.float32(weight) * stream
    if not np.isfinite(total).all():
        raise DataError(
            f'the blend with weights {weights} is not finite: scores or weights are too large. Try '
            'smaller weights.'
        )
    return total
