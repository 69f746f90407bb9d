"""How often each class is seen in an epoch, made from how many clips it has."""

from __future__ import annotations

import numpy as np

from ..errors import ConfigError, did_you_mean

POWERS = {
    'balanced': 0.0,
    'sqrt': 0.5,
}  # q: a class of n clips is drawn with a probability that goes with n ** q


def repeats(labels: np.ndarray, rule: str) -> np.ndarray:
    """(K,) how often every clip of each class is seen in an epoch, so that the epoch keeps about its number of clips.

    labels  (N,); -1: none, which counts for nothing
    rule    'balanced': every class equally often. 'sqrt': as often as the square root of its number of clips says (Mahajan et al.
            2018, arXiv:1805.00932). Both are Kang et al. 2020, arXiv:1910.09217, section 4.1, at q
            = 0 and q = 1/2
    Concretely, labels [0, 0, 0, 1] and 'balanced' give [2/3, 2]. raises  ConfigError: unknown rule
    """
    if rule not in POWERS:
        raise ConfigError(
            f'class_prob = {rule!r} is unknown. Known: '
            f'{", ".join(POWERS)}.{did_you_mean(rule, POWERS)}'
        )
    counts = np.bincount(labels[labels >= 0]).astype(np.float64)
    wanted = np.where(counts > 0, counts ** POWERS[rule], 0)
    return wanted / wanted.sum() * counts.sum() / np.maximum(counts, 1) if len(counts) else counts
