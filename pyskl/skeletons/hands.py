"""The 21 points of a hand, which OpenPose and MediaPipe count alike, and how a hand hangs from a wrist when it is drawn."""
from __future__ import annotations

import math
from dataclasses import dataclass

FINGERS = ('thumb', 'index', 'middle', 'ring', 'little')
_ANGLES = (2.75, 2.1, 1.75, 1.4, 1.05)      # radians from the x axis: a person's right hand hangs down, its thumb to the picture's left
_LONG, _SHORT = 0.24, 0.16                  # the middle finger's and the thumb's length, of a picture's width
_LENGTHS = (_SHORT, 0.22, _LONG, 0.22, 0.18)


def _along(wrist: tuple[float, float], finger: int, share: float) -> tuple[float, float]:
    x, y = (w + share * _LENGTHS[finger] * turn(_ANGLES[finger]) for w, turn in zip(wrist, (math.cos, math.sin)))
    return round(x, 4), round(y, 4)


def tips_pose(wrist: tuple[float, float]) -> list[tuple[float, float]]:
    """Where the finger tips of a right hand are drawn, thumb to little finger, below a wrist at (x, y)."""
    return [_along(wrist, finger, 1) for finger in range(5)]


@dataclass(frozen=True)
class Hand:
    """21 joints of a layout: the hand's root, then from each finger's base to its tip four joints, thumb to little finger.

    first   the index of the root     joints  their names     bones   (child, parent), the root's to the wrist among them
    """

    first: int
    joints: tuple[str, ...]
    bones: tuple[tuple[int, int], ...]

    def pose(self, wrist: tuple[float, float]) -> dict[int, tuple[float, float]]:
        """Where a right hand is drawn below a wrist at (x, y)."""
        root = (wrist[0], round(wrist[1] + 0.02, 4))
        return {self.first: root} | {self.first + 1 + 4 * finger + i: _along(root, finger, 0.4 + 0.2 * i)
                                     for finger in range(5) for i in range(4)}


def hand(side: str, first: int, wrist: int) -> Hand:
    """The hand of that side whose root is joint `first`, hanging from joint `wrist`."""
    joints = [f'{side} hand root']
    bones = [(first, wrist)]
    for f, finger in enumerate(FINGERS):
        parts = ('root', 'base', 'joint', 'tip') if finger == 'thumb' else ('base', 'middle joint', 'end joint', 'tip')
        base = first + 1 + 4 * f
        joints += [f'{side} {finger} {part}' for part in parts]
        bones += [(base, first), (base + 1, base), (base + 2, base + 1), (base + 3, base + 2)]
    return Hand(first, tuple(joints), tuple(bones))
