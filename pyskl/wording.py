"""Values from a file, put into one line of an error message."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np


class _Short(reprlib.Repr):
    """reprlib.Repr for hostile values too: nothing nested, shared or long is ever written out in full."""

    def __init__(self):
        super().__init__()
        self.maxlevel, self.maxdict, self.maxlist, self.maxtuple, self.maxset, self.maxfrozenset = (
            2,
            3,
            5,
            5,
            3,
            3,
        )
        self.maxstring = 80

    def repr_ndarray(self, value: np.ndarray, level: int) -> str:
        return f'a {value.dtype} array of shape {value.shape}'

    def repr_OrderedDict(self, value: dict, level: int) -> str:  # noqa: N802 (reprlib finds it by the type's name)
        return self.repr_dict(value, level)

    def repr_bytes(self, value: bytes, level: int) -> str:
        return repr(value[:20]) + ('...' if len(value) > 20 else '')

    repr_bytearray = repr_bytes


_SHORT = _Short()


def brief(value: Any) -> str:
    """repr, never long: arrays by dtype and shape, containers by their first items."""
    text = _SHORT.repr(value)
    return text if len(text) <= 120 else text[:117] + '...'


def plain(name: Any) -> str:
    """A name as it can be printed: control characters escaped, shortened, without quotes."""
    return brief(name)[1:-1] if isinstance(name, str) else brief(name)


def cell(text: str) -> str:
    """Text as a csv cell may hold it: a spreadsheet takes what begins with = + - @ for a formula, unless a quote stands before."""
    return f"'{text}" if text[:1] in ('=', '+', '-', '@', '\t', '\r') else text


def some(names: Iterable[Any], most: int = 5) -> str:
    """'a, b, c and 17 more': the first few of many."""
    names = list(names)
    shown = ', '.join(plain(name) for name in names[:most])
    return shown if len(names) <= most else f'{shown} and {len(names) - most} more'


def count(number: int, what: str) -> str:
    """'1 clip', '2 clips', '2 classes'."""
    plural = what + ('es' if what.endswith('s') else 's')
    return f'{number:,} {what if number == 1 else plural}'


def counted(names: Sequence[Any], what: str, most: int = 5) -> str:
    """'7 clips (a, b and 5 more)'."""
    return f'{count(len(names), what)} ({some(names, most)})'
