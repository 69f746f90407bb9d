"""`stream`: one config for all streams of a graph network, which differ in the feature alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

from ..errors import ConfigError, did_you_mean

Stream = Literal['j', 'b', 'jm', 'bm', 'k', 'km']
PLACE = '{stream}'


def fill_in_stream(settings: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Apply a config's `stream`: every GenSkeFeat of `data` makes that feature.

    '{stream}' in work_dir becomes its name, so that each stream has a folder of its own.

    Args:
        settings: the config's known keys, plain values.
        name: of the config, for messages.

    Returns:
        The settings with `data` and `work_dir` changed; themselves without `stream`.

    Raises:
        ConfigError: an unknown stream, or no GenSkeFeat to make it.
    """
    stream = settings.get('stream')
    if stream is None:
        if PLACE in str(settings.get('work_dir') or ''):
            raise ConfigError(f"{name}: work_dir names {PLACE}, but there is no stream. Add stream = 'j'.")
        return dict(settings)
    known = get_args(Stream)
    if stream not in known:
        raise ConfigError(
            f'{name}: stream = {stream!r} is unknown. Known: {", ".join(known)}.'
            f'{did_you_mean(stream, known)}')
    data = _with_feature(settings.get('data'), stream)
    if data == settings.get('data') and not _makes_features(data):
        raise ConfigError(
            f"{name}: stream = {stream!r} is what GenSkeFeat makes, and no pipeline has one. Add "
            "dict(type='GenSkeFeat'), or leave stream out.")
    filled = {**settings, 'data': data}
    if isinstance(settings.get('work_dir'), str):
        filled['work_dir'] = settings['work_dir'].replace(PLACE, stream)
    return filled


def _with_feature(value: Any, stream: str) -> Any:
    if isinstance(value, Mapping):
        changed = {key: _with_feature(inner, stream) for key, inner in value.items()}
        return {**changed, 'feats': [stream]} if value.get('type') == 'GenSkeFeat' else changed
    if isinstance(value, (list, tuple)):
        return type(value)(_with_feature(inner, stream) for inner in value)
    return value


def _makes_features(value: Any) -> bool:
    if isinstance(value, Mapping):
        return value.get('type') == 'GenSkeFeat' or any(map(_makes_features, value.values()))
    return isinstance(value, (list, tuple)) and any(map(_makes_features, value))
