"""Two networks on the same clips: is one better than the other?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import DataError
from .calibration import bootstrap_interval


@dataclass(frozen=True)
class Paired:
    """Two networks on the same N clips.

    Attributes:
        both: clips that both get right.
        first: clips that only the first gets right.
        second: clips that only the second gets right.
        neither: clips that neither gets right.
        difference: accuracy of the first minus that of the second.
        low: lower end of its 95 % bootstrap interval.
        high: upper end of it.
        p: of McNemar's exact test, two-sided: the probability that chance alone divides the clips
            that only one gets right at least as unevenly.
    """

    both: int
    first: int
    second: int
    neither: int
    difference: float
    low: float
    high: float
    p: float


def compare_answers(
    first: Any, second: Any, groups: Any = None, num_draws: int = 1000, seed: int = 0
) -> Paired:
    """Compare two networks by the clips that they get right.

    Args:
        first: (N,) whether the first network gets a clip right.
        second: (N,) whether the second does.
        groups: (N,) which clips belong together, as for `bootstrap_interval`; for the interval,
            whole groups are then drawn. The test treats clips as independent either way.
        num_draws: of the bootstrap.
        seed: of the bootstrap.

    Raises:
        DataError: arrays of other lengths, or empty ones.

    Source: McNemar, Psychometrika 12, 1947; exact form by the binomial distribution.
    """
    first, second = (np.asarray(right, dtype=bool) for right in (first, second))
    if first.ndim != 1 or first.shape != second.shape or not len(first):
        raise DataError(
            f'paired comparison: answers of shapes {first.shape} and {second.shape}; expected (N,) '
            'twice, N from 1 on.'
        )
    gain = first.astype(float) - second

    def mean(values: np.ndarray) -> float:
        return float(values.mean())

    low, high = bootstrap_interval(mean, gain, num_draws=num_draws, seed=seed, groups=groups)
    both, neither = int((first & second).sum()), int((~first & ~second).sum())
    only_first, only_second = int((first & ~second).sum()), int((~first & second).sum())
    p = mcnemar(only_first, only_second)
    return Paired(both, only_first, only_second, neither, mean(gain), low, high, p)


def mcnemar(first: int, second: int) -> float:
    """Return the two-sided exact p-value.

    Args:
        first: number of clips that only the first network gets right.
        second: number of clips that only the second gets right.
    """
    from scipy.special import bdtr  # scipy.stats takes a second to load

    return min(1.0, 2 * float(bdtr(min(first, second), first + second, 0.5)))
