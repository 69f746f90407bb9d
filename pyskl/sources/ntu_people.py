"""Choose the people among NTU RGB+D's tracked bodies by PYSKL's rules.

Kinect finds people in chairs and coats and loses real ones. PYSKL's rules choose bodies and merge
them into at most two people; its published annotations and numbers follow them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

NUM_JOINTS = 25
SHORTEST = 12  # frames; where there are several bodies, one with fewer is no person
MOST_EXTENT = 0.8  # of a body's height in a frame; a wider one is not a standing person
MOST_BAD = 0.69754  # fraction of such frames from which on a body is no person
EMPTY = 1e-3  # a frame whose coordinates add up to less shows nobody


@dataclass(frozen=True)
class Body:
    """One tracked body: (n, 25, 3) metres in n frames in a row, from frame `first` on."""

    first: int
    joints: np.ndarray

    def __len__(self) -> int:
        return len(self.joints)

    @property
    def stop(self) -> int:
        """The frame after its last one."""
        return self.first + len(self)


def people_of_bodies(bodies: Sequence[Body], num_frames: int) -> np.ndarray:
    """Choose the bodies that are people and merge them into at most two.

    1. A single body is kept. 2. Of several, those with fewer than 12 frames are dropped (unless all
    are: the longest is kept). 3. Those that are wider than high most of the time are dropped
    (unless all are: the one with the
       most motion is kept).
    4. The others are taken by motion, the largest first: the first is person 0. Each further body
       joins person 0 if it is outside that person's span of frames, else person 1 likewise, else it
       is dropped.
    5. Empty frames at both ends are cut off, and person 0 is the one present in the first frame.

    Args:
        bodies: at least one.
        num_frames: frames with a body in the clip.

    Returns:
        (M, T, 25, 3) metres, M = 1 or 2; zeros where a person is not seen.
    """
    if len(bodies) > 1:
        long = [body for body in bodies if len(body) >= SHORTEST]
        bodies = long or [max(bodies, key=len)]
    if len(bodies) == 1:
        return bodies[0].joints[None]
    standing = _standing(bodies)

    # Merge the bodies into two people.
    people = np.zeros((2, num_frames, NUM_JOINTS, 3), bodies[0].joints.dtype)
    spans: list[tuple[int, int] | None] = [None, None]
    for body in standing:
        for person, span in enumerate(spans):
            if span is None or body.stop <= span[0] or span[1] <= body.first:
                people[person, body.first : body.stop] = body.joints
                begin, end = span or (body.first, body.stop)
                spans[person] = min(begin, body.first), max(end, body.stop)
                break
    people = people[: 1 + (spans[1] is not None)]

    # Cut off empty frames and order the people.
    filled = np.flatnonzero(np.abs(people).sum((0, 2, 3)) >= EMPTY)
    if len(filled):
        people = people[:, filled[0] : filled[-1] + 1]
    only_second = len(people) == 2 and not people[0, 0, 1].any() and people[1, 0, 1].any()
    return people[::-1] if only_second else people


def _standing(bodies: Sequence[Body]) -> list[Body]:
    """Return the bodies that look like a standing person, by motion, the largest first."""
    motions, chosen = [], []
    for body in bodies:
        extent = np.ptp(body.joints, axis=1)  # (n, 3)
        good = extent[:, 0] <= MOST_EXTENT * extent[:, 1]
        motion = _motion(body.joints)
        if 1 - good.mean() < MOST_BAD:
            motions.append(min(motion, _motion(body.joints[good])))
            chosen.append(body)
    if not chosen:
        return [max(bodies, key=lambda body: _motion(body.joints))]
    order = sorted(range(len(chosen)), key=lambda i: -motions[i])
    return [chosen[i] for i in order]


def _motion(joints: np.ndarray) -> float:
    """Return the sum of the variances of x, y and z over all frames and joints."""
    return float(joints.reshape(-1, 3).var(axis=0).sum())
