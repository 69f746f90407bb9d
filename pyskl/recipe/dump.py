"""Config values as plain Python, and as text that can be loaded again."""

from __future__ import annotations

import keyword
import math
import unicodedata
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import numpy as np

from ..errors import ConfigError

_WIDTH = 120
_DEEPEST = 60


def plain(value: Any, where: str = 'config', depth: int = 0) -> Any:
    """Return a value as dict, list, tuple, str, numbers and None.

    Values of numpy, ranges, paths and classes are converted.

    Args:
        value: of a config.
        where: its place, for messages.
        depth: how deep it is nested.

    Raises:
        ConfigError: anything else (an open file, a lambda ...), naming the place.
    """
    if depth > _DEEPEST:
        raise ConfigError(f'{where}: nested more than {_DEEPEST} deep. Does it contain itself?')
    if isinstance(value, Mapping):
        return {_plain_key(k, where): plain(v, f'{where}.{k}', depth + 1) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        items = [plain(v, f'{where}[{i}]', depth + 1) for i, v in enumerate(value)]
        return tuple(items) if isinstance(value, tuple) else items
    if value is None or isinstance(value, (bool, int, float, str, bytes)):
        return value
    if isinstance(value, (np.generic, np.ndarray)) and value.dtype.kind in 'biufSU':
        return plain(value.tolist(), where, depth + 1)
    if isinstance(value, range):
        return list(value)
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, type):
        return value.__name__
    raise _refusal(value, where)


def _plain_key(key: Any, where: str) -> Any:
    if key is None or isinstance(key, (str, int, float)):
        return key
    raise _refusal(key, f'{where}: the key {key!r}')


def _refusal(value: Any, where: str) -> ConfigError:
    return ConfigError(
        f'{where} is a {type(value).__name__} object. A config holds dicts, lists, strings and '
        'numbers.'
    )


def dump_config(cfg: Mapping[str, Any] | Any) -> str:
    """Return a config as Python text, in its own order, which load_config reads back.

    Args:
        cfg: mmengine's Config or a dict.
    """
    values = cfg if isinstance(cfg, Mapping) else cfg._cfg_dict
    return ''.join(
        f'{name} = {_text(value, "", len(name) + 3)}\n' for name, value in plain(values).items()
    )


def _text(value: Any, indent: str, used: int) -> str:
    """Return `value` as Python: on one line if it fits behind `used` characters, or several."""
    line = as_python(value)
    if used + len(line) <= _WIDTH or not value or not isinstance(value, (dict, list, tuple)):
        return line
    deeper = indent + '    '
    if isinstance(value, dict):
        named = _names(value)
        heads = [f'{k}=' if named else f'{as_python(k)}: ' for k in value]
        items, (start, end) = list(value.values()), ('dict(', ')') if named else ('{', '}')
    else:
        heads, items = [''] * len(value), list(value)
        start, end = '[]' if isinstance(value, list) else '()'
    rows = [
        f'{deeper}{head}{_text(item, deeper, len(deeper) + len(head) + 1)},'
        for head, item in zip(heads, items)
    ]
    return '\n'.join([start, *rows, indent + end])


def as_python(value: Any) -> str:
    """Return a config's value as Python on one line."""
    if isinstance(value, dict):
        if _names(value):
            return f'dict({", ".join(f"{k}={as_python(v)}" for k, v in value.items())})'
        return f'{{{", ".join(f"{as_python(k)}: {as_python(v)}" for k, v in value.items())}}}'
    if isinstance(value, list):
        return f'[{", ".join(map(as_python, value))}]'
    if isinstance(value, tuple):
        return f'({", ".join(map(as_python, value))}{"," if len(value) == 1 else ""})'
    if isinstance(value, float) and not math.isfinite(value):
        return f"float('{value}')"
    return repr(value)


def _names(value: dict) -> bool:
    """Return whether the keys can be written as keyword arguments.

    Python normalises names to NFKC: dict(µ=1) has the key 'μ'.
    """
    return all(
        isinstance(k, str)
        and k.isidentifier()
        and not keyword.iskeyword(k)
        and unicodedata.normalize('NFKC', k) == k
        for k in value
    )
