"""Two networks on the same clips: is one better than the other?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

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


def compare_answers(first: np.ndarray, second: np.ndarray, groups: Any = None) -> Paired:
    """Compare two networks by the clips that they get right.

    Args:
        first: (N,) whether the first network gets a clip right.
        second: (N,) whether the second does.
        groups: (N,) which clips belong together, as for `bootstrap_interval`; for the interval,
            whole groups are then drawn. The test treats clips as independent either way.

    Source: McNemar, Psychometrika 12, 1947; exact form by the binomial distribution.
    """
    from scipy.special import bdtr  # scipy.stats takes a second to load

    gain = first.astype(float) - second
    low, high = bootstrap_interval(np.mean, gain, groups=groups)
    both, neither = int((first & second).sum()), int((~first & ~second).sum())
    only_first, only_second = int((first & ~second).sum()), int((~first & second).sum())
    p = min(1.0, 2 * float(bdtr(min(only_first, only_second), only_first + only_second, 0.5)))
    return Paired(both, only_first, only_second, neither, float(gain.mean()), low, high, p)
