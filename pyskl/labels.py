"""Names of classes in class order; `class_names` alone decides which names a set of classes has.

Known by name: iMiGUE's as its label list spells them, PYSKL's hand gestures, NTU RGB+D's.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from .errors import DataError, did_you_mean, printable
from .files.texts import read_text
from .wording import brief, plain


def _lines(text: str) -> tuple[str, ...]:
    return tuple(text.strip().splitlines())


IMIGUE_LABELS = _lines("""
turtle neck
deep breath
touch hat
touch face
touch forehead
cover face
rub eyes
touch other face part
touch ears
bite nails
touch chin
touch neck
play hair
adjust tie
touch chest
scratch back
fold arm
tidy sleeve
put arm back
move torso
sit straight
scratch arm
rub hand
cross finger
minaret hand
play things
withdraw arms
head up
bit lip
arm akimbo
shake shoulder
illustrative
""")

# PYSKL's hand gestures: the 27 of Jester (thumb down and up are called Dislike and Like), then 13
# of HaGRID.
GESTURE_LABELS = _lines("""
Doing other things
Drumming Fingers
No gesture
Pulling Hand In
Pulling Two Fingers In
Pushing Hand Away
Pushing Two Fingers Away
Rolling Hand Backward
Rolling Hand Forward
Shaking Hand
Sliding Two Fingers Down
Sliding Two Fingers Left
Sliding Two Fingers Right
Sliding Two Fingers Up
Stop Sign
Swiping Down
Swiping Left
Swiping Right
Swiping Up
Dislike
Like
Turning Hand Clockwise
Turning Hand Counterclockwise
Zooming In With Full Hand
Zooming In With Two Fingers
Zooming Out With Full Hand
Zooming Out With Two Fingers
Call
Fist
Four
Mute
OK
One
Palm
Peace
Rock
Three-Middle
Three-Left
Two Up
No Gesture
""")

# NTU RGB+D: A1 to A60, and with 120 classes A61 to A120. A50 to A60 and A106 to A120 are done by
# two people.
NTU120_LABELS = _lines("""
drink water
eat meal
brush teeth
brush hair
drop
pick up
throw
sit down
stand up
clapping
reading
writing
tear up paper
put on jacket
take off jacket
put on a shoe
take off a shoe
put on glasses
take off glasses
put on a hat/cap
take off a hat/cap
cheer up
hand waving
kicking something
reach into pocket
hopping
jump up
phone call
play with phone/tablet
type on a keyboard
point to something
taking a selfie
check time (from watch)
rub two hands
nod head/bow
shake head
wipe face
salute
put palms together
cross hands in front
sneeze/cough
staggering
falling down
headache
chest pain
back pain
neck pain
nausea/vomiting
fan self
punch/slap
kicking
pushing
pat on back
point finger
hugging
giving object
touch pocket
shaking hands
walking towards
walking apart
put on headphone
take off headphone
shoot at basket
bounce ball
tennis bat swing
juggle table tennis ball
hush
flick hair
thumb up
thumb down
make OK sign
make victory sign
staple book
counting money
cutting nails
cutting paper
snap fingers
open bottle
sniff/smell
squat down
toss a coin
fold paper
ball up paper
play magic cube
apply cream on face
apply cream on hand
put on bag
take off bag
put object into bag
take object out of bag
open a box
move heavy objects
shake fist
throw up cap/hat
capitulate
cross arms
arm circles
arm swings
run on the spot
butt kicks
cross toe touch
side kick
yawn
stretch oneself
blow nose
hit with object
wield knife
knock over
grab stuff
shoot with gun
step on foot
high-five
cheers and drink
carry object
take a photo
follow
whisper
exchange things
support somebody
rock-paper-scissors
""")
NTU60_LABELS = NTU120_LABELS[:60]


# What `labels` of a config and the options --labels take beside a file.
KNOWN_LABELS: dict[str, tuple[str, ...]] = {
    'imigue': IMIGUE_LABELS,
    'ntu60': NTU60_LABELS,
    'ntu120': NTU120_LABELS,
    'gestures': GESTURE_LABELS,
}
MAX_BYTES = 1 << 20  # of a file of names

Labels = str | os.PathLike | Sequence[str]


def class_names(
    num_classes: int, *sources: tuple[str, Labels | None], layouts: Iterable[str] = ()
) -> list[str]:
    """Return a name for every class, for all that show classes to somebody.

    Args:
        num_classes: K.
        sources: (place, names or None); the first that has names counts. The usual order: an
            argument or option, `labels` of the config, `label_names` of the data, `label_names` in
            the checkpoint's meta.
        layouts: names of the skeleton layouts of config, data and checkpoint (recipe.layouts).
            Where no source has names and this is 'imigue22' alone, 32 classes are iMiGUE's.

    Returns:
        K names; 'class 0', 'class 1' ... where none are known.

    Raises:
        DataError: another number of names than of classes, or names that cannot be read.
    """
    known = known_names(num_classes, *sources, layouts=layouts)
    return [f'class {k}' for k in range(num_classes)] if known is None else known


def known_names(
    num_classes: int | None, *sources: tuple[str, Labels | None], layouts: Iterable[str] = ()
) -> list[str] | None:
    """Return the names that `class_names` finds; None where none are known.

    Args:
        num_classes: K; None: not known, any number of names will do.
        sources: as for class_names.
        layouts: as for class_names.

    Raises:
        DataError: as class_names.
    """
    for place, value in sources:
        if value is None:
            continue
        names = names_of(value, place)
        if num_classes is not None and len(names) != num_classes:
            raise DataError(
                f'{place}: {len(names)} class names for {num_classes} classes. Expected a name for '
                'each, in class order; correct the names, or num_classes.'
            )
        return names
    is_imigue = num_classes == len(IMIGUE_LABELS) and set(layouts) == {'imigue22'}
    return list(IMIGUE_LABELS) if is_imigue else None


def names_of(value: Labels, place: str) -> list[str]:
    """Return the names that a setting, an option or an entry of a file means.

    Args:
        value: names in class order, one of KNOWN_LABELS, or a text file as `read_labels` takes.
        place: where it stands, for the error.

    Raises:
        DataError: no such file, or no list of texts.
    """
    if isinstance(value, str) and value in KNOWN_LABELS:
        return list(KNOWN_LABELS[value])
    if isinstance(value, (str, os.PathLike)):
        if not os.path.exists(value):
            raise DataError(
                f'{place}: {plain(str(value))} cannot be read: there is no such file. Expected '
                f'a text file with one label a line, or one of {", ".join(KNOWN_LABELS)}.'
                f'{did_you_mean(value, KNOWN_LABELS)}'
            )
        return read_labels(value)
    names = listed_names(value)
    if names is None:
        raise DataError(
            f'{place}: {brief(value)} are no class names. Expected a list of texts in class order, '
            f'a text file with one a line, or one of {", ".join(KNOWN_LABELS)}.'
        )
    return names


def listed_names(value: Any) -> list[str] | None:
    """Return a list's texts with single blanks between words; None: no list of texts, or empty."""
    is_list = isinstance(value, Sequence) and not isinstance(value, (str, bytes)) and len(value) > 0
    if not is_list or not all(isinstance(name, str) and _can_be_shown(name) for name in value):
        return None
    return [printable(' '.join(name.split())) for name in value]


def _can_be_shown(name: str) -> bool:
    """Return whether a name is not blank and has no control or half characters."""
    name = ' '.join(name.split())
    return bool(name) and not any(unicodedata.category(c) in ('Cc', 'Cs') for c in name)


def check_order(given: Sequence[str] | None, own: Sequence[str] | None) -> None:
    """Refuse names (--label-names) that are those of the data's classes in another order.

    Raises:
        DataError: naming the first name at another position.
    """
    if not given or not own or list(given) == list(own) or sorted(given) != sorted(own):
        return
    k = next(k for k, (name, other) in enumerate(zip(given, own)) if name != other)
    raise DataError(
        f'--label-names: class {k} is {plain(given[k])}, and {plain(own[k])} in the data, whose '
        'labels are numbers already. Expected the same order; leave the option out.'
    )


def read_labels(path: str | os.PathLike) -> list[str]:
    """Return label names from a text file, one a line, in class order.

    Raises:
        DataError: the file is no text or holds no names.
    """
    expected = 'Expected one label a line, in class order.'
    lines = read_text(path, expected, MAX_BYTES).splitlines()
    while lines and not lines[-1].strip():
        lines.pop()
    empty = next((n for n, line in enumerate(lines) if not line.strip()), None)
    if not lines:
        raise DataError(f'{path}: holds no labels. {expected}')
    if empty is not None:
        raise DataError(
            f'{path}: line {empty + 1} is blank, so class {empty} would have no name. {expected}'
        )
    return [printable(line.strip()) for line in lines]
