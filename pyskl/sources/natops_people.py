"""Who performs which clip of NATOPS? The archive does not say; how the arms hang does. Needed to hold whole people out of training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

NUM_PEOPLE = 10  # in each file, as the clips' looks say: everybody makes every gesture 3 times
REST_FRAMES = 5
TRIES, ROUNDS = 200, 50


def guess_people(
    xyz: Sequence[np.ndarray], labels: Sequence[int], num_people: int = NUM_PEOPLE, seed: int = 0
) -> np.ndarray:
    """xyz: (T, V, 3) of each clip; -> (N,) a number 0..num_people-1 for each clip: clips of one number look like one person's.

    k-means on how the arms hang, with as many clips of every gesture for everybody: the best of several starts.
    """
    look = np.stack([hanging(clip) for clip in xyz])
    look = (look - look.mean(0)) / np.maximum(look.std(0), 1e-9)
    rng = np.random.default_rng(seed)
    tries = [_cluster(look, np.asarray(labels), num_people, rng) for _ in range(TRIES)]
    return min(tries, key=lambda found: found[0])[1]


def hanging(clip: np.ndarray) -> np.ndarray:
    """(T, V, 3) -> (3 V,) the points of each arm, the mean over the frames where its hand is lowest. Even joints are the left arm's."""
    arms = []
    for side in (0, 1):
        lowest = clip[:, side, 1].argsort(kind='stable')[:REST_FRAMES]
        arms.append(clip[lowest, side::2].mean(0).ravel())
    return np.concatenate(arms)


def _cluster(
    look: np.ndarray, labels: np.ndarray, num_people: int, rng: np.random.Generator
) -> tuple[float, np.ndarray]:
    """(sum of squared distances, whose clip each is) of k-means from a random start."""
    from scipy.optimize import linear_sum_assignment  # takes half a second

    centres = look[rng.choice(len(look), num_people, replace=len(look) < num_people)]
    for _ in range(ROUNDS):
        distance = ((look[:, None] - centres) ** 2).sum(-1)  # (N, people)
        whose = np.empty(len(look), dtype=np.int64)
        for label in np.unique(labels):
            clips = np.flatnonzero(labels == label)
            places = -(-len(clips) // num_people)
            rows, columns = linear_sum_assignment(distance[clips].repeat(places, axis=1))
            whose[clips[rows]] = columns // places
        new = np.stack(
            [
                look[whose == p].mean(0) if (whose == p).any() else centres[p]
                for p in range(num_people)
            ]
        )
        if np.allclose(new, centres):
            break
        centres = new
    return float(distance[np.arange(len(look)), whose].sum()), whose
