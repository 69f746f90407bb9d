"""Values from a file, put into one line of an error message."""
from __future__ import annotations

import reprlib
from typing import Any

import numpy as np

_REPR = reprlib.Repr()
_REPR.maxlevel, _REPR.maxdict, _REPR.maxlist, _REPR.maxtuple, _REPR.maxset, _REPR.maxstring = 2, 3, 5, 5, 5, 80


def brief(value: Any) -> str:
    """repr, never long: arrays by dtype and shape, containers by their first items (nested ones could unfold for ever)."""
    if isinstance(value, np.ndarray):
        return f'a {value.dtype} array of shape {value.shape}'
    if isinstance(value, (list, tuple, dict, set, frozenset)) and any(isinstance(v, np.ndarray) for v in list(value)[:10]):
        return f'a {type(value).__name__} of {len(value)} with arrays'
    text = _REPR.repr(value)
    return text if len(text) <= 120 else text[:117] + '...'


def some(names: Any, most: int = 5) -> str:
    """'a, b, c and 17 more': the first few of many."""
    names = list(names)
    shown = ', '.join(str(name) for name in names[:most])
    return shown if len(names) <= most else f'{shown} and {len(names) - most} more'
