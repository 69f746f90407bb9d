"""The table of synthetic micro-gestures, one row each; synthesiser.py performs them.

Lengths are in shoulder widths; x points outward on the acting side (for `other` and `shoulder2`,
outward on their own side) and y down. Periods are in frames. A row reads: "touch hat: the hand goes
to the crown and moves up and down, slowly". Neighbouring rows share a place on purpose and differ
in direction, path or period only, so that a still pose cannot tell them apart. Periods are above 12
frames, so that 16 frames sampled from 90 still show the movement.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...labels import IMIGUE_LABELS

Vector = tuple[float, float]

# Where a hand can go: anchor and offset. Places on the head follow the head and scale with it.
PLACES: dict[str, tuple[str, Vector]] = {
    'crown': ('head', (0.12, -0.46)),
    'brow': ('head', (0.06, -0.16)),
    'cheek': ('head', (0.12, 0.08)),
    'mouth': ('head', (0.03, 0.22)),
    'ear': ('head', (0.26, 0.02)),
    'nape': ('head', (0.16, 0.16)),
    'collar': ('neck', (0.00, 0.14)),
    'far forearm': ('chair', (-0.36, 0.72)),
    'near forearm': ('chair', (-0.20, 0.80)),
    'belly': ('chair', (0.06, 0.72)),
    'lap': ('chair', (0.07, 0.98)),
    'hip': ('chair', (0.62, 0.86)),
    'in front': ('chair', (0.30, 0.55)),
}
ANCHORS = ('head', 'neck', 'chair')

# Where the hands rest (anchor: chair).
RESTS: tuple[Vector, ...] = ((0.08, 1.02), (0.32, 1.10), (0.18, 0.82), (0.62, 0.95))

PARTS = ('hand', 'other', 'head', 'shoulder', 'shoulder2', 'torso')
PART = {part: i for i, part in enumerate(PARTS)}
# From x pointing outward to x pointing right in the picture, where the right hand acts.
TO_PICTURE = {
    part: np.array([-1 if part in ('hand', 'shoulder') else 1, 1], np.float32) for part in PARTS
}

FAST, MIDDLE, SLOW = (12.0, 15.0), (18.0, 23.0), (30.0, 40.0)  # shortest and longest period, frames

_NUMBERS = (
    *('period', 'other_chance', 'spread', 'vary', 'ratio'),
    *('fingers', 'finger_wave', 'hidden'),
)  # fields of a gesture that hold numbers


@dataclass(frozen=True)
class Move:
    """Movement of one part of the body: to + along * sin(phase) + across * cos(ratio * phase).

    Attributes:
        to: a key of PLACES (hands), or a shift from where the part rests.
        along: amplitude of the sine.
        across: amplitude of the cosine.
        lag: turns by which the part is behind the gesture's phase (0.5: opposite).
    """

    to: str | Vector = (0.0, 0.0)
    along: Vector = (0.0, 0.0)
    across: Vector = (0.0, 0.0)
    lag: float = 0.0


@dataclass(frozen=True)
class Gesture:
    """One row of the table.

    Attributes:
        name: of the class.
        period: shortest and longest period in frames.
        hand: movement of the acting hand.
        other: movement of the other hand.
        head: movement of the head.
        shoulder: movement of the shoulder on the acting side.
        shoulder2: movement of the other shoulder.
        torso: movement of the trunk.
        other_chance: probability that the other hand joins in.
        spread: standard deviation of the hands' place from clip to clip, shoulder widths.
        vary: standard deviation of the hands' `along` and `across` from clip to clip, shoulder
            widths.
        ratio: periods of `across` in one period of `along` (1: circle, 2: figure of eight).
        fingers: how far they are spread, from 0, a fist, to 1, an open hand.
        finger_wave: how much that changes with the phase.
        hidden: probability that the acting finger tips are behind the body during the gesture.
    """

    name: str
    period: Vector = SLOW
    hand: Move | None = None
    other: Move | None = None
    head: Move | None = None
    shoulder: Move | None = None
    shoulder2: Move | None = None
    torso: Move | None = None
    other_chance: float = 1.0
    spread: float = 0.07
    vary: float = 0.0
    ratio: float = 1.0
    fingers: float = 0.6
    finger_wave: float = 0.0
    hidden: float = 0.0


def _both(**kwargs: Any) -> dict[str, Any]:
    return {'hand': Move(**kwargs), 'other': Move(**kwargs)}


def _opposed(**kwargs: Any) -> dict[str, Any]:
    return {'hand': Move(**kwargs), 'other': Move(**kwargs, lag=0.5)}


UP_DOWN, SIDEWAYS = (0.0, 0.28), (0.28, 0.0)

GESTURES: tuple[Gesture, ...] = (
    # the head and the trunk, hands at rest
    Gesture(
        'turtle neck',
        SLOW,
        head=Move((0.0, 0.22)),
        shoulder=Move((0.0, -0.14)),
        shoulder2=Move((0.0, -0.14)),
    ),
    Gesture('head up', SLOW, head=Move((0.0, -0.16), along=(0.0, 0.10))),
    Gesture('bit lip', FAST, head=Move((0.0, -0.02), along=(0.12, 0.0))),
    Gesture(
        'deep breath',
        SLOW,
        shoulder=Move((0.0, -0.09), along=(0.0, 0.15)),
        shoulder2=Move((0.0, -0.09), along=(0.0, 0.15)),
        head=Move(along=(0.0, 0.08)),
    ),
    Gesture(
        'shake shoulder',
        FAST,
        shoulder=Move((0.0, -0.09), along=(0.0, 0.13)),
        shoulder2=Move((0.0, -0.09), along=(0.0, 0.13), lag=0.5),
    ),
    Gesture('sit straight', SLOW, torso=Move((0.0, -0.24))),
    Gesture('move torso', SLOW, torso=Move(along=(0.26, 0.0))),
    # the head, touched
    Gesture('touch hat', SLOW, hand=Move('crown', along=UP_DOWN)),
    Gesture('play hair', FAST, hand=Move('crown', along=(0.21, 0.0), across=(0.0, 0.21))),
    Gesture('touch forehead', SLOW, hand=Move('brow', along=SIDEWAYS)),
    Gesture('rub eyes', FAST, hand=Move('brow', along=UP_DOWN)),
    Gesture('cover face', SLOW, **_both(to='brow'), fingers=0.9),
    Gesture('touch face', SLOW, hand=Move('cheek', along=UP_DOWN)),
    Gesture('touch other face part', FAST, hand=Move('cheek', along=SIDEWAYS)),
    Gesture('touch ears', MIDDLE, hand=Move('ear', along=(0.21, 0.0), across=(0.0, 0.21))),
    Gesture('scratch back', FAST, hand=Move('nape', along=(0.20, 0.20)), hidden=0.6),
    Gesture('touch chin', SLOW, hand=Move('mouth', along=SIDEWAYS)),
    Gesture('bite nails', FAST, hand=Move('mouth', along=UP_DOWN), fingers=0.2),
    # neck and chest
    Gesture('touch neck', SLOW, hand=Move('collar', along=SIDEWAYS)),
    Gesture('adjust tie', FAST, hand=Move('collar', along=UP_DOWN), fingers=0.3),
    Gesture('touch chest', MIDDLE, hand=Move('collar', along=(0.21, 0.0), across=(0.0, 0.21))),
    # one arm on the other
    Gesture('fold arm', SLOW, hand=Move('far forearm'), other=Move('near forearm'), fingers=0.4),
    Gesture(
        'tidy sleeve',
        SLOW,
        hand=Move('far forearm', along=(0.26, 0.14)),
        other=Move('near forearm'),
    ),
    Gesture(
        'scratch arm',
        FAST,
        hand=Move('far forearm', along=(0.12, -0.24)),
        other=Move('near forearm'),
    ),
    # both hands in front of the body
    Gesture('rub hand', FAST, **_opposed(to='lap', along=UP_DOWN)),
    Gesture('cross finger', SLOW, **_both(to='lap', along=UP_DOWN), finger_wave=0.4),
    Gesture(
        'play things',
        MIDDLE,
        **_opposed(to='lap', along=(0.19, 0.0), across=(0.0, 0.19)),
        fingers=0.3,
    ),
    Gesture('minaret hand', SLOW, **_both(to='belly', along=(0.20, 0.0)), fingers=0.2),
    # hands that leave
    Gesture('arm akimbo', SLOW, **_both(to='hip'), fingers=0.3, spread=0.09),
    Gesture('withdraw arms', FAST, **_both(to='hip', along=(0.22, 0.0)), spread=0.09),
    Gesture('put arm back', SLOW, hand=Move('hip'), spread=0.09, hidden=0.6),
    # everything else that hands do while one speaks
    Gesture(
        'illustrative',
        (16.0, 30.0),
        **_both(to='in front', along=(0.0, 0.10)),
        other_chance=0.5,
        spread=0.22,
        vary=0.20,
        ratio=2.0,
        fingers=0.8,
        finger_wave=0.2,
    ),
)


@dataclass(frozen=True)
class GestureTable:
    """Gestures as arrays, one row per class: K classes, P parts.

    Attributes:
        anchor: (K, P) index into ANCHORS.
        to: (K, P, 2) offset from the anchor; along, across: (K, P, 2) amplitudes.
        lag: (K, P) turns; used: (K, P) whether the part takes part.
        period: (K, 2) frames; all others (K,), as in Gesture.
    """

    anchor: np.ndarray
    to: np.ndarray
    along: np.ndarray
    across: np.ndarray
    lag: np.ndarray
    used: np.ndarray
    period: np.ndarray
    other_chance: np.ndarray
    spread: np.ndarray
    vary: np.ndarray
    ratio: np.ndarray
    fingers: np.ndarray
    finger_wave: np.ndarray
    hidden: np.ndarray

    def of(self, labels: np.ndarray) -> GestureTable:
        """Return the rows of labels (N,): every array then begins with N."""
        return GestureTable(**{name: array[labels] for name, array in vars(self).items()})


def gesture_table(
    gestures: tuple[Gesture, ...] = GESTURES, labels: tuple[str, ...] = IMIGUE_LABELS
) -> GestureTable:
    """Return the table in the order of the labels; each label has exactly one gesture."""
    by_name = {gesture.name: gesture for gesture in gestures}
    unmatched = set(by_name) ^ set(labels)
    assert not unmatched and len(by_name) == len(gestures), unmatched
    rows = [by_name[name] for name in labels]
    moves = [[getattr(row, part) or Move() for part in PARTS] for row in rows]
    columns = {
        field: np.array([[getattr(move, field) for move in parts] for parts in moves], np.float32)
        for field in ('along', 'across', 'lag')
    }
    columns |= {
        field: np.array([getattr(row, field) for row in rows], np.float32) for field in _NUMBERS
    }
    places = [
        [PLACES[move.to] if isinstance(move.to, str) else ('chair', move.to) for move in parts]
        for parts in moves
    ]
    used = [[getattr(row, part) is not None for part in PARTS] for row in rows]
    return GestureTable(
        anchor=np.array([[ANCHORS.index(anchor) for anchor, _ in parts] for parts in places]),
        to=np.array([[offset for _, offset in parts] for parts in places], np.float32),
        used=np.array(used),
        **columns,
    )
