"""Pickles from strangers: numpy arrays, numbers, text and plain containers come out; nothing in the file is ever run.

numpy's own helpers are replaced too, because they are not safe on hostile arguments: `scalar` with an object dtype unpickles
its bytes with plain pickle, `_reconstruct` makes any subclass, and `dtype.__setstate__` believes flags that turn raw bytes
into pointers.
"""
from __future__ import annotations

import mmap
import os
import re
import stat
from collections import OrderedDict
from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..errors import DataError
from ..wording import brief
from .pickle_machine import Machine, Name
from .pickle_values import Pending, Refused, check_keys

MAX_DIMS = 32
_DTYPE = re.compile(r'[|<>=]?([biufcSU])(\d{1,9})|\|?(O)\d?')
_FOREIGN = {b'PK\x03\x04': 'a zip archive (an .npz file, or a PyTorch checkpoint)', b'\x93NUMPY': 'an .npy array, not a pickle',
            b'\x1f\x8b': 'gzip-compressed; unpack it first', b'{': 'text (JSON?), not a pickle'}


def load_pickle(path: str | os.PathLike) -> Any:
    """Read a pickle of plain data; nothing in it is run.

    path     a pickle of any protocol, by Python 2 or 3 and any numpy; Python 2's str comes back as str (latin-1)
    ->       what was pickled: dict, OrderedDict, list, tuple, set, frozenset, str, bytes, bytearray, int (up to 512 bits),
             float, complex, bool, None, numpy scalars and arrays (writable, in the machine's byte order; no structured dtypes)
    raises   DataError: missing, unreadable, no regular file, empty, cut short, no pickle, or asking for any other global
    Concretely: `load_pickle('data/imigue_train.pkl')['annotations'][0]['keypoint'].shape == (1, 90, 22, 2)`.
    """
    path = Path(path)
    with open_regular(path) as f:
        size = os.fstat(f.fileno()).st_size
        if size == 0:
            raise DataError(f'{path}: the file is empty, expected a pickle. Was its writing interrupted? Make it again.')
        with mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return loads(data, str(path))


def loads(data: bytes | mmap.mmap, where: str) -> Any:
    """load_pickle for bytes in memory; `where` names them in the DataError."""
    machine = Machine(data, KNOWN)
    try:
        return machine.run()
    except Refused as error:
        reason = str(error)
    except Exception as error:      # a broken program fails in any of Python's ways: empty stack, unknown memo key, bad text ...
        reason = f'it is broken ({type(error).__name__})'
    hint = next((f' The file is {what}.' for magic, what in _FOREIGN.items() if data[:8].startswith(magic)), '')
    raise DataError(f'{where}: cannot be read as a pickle of plain data: {reason} (at byte {machine.pos}).{hint} '
                    'Expected a pickle of numpy arrays and plain containers; get the file again or write it anew.')


def open_regular(path: Path) -> Any:
    """Open a regular file for reading; a DataError says what is there instead. (A pipe would block, a folder has no bytes.)"""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            kind = 'a folder' if path.is_dir() else 'not a regular file'
            raise DataError(f'{path}: is {kind}, expected a file.')
        return open(path, 'rb')
    except FileNotFoundError:
        raise DataError(f'{path}: no such file. {_nearest(path)}') from None
    except (OSError, ValueError) as error:
        reason = getattr(error, 'strerror', None) or error
        raise DataError(f'{path}: cannot be opened ({reason}). Check its name and permissions.') from None


def _nearest(path: Path) -> str:
    """'The folder data holds: a.pkl, b.pkl.' or where the path stops existing."""
    parent = path.parent
    if not parent.is_dir():
        return f'There is no folder {parent} either (seen from {os.getcwd()}).'
    try:
        same = sorted(p.name for p in parent.glob(f'*{path.suffix}') if p.is_file())[:8]
    except OSError:
        same = []
    return f'The folder {parent} holds: {", ".join(same)}.' if same else f'The folder {parent} holds no *{path.suffix} file.'


# What a known name does ------------------------------------------------------------------------------------------------

def _dtype(machine: Machine, text: Any, align: Any = False, copy: Any = False) -> Pending:
    match = _DTYPE.fullmatch(text) if type(text) is str else None
    if match is None or match[2] and not int(match[2]):
        raise Refused(f'a numpy dtype {brief(text)}; numbers, booleans, text and objects are read, no structured dtypes')
    base = np.dtype('O') if match[3] else np.dtype(text)

    def finish(state: Any) -> np.dtype:
        """state: (version, byte order, subarray, names, fields, ...); only the byte order is believed."""
        if type(state) is not tuple or not 2 <= len(state) <= 9 or state[1] not in ('<', '>', '|', '='):
            raise Refused('a numpy dtype with an unreadable state')
        if any(part is not None for part in state[2:5]):
            raise Refused('a structured numpy dtype; store one plain array per field')
        return base if state[1] == '|' else base.newbyteorder(state[1])
    return Pending(finish)


def _reconstruct(machine: Machine, subtype: Any, shape: Any = None, code: Any = None) -> Pending:
    if getattr(subtype, 'name', None) != 'numpy.ndarray':
        raise Refused('a subclass of numpy.ndarray; only plain arrays are read')

    def finish(state: Any) -> np.ndarray:
        if type(state) is not tuple or len(state) not in (4, 5):
            raise Refused('a numpy array with an unreadable state')
        shape, dtype, fortran, raw = state[-4:]
        return _array(machine, shape, dtype, 'F' if fortran is True or fortran == 1 else 'C', raw)
    return Pending(finish)


def _frombuffer(machine: Machine, raw: Any, dtype: Any, shape: Any, order: Any = 'C') -> np.ndarray:
    return _array(machine, shape, dtype, 'F' if order == 'F' else 'C', raw)


def _array(machine: Machine, shape: Any, dtype: Any, order: Literal['C', 'F'], raw: Any) -> np.ndarray:
    if not isinstance(dtype, np.dtype):
        raise Refused('a numpy array without a dtype')
    if type(shape) is not tuple or len(shape) > MAX_DIMS or not all(type(n) is int and 0 <= n < 2**48 for n in shape):
        raise Refused('a numpy array with an unreadable shape')
    count = prod(shape)
    if dtype.kind == 'O':
        return _object_array(machine, shape, count, raw)
    raw = _raw(raw)
    if len(raw) != count * dtype.itemsize:
        raise Refused(f'a {dtype} array of shape {brief(shape)} with {len(raw)} bytes instead of {count * dtype.itemsize}')
    machine.spend(len(raw))
    flat = np.frombuffer(raw, dtype) if count else np.empty(0, dtype)
    return flat.astype(dtype.newbyteorder('=')).reshape(shape, order=order)


def _object_array(machine: Machine, shape: tuple[int, ...], count: int, raw: Any) -> np.ndarray:
    if type(raw) is not list or len(raw) != count:
        raise Refused(f'a numpy array of {count} objects with another number of them')
    machine.spend(8 * count)
    flat = np.empty(count, object)
    for i, value in enumerate(raw):
        flat[i] = value
    return flat.reshape(shape)


def _raw(raw: Any) -> bytes | bytearray:
    if type(raw) is str:            # Python 2's str
        return raw.encode('latin-1')
    if type(raw) not in (bytes, bytearray):
        raise Refused(f'numpy data made of a {type(raw).__name__}')
    return raw


def _scalar(machine: Machine, dtype: Any, raw: Any = b'') -> Any:
    if not isinstance(dtype, np.dtype) or dtype.kind == 'O':
        raise Refused('a numpy scalar of object dtype')
    return _array(machine, (), dtype, 'C', raw)[()]


def _encode(machine: Machine, text: Any, encoding: Any = 'latin1') -> bytes:
    """bytes in pickles of protocol 0 to 2, the only use that pickle makes of _codecs.encode."""
    if type(text) is not str or encoding not in ('latin1', 'latin-1'):
        raise Refused(f'_codecs.encode to {brief(encoding)}')
    machine.spend(len(text))
    return text.encode('latin-1')


def _bytes(machine: Machine, *nothing: Any) -> bytes:
    if nothing:
        raise Refused('bytes() with arguments')
    return b''


def _bytearray(machine: Machine, value: Any = b'', encoding: Any = 'latin-1') -> bytearray:
    if type(value) is str:
        value = _encode(machine, value, encoding)
    if type(value) is not bytes:                # a number would allocate that many bytes
        raise Refused('a bytearray that is not made of bytes')
    machine.spend(len(value))
    return bytearray(value)


def _collection(kind: Callable) -> Callable:
    def make(machine: Machine, values: Any = ()) -> Any:
        if type(values) not in (list, tuple):
            raise Refused(f'a {kind.__name__} that is not made of a list')
        machine.spend(64 * len(values))
        return kind(check_keys(values))
    return make


def _ordered_dict(machine: Machine, pairs: Any = ()) -> OrderedDict:
    if type(pairs) not in (list, tuple) or not all(type(pair) in (list, tuple) and len(pair) == 2 for pair in pairs):
        raise Refused('an OrderedDict that is not made of pairs')
    machine.spend(128 * len(pairs))
    check_keys([key for key, _ in pairs])
    return OrderedDict(pairs)


def _complex(machine: Machine, real: Any = 0.0, imag: Any = 0.0) -> complex:
    if type(real) is not float or type(imag) is not float:
        raise Refused('a complex number that is not made of two numbers')
    return complex(real, imag)


def _never(what: str) -> Callable:
    def refuse(machine: Machine, *arguments: Any) -> Any:
        raise Refused(f'a call of {what}')
    return refuse


def _known_names() -> dict[Name, Callable]:
    """Every global that a pickle of plain data can name, in its Python 2, numpy 1 and numpy 2 spellings."""
    known: dict[Name, Callable] = {
        ('numpy', 'dtype'): _dtype,
        ('numpy', 'ndarray'): _never('numpy.ndarray'),          # only named as _reconstruct's first argument
        ('_codecs', 'encode'): _encode,
        ('collections', 'OrderedDict'): _ordered_dict,
    }
    for core in ('numpy.core', 'numpy._core'):
        known[f'{core}.multiarray', '_reconstruct'] = _reconstruct
        known[f'{core}.multiarray', 'scalar'] = _scalar
        known[f'{core}.numeric', '_frombuffer'] = _frombuffer
    for builtins in ('builtins', '__builtin__'):
        known[builtins, 'set'] = _collection(set)
        known[builtins, 'frozenset'] = _collection(frozenset)
        known[builtins, 'bytes'] = _bytes
        known[builtins, 'bytearray'] = _bytearray
        known[builtins, 'complex'] = _complex
    return known


KNOWN = _known_names()
