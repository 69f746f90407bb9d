"""The few names that a pickle of data calls, each replaced by a function of this module.

numpy's own are unsafe with hostile arguments: `scalar` with an object dtype unpickles its bytes
with plain pickle, `_reconstruct` makes any subclass, and `dtype.__setstate__` believes flags that
turn raw bytes into pointers.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterable
from math import prod
from typing import Any

import numpy as np

from ..wording import brief
from .pickled_tensors import load_from_bytes, rebuild_tensor

MAX_DIMS = 32
MAX_KEY_ITEMS = 16  # a tuple as dict key or set member
_DTYPE = re.compile(r'[|<>=]?([biufcSU])(\d{1,9})|\|?(O)\d?')
_TEXT = frozenset((str, bytes))  # Python salts their hashes, so that no file can foresee them


class Refused(Exception):
    """The pickle asks for something that data does not need, or contradicts itself."""


class Function:
    """What a known name becomes: something to call, which no container may hold."""

    __slots__ = ('name', 'call')

    def __init__(self, name: str, call: Callable):
        self.name, self.call = name, call


class Pending:
    """Stands for an array or a dtype that was announced (REDUCE), until it is filled in (BUILD)."""

    __slots__ = ('finish', 'value')

    def __init__(self, finish: Callable[[Any], Any]):
        self.finish: Callable[[Any], Any] | None = finish  # state -> value; None when done
        self.value: Any = None


class Arguments(tuple):
    """Arguments that begin with a Function, as numpy's _reconstruct wants them."""

    __slots__ = ()


_INTERNAL = frozenset((Function, Pending, Arguments))


def check_values(values: list) -> list:
    """Return the values; refuse a Function or a Pending among them, which must not come out."""
    if not _INTERNAL.isdisjoint(map(type, values)):
        raise Refused('it keeps a function, or an array or dtype that was never filled in, as data')
    return values


def check_keys(keys: Iterable[Any]) -> Any:
    """Return the keys; refuse those that are slow to hash, or that can share one hash.

    Nested tuples take for ever to hash, or all of the C stack. Keys of one hash are compared each
    with all the others: numbers have few of these below the hash's modulus, and of a tuple two
    numbers can be chosen so that they make any hash, one cannot.
    """
    for key in keys:
        if type(key) in _TEXT or _is_fair(key):
            continue
        others = [item for item in key if type(item) not in _TEXT] if type(key) is tuple else [key]
        if len(others) > 1 or not all(map(_is_fair, others)) or not 0 < len(key) <= MAX_KEY_ITEMS:
            raise Refused(
                f'a {type(key).__name__} is used as a key; keys are names, numbers below '
                '2**61 - 1, or short tuples of names and one number'
            )
    return keys


def _is_fair(key: Any) -> bool:
    """Return whether it is a number, bool or None with which few others share the hash.

    A long float has the hash of the nearest float64, as many others do.
    """
    if isinstance(key, np.generic):
        return key.dtype.kind in 'SU' or key.dtype.kind in 'biuf' and key.dtype.itemsize <= 8
    return type(key) in (float, bool, type(None)) or type(key) is int and abs(key) < 2**61 - 1


def size_of(value: Any, arguments: tuple = ()) -> int:
    """Return about how many bytes a value takes that a function made, or its arguments did."""
    if isinstance(value, (np.ndarray, np.generic)):
        return value.nbytes
    if isinstance(value, (bytes, bytearray)):
        return len(value)
    if isinstance(value, (set, frozenset, OrderedDict)):  # of items that may be all the same
        return (128 if isinstance(value, OrderedDict) else 64) * sum(map(len, arguments))
    return 0


def _dtype(text: Any, align: Any = False, copy: Any = False) -> Pending:
    match = _DTYPE.fullmatch(text) if type(text) is str else None
    if match is None or match[2] and not int(match[2]):
        raise Refused(
            f'a numpy dtype {brief(text)}; numbers, booleans, text and objects are read, '
            'no structured dtypes'
        )
    base = np.dtype('O') if match[3] else np.dtype(text)

    def finish(state: Any) -> np.dtype:
        """Believe only the order in (version, byte order, subarray, names, fields, ...)."""
        if type(state) is not tuple or not 2 <= len(state) <= 9 or state[1] not in (*'<>|=',):
            raise Refused('a numpy dtype with an unreadable state')
        if any(part is not None for part in state[2:5]):
            raise Refused('a structured numpy dtype; store one plain array per field')
        return base if state[1] == '|' else base.newbyteorder(state[1])

    return Pending(finish)


def _reconstruct(subtype: Any, shape: Any = None, code: Any = None) -> Pending:
    if getattr(subtype, 'name', None) != 'numpy.ndarray':
        raise Refused('a subclass of numpy.ndarray; only plain arrays are read')
    return Pending(_from_state)


def _from_state(state: Any) -> np.ndarray:
    if type(state) is not tuple or len(state) not in (4, 5):
        raise Refused('a numpy array with an unreadable state')
    shape, dtype, fortran, raw = state[-4:]
    return _array(raw, dtype, shape, 'F' if fortran is True or fortran == 1 else 'C')


def _array(raw: Any, dtype: Any, shape: Any, order: Any = 'C') -> np.ndarray:
    """Return a writable array in the machine's byte order; `raw` is bytes, or a list of objects."""
    if not isinstance(dtype, np.dtype):
        raise Refused('a numpy array without a dtype')
    if (
        type(shape) is not tuple
        or len(shape) > MAX_DIMS
        or not all(type(n) is int and 0 <= n < 2**48 for n in shape)
    ):
        raise Refused('a numpy array with an unreadable shape')
    count = prod(shape)

    if dtype.kind == 'O':
        if type(raw) is not list or len(raw) != count:
            raise Refused(f'a numpy array of {count} objects with another number of them')
        flat = np.empty(count, object)
        for i, value in enumerate(raw):
            flat[i] = value
        return flat.reshape(shape)

    raw = raw.encode('latin-1') if type(raw) is str else raw  # Python 2's str
    if type(raw) not in (bytes, bytearray):
        raise Refused(f'numpy data made of a {type(raw).__name__}')
    if len(raw) != count * dtype.itemsize:
        raise Refused(
            f'a {dtype} array of shape {brief(shape)} with {len(raw)} bytes instead of '
            f'{count * dtype.itemsize}'
        )
    flat = np.frombuffer(raw, dtype) if count else np.empty(0, dtype)
    return flat.astype(dtype.newbyteorder('=')).reshape(shape, order='F' if order == 'F' else 'C')


def _scalar(dtype: Any, raw: Any = b'') -> Any:
    if not isinstance(dtype, np.dtype) or dtype.kind == 'O':
        raise Refused('a numpy scalar of object dtype')
    return _array(raw, dtype, ())[()]


def _encode(text: Any, encoding: Any = 'latin1') -> bytes:
    """Return bytes as protocols 0 to 2 spell them, the only use that pickle has for an encoder."""
    if type(text) is not str or encoding not in ('latin1', 'latin-1'):
        raise Refused(f'_codecs.encode to {brief(encoding)}')
    return text.encode('latin-1')


def _bytearray(value: Any = b'', encoding: Any = 'latin-1') -> bytearray:
    value = _encode(value, encoding) if type(value) is str else value
    if type(value) is not bytes:  # a number would allocate that many bytes
        raise Refused('a bytearray that is not made of bytes')
    return bytearray(value)


def _collection(kind: Callable) -> Callable:
    def make(values: Any = ()) -> Any:
        if type(values) not in (list, tuple):
            raise Refused(f'a {kind.__name__} that is not made of a list')
        return kind(check_keys(values))

    return make


def _ordered_dict(pairs: Any = ()) -> OrderedDict:
    if type(pairs) not in (list, tuple) or not all(
        type(pair) in (list, tuple) and len(pair) == 2 for pair in pairs
    ):
        raise Refused('an OrderedDict that is not made of pairs')
    check_keys([key for key, _ in pairs])
    return OrderedDict(pairs)


def _complex(real: Any = 0.0, imag: Any = 0.0) -> complex:
    if type(real) is not float or type(imag) is not float:
        raise Refused('a complex number that is not made of two numbers')
    return complex(real, imag)


def _ndarray(*arguments: Any) -> None:
    raise Refused('a call of numpy.ndarray')  # only named, as _reconstruct's first argument


# Every name that a pickle of plain data can call, as Python 2, numpy 1 and numpy 2 spell it.
_CALLS: list[tuple[tuple[str, ...], str, Callable]] = [
    (('numpy',), 'dtype', _dtype),
    (('numpy',), 'ndarray', _ndarray),
    (('numpy.core.multiarray', 'numpy._core.multiarray'), '_reconstruct', _reconstruct),
    (('numpy.core.multiarray', 'numpy._core.multiarray'), 'scalar', _scalar),
    (('numpy.core.numeric', 'numpy._core.numeric'), '_frombuffer', _array),
    (('_codecs',), 'encode', _encode),
    (('collections',), 'OrderedDict', _ordered_dict),
    (('builtins', '__builtin__'), 'set', _collection(set)),
    (('builtins', '__builtin__'), 'frozenset', _collection(frozenset)),
    (('builtins', '__builtin__'), 'bytes', lambda: b''),
    (('builtins', '__builtin__'), 'bytearray', _bytearray),
    (('builtins', '__builtin__'), 'complex', _complex),
    (('torch.storage',), '_load_from_bytes', load_from_bytes),
    (('torch._utils',), '_rebuild_tensor_v2', rebuild_tensor),
]
FUNCTIONS = {
    (module, name): Function(f'{module}.{name}', call)
    for modules, name, call in _CALLS
    for module in modules
}
