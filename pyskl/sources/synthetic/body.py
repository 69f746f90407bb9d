"""Compute the 22 joints of an upper body from the positions of its parts.

Proportions of the face, arms of two links, finger tips.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...skeletons import imigue22
from .people import People

LAYOUT = imigue22()
JOINT = {name: i for i, name in enumerate(LAYOUT.joints)}

NOSE_ABOVE_NECK = 0.50
# The rest of the face, relative to the nose.
FACE = {
    'right eye': (-0.09, -0.09),
    'left eye': (0.09, -0.09),
    'right ear': (-0.20, -0.04),
    'left ear': (0.20, -0.04),
}
UPPER_ARM, FOREARM = 0.80, 0.68
# Finger tips relative to the wrist, thumb to little finger: length, and angle of the open hand
# (rad).
FINGER_LENGTH = np.array([0.19, 0.29, 0.31, 0.29, 0.24], np.float32)
FINGER_ANGLE = np.array([-0.85, -0.28, 0.0, 0.24, 0.48], np.float32)
_FINGER_CENTRE = 0.24  # distance from the wrist to the part of the hand that touches


@dataclass(frozen=True)
class Parts:
    """Positions of the parts in every frame, in shoulder widths.

    x points right in the picture and y down; (0, 0) is the neck of somebody who sits still.

    Attributes:
        neck: (N, T, 2) position.
        head: (N, T, 2) shift from where the head is at rest.
        hands: (N, T, 2) position of the right one and of the left one.
        shoulders: (N, T, 2) shift, right and left.
        fingers: (N, T) from 0, a fist, to 1, an open hand; right and left.
    """

    neck: np.ndarray
    head: np.ndarray
    hands: Sequence[np.ndarray]
    shoulders: Sequence[np.ndarray]
    fingers: Sequence[np.ndarray]


def nose_height(people: People) -> np.ndarray:
    """Return (N,) the height of the nose above the neck, in shoulder widths."""
    return NOSE_ABOVE_NECK * people.neck


def joints_of(parts: Parts, people: People) -> np.ndarray:
    """Return the joints (N, T, 22, 2) of the layout imigue22, in the units and axes of `parts`."""
    joints = np.empty((*parts.neck.shape[:2], LAYOUT.num_joints, 2), np.float32)
    joints[:, :, JOINT['neck']] = parts.neck
    nose = parts.neck + parts.head
    nose[..., 1] -= nose_height(people)[:, None]
    joints[:, :, JOINT['nose']] = nose
    for name, offset in FACE.items():
        joints[:, :, JOINT[name]] = nose + people.head[:, None, None] * np.array(offset, np.float32)
    sides = zip(('right', 'left'), (-1.0, 1.0), parts.shoulders, parts.hands, parts.fingers)
    for side, outward, shift, hand, fingers in sides:
        shoulder = parts.neck + shift
        shoulder[..., 0] += 0.5 * outward
        shoulder[..., 1] += people.slope[:, None]
        elbow, wrist, tips = _arm(shoulder, hand, fingers, people, outward)
        for name, place in (('shoulder', shoulder), ('elbow', elbow), ('wrist', wrist)):
            joints[:, :, JOINT[f'{side} {name}']] = place
        first_tip = JOINT[f'{side} thumb tip']
        joints[:, :, first_tip : first_tip + 5] = tips
    return joints


def _arm(
    shoulder: np.ndarray, touch: np.ndarray, fingers: np.ndarray, people: People, outward: float
):
    """Return elbow, wrist (N, T, 2) and finger tips (N, T, 5, 2) of an arm that touches `touch`."""
    hangs = shoulder + np.array([0.15 * outward, 0.70], np.float32)
    pointing = _unit(touch - hangs)
    wrist = touch - _FINGER_CENTRE * people.hand[:, None, None] * pointing
    elbow, wrist = _two_links(
        shoulder, wrist, UPPER_ARM * people.upper_arm, FOREARM * people.forearm, outward
    )
    sideways = outward * np.stack([-pointing[..., 1], pointing[..., 0]], axis=-1)
    angle = FINGER_ANGLE * (0.35 + 0.9 * fingers[..., None])
    reach = FINGER_LENGTH * (0.62 + 0.45 * fingers[..., None]) * people.hand[:, None, None]
    tips = (
        wrist[:, :, None]
        + (reach * np.cos(angle))[..., None] * pointing[:, :, None]
        - (reach * np.sin(angle))[..., None] * sideways[:, :, None]
    )
    return elbow, wrist, tips


def _two_links(shoulder, wrist, upper, fore, outward: float):
    """Solve an arm of two links for its elbow; draw the wrist in where it is out of reach.

    The elbow of a low hand is beside the line from shoulder to wrist. That of a raised hand hangs
    below the shoulder, or is lifted as far as the forearm requires. Links may look shorter than
    they are, since they may point at the camera, but never longer.

    Args:
        shoulder: (N, T, 2) position.
        wrist: (N, T, 2) position wanted.
        upper: (N,) length of the upper arm.
        fore: (N,) length of the forearm.
        outward: -1 for the right arm, 1 for the left one.

    Returns:
        (N, T, 2) elbow and wrist.
    """
    # The triangle: the elbow beside the line from shoulder to wrist.
    upper, fore = upper[:, None], fore[:, None]
    line = wrist - shoulder
    distance = np.maximum(np.linalg.norm(line, axis=-1), 1e-4)
    direction = line / distance[..., None]
    distance = np.clip(distance, 0.25 * (upper + fore), 0.99 * (upper + fore))
    wrist = shoulder + distance[..., None] * direction
    foot = (distance**2 + upper**2 - fore**2) / (2 * distance)
    bend = 0.55 * np.sqrt(np.maximum(upper**2 - foot**2, 0.0))
    across = -outward * np.stack([-direction[..., 1], direction[..., 0]], axis=-1)
    bent = shoulder + foot[..., None] * direction + bend[..., None] * across

    # The elbow of a raised hand: below the shoulder, within reach of both links.
    raised = shoulder[..., 1] - wrist[..., 1]
    aside = outward * (0.10 + 0.25 * _sigmoid((raised - 0.6) / 0.15))
    hanging = shoulder + np.stack([aside, np.full_like(aside, 0.45)], axis=-1)
    hanging = wrist + _shortened(hanging - wrist, fore)
    hanging = shoulder + _shortened(hanging - shoulder, upper)

    # Blend both; the elbow of a stretched arm is on the line.
    bends = np.clip(8 * (1 - distance / (0.99 * (upper + fore))), 0, 1)
    return bent + (bends * _sigmoid((raised + 0.1) / 0.12))[..., None] * (hanging - bent), wrist


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def _shortened(vector: np.ndarray, longest: np.ndarray) -> np.ndarray:
    """Shorten the vectors that are longer than `longest`."""
    length = np.maximum(np.linalg.norm(vector, axis=-1), 1e-4)
    return vector * np.minimum(1.0, longest / length)[..., None]


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.maximum(np.linalg.norm(vector, axis=-1, keepdims=True), 1e-4)
