"""Choose thresholds by recordings whose truth is known, and keep them in a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields, replace
from os import PathLike
from typing import Any

from ..annotations.segments import Segment
from ..errors import ConfigError, DataError
from ..evaluation.spotting import CHALLENGE_IOU, add_up, count_right
from ..files.atomic import atomic_write
from ..files.texts import read_json
from ..wording import brief
from .segments import Scores, Thresholds, find_segments

# What is tried, one setting after the other, as long as it gains; frames are those of the windows.
CANDIDATES: dict[str, tuple[Any, ...]] = {
    'threshold': tuple(n / 20 for n in range(2, 19)),
    'smooth': (0.0, 4.0, 8.0, 12.0, 18.0),
    'shortest': (1, 8, 12, 16, 24, 32),
    'merge': (0, 8, 16, 24),
    'overlap': (0.0, 0.3, 0.6),
}
ROUNDS = 3

Finish = Callable[[str, Sequence[Segment]], list[Segment]]


def fit_thresholds(
    scores: Mapping[str, Scores],
    truth: Mapping[str, Sequence[Segment]],
    start: Thresholds,
    finish: Finish,
    iou: float = CHALLENGE_IOU,
) -> tuple[Thresholds, float]:
    """Choose the settings that serve F1 best on these recordings.

    Concretely: each setting in turn takes the value that gains most, until none gains; of equally
    good ones the one that was there, or else the first. What is chosen so is too good on the same
    recordings: report others.

    Args:
        scores: of each recording.
        truth: of each recording, in frames of the files.
        start: where to begin; its background stays.
        finish: brings the segments of a recording to frames of its file.
        iou: what the intersection over union has to exceed.

    Returns:
        The settings, and F1 on these recordings.

    Raises:
        DataError: no recording has a segment.
    """
    if not any(truth.values()):
        raise DataError(
            'none of the recordings has a labelled segment: nothing to choose thresholds by.'
        )

    def judge(how: Thresholds) -> float:
        predicted = {name: finish(name, find_segments(each, how)) for name, each in scores.items()}
        return add_up(count_right(truth, predicted, iou)).f1

    best, value = start, judge(start)
    for _ in range(ROUNDS):
        before = value
        for name, values in CANDIDATES.items():
            for candidate in values:
                tried = replace(best, **{name: candidate})
                if tried != best and (reached := judge(tried)) > value + 1e-12:
                    best, value = tried, reached
        if value <= before:
            break
    return best, value


def save_thresholds(path: str | PathLike, how: Thresholds, made: Mapping[str, Any]) -> None:
    """Write settings, and how they came about, as JSON."""
    with atomic_write(path, 'w', encoding='utf-8') as file:
        json.dump({'thresholds': asdict(how), **made}, file, indent=1)
        file.write('\n')


def load_thresholds(path: str | PathLike) -> Thresholds:
    """Read settings that save_thresholds wrote.

    Raises:
        DataError: another file; ConfigError: settings out of range.
    """
    expected = 'Expected thresholds.json, as tools/spot.py --fit-on writes it.'
    data = read_json(path, expected)
    given = data.get('thresholds') if isinstance(data, dict) else None
    kinds = {field.name: (int, float) for field in fields(Thresholds)}
    whole = ('merge', 'shortest', 'background')
    if not isinstance(given, dict) or set(given) != set(kinds):
        raise DataError(f'{path}: holds {brief(data)}. {expected}')
    for name, value in given.items():
        fine = isinstance(value, int if name in whole else (int, float)) and not isinstance(
            value, bool
        )
        if not (fine or (name == 'background' and value is None)):
            raise DataError(f'{path}: {name} = {brief(value)}. Expected a number. {expected}')
    try:
        return Thresholds(**given)
    except ConfigError as error:
        raise ConfigError(f'{path}: {error}') from error
