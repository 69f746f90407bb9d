"""Guess who performs which clip of NATOPS, so that whole people can be held out of training.

The archive does not say it; how a person's arms hang tells it well enough.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

NUM_PEOPLE = 10  # in each file, judging by the clips: everybody performs every gesture 3 times
REST_FRAMES = 5
TRIES, ROUNDS = 200, 50


def guess_people(xyz: Sequence[np.ndarray], labels: Sequence[int], seed: int = 0) -> np.ndarray:
    """Cluster clips by how the arms hang.

    k-means in which every cluster gets equally many clips of each gesture; the best of several
    starts.

    Args:
        xyz: (T, V, 3) of each of N clips.
        labels: (N,) class of each clip.
        seed: of the starts.

    Returns:
        (N,) a number from 0 to 9 for each clip; equal numbers look like one person.
    """
    posture = np.stack([hanging_arms(clip) for clip in xyz])
    posture = (posture - posture.mean(0)) / np.maximum(posture.std(0), 1e-9)
    rng = np.random.default_rng(seed)
    tries = [_cluster(posture, np.asarray(labels), rng) for _ in range(TRIES)]
    return min(tries, key=lambda result: result[0])[1]


def hanging_arms(clip: np.ndarray) -> np.ndarray:
    """Average the points of each arm over the frames where its hand is lowest.

    Args:
        clip: (T, V, 3); even joints are of the left arm.

    Returns:
        (3 V,) the points of both arms.
    """
    arms = []
    for side in (0, 1):
        lowest = clip[:, side, 1].argsort(kind='stable')[:REST_FRAMES]
        arms.append(clip[lowest, side::2].mean(0).ravel())
    return np.concatenate(arms)


def _cluster(
    posture: np.ndarray, labels: np.ndarray, rng: np.random.Generator
) -> tuple[float, np.ndarray]:
    """Run k-means from a random start; return the sum of squared distances and (N,) the people."""
    from scipy.optimize import linear_sum_assignment  # importing it takes half a second

    num_clips = len(posture)
    centres = posture[rng.choice(num_clips, NUM_PEOPLE, replace=num_clips < NUM_PEOPLE)]
    for _ in range(ROUNDS):
        # Give everybody the same number of clips of each gesture, at the least distance.
        distance = ((posture[:, None] - centres) ** 2).sum(-1)  # (N, people)
        person = np.empty(num_clips, dtype=np.int64)
        for label in np.unique(labels):
            clips = np.flatnonzero(labels == label)
            places = -(-len(clips) // NUM_PEOPLE)
            rows, columns = linear_sum_assignment(distance[clips].repeat(places, axis=1))
            person[clips[rows]] = columns // places
        members = [posture[person == p] for p in range(NUM_PEOPLE)]
        new = np.stack([m.mean(0) if len(m) else centres[p] for p, m in enumerate(members)])
        if np.allclose(new, centres):
            break
        centres = new
    return float(distance[np.arange(num_clips), person].sum()), person
