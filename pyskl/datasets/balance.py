"""How often each class is seen in an epoch, derived from its number of clips."""

from __future__ import annotations

import numpy as np

from ..errors import ConfigError, did_you_mean

# q by rule: a class of n clips is drawn with a probability proportional to n ** q.
POWERS = {'balanced': 0.0, 'sqrt': 0.5}


def repeats(labels: np.ndarray, rule: str) -> np.ndarray:
    """Return how often every clip of each class is seen in an epoch of about as many clips.

    Args:
        labels: (N,); -1: no label, which is not counted.
        rule: 'balanced' sees every class equally often; 'sqrt' in proportion to the square root of
            its number of clips (Mahajan et al. 2018, arXiv:1805.00932).

    Returns:
        (K,) float64.

    Raises:
        ConfigError: unknown rule.

    Source: Kang et al. 2020, arXiv:1910.09217, section 4.1, q = 0 and q = 1/2.

    Examples:
        >>> repeats(np.array([0, 0, 0, 1]), 'balanced')
        array([0.66666667, 2.        ])
    """
    if rule not in POWERS:
        raise ConfigError(
            f'class_prob = {rule!r} is unknown. Known: '
            f'{", ".join(POWERS)}.{did_you_mean(rule, POWERS)}'
        )
    counts = np.bincount(labels[labels >= 0]).astype(np.float64)
    wanted = np.where(counts > 0, counts ** POWERS[rule], 0)
    return wanted / wanted.sum() * counts.sum() / np.maximum(counts, 1) if len(counts) else counts
