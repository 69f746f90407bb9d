"""Colours, RGB. Left, right and middle differ for every common kind of colour blindness.

Source: Okabe and Ito, Color universal design, 2008.
"""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import numpy as np

from ..skeletons import Layout

Colour = tuple[int, int, int]

BLUE = (0, 114, 178)
VERMILLION = (213, 94, 0)
SKY = (86, 180, 233)
ORANGE = (230, 159, 0)
GREEN = (0, 158, 115)
WHITE = (255, 255, 255)
BLACK = (0, 0, 0)
INK = (40, 40, 40)
FAINT = (120, 120, 120)
OUTSIDE = (232, 232, 232)

LEFT, MIDDLE, RIGHT = 'left', 'middle', 'right'


@dataclass(frozen=True)
class Look:
    """The colours of a skeleton.

    Attributes:
        left: the person's left side.
        middle: joints of neither side.
        right: the person's right side.
        edge: outline of bones and joints, which sets them apart from the ground.
    """

    left: Colour
    middle: Colour
    right: Colour
    edge: Colour

    def of(self, side: str) -> Colour:
        """Return the colour of a side."""
        return getattr(self, side)


ON_PAPER = Look(left=BLUE, middle=(85, 85, 85), right=VERMILLION, edge=WHITE)
ON_VIDEO = Look(left=SKY, middle=WHITE, right=ORANGE, edge=BLACK)


def joint_sides(layout: Layout) -> list[str]:
    """Return 'left', 'middle' or 'right' for each joint: the person's own side."""
    lefts, rights = set(layout.left), set(layout.right)
    return [
        LEFT if j in lefts else RIGHT if j in rights else MIDDLE for j in range(layout.num_joints)
    ]


def sides_legend(layout: Layout, look: Look = ON_PAPER) -> list[tuple[str, Colour]]:
    """Return the layout's sides and their colours, as a person has them who faces the viewer."""
    present = set(joint_sides(layout))
    return [(side, look.of(side)) for side in (RIGHT, MIDDLE, LEFT) if side in present]


def side_of(joints: tuple[int, ...], sides: list[str]) -> str:
    """Return the side of a bone or limb; one that joins left and right is in the middle."""
    of_joints = {sides[j] for j in joints} - {MIDDLE}
    return of_joints.pop() if len(of_joints) == 1 else MIDDLE


def channel_colours(sides: list[str]) -> np.ndarray:
    """Return a colour for each channel by its side: left cool, right warm, middle pale.

    Channels of a side differ in hue, so that finger tips can be told apart.

    Returns:
        (C, 3) float32 in 0..1.
    """
    hues = {LEFT: (0.48, 0.74), RIGHT: (-0.02, 0.15), MIDDLE: (0.25, 0.3)}
    colours = np.empty((len(sides), 3), np.float32)
    for side, (first, last) in hues.items():
        channels = [c for c, s in enumerate(sides) if s == side]
        for place, c in enumerate(channels):
            hue = first + (last - first) * (place + 0.5) / len(channels)
            colours[c] = colorsys.hsv_to_rgb(hue % 1, 0.25 if side == MIDDLE else 0.85, 1)
    return colours
