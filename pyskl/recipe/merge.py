"""How a config's own values change those of its bases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from mmengine.config import Config, ConfigDict

from ..errors import ConfigError
from ..wording import brief
from .layouts import exchange_layouts

_DELETE = '_delete_'


def merge(child: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    """Return a base config's values, changed by its child's.

    A dict is merged into a dict and replaces a string (a layout's name) or None. A dict with
    _delete_=True, or with a whole layout, also replaces a dict. If the child changes `layout`,
    everything that the base built with its own layout gets the child's.

    Args:
        child: the values of the config file.
        base: the values of its bases.

    Raises:
        ConfigError: a dict where the base has a list or number.
    """
    old, new = base.get('layout'), _without_delete(child.get('layout'))
    if isinstance(old, (str, dict)) and isinstance(new, (str, dict)):
        base = exchange_layouts(base, lambda value: new if value == old else value)
    return _merged(child, base, '')


def _merged(child: Mapping[str, Any], base: Mapping[str, Any], path: str) -> dict[str, Any]:
    merged = dict(base)
    for key, value in child.items():
        if not isinstance(value, dict) or key not in base:
            merged[key] = value
            continue
        old, where = base[key], f'{path}{key}'
        if (
            value.get(_DELETE)
            or old is None
            or isinstance(old, str)
            or {'name', 'joints'} <= {*value}
        ):
            merged[key] = _without_delete(value)
        elif isinstance(old, dict):
            merged[key] = _merged(value, old, f'{where}.')
        else:
            raise ConfigError(
                f'{where} = {brief(value)} is a dict, but in the base it is {brief(old)}, into '
                f'which no dict can be merged. Write a value of that kind, or put {_DELETE}=True '
                'into the dict, so that it replaces the value.'
            )
    return merged


def _without_delete(value: Any) -> Any:
    return {k: v for k, v in value.items() if k != _DELETE} if isinstance(value, dict) else value


@contextmanager
def merging() -> Iterator[None]:
    """Let mmengine merge config files as `merge` does, while they are read."""
    original = Config._merge_a_into_b

    def replacement(child: dict, base: dict, allow_list_keys: bool = False) -> dict:
        return original(child, base, True) if allow_list_keys else ConfigDict(merge(child, base))

    Config._merge_a_into_b = staticmethod(replacement)
    try:
        yield
    finally:
        Config._merge_a_into_b = staticmethod(original)
