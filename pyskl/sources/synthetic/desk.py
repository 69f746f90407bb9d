"""What made-up people do at a desk: eight classes in pairs that a picture, or a pose, cannot tell apart.

Two pairs differ by what a hand holds, which is no joint. The other two differ by what the hands do below the
desk's top, which no picture shows; their key points are known all the same, as if from another camera. So
pictures alone can tell six of eight classes, and a guess between the last two of each hidden pair makes
three clips of four right; key points alone as many; both together tell all.
"""

from __future__ import annotations

from dataclasses import dataclass

from .gestures import MIDDLE, SLOW, Gesture, Move

DESK_TOP = 0.36  # below the neck, shoulder widths


@dataclass(frozen=True)
class Scene:
    """One class.

    Attributes:
        name: of the class.
        moves: what the joints do.
        shows: what of it can be seen above the desk; the very same in both classes of a hidden pair.
        holds: what lies in the acting hand: 'phone', 'cup' or '' for nothing.
    """

    name: str
    moves: Gesture
    shows: Gesture
    holds: str = ''


def _hidden(
    name: str, above: Gesture, hand: Move | None = None, other: Move | None = None
) -> Scene:
    """A class whose hands are below the desk's top; `above` says period and all that shows."""
    moves = Gesture(name, above.period, hand=hand, other=other, torso=above.torso)
    return Scene(name, moves, above)


_AT_EAR = Gesture('hand at the ear', SLOW, hand=Move('ear', along=(0.0, 0.12)), fingers=0.3)
_AT_MOUTH = Gesture('hand at the mouth', SLOW, hand=Move('mouth', along=(0.0, 0.20)), fingers=0.3)
_SITS = Gesture('sits', MIDDLE)
_SWAYS = Gesture('sways', SLOW, torso=Move(along=(0.22, 0.0)))
_RUBS = Move('lap', along=(0.0, 0.24))

SCENES: tuple[Scene, ...] = (
    # only pixels tell these apart
    Scene('touch the ear', _AT_EAR, _AT_EAR),
    Scene('make a call', _AT_EAR, _AT_EAR, holds='phone'),
    Scene('touch the chin', _AT_MOUTH, _AT_MOUTH),
    Scene('drink', _AT_MOUTH, _AT_MOUTH, holds='cup'),
    # only key points tell these apart
    _hidden('sit with folded hands', _SITS, hand=Move('lap'), other=Move('lap')),
    _hidden('sit and rub hands', _SITS, hand=_RUBS, other=Move('lap', (0.0, 0.24), lag=0.5)),
    _hidden('sway with folded hands', _SWAYS, hand=Move('lap'), other=Move('lap')),
    _hidden('sway with hands on the hips', _SWAYS, hand=Move('hip'), other=Move('hip')),
)
PAIRS = ((0, 1), (2, 3), (4, 5), (6, 7))
SEEN_ONLY, POSED_ONLY = PAIRS[:2], PAIRS[2:]  # told apart by pixels alone, by key points alone
