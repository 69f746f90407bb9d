"""Who is who from frame to frame: the boxes of a clip become its people.

A box is one person in one frame: V joints of x, y, score, or of x, y, z in space.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..skeletons import is_present

MAX_JUMP = 1.0  # of a person's size, a frame: what is further away is another person
MOST_CANDIDATES = 50  # people seen last who may still come back
_NEVER = 1e9


@dataclass(frozen=True)
class Boxes:
    """All that was seen in a clip.

    Attributes:
        joints: (X, V, 3) float32, one row a person and frame: x, y, score, or x, y, z in space.
        frames: (X,) the frame of each, rising, 0 to num_frames - 1.
        num_frames: T.
        ids: (X,) who each is, by the form's own tracking; None where it has none.
    """

    joints: np.ndarray
    frames: np.ndarray
    num_frames: int
    ids: np.ndarray | None = None


def people_of(boxes: Boxes, max_people: int, in_space: bool = False) -> tuple[np.ndarray, int]:
    """Put the boxes of each person in a row.

    People go by their ids where these tell them apart in every frame, else by nearness (`track`).
    Those who are seen most come first: by the sum of their mean scores (in space, by their frames).

    Args:
        boxes: of one clip.
        max_people: people to keep.
        in_space: whether a joint's last number is z and no score.

    Returns:
        (M, T, V, 3) with zeros where somebody is not seen, M = 0 where nobody is; how many people
        there were.
    """
    joints, frames = boxes.joints, boxes.frames
    ids = boxes.ids
    if ids is None or len({*zip(frames.tolist(), ids.tolist())}) < len(ids):  # twice in a frame
        ids = track(joints, frames, in_space)
    _, first, who = np.unique(ids, return_index=True, return_inverse=True)
    seen = np.ones(len(joints)) if in_space else joints[..., 2].mean(axis=1, dtype=np.float64)
    order = np.lexsort((first, -np.bincount(who, seen, minlength=len(first))))[:max_people]
    place = np.full(len(first), -1)
    place[order] = np.arange(len(order))
    row = place[who]
    people = np.zeros((len(order), boxes.num_frames, *joints.shape[1:]), joints.dtype)
    people[row[row >= 0], frames[row >= 0]] = joints[row >= 0]
    return people, len(first)


def track(joints: np.ndarray, frames: np.ndarray, in_space: bool = False) -> np.ndarray:
    """Follow people by nearness.

    Each frame's boxes are given to the people seen before, so that the distances are least in all.
    A distance is the mean over the joints that both have, in sizes of the person (the diagonal of
    the joints' extent). Who is further away than MAX_JUMP sizes, times the frames since that person
    was seen, is somebody new. Where no frame has two boxes, all are one person.

    Args:
        joints: (X, V, 3), as in Boxes.
        frames: (X,), rising.
        in_space: whether a joint's last number is z and no score.

    Returns:
        (X,) a number for each box, the same for the same person.
    """
    ids = np.zeros(len(frames), np.int64)
    starts = np.flatnonzero(np.diff(frames, prepend=-1))
    if len(starts) == len(frames):
        return ids
    from scipy.optimize import linear_sum_assignment  # takes half a second

    places = (joints if in_space else joints[..., :2]).astype(np.float64)
    present = is_present(places, None if in_space else joints[..., 2])
    sizes = _sizes(places, present)
    last: list[int] = []  # row of joints where each person was seen last
    for start, stop in zip(starts, [*starts[1:], len(frames)]):
        rows = np.arange(start, stop)
        recent = sorted(range(len(last)), key=lambda person: -last[person])[:MOST_CANDIDATES]
        ids[rows] = -1
        if recent:
            before = np.array([last[person] for person in recent])
            cost = _distances(places, present, sizes, before, rows)
            gap = frames[start] - frames[before]
            cost = np.where(cost <= MAX_JUMP * gap[:, None], cost, _NEVER)
            for i, j in zip(*linear_sum_assignment(cost)):
                if cost[i, j] < _NEVER:
                    ids[rows[j]] = recent[i]
                    last[recent[i]] = rows[j]
        for row in rows[ids[rows] < 0]:
            ids[row] = len(last)
            last.append(row)
    return ids


def _sizes(places: np.ndarray, present: np.ndarray) -> np.ndarray:
    """(X,) the diagonal of each box's joints; the usual one where too few are seen to tell."""
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
    """(len(before), len(now)) mean distances of common joints, in sizes of the person before."""
    both = present[before][:, None] & present[now][None]  # (K, n, V)
    away = np.linalg.norm(places[before][:, None] - places[now][None], axis=-1)
    shared = both.sum(-1)
    distance = np.where(both, away, 0).sum(-1) / np.maximum(shared, 1)
    return np.where(shared > 0, distance / sizes[before][:, None], _NEVER)
