"""What may come out of a pickle, and what is the reading machine's own: the guards between the two."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

MAX_KEY_ITEMS = 16          # a tuple as dict key or set member
_TEXT = frozenset((str, bytes))         # Python salts their hashes, so that no file can foresee them


class Refused(Exception):
    """The pickle asks for something that data does not need, or contradicts itself."""


class Token:
    """What a known global name becomes: something to call through REDUCE, of no other use."""

    __slots__ = ('name', 'call')

    def __init__(self, name: str, call: Callable):
        self.name, self.call = name, call


class Pending:
    """A value that the program announces (REDUCE) and fills in later (BUILD): an array or a dtype.

    finish   state -> the value
    places   memo keys that hold this promise and get the value
    """

    __slots__ = ('finish', 'places')

    def __init__(self, finish: Callable[[Any], Any]):
        self.finish = finish
        self.places: list[int] = []


class Arguments(tuple):
    """Arguments that begin with a Token, as numpy's _reconstruct wants them; of no other use either."""

    __slots__ = ()


_INTERNAL = frozenset((Token, Pending, Arguments))


def data_only(values: list) -> list:
    """The same values; refused if one of them is the machine's own, which must not come out as data."""
    if not _INTERNAL.isdisjoint(map(type, values)):
        raise Refused('it keeps a function, or an array or dtype that was never filled in, as a value')
    return values


def check_key(key: Any) -> None:
    """Refuse a key whose hash could take for ever (nested tuples), or of which a file can hold thousands with one hash.

    Keys of one hash are compared each with all the others. Numbers have few of these below the hash's modulus. Two numbers in a
    tuple can be chosen so that they make any hash, one cannot.
    """
    if type(key) in _TEXT or _is_fair(key):
        return
    if type(key) is tuple and 0 < len(key) <= MAX_KEY_ITEMS:
        others = [item for item in key if type(item) not in _TEXT]
        if not others or len(others) == 1 and _is_fair(others[0]):
            return
    raise Refused(f'a {type(key).__name__} is used as a key; keys are names, numbers below 2**61 - 1, or short tuples of names '
                  'and one number')


def _is_fair(key: Any) -> bool:
    """A number, True, False or None that few others share the hash of. (Long floats have the hash of the nearest float64.)"""
    if isinstance(key, np.generic):
        return key.dtype.kind in 'SU' or key.dtype.kind in 'biuf' and key.dtype.itemsize <= 8
    return type(key) in (float, bool, type(None)) or type(key) is int and abs(key) < 2**61 - 1


def check_keys(keys: Any) -> Any:
    for key in keys:
        check_key(key)
    return keys
