"""Which of NTU RGB+D's tracked bodies are people: PYSKL's rules.

Kinect finds people in chairs and coats and loses real ones. The rules by which bodies are chosen
and put together into at most two people are PYSKL's, so that its published numbers hold on what is
written here; its own annotations are of these rules, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

NUM_JOINTS = 25
SHORTEST = 12  # frames; where there are several bodies, one with fewer is no person
MOST_EXTENT = 0.8  # of a body's height in a frame: what is wider is no standing person
MOST_BAD = 0.69754  # share of such frames from which a body is no person
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
        """The frame behind its last one."""
        return self.first + len(self)


def people_of_bodies(bodies: Sequence[Body], num_frames: int) -> np.ndarray:
    """Choose the bodies that are people and put them together into at most two.

    1. A single body is taken as it is.
    2. Of several, those in fewer than 12 frames go (where that is all, the longest stays).
    3. Those that are wider than high most of the time go (where that is all, the liveliest stays).
    4. The rest in order of motion, liveliest first: the first is person 0. Each other becomes part
       of person 0 where it lies outside that person's span of frames, else of person 1 in the same
       way, else it is lost.
    5. Frames without anybody at both ends go, and person 0 is who is there in the first frame.

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
    lively = _standing(bodies)
    people = np.zeros((2, num_frames, NUM_JOINTS, 3), bodies[0].joints.dtype)
    spans: list[tuple[int, int] | None] = [None, None]
    for body in lively:
        for person, span in enumerate(spans):
            if span is None or body.stop <= span[0] or span[1] <= body.first:
                people[person, body.first : body.stop] = body.joints
                begin, end = span or (body.first, body.stop)
                spans[person] = min(begin, body.first), max(end, body.stop)
                break
    people = people[: 1 + (spans[1] is not None)]
    filled = np.flatnonzero(np.abs(people).sum((0, 2, 3)) >= EMPTY)
    if len(filled):
        people = people[:, filled[0] : filled[-1] + 1]
    only_second = len(people) == 2 and not people[0, 0, 1].any() and people[1, 0, 1].any()
    return people[::-1] if only_second else people


def _standing(bodies: Sequence[Body]) -> list[Body]:
    """The bodies that look like a standing person, liveliest first."""
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
    """The variances of x, y and z over all frames and joints, added up."""
    return float(joints.reshape(-1, 3).var(axis=0).sum())
