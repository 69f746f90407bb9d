"""`stream`: one config for all streams of a graph network, which differ only in their feature."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

from ..errors import ConfigError, did_you_mean
from .change_dicts import change_dicts
from .nested_datasets import dataset_configs

Stream = Literal['j', 'b', 'jm', 'bm', 'k', 'km']
PLACE = '{stream}'


def fill_in_stream(settings: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Apply a config's `stream`: let every GenSkeFeat of `data` make that feature.

    '{stream}' in work_dir becomes the stream's name, so that each stream has its own folder.

    Args:
        settings: the config's known keys, plain values.
        name: of the config, for messages.

    Returns:
        The settings with `data` and `work_dir` changed; unchanged without `stream`.

    Raises:
        ConfigError: an unknown stream, or a pipeline without GenSkeFeat to make it.
    """
    stream = settings.get('stream')
    if stream is None:
        if PLACE in str(settings.get('work_dir') or ''):
            raise ConfigError(
                f"{name}: work_dir contains {PLACE}, but there is no stream. Add stream = 'j'."
            )
        return dict(settings)
    known = get_args(Stream)
    if stream not in known:
        raise ConfigError(
            f'{name}: stream = {stream!r} is unknown. Known: {", ".join(known)}.'
            f'{did_you_mean(stream, known)}'
        )
    data = settings.get('data')
    _check_features(data, stream, name)

    def with_feature(step: dict[str, Any]) -> dict[str, Any]:
        return {**step, 'feats': [stream]} if step.get('type') == 'GenSkeFeat' else step

    filled = {**settings, 'data': change_dicts(data, with_feature)}
    if isinstance(settings.get('work_dir'), str):
        filled['work_dir'] = settings['work_dir'].replace(PLACE, stream)
    return filled


def _check_features(data: Any, stream: str, name: str) -> None:
    """Raise ConfigError unless every pipeline has a GenSkeFeat, whose feature can be set."""
    splits = data if isinstance(data, Mapping) else {}
    pipelines = [
        (place, dataset['pipeline'])
        for split in ('train', 'val', 'test')
        for place, dataset in dataset_configs(splits.get(split), f'data.{split}')
        if dataset.get('pipeline') is not None
    ]
    without = [place for place, steps in pipelines if not _makes_features(steps)]
    if without or not pipelines:
        where = f'{without[0]}.pipeline has none' if without else 'there is no pipeline'
        raise ConfigError(
            f'{name}: stream = {stream!r} is what GenSkeFeat makes, and {where}. Add '
            "dict(type='GenSkeFeat'), or leave stream out."
        )


def _makes_features(steps: Any) -> bool:
    return isinstance(steps, (list, tuple)) and any(
        isinstance(step, Mapping) and step.get('type') == 'GenSkeFeat' for step in steps
    )
