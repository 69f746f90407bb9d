"""Fitted weights in a file."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

from ..errors import DataError
from ..files.texts import parse_json, read_text
from ..wording import brief, some
from .fitting import HOTTEST

MAX_BYTES = 16 << 20  # the file also records how the weights were made
_FLOAT_MAX = sys.float_info.max


@dataclass(frozen=True)
class SavedFit:
    """One weight, one temperature and one score file for each stream."""

    streams: tuple[str, ...]
    weights: tuple[float, ...]
    temperatures: tuple[float, ...]

    def for_streams(self, paths: Sequence[str], where: str) -> SavedFit:
        """Return the weights in the order of other score files.

        Args:
            paths: matched by name if they are the saved ones; otherwise, as for files of another
                folder or split, the order stays.
            where: the file of the weights, for messages.

        Raises:
            DataError: another number of streams.
        """
        if len(paths) != len(self.streams):
            raise DataError(
                f'{where}: weights for {len(self.streams)} streams ({some(self.streams)}), but '
                f'{len(paths)} were given. Give {len(self.streams)}, in that order.'
            )
        known = [_key(path) for path in self.streams]
        order = [_key(path) for path in paths]
        is_known = sorted(known) == sorted(order)
        rows = [known.index(key) for key in order] if is_known else range(len(paths))
        return SavedFit(
            tuple(paths),
            tuple(self.weights[n] for n in rows),
            tuple(self.temperatures[n] for n in rows),
        )


def _key(path: str) -> str:
    return os.path.normpath(path).replace('\\', '/')


def save_fit(file: IO[str], fit: SavedFit, made: Mapping[str, Any]) -> None:
    """Write weights as JSON.

    Args:
        file: open for text.
        fit: the weights.
        made: how they were made, for people.
    """
    content = {
        'streams': list(fit.streams),
        'weights': list(fit.weights),
        'temperatures': list(fit.temperatures),
        'made': dict(made),
    }
    file.write(json.dumps(content, indent=2) + '\n')


def load_fit(path: str | os.PathLike) -> SavedFit:
    """Read what `save_fit` wrote.

    Raises:
        DataError: missing, no JSON, or not such a file.
    """
    expected = 'Expected the weights.json that --fit-on writes.'
    content = parse_json(read_text(path, expected, MAX_BYTES), path, expected)
    lists: list[Any] = [
        content.get(key) if isinstance(content, dict) else None
        for key in ('streams', 'weights', 'temperatures')
    ]
    if (
        not all(isinstance(part, list) and part for part in lists)
        or len({len(part) for part in lists}) != 1
    ):
        raise DataError(
            f'{path}: expected lists "streams", "weights" and "temperatures" of the same length, '
            'as --fit-on writes them.'
        )
    streams, weights, temperatures = lists
    if not all(isinstance(name, str) for name in streams):
        raise DataError(f'{path}: "streams" must be names of score files.')
    if not all(_is_number(w) for w in weights) or not all(
        _is_number(t) and 0 < t <= 10 * HOTTEST for t in temperatures
    ):
        raise DataError(
            f'{path}: expected numbers as "weights" and temperatures above 0, not {brief(weights)} '
            f'and {brief(temperatures)}.'
        )
    return SavedFit(tuple(streams), tuple(map(float, weights)), tuple(map(float, temperatures)))


def _is_number(value: Any) -> bool:
    return (
        isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < _FLOAT_MAX
    )
