"""Whether a network answers every clip with the same class."""

from __future__ import annotations

import numpy as np

NEARLY_ALL = 0.95
ENOUGH_CLIPS = 10  # of fewer, one class takes nearly all by chance


def one_sided(scores: np.ndarray, labels: np.ndarray) -> str | None:
    """Return what to say where one class takes nearly all answers, and not so nearly all labels.

    Args:
        scores: (N, K).
        labels: (N,) class of each clip, -1 where it is unknown; of clips with several labels (N, K),
            of which nothing is said.
    """
    if labels.ndim != 1 or scores.ndim != 2 or scores.shape[1] < 2 or len(scores) < ENOUGH_CLIPS:
        return None
    answers = np.bincount(scores.argmax(1), minlength=scores.shape[1])
    first = int(answers.argmax())
    share, true_share = answers[first] / len(scores), float(np.mean(labels == first))
    if share <= NEARLY_ALL or true_share > NEARLY_ALL:
        return None
    return (
        f'class {first} takes {answers[first]} of {len(scores)} answers, but {np.sum(labels == first)} of '
        f'the labels: the network does not tell the clips apart. If it stays so: is the learning rate '
        'right, do the key points show anything (train.py --dry-run, tools/visualize.py), is one class '
        "far more frequent than the others (class_prob='sqrt')?"
    )
