"""What differs between the settings of two runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def differences(old: Any, new: Any, path: str = '') -> list[str]:
    """Return the differences between two results of Recipe.results().

    Args:
        old: the earlier one.
        new: the later one.
        path: of both, inside the whole.

    Returns:
        Lines like 'optimizer.lr: 0.1 -> 0.2'.
    """
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        keys = [*old, *(k for k in new if k not in old)]
        found = [
            differences(old.get(k, _ABSENT), new.get(k, _ABSENT), f'{path}.{k}' if path else str(k))
            for k in keys
        ]
    elif isinstance(old, (list, tuple)) and isinstance(new, (list, tuple)) and len(old) == len(new):
        found = [differences(a, b, f'{path}[{i}]') for i, (a, b) in enumerate(zip(old, new))]
    else:
        same = old == new or (old != old and new != new)
        same = same and isinstance(old, bool) == isinstance(new, bool)
        found = [] if same else [[f'{path}: {_short(old)} -> {_short(new)}']]
    return [line for lines in found for line in lines]


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 100 else f'{text[:97]}...'


class _Absent:
    def __repr__(self) -> str:
        return 'not given'


_ABSENT = _Absent()
