"""Scores of any stream as probabilities, sharper or softer by a temperature.

Source: Guo et al. 2017, arXiv:1706.04599, section 4.2.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

SMALLEST = 1e-12  # a probability of 0 has no logarithm
_SUM_TOLERANCE = 1e-3  # half precision rounds


def kind_of(scores: np.ndarray) -> Literal['probabilities', 'logits']:
    """Return what scores (N, K) are.

    They are probabilities if no entry is negative and every row sums to 1, otherwise logits.
    """
    rows = scores.sum(axis=1, dtype=np.float64)
    return (
        'probabilities'
        if scores.min() >= 0 and np.abs(rows - 1).max() <= _SUM_TOLERANCE
        else 'logits'
    )


def log_probabilities(scores: np.ndarray) -> np.ndarray:
    """Return (N, K) float64 logarithms of the probabilities that scores, of either kind, mean."""
    from scipy.special import log_softmax  # takes half a second to load

    values = np.asarray(scores, dtype=np.float64)
    is_logits = kind_of(scores) == 'logits'
    return log_softmax(values if is_logits else np.log(np.maximum(values, SMALLEST)), axis=1)


def soften(scores: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Return softmax(log p / temperature), (N, K) float32.

    A temperature above 1 makes a stream less confident, below 1 more. The order of a clip's classes
    stays the same, so the stream's own answers do not change; its influence on a blend does.
    """
    from scipy.special import softmax

    return softmax(log_probabilities(scores) / temperature, axis=1).astype(np.float32)
