"""The settings of spotting in a file: thresholds, windows, and stream weights."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from os import PathLike
from typing import Any, TypeVar

from ..errors import ConfigError, DataError
from ..files.atomic import atomic_write
from ..files.texts import read_json
from ..scores.saved_fit import SavedFit
from ..wording import brief
from .segments import Thresholds
from .windows import Windows

EXPECTED = 'Expected thresholds.json, as tools/spot.py --fit-on writes it.'
_T = TypeVar('_T', Thresholds, Windows)


@dataclass(frozen=True)
class Settings:
    """Everything but the networks that decides which segments are found.

    Attributes:
        thresholds: make segments of scores.
        windows: slide over the recordings; None: not in the file.
        streams: checkpoint of each stream; empty: not in the file.
        weights: of the streams.
    """

    thresholds: Thresholds
    windows: Windows | None = None
    streams: tuple[str, ...] = ()
    weights: tuple[float, ...] = ()

    def weights_for(self, checkpoints: Sequence[str], where: str) -> tuple[float, ...] | None:
        """Return the weights in the order of the checkpoints; None if the file has none.

        Args:
            checkpoints: of the streams. If their names are not those of the file, the weights stay
                in the file's order.
            where: name of the file, for messages.

        Raises:
            DataError: another number of streams.
        """
        if not self.streams:
            return None
        ones = (1.0,) * len(self.streams)
        return SavedFit(self.streams, self.weights, ones).for_streams(checkpoints, where).weights


def save_settings(path: str | PathLike, settings: Settings, made: Mapping[str, Any]) -> None:
    """Write settings as JSON.

    Args:
        path: of the file.
        settings: to write.
        made: how they were chosen, for the reader.
    """
    content = {key: value for key, value in asdict(settings).items() if value}
    with atomic_write(path, 'w', encoding='utf-8') as file:
        json.dump({**content, **made}, file, indent=1)
        file.write('\n')


def load_settings(path: str | PathLike) -> Settings:
    """Read what save_settings wrote.

    Raises:
        DataError: another file. ConfigError: settings out of range.
    """
    data = read_json(path, EXPECTED)
    if not isinstance(data, dict) or not isinstance(data.get('thresholds'), dict):
        raise DataError(f'{path}: holds {brief(data)}. {EXPECTED}')
    windows = data.get('windows')
    streams, weights = data.get('streams', []), data.get('weights', [])
    if (
        not isinstance(streams, list)
        or not isinstance(weights, list)
        or len(streams) != len(weights)
        or not all(isinstance(name, str) for name in streams)
        or not all(_is_number(weight) and weight >= 0 for weight in weights)
        or (weights and not 0 < sum(weights) < float('inf'))
    ):
        raise DataError(
            f'{path}: streams = {brief(streams)}, weights = {brief(weights)}. Expected a '
            f'checkpoint and a weight from 0 on for each stream. {EXPECTED}'
        )
    return Settings(
        _built(Thresholds, data['thresholds'], path),
        None if windows is None else _built(Windows, windows, path),
        tuple(streams),
        tuple(map(float, weights)),
    )


def _built(kind: type[_T], given: Any, path: str | PathLike) -> _T:
    """Make a dataclass of a JSON object after checking each field."""
    names = {field.name: str(field.type) for field in fields(kind)}
    if not isinstance(given, dict) or set(given) != set(names):
        raise DataError(f'{path}: holds {brief(given)}. Expected {", ".join(names)}. {EXPECTED}')
    for name, annotation in names.items():
        value = given[name]
        if annotation.startswith('tuple'):
            right = isinstance(value, list) and all(_is_number(n, whole=True) for n in value)
        else:
            right = _is_number(value, whole='int' in annotation)
        if not right and not (value is None and 'None' in annotation):
            raise DataError(f'{path}: {name} = {brief(value)}. Expected numbers. {EXPECTED}')
    values: dict[str, Any] = {
        name: tuple(v) if isinstance(v, list) else v for name, v in given.items()
    }
    try:
        return kind(**values)
    except ConfigError as error:
        raise ConfigError(f'{path}: {error}') from error


def _is_number(value: Any, whole: bool = False) -> bool:
    return isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
