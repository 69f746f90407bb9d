"""Eight classes at a desk, in pairs that either pictures or key points cannot tell apart.

Two pairs differ in what a hand holds, which is not a joint. The other two differ in what the hands
do below the top of the desk, which no picture shows; their key points are known all the same, as if
from another camera. So pictures alone are right about three clips of four at best, key points alone
likewise, and both together can tell all classes.
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
        shows: the part of it that is visible above the desk; the same in both classes of a hidden
            pair.
        holds: what the acting hand holds: 'phone', 'cup' or '' for nothing.
    """

    name: str
    moves: Gesture
    shows: Gesture
    holds: str = ''


def _hidden(
    name: str, above: Gesture, hand: Move | None = None, other: Move | None = None
) -> Scene:
    """Make a class whose hands are below the desk; `above` has its period and all that shows."""
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
