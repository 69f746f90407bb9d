"""Follow people from frame to frame: from the boxes of a clip to its people.

A box is one person in one frame: V joints of x, y, score, or of x, y, z in space.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..skeletons import is_present

MAX_JUMP = 1.0  # sizes of a person per frame; a box further away is another person
MOST_CANDIDATES = 50  # of the people seen most recently, who may come back
_NEVER = 1e9


@dataclass(frozen=True)
class Boxes:
    """All boxes of a clip.

    Attributes:
        joints: (X, V, 3) float32, one row per person and frame: x, y, score, or x, y, z in space.
        frames: (X,) the frame of each, ascending, 0 to num_frames - 1.
        num_frames: T.
        ids: (X,) the person of each by the form's own tracking; None where it has none.
    """

    joints: np.ndarray
    frames: np.ndarray
    num_frames: int
    ids: np.ndarray | None = None


def people_of(boxes: Boxes, max_people: int, in_space: bool = False) -> tuple[np.ndarray, int]:
    """Gather the boxes of each person into one row.

    The ids decide where they are unique in every frame, otherwise nearness does (`track`). People
    who are seen most come first, by the sum of their mean scores (in space, by their number of
    frames).

    Args:
        boxes: of one clip.
        max_people: number of people to keep.
        in_space: whether a joint's last number is z instead of a score.

    Returns:
        (M, T, V, 3), zeros where somebody is not seen, M = 0 where nobody is; and the number of
        people before `max_people`.
    """
    joints, frames = boxes.joints, boxes.frames
    ids = boxes.ids
    if ids is None or len({*zip(frames.tolist(), ids.tolist())}) < len(ids):  # twice in a frame
        ids = track(joints, frames, in_space)

    # Rank the people by how much they are seen.
    _, first, person = np.unique(ids, return_index=True, return_inverse=True)
    seen = np.ones(len(joints)) if in_space else joints[..., 2].mean(axis=1, dtype=np.float64)
    order = np.lexsort((first, -np.bincount(person, seen, minlength=len(first))))[:max_people]
    rank = np.full(len(first), -1)
    rank[order] = np.arange(len(order))

    # Fill the rows of those who are kept.
    row = rank[person]
    people = np.zeros((len(order), boxes.num_frames, *joints.shape[1:]), joints.dtype)
    people[row[row >= 0], frames[row >= 0]] = joints[row >= 0]
    return people, len(first)


def track(joints: np.ndarray, frames: np.ndarray, in_space: bool = False) -> np.ndarray:
    """Follow people by nearness.

    The boxes of each frame are assigned to the people seen before so that the sum of distances is
    least. A distance is the mean over the joints that both have, in sizes of the person (the
    diagonal of the joints' extent). A box further away than MAX_JUMP sizes, times the frames since
    that person was seen, starts a new person. Where no frame has two boxes, all are one person.

    Args:
        joints: (X, V, 3), as in Boxes.
        frames: (X,), ascending.
        in_space: whether a joint's last number is z instead of a score.

    Returns:
        (X,) a number for each box, equal for the same person.
    """
    ids = np.zeros(len(frames), np.int64)
    starts = np.flatnonzero(np.diff(frames, prepend=-1))
    if len(starts) == len(frames):
        return ids
    from scipy.optimize import linear_sum_assignment  # importing it takes half a second

    places = (joints if in_space else joints[..., :2]).astype(np.float64)
    present = is_present(places, None if in_space else joints[..., 2])
    sizes = _sizes(places, present)
    last: list[int] = []  # the last row of each person
    for start, stop in zip(starts, [*starts[1:], len(frames)]):
        rows = np.arange(start, stop)
        recent = sorted(range(len(last)), key=lambda person: -last[person])[:MOST_CANDIDATES]
        ids[rows] = -1

        # Assign boxes to people seen before.
        if recent:
            before = np.array([last[person] for person in recent])
            cost = _distances(places, present, sizes, before, rows)
            gap = frames[start] - frames[before]
            cost = np.where(cost <= MAX_JUMP * gap[:, None], cost, _NEVER)
            for i, j in zip(*linear_sum_assignment(cost)):
                if cost[i, j] < _NEVER:
                    ids[rows[j]] = recent[i]
                    last[recent[i]] = rows[j]

        # The others are new people.
        for row in rows[ids[rows] < 0]:
            ids[row] = len(last)
            last.append(row)
    return ids


def _sizes(places: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Return (X,) the diagonal of each box's joints; the median one where too few are seen."""
    lowest = np.where(present[..., None], places, np.inf).min(axis=1)
    highest = np.where(present[..., None], places, -np.inf).max(axis=1)
    few = present.sum(axis=1) < 3
    sizes = np.linalg.norm(np.where(np.any(present, axis=1)[:, None], highest - lowest, 0), axis=-1)
    if not few.all():
        sizes[few] = np.median(sizes[~few])
    return np.maximum(sizes, 1e-6)


def _distances(
    places: np.ndarray, present: np.ndarray, sizes: np.ndarray, before: np.ndarray, now: np.ndarray
) -> np.ndarray:
    """Return (len(before), len(now)) mean distances of shared joints, in sizes of a person."""
    both = present[before][:, None] & present[now][None]  # (K, n, V)
    away = np.linalg.norm(places[before][:, None] - places[now][None], axis=-1)
    shared = both.sum(-1)
    distance = np.where(both, away, 0).sum(-1) / np.maximum(shared, 1)
    return np.where(shared > 0, distance / sizes[before][:, None], _NEVER)
