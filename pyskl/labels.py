"""Names of classes: the 32 micro-gestures of iMiGUE, in class order, as its label list spells them; a user's own from a file."""
from __future__ import annotations

import os
from pathlib import Path

from .errors import DataError

IMIGUE_LABELS: tuple[str, ...] = (
    'turtle neck', 'deep breath', 'touch hat', 'touch face', 'touch forehead', 'cover face', 'rub eyes', 'touch other face part',
    'touch ears', 'bite nails', 'touch chin', 'touch neck', 'play hair', 'adjust tie', 'touch chest', 'scratch back',
    'fold arm', 'tidy sleeve', 'put arm back', 'move torso', 'sit straight', 'scratch arm', 'rub hand', 'cross finger',
    'minaret hand', 'play things', 'withdraw arms', 'head up', 'bit lip', 'arm akimbo', 'shake shoulder', 'illustrative',
)

# PYSKL's hand gestures: the 27 of Jester (thumb down and up are called Dislike and Like), then 13 of HaGRID.
GESTURE_LABELS: tuple[str, ...] = (
    'Doing other things', 'Drumming Fingers', 'No gesture', 'Pulling Hand In',
    'Pulling Two Fingers In', 'Pushing Hand Away', 'Pushing Two Fingers Away',
    'Rolling Hand Backward', 'Rolling Hand Forward', 'Shaking Hand', 'Sliding Two Fingers Down',
    'Sliding Two Fingers Left', 'Sliding Two Fingers Right', 'Sliding Two Fingers Up', 'Stop Sign',
    'Swiping Down', 'Swiping Left', 'Swiping Right', 'Swiping Up', 'Dislike', 'Like',
    'Turning Hand Clockwise', 'Turning Hand Counterclockwise', 'Zooming In With Full Hand',
    'Zooming In With Two Fingers', 'Zooming Out With Full Hand', 'Zooming Out With Two Fingers',
    'Call', 'Fist', 'Four', 'Mute', 'OK', 'One', 'Palm', 'Peace', 'Rock', 'Three-Middle',
    'Three-Left', 'Two Up', 'No Gesture',
)


def read_labels(path: str | os.PathLike) -> list[str]:
    """Label names, one a line, in class order. DataError when there are none or the file is no text."""
    try:
        lines = Path(path).read_text(encoding='utf-8-sig').splitlines()
    except (OSError, ValueError) as error:
        raise DataError(f'{path}: cannot be read as text ({error}). Expected one label a line, in class order.') from error
    while lines and not lines[-1].strip():
        lines.pop()
    empty = next((n for n, line in enumerate(lines) if not line.strip()), None)
    if not lines or empty is not None:
        where = 'holds no labels' if not lines else f'line {empty + 1} is blank, so class {empty} would have no name'
        raise DataError(f'{path}: {where}. Expected one label a line, in class order.')
    return [line.strip() for line in lines]
