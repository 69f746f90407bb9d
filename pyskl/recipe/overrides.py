"""Settings changed on the command line: `--cfg-options optimizer.lr=0.1 data.val.split=val`."""

from __future__ import annotations

import ast
import itertools
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import ConfigError, Faults, did_you_mean
from .literals import NOT_READABLE, literal_value
from .settings import TopLevel
from .settings_base import hints_of, nested_settings

_CONSTANTS = {'true': True, 'false': False, 'none': None, 'null': None}
# Dicts inside a component that an option may create.
_FREE_DICTS = ('train_cfg', 'test_cfg')


def parse_options(options: Mapping[str, Any] | Iterable[str] | None) -> dict[str, Any]:
    """Parse options: ['optimizer.lr=0.1', 'seed=3'] -> {'optimizer.lr': 0.1, 'seed': 3}.

    A dict stays as it is.

    Raises:
        ConfigError: an option without a key or '='.
    """
    if options is None or isinstance(options, Mapping):
        return dict(options or {})
    parsed = {}
    for option in options:
        key, equals, text = option.partition('=')
        if not equals or not key.strip():
            raise ConfigError(
                f'--cfg-options {option!r}: expected key=value, e.g. optimizer.lr=0.1.'
            )
        parsed[key.strip()] = parse_value(text)
    return parsed


def parse_value(text: str) -> Any:
    """Parse the text behind `=` without executing anything.

    Numbers, True, None, quoted strings, lists, tuples, {...} and dict(...) are read as in Python;
    1,2,3 and [a,b] are lists; true, false and null are constants. Everything else is a string.
    """
    text = text.strip()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            value = literal_value(ast.parse(text, mode='eval').body, _read_name)
            return list(value) if isinstance(value, tuple) and not text.startswith('(') else value
    except NOT_READABLE:
        pass
    brackets = text[:1] + text[-1:]
    if brackets in ('[]', '()') and _balanced(text[1:-1]):
        items = [parse_value(item) for item in split_values(text[1:-1]) if item.strip()]
        return items if brackets == '[]' else tuple(items)
    items = split_values(text)
    return [parse_value(item) for item in items if item.strip()] if len(items) > 1 else text


def _balanced(text: str) -> bool:
    depths = list(itertools.accumulate((c in '([{') - (c in ')]}') for c in text))
    return not depths or min(depths) >= 0 and depths[-1] == 0


def _read_name(name: str) -> Any:
    return float(name) if name in ('inf', 'nan') else _CONSTANTS.get(name.lower(), name)


def split_values(text: str) -> list[str]:
    """Split at commas outside brackets."""
    parts, depth = [''], 0
    for character in text:
        depth += (character in '([{') - (character in ')]}')
        if character == ',' and depth == 0:
            parts.append('')
        else:
            parts[-1] += character
    return parts


def apply_options(values: dict[str, Any], options: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return a copy of the config's values with the options set.

    Args:
        values: the config as plain Python.
        options: dotted path -> value; a number in a path is an index into a list. A dict is merged
            into the existing one; with `_delete_=True` it replaces that one.
        where: the config's name, for messages.

    Raises:
        ConfigError: a path that leads nowhere, or to a helper name, which nothing reads any more.
    """
    faults = Faults()
    for path, value in options.items():
        keys = path.split('.')
        place = f'{where}: --cfg-options {path}'
        with faults:
            if not all(keys):
                raise ConfigError(
                    f'{place}: expected names joined by single dots, e.g. '
                    'data.train.pipeline.0.clip_len.'
                )
            _refuse_helper(values, keys[0], place)
            values = _set(values, keys, value, place, TopLevel)
    faults.raise_any(f'{where}: --cfg-options')
    return values


def _refuse_helper(values: dict[str, Any], name: str, place: str) -> None:
    if name in hints_of(TopLevel) or name not in values:
        return
    users = paths_of(values[name], {k: v for k, v in values.items() if k in hints_of(TopLevel)})
    instead = f' Set {" and ".join(users[:3])} instead.' if users else ''
    raise ConfigError(
        f'{place}: {name!r} is a helper name of the config, already used when the file was read; '
        f'setting it now would change nothing.{instead}'
    )


def paths_of(wanted: Any, values: Any, path: str = '') -> list[str]:
    """Return the dotted paths at which a value occurs inside others: ['data.train.pipeline'].

    Args:
        wanted: the value.
        values: searched at any depth.
        path: of `values`.
    """
    if path and type(values) is type(wanted) and values == wanted:
        return [path]
    inner = values if isinstance(values, dict) else {}
    if isinstance(values, (list, tuple)):
        inner = dict(enumerate(values))
    places = (paths_of(wanted, v, f'{path}.{k}' if path else str(k)) for k, v in inner.items())
    return list(itertools.chain.from_iterable(places))


def _set(node: Any, keys: list[str], value: Any, place: str, settings: type | None) -> Any:
    """Return a copy of `node` in which the path `keys` leads to `value`.

    Args:
        node: a dict, a list or a value.
        keys: of the path.
        value: to set.
        place: for messages.
        settings: the settings class of `node`; None if there is none.
    """
    if not keys:
        return _merged(node, value)
    key, rest = keys[0], keys[1:]
    if isinstance(node, (list, tuple)):
        if not key.isdecimal() or int(key) >= len(node):
            raise ConfigError(
                f'{place}: {key!r} is not an index of this list of {len(node)} '
                f'(0..{len(node) - 1}). Give one of these.'
            )
        i = int(key)
        return type(node)([*node[:i], _set(node[i], rest, value, place, None), *node[i + 1 :]])
    if not isinstance(node, dict):
        raise ConfigError(
            f'{place}: {key!r} cannot be set inside {node!r}, which is neither a dict nor a list.'
        )
    hints = hints_of(settings) if settings else {}
    inner = node.get(key)
    # Unknown arguments of a component are found when the component is checked.
    may_be_new = key in hints if settings else not rest or key in _FREE_DICTS
    if key not in node and not may_be_new:
        known = sorted({*map(str, node), *hints})
        raise ConfigError(
            f'{place}: there is no {key!r}.{did_you_mean(key, known)} Known here: '
            f'{", ".join(known)}.'
        )
    if rest and inner is None:
        inner = {}
    return {**node, key: _set(inner, rest, value, place, nested_settings(hints.get(key)))}


def _merged(old: Any, new: Any) -> Any:
    if not isinstance(new, dict):
        return new
    fresh = {k: v for k, v in new.items() if k != '_delete_'}
    if not isinstance(old, dict) or new.get('_delete_'):
        return fresh
    return {**old, **{k: _merged(old.get(k), v) for k, v in fresh.items()}}
