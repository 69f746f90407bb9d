"""Follow the pickles inside a file of torch.save, to refuse what would cost too much to read.

torch's reader (weights_only=True) executes nothing of a file, but hashes whatever stands as a key,
and calls a few functions with whatever arguments the file gives: `bytearray` of a number fills as
many bytes, `torch.Tensor` of a number takes memory as it comes. So the same instructions are
followed with stand-ins first, which takes milliseconds.
"""

from __future__ import annotations

import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Sized
from pathlib import Path
from typing import IO, Any

from .pickle_names import FUNCTIONS, Function, Refused
from .safe_pickle import INSTRUCTIONS, DataUnpickler, open_regular

ZIP_START = b'PK\x03\x04'  # by which torch tells its two formats apart, too
_MAGIC = 0x1950A86A20F9469CFC6C
_OLD_PICKLES = 4  # after the magic number: version, machine, the content, the storages' keys
_LONGEST_STATE = 16  # numpy's and torch's have up to 8 parts


class _Made:
    """Stands for what torch makes: a tensor, a dtype, a function of its own."""


_MADE = _Made()
_SIZED = _Made()  # torch.Tensor, storages: a number that they are called with is a size


def _counter(values: Any = ()) -> dict:
    """Stand in for collections.Counter, which is pickled as the call of a dict."""
    if type(values) is not dict:
        raise Refused('a Counter that is not made of a dict')
    return values


# By the last part of their names, the functions that torch calls and that hash or fill memory.
_CALLS = {name: FUNCTIONS['builtins', name] for name in ('set', 'bytearray', 'complex')}
_CALLS['OrderedDict'] = FUNCTIONS['collections', 'OrderedDict']
_CALLS['encode'] = FUNCTIONS['_codecs', 'encode']
_CALLS['Counter'] = Function('collections.Counter', _counter)


class _DryRun(DataUnpickler):
    """Follows a pickle of torch.save; refuses what would cost far more than its size."""

    def find_class(self, module: str, name: str) -> Any:
        last = f'{module}.{name}'.rpartition('.')[2]
        if last in _CALLS:
            return _CALLS[last]
        is_sized = last.endswith(('Tensor', 'Storage')) or last.startswith('_rebuild_device_tensor')
        return _SIZED if is_sized else _MADE

    def load_reduce(self) -> None:
        arguments, function = self.stack[-1], self.stack[-2]
        if isinstance(function, _Made) and isinstance(arguments, tuple):
            del self.stack[-2:]
            self._make(function, arguments)
        else:
            super().load_reduce()

    def load_new(self) -> None:
        arguments, kind = self.stack.pop(), self.stack.pop()
        if not isinstance(kind, _Made) or not isinstance(arguments, tuple):
            raise Refused('it makes an object of a class that no checkpoint needs')
        self._make(kind, arguments)

    def _make(self, function: _Made, arguments: tuple) -> None:
        # A function among the arguments would be called with the others.
        passed_on = arguments and (arguments[0] is _SIZED or type(arguments[0]) is Function)
        if passed_on or function is _SIZED and arguments:
            raise Refused('it makes a tensor or a storage of a size alone, without its numbers')
        self.append(_MADE)

    def load_build(self) -> None:
        """Set the state of what torch made, which takes attributes from dicts, or from pairs."""
        state, value = self.stack.pop(), self.stack[-1]
        parts = state if type(state) is tuple and len(state) == 2 else (state,)
        is_long = (
            type(state) is not dict and isinstance(state, Sized) and len(state) > _LONGEST_STATE
        )
        if (
            is_long
            or any(isinstance(part, (list, set)) for part in parts)
            or (type(value) is OrderedDict and type(state) is not dict)
        ):
            raise Refused('it sets the inner state of an object by something that is no dict')
        if type(value) is not OrderedDict and not isinstance(value, _Made):
            raise Refused(f'it sets the inner state of a {type(value).__name__}')

    def load_binpersid(self) -> None:
        self.stack[-1] = _MADE

    def load_text(self, size_bytes: int) -> None:
        """Take a text as pickle and torch do: names of files may hold bytes that are no UTF-8."""
        self.append(self.counted(size_bytes).decode('utf-8', 'surrogatepass'))

    instructions = {
        **INSTRUCTIONS,
        pickle.SHORT_BINUNICODE: lambda self: self.load_text(1),
        pickle.BINUNICODE: lambda self: self.load_text(4),
        pickle.BINUNICODE8: lambda self: self.load_text(8),
        pickle.REDUCE: load_reduce,
        pickle.NEWOBJ: load_new,
        pickle.BUILD: load_build,
        pickle.BINPERSID: load_binpersid,
    }


def check_pickles(path: Path) -> None:
    """Follow the pickles of a file of torch.save without making anything of them.

    Raises:
        DataError: no regular file.
        ValueError: keys that could share one hash, or memory of a size that the file names alone.
        Exception: of another kind where a pickle is broken.
    """
    with open_regular(path) as file:
        is_zip = file.read(len(ZIP_START)) == ZIP_START
        file.seek(0)
        try:
            _check_members(file) if is_zip else _check_old(file, path.stat().st_size)
        except Refused as error:
            raise ValueError(str(error)) from None


def _check_members(file: IO[bytes]) -> None:
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():  # torch looks names up whatever their case
            if member.filename.lower().endswith('data.pkl'):
                with archive.open(member) as pickled:
                    _DryRun(pickled, member.file_size).load()


def _check_old(file: IO[bytes], size: int) -> None:
    if _DryRun(file, size).load() == _MAGIC:  # else torch reads no further
        for _ in range(_OLD_PICKLES):
            _DryRun(file, size).load()
