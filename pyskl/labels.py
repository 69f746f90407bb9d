"""Names of classes in class order: iMiGUE's as its label list spells them, PYSKL's hand gestures, NTU RGB+D's; a user's own from a file."""
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

# NTU RGB+D: A1 to A60, and with 120 classes A61 to A120. A50 to A60 and A106 to A120 are done by two people.
NTU120_LABELS: tuple[str, ...] = (
    'drink water', 'eat meal', 'brush teeth', 'brush hair', 'drop', 'pick up', 'throw', 'sit down',
    'stand up', 'clapping', 'reading', 'writing', 'tear up paper', 'put on jacket',
    'take off jacket', 'put on a shoe', 'take off a shoe', 'put on glasses', 'take off glasses',
    'put on a hat/cap', 'take off a hat/cap', 'cheer up', 'hand waving', 'kicking something',
    'reach into pocket', 'hopping', 'jump up', 'phone call', 'play with phone/tablet',
    'type on a keyboard', 'point to something', 'taking a selfie', 'check time (from watch)',
    'rub two hands', 'nod head/bow', 'shake head', 'wipe face', 'salute', 'put palms together',
    'cross hands in front', 'sneeze/cough', 'staggering', 'falling down', 'headache', 'chest pain',
    'back pain', 'neck pain', 'nausea/vomiting', 'fan self', 'punch/slap', 'kicking', 'pushing',
    'pat on back', 'point finger', 'hugging', 'giving object', 'touch pocket', 'shaking hands',
    'walking towards', 'walking apart', 'put on headphone', 'take off headphone', 'shoot at basket',
    'bounce ball', 'tennis bat swing', 'juggle table tennis ball', 'hush', 'flick hair', 'thumb up',
    'thumb down', 'make OK sign', 'make victory sign', 'staple book', 'counting money',
    'cutting nails', 'cutting paper', 'snap fingers', 'open bottle', 'sniff/smell', 'squat down',
    'toss a coin', 'fold paper', 'ball up paper', 'play magic cube', 'apply cream on face',
    'apply cream on hand', 'put on bag', 'take off bag', 'put object into bag',
    'take object out of bag', 'open a box', 'move heavy objects', 'shake fist', 'throw up cap/hat',
    'capitulate', 'cross arms', 'arm circles', 'arm swings', 'run on the spot', 'butt kicks',
    'cross toe touch', 'side kick', 'yawn', 'stretch oneself', 'blow nose', 'hit with object',
    'wield knife', 'knock over', 'grab stuff', 'shoot with gun', 'step on foot', 'high-five',
    'cheers and drink', 'carry object', 'take a photo', 'follow', 'whisper', 'exchange things',
    'support somebody', 'rock-paper-scissors',
)
NTU60_LABELS = NTU120_LABELS[:60]


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
