"""Blend the scores of several streams with weights."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..errors import ConfigError, DataError
from ..wording import count

PUBLISHED_WEIGHTS = (0.4, 0.6)  # joint, limb


def check_weights(weights: Sequence[float] | None, num_streams: int) -> tuple[float, ...]:
    """One weight a stream. None: 1 for one stream, the published 0.4 and 0.6 for two; more must be given.

    raises  ConfigError: another number of weights, none given for three or more, not finite in float32, all zero
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
            f'--weights: {count(len(weights), "weight")} for {count(num_streams, "stream")}: expected one a stream, '
            'in their order.'
        )
    with np.errstate(over='ignore'):
        used = [float(np.float32(w)) for w in weights]
    if not all(map(math.isfinite, used)) or not any(used):
        raise ConfigError(
            f'--weights {" ".join(map(str, weights))}: expected finite numbers, not all of them 0.'
        )
    return tuple(float(w) for w in weights)


def blend(scores: Sequence[np.ndarray], weights: Sequence[float] | None = None) -> np.ndarray:
    """The weighted sum of aligned streams, added in their order in float32, as the published script does.

    scores   one (N, K) float32 a stream       weights  see check_weights       ->  (N, K) float32
    raises   ConfigError: as check_weights; DataError: the sum leaves float32's range
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
