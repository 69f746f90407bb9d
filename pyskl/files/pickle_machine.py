"""Reads a pickle without running it.

A pickle is a program for a small stack machine. Python's own machine imports what the program names and calls it; this one
has no way to do either. It knows the instructions that build plain values, and a table of a few names, each standing for a
function of ours (safe_pickle.py). All else is refused by name. Nothing is allocated on the word of the file alone: a length
is compared with the bytes that are there, and the memo is a dict (in Python's machine one instruction can claim 64 GiB).
"""
from __future__ import annotations

import codecs
import mmap
import pickle
import re
import struct
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from ..wording import plain
from .pickle_values import Arguments, Pending, Refused, Token, check_key, check_keys, data_only

Name = tuple[str, str]

MAX_INT_BYTES = 64          # a whole number in data; also keeps repr() from refusing (Python stops at 4,300 digits)
_NAME = re.compile(r'[\w.]+')


class Machine:
    """One run over one pickle.

    data      the file's bytes (bytes or mmap)
    known     {(module, name): function(machine, *arguments) -> value or Pending}
    Concretely: `Machine(pickle.dumps([1, 'a']), {}).run() == [1, 'a']`.
    """

    def __init__(self, data: bytes | mmap.mmap, known: Mapping[Name, Callable]):
        self.data, self.pos, self.size = data, 0, len(data)
        self.known = {name: Token('.'.join(name), function) for name, function in known.items()}
        self.stack: list = []
        self.below: list[list] = []         # the stacks under each MARK
        self.memo: dict[int, Any] = {}
        self.left = 2 * self.size + (1 << 20)

    def run(self) -> Any:
        """The value. Raises Refused, or any of Python's own errors on a broken program (IndexError, KeyError, ...)."""
        data, handlers = self.data, _HANDLERS
        while self.pos < self.size:
            code = data[self.pos]
            self.pos += 1
            if code == _STOP:
                return data_only(self.stack[-1:])[0]
            handler = handlers[code]
            if handler is None:
                raise Refused(f'byte 0x{code:02x} is no pickle instruction')
            handler(self)
        raise Refused('it ends before its end mark: the file was cut short')

    def spend(self, size: int) -> None:
        """Count `size` bytes made out of input that may be shared: a file can ask for the same megabyte a million times."""
        self.left -= size
        if self.left < 0:
            raise Refused('it unfolds to far more than its own size')

    # reading -------------------------------------------------------------------------------------------------------
    def take(self, count: int) -> bytes:
        start = self.pos
        if not 0 <= count <= self.size - start:
            raise Refused(f'it announces {count} bytes where {self.size - start} are left: the file was cut short or altered')
        self.pos = start + count
        return self.data[start:start + count]

    def number(self, form: struct.Struct) -> Any:
        value, = form.unpack_from(self.data, self.pos)
        self.pos += form.size
        return value

    def line(self) -> bytes:
        end = self.data.find(b'\n', self.pos)
        if end < 0:
            raise Refused('a line has no end: the file was cut short')
        text = self.data[self.pos:end]
        self.pos = end + 1
        return text

    def marked(self) -> list:
        """The values above the last MARK, taken off."""
        values, self.stack = self.stack, self.below.pop()
        return values

    # names and calls -----------------------------------------------------------------------------------------------
    def look_up(self, module: Any, name: Any) -> None:
        if type(module) is not str or type(name) is not str:
            raise Refused('it asks for a name that is no text')
        token = self.known.get((module, name))
        if token is None:
            raise unknown(module, name)
        self.stack.append(token)

    def call(self) -> None:
        arguments, token = self.stack.pop(), self.stack.pop()
        if type(token) is not Token or not isinstance(arguments, tuple):
            raise Refused('it calls something that is not a known function')
        try:
            self.stack.append(token.call(self, *arguments))
        except (TypeError, ValueError, LookupError, OverflowError) as error:
            raise Refused(f'{token.name} got arguments that make no value') from error

    def build(self) -> None:
        state, pending = self.stack.pop(), self.stack[-1]
        if type(pending) is not Pending:
            raise Refused(f'it sets the inner state of a {type(pending).__name__}')
        value = pending.finish(state)
        self.stack[-1] = value
        for place in pending.places:
            self.memo[place] = value

    def remember(self, place: int) -> None:
        value = self.stack[-1]
        if type(value) is Pending:
            pending: Pending = value
            pending.places.append(place)
        self.memo[place] = value

    # containers ----------------------------------------------------------------------------------------------------
    def fill(self, values: list) -> None:
        """Put key, value, key, value ... into the dict on top."""
        target = self.stack[-1]
        if type(target) not in (dict, OrderedDict) or len(values) % 2:
            raise Refused('it puts items into something that is not a dict')
        for key in values[::2]:
            check_key(key)
        target.update(zip(values[::2], data_only(values[1::2])))

    def extend(self, values: list) -> None:
        target = self.stack[-1]
        if type(target) is not list:
            raise Refused('it appends to something that is not a list')
        target.extend(data_only(values))

    def add(self, values: list) -> None:
        target = self.stack[-1]
        if type(target) is not set:
            raise Refused('it adds to something that is not a set')
        target.update(check_keys(values))


def unknown(module: str, name: str) -> Refused:
    """The letter that refuses a global, with the global's name and what to try."""
    if not _NAME.fullmatch(module) or not _NAME.fullmatch(name):
        return Refused('it asks for something that is no name')
    advice = 'Only numpy arrays and numbers, text, dict, list, tuple and set are read.'
    if module.partition('.')[0] == 'torch':
        advice = 'Turn tensors into numpy arrays before pickling them: tensor.cpu().numpy().'
    return Refused(f'it asks for {plain(module)}.{plain(name)}, which is not data. {advice}')


def _whole(text: bytes) -> int:
    if len(text) > 3 * MAX_INT_BYTES:        # a byte is 2.4 decimal digits
        raise Refused(f'a number of {len(text)} digits')
    return int(text)


def _long(machine: Machine, count: int) -> int:
    if count > MAX_INT_BYTES:
        raise Refused(f'a number of {count} bytes')
    return int.from_bytes(machine.take(count), 'little', signed=True)


def _int_line(machine: Machine) -> int | bool:
    text = machine.line()
    return text == b'01' if text in (b'00', b'01') else _whole(text)


def _unicode_line(machine: Machine) -> str:
    text = machine.line().decode('raw-unicode-escape')
    text.encode('utf-8')            # half a surrogate pair is no text; better said here than when it is printed
    return text


def _string_line(machine: Machine) -> str:
    """Python 2's text form of a str: quoted, with escapes."""
    text = machine.line().strip()
    if len(text) < 2 or text[:1] != text[-1:] or text[:1] not in (b"'", b'"'):
        raise Refused('a string has no quotes')
    return codecs.escape_decode(text[1:-1])[0].decode('latin-1')        # type: ignore[attr-defined]


def _global_line(machine: Machine) -> None:
    module, name = machine.line(), machine.line()
    machine.look_up(module.decode('utf-8'), name.decode('utf-8'))


def _stack_global(machine: Machine) -> None:
    name, module = machine.stack.pop(), machine.stack.pop()
    machine.look_up(module, name)


def _instance(machine: Machine) -> None:
    module, name = machine.line().decode('latin-1'), machine.line().decode('latin-1')
    raise unknown(module, name)


def _proto(machine: Machine) -> None:
    protocol = _u1(machine)
    if protocol > pickle.HIGHEST_PROTOCOL:
        raise Refused(f'it is of protocol {protocol}, newer than this Python reads ({pickle.HIGHEST_PROTOCOL})')


def _mark(machine: Machine) -> None:
    machine.below.append(machine.stack)
    machine.stack = []


def _pop(machine: Machine) -> None:
    if machine.stack:
        machine.stack.pop()
    else:
        machine.marked()


def _tuple(count: int) -> Callable[[Machine], None]:
    def handler(machine: Machine) -> None:
        if len(machine.stack) < count:
            raise Refused('a tuple lacks values')
        machine.stack[-count:] = [_as_tuple(machine.stack[-count:])]
    return handler


def _as_tuple(values: list) -> tuple:
    if values and type(values[0]) is Token:
        return Arguments((values[0], *data_only(values[1:])))
    return tuple(data_only(values))


def _dict(machine: Machine) -> None:
    values = machine.marked()
    machine.stack.append({})
    machine.fill(values)


def _set_item(machine: Machine) -> None:
    value, key = machine.stack.pop(), machine.stack.pop()
    machine.fill([key, value])


def _append(machine: Machine) -> None:
    value = machine.stack.pop()
    machine.extend([value])


def _skip(read: Callable[[Machine], Any]) -> Callable[[Machine], None]:
    def handler(machine: Machine) -> None:
        read(machine)
    return handler


def _push(read: Callable[[Machine], Any]) -> Callable[[Machine], None]:
    def handler(machine: Machine) -> None:
        value = read(machine)               # may change which list is the stack, so it comes first
        machine.stack.append(value)
    return handler


def _refuse(what: str) -> Callable[[Machine], None]:
    def handler(machine: Machine) -> None:
        raise Refused(f'it {what}, which data does not need')
    return handler


def _text(length: Callable[[Machine], int], encoding: str = 'utf-8') -> Callable[[Machine], None]:
    return _push(lambda m: m.take(length(m)).decode(encoding))


def _number(code: str) -> Callable[[Machine], Any]:
    form = struct.Struct(code)
    return lambda m: m.number(form)


def _u1(m: Machine) -> int:
    value = m.data[m.pos]
    m.pos += 1
    return value


_u2, _u4, _u8, _i4 = _number('<H'), _number('<I'), _number('<Q'), _number('<i')
_STOP = pickle.STOP[0]

_BY_OPCODE: dict[bytes, Callable[[Machine], None]] = {
    pickle.PROTO: _proto,
    pickle.FRAME: _skip(_u8),
    pickle.MARK: _mark,
    pickle.POP: _pop,
    pickle.POP_MARK: _skip(Machine.marked),
    pickle.DUP: _push(lambda m: m.stack[-1]),
    pickle.NONE: _push(lambda m: None),
    pickle.NEWTRUE: _push(lambda m: True),
    pickle.NEWFALSE: _push(lambda m: False),
    pickle.INT: _push(_int_line),
    pickle.LONG: _push(lambda m: _whole(m.line().removesuffix(b'L'))),
    pickle.FLOAT: _push(lambda m: float(m.line())),
    pickle.BININT: _push(_i4),
    pickle.BININT1: _push(_u1),
    pickle.BININT2: _push(_u2),
    pickle.LONG1: _push(lambda m: _long(m, _u1(m))),
    pickle.LONG4: _push(lambda m: _long(m, _i4(m))),
    pickle.BINFLOAT: _push(_number('>d')),
    pickle.STRING: _push(_string_line),
    pickle.BINSTRING: _text(_i4, 'latin-1'),
    pickle.SHORT_BINSTRING: _text(_u1, 'latin-1'),
    pickle.UNICODE: _push(_unicode_line),
    pickle.BINUNICODE: _text(_u4),
    pickle.SHORT_BINUNICODE: _text(_u1),
    pickle.BINUNICODE8: _text(_u8),
    pickle.BINBYTES: _push(lambda m: m.take(_u4(m))),
    pickle.SHORT_BINBYTES: _push(lambda m: m.take(_u1(m))),
    pickle.BINBYTES8: _push(lambda m: m.take(_u8(m))),
    pickle.BYTEARRAY8: _push(lambda m: bytearray(m.take(_u8(m)))),
    pickle.EMPTY_LIST: _push(lambda m: []),
    pickle.EMPTY_DICT: _push(lambda m: {}),
    pickle.EMPTY_TUPLE: _push(lambda m: ()),
    pickle.EMPTY_SET: _push(lambda m: set()),
    pickle.LIST: _push(lambda m: data_only(m.marked())),
    pickle.DICT: _dict,
    pickle.TUPLE: _push(lambda m: _as_tuple(m.marked())),
    pickle.TUPLE1: _tuple(1),
    pickle.TUPLE2: _tuple(2),
    pickle.TUPLE3: _tuple(3),
    pickle.FROZENSET: _push(lambda m: frozenset(check_keys(m.marked()))),
    pickle.APPEND: _append,
    pickle.APPENDS: lambda m: m.extend(m.marked()),
    pickle.SETITEM: _set_item,
    pickle.SETITEMS: lambda m: m.fill(m.marked()),
    pickle.ADDITEMS: lambda m: m.add(m.marked()),
    pickle.PUT: lambda m: m.remember(_whole(m.line())),
    pickle.BINPUT: lambda m: m.remember(_u1(m)),
    pickle.LONG_BINPUT: lambda m: m.remember(_u4(m)),
    pickle.MEMOIZE: lambda m: m.remember(len(m.memo)),
    pickle.GET: _push(lambda m: m.memo[_whole(m.line())]),
    pickle.BINGET: _push(lambda m: m.memo[_u1(m)]),
    pickle.LONG_BINGET: _push(lambda m: m.memo[_u4(m)]),
    pickle.GLOBAL: _global_line,
    pickle.STACK_GLOBAL: _stack_global,
    pickle.REDUCE: Machine.call,
    pickle.BUILD: Machine.build,
    pickle.INST: _instance,
    pickle.OBJ: _refuse('makes an object of a class'),
    pickle.NEWOBJ: _refuse('makes an object of a class'),
    pickle.NEWOBJ_EX: _refuse('makes an object of a class'),
    pickle.EXT1: _refuse('uses an extension code (copyreg)'),
    pickle.EXT2: _refuse('uses an extension code (copyreg)'),
    pickle.EXT4: _refuse('uses an extension code (copyreg)'),
    pickle.PERSID: _refuse('points outside itself (persistent id)'),
    pickle.BINPERSID: _refuse('points outside itself (persistent id)'),
    pickle.NEXT_BUFFER: _refuse('points outside itself (out-of-band buffer)'),
    pickle.READONLY_BUFFER: _refuse('points outside itself (out-of-band buffer)'),
}

_HANDLERS: list[Callable[[Machine], None] | None] = [_BY_OPCODE.get(bytes([code])) for code in range(256)]
