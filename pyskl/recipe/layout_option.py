"""A skeleton layout on the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import ConfigError
from ..skeletons import layout_of
from ..wording import brief
from .layouts import layouts_in
from .load import load_config
from .overrides import parse_value


def read_layout(text: str | None) -> str | Mapping[str, Any] | None:
    """Return the layout that a command-line option names, as configs write it.

    Args:
        text: a name; a dict as in configs, "dict(name='imigue22', first_hand='right')" or
            "{'name': ...}"; or a config file, whose layout is used. None gives None.

    Raises:
        ConfigError: a dict that cannot be read, or a config that names no layout or several.
    """
    if text is None:
        return None
    if text.strip().endswith('.py'):
        return _of_config(text.strip())
    if not text.lstrip().startswith(('{', 'dict(')):
        return text
    value = parse_value(text)
    if not isinstance(value, Mapping):
        raise ConfigError(
            f'layout {text}: cannot be read; expected a name, a dict like '
            "\"dict(name='imigue22', first_hand='right')\", or a config file (.py)."
        )
    layout_of(value)
    return value


def _of_config(file: str) -> str | Mapping[str, Any]:
    config = load_config(file)
    found = layouts_in({'layout': config.get('layout')})
    found = found or layouts_in({'model': config.get('model'), 'data': config.get('data')})
    if len(found) != 1:
        what = f'several layouts ({", ".join(map(brief, found))})' if found else 'no layout'
        raise ConfigError(
            f'{file}: names {what}; expected one. Add layout = ... to it, or give the layout '
            'itself: a known name, or dict(name=, joints=, bones=, mirror=, centre=).'
        )
    return found[0]
