"""Change the dicts inside a part of a config."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def change_dicts(value: Any, change: Callable[[dict[Any, Any]], dict[Any, Any]]) -> Any:
    """Return a part of a config with `change` applied to every dict, inner ones first."""
    if isinstance(value, Mapping):
        return change({key: change_dicts(inner, change) for key, inner in value.items()})
    if isinstance(value, (list, tuple)):
        return type(value)(change_dicts(inner, change) for inner in value)
    return value
