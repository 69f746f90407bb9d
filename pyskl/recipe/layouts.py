"""The skeleton layouts that a config names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..errors import ConfigError
from ..skeletons import Layout, layout_to_draw
from .change_dicts import change_dicts

# In pipeline steps and graph_cfg, in GenSkeFeat and its like, in ProtoGCN's head.
_PLACES = ('layout', 'dataset', 'joint_cfg')


def exchange_layouts(value: Any, change: Callable[[Any], Any]) -> Any:
    """Return a part of a config with `change` applied to the values of keys that name layouts."""
    return change_dicts(
        value,
        lambda part: {key: change(v) if key in _PLACES else v for key, v in part.items()},
    )


def layouts_in(config: Any) -> list[str | Mapping[str, Any]]:
    """Return the layouts in a part of a config, as it writes them, each layout once."""
    found: list[tuple[Layout, Any]] = []

    def note(value: Any) -> Any:
        if isinstance(value, str) or isinstance(value, Mapping) and 'name' in value:
            try:
                layout = layout_to_draw(value)
            except ConfigError:
                return value
            if all(layout != other for other, _ in found):
                found.append((layout, value))
        return value

    exchange_layouts(config, note)
    return [value for _, value in found]


def layout_names(config: Any) -> list[str]:
    """Return the names of all layouts in a part of a config, published tables too."""
    found: list[str] = []

    def note(value: Any) -> Any:
        if isinstance(value, str) or isinstance(value, Mapping) and {'name', 'joints'} & set(value):
            found.append(layout_name(value))
        return value

    exchange_layouts(config, note)
    return found


def layout_name(layout: str | Mapping[str, Any]) -> str:
    """Return a layout's name; 'own' if it lists its joints, whatever its name."""
    if isinstance(layout, Mapping):
        return 'own' if 'joints' in layout else str(layout.get('name'))
    return layout
