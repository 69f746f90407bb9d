"""Values from a file, put into one line of an error message."""

from __future__ import annotations

import reprlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Sized
from typing import Any

import numpy as np


class _Short(reprlib.Repr):
    """reprlib.Repr for hostile values too: nothing nested, shared or long is written in full."""

    def __init__(self):
        super().__init__()
        self.maxlevel, self.maxstring = 2, 80
        self.maxlist = self.maxtuple = 5
        self.maxdict = self.maxset = self.maxfrozenset = 3

    def repr_ndarray(self, value: np.ndarray, level: int) -> str:
        """Give dtype and shape; reprlib finds this method by the type's name."""
        return f'a {value.dtype} array of shape {value.shape}'

    def repr_OrderedDict(self, value: dict, level: int) -> str:  # noqa: N802 (the type's name)
        """As a dict."""
        return self.repr_dict(value, level)

    def repr_bytes(self, value: bytes, level: int) -> str:
        """Give the first bytes; of a bytearray too."""
        return repr(value[:20]) + ('...' if len(value) > 20 else '')

    repr_bytearray = repr_bytes


_SHORT = _Short()


def brief(value: Any) -> str:
    """Return repr(value), shortened: arrays by dtype and shape, containers by their first items."""
    text = _SHORT.repr(value)
    return text if len(text) <= 120 else text[:117] + '...'


def plain(name: Any) -> str:
    """Return a name without quotes, shortened, with its control characters escaped."""
    return brief(name)[1:-1] if isinstance(name, str) else brief(name)


def cell(text: str) -> str:
    """Return text for a csv cell, with a quote in front where a spreadsheet would see a formula."""
    return f"'{text}" if text[:1] in ('=', '+', '-', '@', '\t', '\r') else text


def some(names: Iterable[Any], most: int = 5) -> str:
    """Return the first few of many: 'a, b, c and 17 more'."""
    names = list(names)
    shown = ', '.join(plain(name) for name in names[:most])
    return shown if len(names) <= most else f'{shown} and {len(names) - most} more'


def repeated(names: Iterable[str]) -> list[str]:
    """Return the names that appear more than once."""
    return [name for name, number in Counter(names).items() if number > 1]


def count(number: int, what: str) -> str:
    """Return '1 clip', '2 clips' or '2 classes'."""
    plural = what + ('es' if what.endswith('s') else 's')
    return f'{number:,} {what if number == 1 else plural}'


def sizes(parts: Mapping[str, Sized]) -> str:
    """Return 'train 1,200, val 80' for parts by name."""
    return ', '.join(f'{name} {len(members):,}' for name, members in parts.items())


def counted(names: Sequence[Any], what: str, most: int = 5) -> str:
    """Return '7 clips (a, b and 5 more)'."""
    return f'{count(len(names), what)} ({some(names, most)})'
