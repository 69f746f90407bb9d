"""From clips to their most likely classes, independent of what computes the scores."""

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
    open_source,
    people_of,
    shows_nobody,
)

PEOPLE = ('together', 'apart')
VIEWS = (1, 'all')


class Answers(TakesClips, Protocol):
    """A network whose answers have names.

    Attributes:
        label_sources: (place, names or None); the first with names counts.
        layouts: names of the skeleton layouts that it mentions.
        told: kinds of oddities that have been warned about.
    """

    label_sources: Sequence[tuple[str, Labels | None]]
    layouts: set[str]
    told: set[str]


@dataclass(frozen=True)
class AnswerOptions:
    """What a caller wants as answers, see inference_recognizer.

    Attributes:
        labels: names of the classes; None: those of the model or of the file.
        top_k: how many classes to return; None: all.
        views: 1 or 'all' views of each clip.
        people: whether the people of a clip have one answer 'together', or each its own ('apart').
        indices: whether to return class indices instead of names.

    Raises:
        ConfigError: an attribute has an unknown value.
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
                f'top_k = {top_k!r}: expected a whole number of at least 1, or None for all.'
            )
        for name, value, known in (('views', self.views, VIEWS), ('people', self.people, PEOPLE)):
            if isinstance(value, bool) or not np.isscalar(value) or value not in known:
                raise ConfigError(f'{name} = {value!r}: expected {" or ".join(map(repr, known))}.')


def answers(
    model: Answers,
    clip: Any,
    img_shape: Sequence[int] | None,
    options: AnswerOptions,
    scores_of: Callable[[list[Annotation]], Iterable[np.ndarray]],
) -> list:
    """Return the most likely classes of a clip, or of several; see inference_recognizer.

    Args:
        model: what the clips are for.
        clip: one or several clips in the forms that callers have.
        img_shape: (h, w) in pixels of the picture, for clips without one.
        options: the form of the answers.
        scores_of: computes the class scores (K,) of each of several clips, in order.

    Returns:
        (class, probability) pairs, the most likely first; with people='apart' a list of them for
        each person; of several clips a list for each. Empty for a clip without people.

    Raises:
        DataError: the clips do not fit the model.
    """
    # What has an answer of its own: a clip, or each of its people.
    source = open_source(model, clip)
    clips = clips_of(model, source, img_shape)
    groups = [people_of(one) if options.people == 'apart' else [one] for one in clips]
    parts = [part for group in groups for part in group]
    has_people = [not shows_nobody(part) for part in parts]
    _warn_of_oddities(model, clips)

    # Answer those that show somebody.
    scores = iter(scores_of([part for part, shown in zip(parts, has_people) if shown]))
    names: list[str] | None = None
    found: list[list] = []
    for shown in has_people:
        best = []
        if shown:
            probabilities = next(scores)
            if names is None and not options.indices:
                names = _names(model, len(probabilities), options.labels, source)
            most = None if options.top_k is None else int(options.top_k)
            for k in np.argsort(-probabilities, kind='stable')[:most].tolist():
                best.append((k if names is None else names[k], float(probabilities[k])))
        found.append(best)

    # In the form that was asked for.
    if options.people == 'apart':
        remaining = iter(found)
        found = [[next(remaining) for _ in group] for group in groups]
    return found[0] if is_one_clip(model, clip) else found


def _warn_of_oddities(model: Answers, clips: Sequence[Annotation]) -> None:
    """Warn of clips without people and, once for each kind, of what looks wrong with the others."""
    log = logging.getLogger('pyskl')
    empty: list[Annotation] = []
    shown: list[Annotation] = []
    for clip in clips:
        (empty if shows_nobody(clip) else shown).append(clip)
    if empty:
        log.warning(
            'nobody is seen in %d of %s (%s): every joint is missing in all frames, so the answer '
            'is empty.',
            len(empty),
            count(len(clips), 'clip'),
            some([clip['frame_dir'] for clip in empty], 3),
        )
    for oddity in odd_things(model, shown):
        if oddity.kind not in model.told:
            model.told.add(oddity.kind)
            log.warning('%s', oddity.text)


def _names(model: Answers, num_classes: int, labels: Labels | None, source: Any) -> list[str]:
    """Return the names of a model's classes.

    Those of the checkpoint come before those of the recognised file, which may be of another data
    set; the latter count only if there are as many.
    """
    of_file = source.about.label_names if isinstance(source, Annotations) else None
    if of_file is not None and len(of_file) != num_classes:
        of_file = None
    sources = (('labels', labels), *model.label_sources, ('label_names', of_file))
    return class_names(num_classes, *sources, layouts=model.layouts)
