"""Colours, RGB. Left, right and middle are told apart by every common kind of colour blindness (Okabe and Ito 2008)."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import numpy as np

from ..skeletons import Layout

Colour = tuple[int, int, int]

BLUE, VERMILLION, SKY, ORANGE, GREEN = (
    (0, 114, 178),
    (213, 94, 0),
    (86, 180, 233),
    (230, 159, 0),
    (0, 158, 115),
)
WHITE, BLACK, INK, FAINT, OUTSIDE = (
    (255, 255, 255),
    (0, 0, 0),
    (40, 40, 40),
    (120, 120, 120),
    (232, 232, 232),
)

LEFT, MIDDLE, RIGHT = 'left', 'middle', 'right'


@dataclass(frozen=True)
class Look:
    """The colours of a skeleton. `edge` runs along bones and joints, so that they stand out from each other and the ground."""

    left: Colour
    middle: Colour
    right: Colour
    edge: Colour

    def of(self, side: str) -> Colour:
        return getattr(self, side)


ON_PAPER = Look(left=BLUE, middle=(85, 85, 85), right=VERMILLION, edge=WHITE)
ON_VIDEO = Look(left=SKY, middle=WHITE, right=ORANGE, edge=BLACK)


def joint_sides(layout: Layout) -> list[str]:
    """'left', 'middle' or 'right' of each joint: the person's own side."""
    lefts, rights = set(layout.left), set(layout.right)
    return [
        LEFT if j in lefts else RIGHT if j in rights else MIDDLE for j in range(layout.num_joints)
    ]


def sides_legend(layout: Layout, look: Look = ON_PAPER) -> list[tuple[str, Colour]]:
    """The sides that the layout has, with their colours. Left to right as a person stands who faces us."""
    there = set(joint_sides(layout))
    return [(side, look.of(side)) for side in (RIGHT, MIDDLE, LEFT) if side in there]


def side_of(joints: tuple[int, ...], sides: list[str]) -> str:
    """The side of what joins these joints; one that goes from left to right, as no true bone does, is in the middle."""
    found = {sides[j] for j in joints} - {MIDDLE}
    return found.pop() if len(found) == 1 else MIDDLE


def channel_colours(sides: list[str]) -> np.ndarray:
    """(C, 3) float32, 0..1: a colour for each channel, given its side: left ones cool, right ones warm, middle ones pale.

    Neighbours on one side differ in hue, so that finger tips can be told apart.
    """
    hues = {LEFT: (0.48, 0.74), RIGHT: (-0.02, 0.15), MIDDLE: (0.25, 0.3)}
    colours = np.empty((len(sides), 3), np.float32)
    for side, (first, last) in hues.items():
        channels = [c for c, s in enumerate(sides) if s == side]
        for place, c in enumerate(channels):
            hue = first + (last - first) * (place + 0.5) / len(channels)
            colours[c] = colorsys.hsv_to_rgb(hue % 1, 0.25 if side == MIDDLE else 0.85, 1)
    return colours
