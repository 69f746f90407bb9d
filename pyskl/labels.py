"""The 32 micro-gestures of iMiGUE, in class order, as its label list spells them."""
from __future__ import annotations

IMIGUE_LABELS: tuple[str, ...] = (
    'turtle neck', 'deep breath', 'touch hat', 'touch face', 'touch forehead', 'cover face', 'rub eyes', 'touch other face part',
    'touch ears', 'bite nails', 'touch chin', 'touch neck', 'play hair', 'adjust tie', 'touch chest', 'scratch back',
    'fold arm', 'tidy sleeve', 'put arm back', 'move torso', 'sit straight', 'scratch arm', 'rub hand', 'cross finger',
    'minaret hand', 'play things', 'withdraw arms', 'head up', 'bit lip', 'arm akimbo', 'shake shoulder', 'illustrative',
)
