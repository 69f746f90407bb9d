"""From clips to the likeliest classes, whatever computes the scores."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

from ..annotations.clips import Annotations
from ..annotations.field_values import whole_number
from ..errors import ConfigError
from ..labels import Labels, class_names
from ..wording import count, some
from .clips import (
    Annotation,
    TakesClips,
    clips_of,
    is_one_clip,
    odd_things,
    opened,
    people_of,
    shows_nobody,
)

PEOPLE = ('together', 'apart')
VIEWS = (1, 'all')


class Answers(TakesClips, Protocol):
    """A network whose answers have names.

    Attributes:
        label_sources: (place, names or None), the first with names counts.
        layouts: names of the skeleton layouts that it speaks of.
        told: kinds of oddities that were warned of.
    """

    label_sources: Sequence[tuple[str, Labels | None]]
    layouts: set[str]
    told: set[str]


@dataclass(frozen=True)
class Answering:
    """What a caller wants to be told; see inference_recognizer.

    Raises:
        ConfigError: an argument that is not known.
    """

    labels: Labels | None = None
    top_k: int | None = 5
    views: Literal[1, 'all'] = 'all'
    people: Literal['together', 'apart'] = 'together'
    indices: bool = False

    def __post_init__(self):
        top_k = self.top_k
        if top_k is not None and (whole_number(top_k) is None or top_k < 1):
            raise ConfigError(
                f'top_k = {top_k!r}: expected a whole number from 1 on, or None for all.'
            )
        for name, value, known in (('views', self.views, VIEWS), ('people', self.people, PEOPLE)):
            if isinstance(value, bool) or not np.isscalar(value) or value not in known:
                raise ConfigError(f'{name} = {value!r}: expected {" or ".join(map(repr, known))}.')


def answers(
    model: Answers,
    clip: Any,
    img_shape: Sequence[int] | None,
    how: Answering,
    scores_of: Callable[[list[Annotation]], Iterable[np.ndarray]],
) -> list:
    """Return the likeliest classes of a clip, or of several; see inference_recognizer.

    Args:
        model: what the clips are for.
        clip: as callers give it.
        img_shape: (h, w) of the picture, pixels, for clips that do not say it.
        how: what is wanted.
        scores_of: computes the class scores (K,) of each of some clips, in order.
    """
    source = opened(model, clip)
    clips = clips_of(model, source, img_shape)
    shown = [people_of(one) if how.people == 'apart' else [one] for one in clips]
    rows = [row for group in shown for row in group]
    seen = [not shows_nobody(row) for row in rows]
    _say_what_is_odd(model, clips)
    scores = iter(scores_of([row for row, there in zip(rows, seen) if there]))
    names: list[str] | None = None
    found: list[list] = []
    for there in seen:
        best = []
        if there:
            probabilities = next(scores)
            if names is None and not how.indices:
                names = _names(model, len(probabilities), how.labels, source)
            most = None if how.top_k is None else int(how.top_k)
            for k in np.argsort(-probabilities, kind='stable')[:most].tolist():
                best.append((k if names is None else names[k], float(probabilities[k])))
        found.append(best)
    if how.people == 'apart':
        remaining = iter(found)
        found = [[next(remaining) for _ in group] for group in shown]
    return found[0] if is_one_clip(model, clip) else found


def _say_what_is_odd(model: Answers, clips: Sequence[Annotation]) -> None:
    """Warn of clips in which nobody is seen, and, once a kind, of what looks wrong with the others."""
    empty: list[Annotation] = []
    shown: list[Annotation] = []
    for clip in clips:
        (empty if shows_nobody(clip) else shown).append(clip)
    if empty:
        logging.getLogger('pyskl').warning(
            'nobody is seen in %d of %s (%s): every joint is missing in all frames, so the answer is '
            'empty.',
            len(empty),
            count(len(clips), 'clip'),
            some([clip['frame_dir'] for clip in empty], 3),
        )
    for oddity in odd_things(model, shown):
        if oddity.kind not in model.told:
            model.told.add(oddity.kind)
            logging.getLogger('pyskl').warning('%s', oddity.text)


def _names(model: Answers, num_classes: int, labels: Labels | None, source: Any) -> list[str]:
    """Return the names of a model's answers.

    The checkpoint's come before those of the file that is recognised, which may be of another data
    set, and whose names count only where it has as many.
    """
    told = source.about.label_names if isinstance(source, Annotations) else None
    told = told if told is not None and len(told) == num_classes else None
    sources = (('labels', labels), *model.label_sources, ('label_names', told))
    return class_names(num_classes, *sources, layouts=model.layouts)
