"""Pickles from strangers: arrays, numbers, text and plain containers; nothing in them is run.

Python's own unpickler reads them, in its Python form: each instruction that could do harm is asked
first what it takes. The C form cannot be controlled like that. It hashes keys (which may share one
hash, or be tuples deeper than its stack), keeps room for 2**32 values because one is numbered so,
and would leave what stands for an array in the array's place.
"""

from __future__ import annotations

import io
import mmap
import os
import pickle
import re
import stat
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from ..errors import DataError
from ..wording import plain
from .pickle_names import (
    FUNCTIONS,
    Arguments,
    Function,
    Pending,
    Refused,
    check_keys,
    check_values,
    size_of,
)

MAX_INT_BITS = 512  # also keeps repr() from refusing (Python stops at 4,300 digits)
_NAME = re.compile(r'[\w.]+')
_FOREIGN = {
    b'PK\x03\x04': 'a zip archive (an .npz file, or a PyTorch checkpoint)',
    b'\x93NUMPY': 'an .npy array, not a pickle',
    b'\x1f\x8b': 'gzip-compressed; unpack it first',
    b'{': 'text (JSON?), not a pickle',
}


def load_pickle(path: str | os.PathLike) -> Any:
    """Read a pickle of plain data; nothing in it is run.

    Args:
        path: a pickle of any protocol, by Python 2 or 3 and any numpy.

    Returns:
        What was pickled: dict, OrderedDict, list, tuple, set, frozenset, str (Python 2's too, as
        latin-1), bytes, bytearray, int (up to 512 bits), float, complex, bool, None, numpy scalars
        and arrays (writable, in the machine's byte order; no structured dtypes).

    Raises:
        DataError: missing, unreadable, no regular file, empty, cut short, no pickle, or asking for
            any other global.

    Examples:
        >>> load_pickle('data/imigue_train.pkl')['annotations'][0]['keypoint'].shape
        (1, 90, 22, 2)
    """
    path = Path(path)
    with open_regular(path) as f:
        size = os.fstat(f.fileno()).st_size
        if size == 0:
            raise DataError(
                f'{path}: the file is empty, expected a pickle. '
                'Was its writing interrupted? Make it again.'
            )
        with mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return loads(data, str(path))


def loads(data: bytes | mmap.mmap, where: str) -> Any:
    """Read a pickle in memory as `load_pickle` does; `where` names it in the DataError."""
    file = io.BytesIO(data) if isinstance(data, bytes) else data
    try:
        return DataUnpickler(file, len(data)).load()
    except Refused as error:
        reason = str(error)
    except Exception as error:  # a broken program fails in any of Python's ways
        reason = f'it is broken ({type(error).__name__})'
    hint = next(
        (f' The file is {what}.' for magic, what in _FOREIGN.items() if data[:8].startswith(magic)),
        '',
    )
    raise DataError(
        f'{where}: cannot be read as a pickle of plain data: {reason} (at byte '
        f'{file.tell()}).{hint} Expected a pickle of numpy arrays and plain '
        'containers; get the file again or write it again.'
    )


def open_regular(path: Path) -> Any:
    """Open a regular file for reading; a DataError says what is there instead.

    A pipe would block, and a folder has no bytes.
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            kind = 'a folder' if path.is_dir() else 'not a regular file'
            raise DataError(f'{path}: is {kind}, expected a file.')
        return open(path, 'rb')
    except FileNotFoundError:
        raise DataError(f'{path}: no such file. {nearest(path)}') from None
    except (OSError, ValueError) as error:
        reason = getattr(error, 'strerror', None) or error
        raise DataError(
            f'{path}: cannot be opened ({reason}). Check its name and permissions.'
        ) from None


def nearest(path: Path) -> str:
    """Say 'The folder data holds: a.pkl, b.pkl.' or where the path stops existing."""
    parent = path.parent
    if not parent.is_dir():
        return f'There is no folder {parent} either (seen from {os.getcwd()}).'
    try:
        same = sorted(p.name for p in parent.glob(f'*{path.suffix}') if p.is_file())[:8]
    except OSError:
        same = []
    if not same:
        return f'The folder {parent} holds no *{path.suffix} file.'
    return f'The folder {parent} holds: {", ".join(same)}.'


class _Memo(dict):
    """The values that a pickle refers back to, under whatever numbers it gives them."""

    def __getitem__(self, index: int) -> Any:
        value = super().__getitem__(index)
        return value.value if type(value) is Pending and value.finish is None else value


class DataUnpickler(pickle._Unpickler):
    """Python's unpickler with the instructions that data needs, `INSTRUCTIONS`.

    A length allocates nothing: reading ends where the file ends, and so does the program then.
    """

    stack: list[Any]  # the values above the last MARK
    metastack: list[list[Any]]  # the stacks below each MARK
    append: Callable[[Any], None]  # to the stack
    instructions: dict[bytes, Callable[[Any], None]]  # INSTRUCTIONS, or others in their place

    def __init__(self, file: IO[bytes] | mmap.mmap, size: int):
        super().__init__(file, encoding='latin-1')
        self.memo: dict[int, Any] = _Memo()
        self.read, self.readline = file.read, file.readline
        self.left = 2 * size + (1 << 20)

    def load(self) -> Any:
        """Return the value.

        Python's own loop also looks for frames, and takes twice as long.
        """
        self.stack, self.metastack = [], []
        self.append = self.stack.append
        read, instructions = self.read, self.instructions
        while (code := read(1)) != pickle.STOP:
            instructions[code](self)
        return check_values(self.stack[-1:])[0]

    def load_proto(self) -> None:
        """Refuse protocols that this Python does not read."""
        protocol, newest = self.read(1)[0], pickle.HIGHEST_PROTOCOL
        if protocol > newest:
            raise Refused(f'it is of protocol {protocol}, newer than this Python reads ({newest})')

    def find_class(self, module: str, name: str) -> Function:
        """Return the function that replaces the one of that name."""
        if (module, name) in FUNCTIONS:
            return FUNCTIONS[module, name]
        if not _NAME.fullmatch(module) or not _NAME.fullmatch(name):
            raise Refused('it asks for something that is no name')
        advice = 'Only numpy arrays and numbers, text, dict, list, tuple and set are read.'
        if module.partition('.')[0] == 'torch':
            advice = 'Turn tensors into numpy arrays before pickling them: tensor.cpu().numpy().'
        raise Refused(f'it asks for {plain(module)}.{plain(name)}, which is not data. {advice}')

    def load_reduce(self) -> None:
        """Call a function with a tuple of arguments."""
        arguments, function = self.stack.pop(), self.stack.pop()
        if type(function) is not Function or not isinstance(arguments, tuple):
            raise Refused('it calls something that is not a known function')
        try:
            value = function.call(*arguments)
        except (TypeError, ValueError, LookupError, OverflowError) as error:
            raise Refused(f'{function.name} got arguments that make no value') from error
        self.push(value, size_of(value, arguments))

    def load_build(self) -> None:
        """Replace a Pending by its array or dtype."""
        state, pending = self.stack.pop(), self.stack.pop()
        if type(pending) is not Pending:
            raise Refused(f'it sets the inner state of a {type(pending).__name__}')
        if pending.finish is None:
            raise Refused('it fills in an array or a dtype twice')
        pending.value, pending.finish = pending.finish(state), None
        self.push(pending.value, size_of(pending.value))

    def push(self, value: Any, size: int) -> None:
        """Add a value made of others: a file can ask for the same megabyte a million times."""
        self.left -= size
        if self.left < 0:
            raise Refused('it unfolds to far more than its own size')
        self.append(value)

    def load_put(self) -> None:
        """Store a value under a number that is written as text."""
        index = int(self.readline())
        if not 0 <= index < 1 << 32:  # as in binary; beyond 2**61 many share one hash
            raise Refused('it numbers a value beyond 2**32')
        self.memo[index] = self.stack[-1]

    def load_unicode(self) -> None:
        """Read a text that is written in ASCII with escapes."""
        text = self.readline()[:-1].decode('raw-unicode-escape')
        text.encode()  # raises for half a surrogate pair, which could not be printed later
        self.append(text)

    def counted(self, width: int) -> bytes:
        """Read as many bytes as a number of `width` bytes says, or as are left."""
        return self.read(int.from_bytes(self.read(width), 'little'))


Instruction = Callable[[Any], None]


def _python(code: bytes) -> Instruction:
    return pickle._Unpickler.dispatch[code[0]]


def _storing(code: bytes, count: int = 0, into: tuple = (), keys: int = 0) -> Instruction:
    """Make Python's instruction check what it stores before it does.

    Args:
        code: the instruction.
        count: how many values it takes from the stack, or 0 for all above the last MARK.
        into: types of container that it may put them into; none if it makes one.
        keys: 1 if each value gets hashed, 2 if every second does.
    """
    run = _python(code)

    def instruction(self: DataUnpickler) -> None:
        values = self.stack[-count:] if count else self.stack
        if into and type(self.stack[-count - 1] if count else self.metastack[-1][-1]) not in into:
            raise Refused(f'it puts values into something that is not a {into[0].__name__}')
        check_values(values)
        if keys:
            check_keys(values[::keys])
        run(self)

    return instruction


def _tuple(code: bytes, count: int = 0) -> Instruction:
    run = _python(code)

    def instruction(self: DataUnpickler) -> None:
        values = self.stack[-count:] if count else self.stack
        called = type(values[0]) is Function if values else False
        check_values(values[1:] if called else values)
        run(self)
        if called:
            self.stack[-1] = Arguments(self.stack[-1])

    return instruction


def _number(code: bytes) -> Instruction:
    run = _python(code)

    def instruction(self: DataUnpickler) -> None:
        run(self)
        if self.stack[-1].bit_length() > MAX_INT_BITS:
            raise Refused(f'a number of {self.stack[-1].bit_length()} bits')

    return instruction


def _refusing(reason: str) -> Instruction:
    def instruction(self: DataUnpickler) -> None:
        raise Refused(reason)

    return instruction


_CLASS = _refusing('it makes an object of a class, which data does not need')
_EXTENSION = _refusing('it uses an extension code (copyreg), which data does not need')
_OUTSIDE = _refusing('it points outside itself (persistent id), which data does not need')
_BUFFER = _refusing('it points outside itself (out-of-band buffer), which data does not need')

# Python's own instructions that neither hash nor allocate, and call only `find_class`.
# fmt: off
_PLAIN = (
    pickle.MARK, pickle.POP, pickle.POP_MARK, pickle.DUP, pickle.NONE, pickle.NEWTRUE,
    pickle.NEWFALSE, pickle.FLOAT, pickle.BINFLOAT, pickle.BININT, pickle.BININT1,
    pickle.BININT2, pickle.STRING, pickle.BINSTRING, pickle.SHORT_BINSTRING, pickle.BINBYTES,
    pickle.SHORT_BINBYTES, pickle.BINBYTES8, pickle.EMPTY_LIST, pickle.EMPTY_DICT,
    pickle.EMPTY_TUPLE, pickle.EMPTY_SET, pickle.BINPUT, pickle.LONG_BINPUT, pickle.MEMOIZE,
    pickle.GET, pickle.BINGET, pickle.LONG_BINGET, pickle.GLOBAL, pickle.STACK_GLOBAL,
    pickle.INST,
)
# fmt: on

INSTRUCTIONS: dict[bytes, Instruction] = {
    b'': _refusing('it ends before its end mark: the file was cut short'),
    **{
        bytes([code]): _refusing(f'byte 0x{code:02x} is no pickle instruction')
        for code in range(256)
    },
    **dict.fromkeys((pickle.OBJ, pickle.NEWOBJ, pickle.NEWOBJ_EX), _CLASS),
    **dict.fromkeys((pickle.EXT1, pickle.EXT2, pickle.EXT4), _EXTENSION),
    **dict.fromkeys((pickle.PERSID, pickle.BINPERSID), _OUTSIDE),
    **dict.fromkeys((pickle.NEXT_BUFFER, pickle.READONLY_BUFFER), _BUFFER),
    **{code: _python(code) for code in _PLAIN},
    pickle.PROTO: DataUnpickler.load_proto,
    pickle.FRAME: lambda self: self.read(8),
    pickle.BYTEARRAY8: lambda self: self.append(bytearray(self.counted(8))),
    pickle.REDUCE: DataUnpickler.load_reduce,
    pickle.BUILD: DataUnpickler.load_build,
    pickle.PUT: DataUnpickler.load_put,
    pickle.UNICODE: DataUnpickler.load_unicode,
    pickle.SHORT_BINUNICODE: lambda self: self.append(self.counted(1).decode()),
    pickle.BINUNICODE: lambda self: self.append(self.counted(4).decode()),
    pickle.BINUNICODE8: lambda self: self.append(self.counted(8).decode()),
    **{code: _number(code) for code in (pickle.INT, pickle.LONG, pickle.LONG1, pickle.LONG4)},
    pickle.TUPLE: _tuple(pickle.TUPLE),
    pickle.TUPLE1: _tuple(pickle.TUPLE1, 1),
    pickle.TUPLE2: _tuple(pickle.TUPLE2, 2),
    pickle.TUPLE3: _tuple(pickle.TUPLE3, 3),
    pickle.LIST: _storing(pickle.LIST),
    pickle.APPEND: _storing(pickle.APPEND, 1, into=(list,)),
    pickle.APPENDS: _storing(pickle.APPENDS, into=(list,)),
    pickle.DICT: _storing(pickle.DICT, keys=2),
    pickle.SETITEM: _storing(pickle.SETITEM, 2, into=(dict, OrderedDict), keys=2),
    pickle.SETITEMS: _storing(pickle.SETITEMS, into=(dict, OrderedDict), keys=2),
    pickle.ADDITEMS: _storing(pickle.ADDITEMS, into=(set,), keys=1),
    pickle.FROZENSET: _storing(pickle.FROZENSET, keys=1),
}

DataUnpickler.instructions = INSTRUCTIONS
