"""A warning about networks that answer nearly every clip with the same class."""

from __future__ import annotations

import numpy as np

NEARLY_ALL = 0.95
ENOUGH_CLIPS = 10  # with fewer, one class gets nearly all by chance


def one_sided(scores: np.ndarray, labels: np.ndarray) -> str | None:
    """Return a warning if one class gets nearly all answers but not nearly all labels; else None.

    Args:
        scores: (N, K).
        labels: (N,) class of each clip, -1 where it is unknown; (N, K) for clips with several
            labels gives no warning.
    """
    if labels.ndim != 1 or scores.ndim != 2 or scores.shape[1] < 2 or len(scores) < ENOUGH_CLIPS:
        return None
    answers = np.bincount(scores.argmax(1), minlength=scores.shape[1])
    first = int(answers.argmax())
    share, true_share = answers[first] / len(scores), float(np.mean(labels == first))
    if share <= NEARLY_ALL or true_share > NEARLY_ALL:
        return None
    return (
        f'class {first} gets {answers[first]} of {len(scores)} answers, but '
        f'{np.sum(labels == first)} of the labels: the network does not distinguish the clips. If '
        'this does not change: is the learning rate right, do the key points show anything '
        '(train.py --dry-run, tools/visualize.py), is one class far more frequent than the others '
        "(class_prob='sqrt')?"
    )
