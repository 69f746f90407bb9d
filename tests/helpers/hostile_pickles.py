"""Pickles that would do harm if executed, as bytes; they would create the folder `mark`."""

from __future__ import annotations

import io
import os
import pickle
import struct
import zipfile
import zlib
from collections import OrderedDict

import numpy as np

# Functions that attackers name; each would be called with one text. None of them is ever looked up.
CALLABLES = """
os.system os.popen os.mkdir os.remove os.execl os.spawnl posix.system nt.system subprocess.Popen
subprocess.check_output pty.spawn builtins.eval builtins.exec builtins.compile builtins.open
builtins.getattr builtins.__import__ builtins.globals builtins.setattr builtins.apply builtins.input
builtins.map builtins.type builtins.object __builtin__.eval __builtin__.file __builtin__.getattr
importlib.import_module importlib.reload runpy.run_path functools.partial functools.reduce
operator.attrgetter operator.methodcaller operator.itemgetter operator.call copyreg._reconstructor
copy_reg._reconstructor copyreg.__newobj__ copyreg.add_extension types.FunctionType types.CodeType
types.MethodType marshal.loads pickle.loads _pickle.loads pickle.Unpickler shelve.open shutil.rmtree
tempfile.mktemp sys.setprofile sys.modules.get timeit.timeit cProfile.run profile.run pdb.run
bdb.Bdb.run trace.Trace code.interact codeop.compile_command ctypes.CDLL ctypes.util.find_library
webbrowser.open socket.create_connection urllib.request.urlopen http.client.HTTPConnection
logging.config.dictConfig logging.FileHandler multiprocessing.Process
asyncio.create_subprocess_shell threading.Timer venv.create ensurepip.bootstrap pip.main
pydoc.locate pydoc.pipepager inspect.getattr_static ast.literal_eval collections.namedtuple
collections.defaultdict collections.Counter doctest.testfile zipimport.zipimporter
lib2to3.pgen2.grammar.Grammar.loads idlelib.pyshell.ModifiedInterpreter.runcommand sqlite3.connect
torch.load torch.storage._get_dtype_from_pickle_storage_type torch._utils._rebuild_parameter
torch.hub.load torch.jit.load torch.serialization.load torch.utils.cpp_extension.load
torch._dynamo.guards.GuardBuilder.get torch.fx.experimental.symbolic_shapes.eval_guards
torch.utils._config_module.load_config torch.utils.bottleneck.__main__.run_cprofile
torch.distributed.rpc.internal._internal_rpc_pickler numpy.load numpy.loads numpy.fromfile
numpy.memmap numpy.save numpy.loadtxt numpy.genfromtxt numpy.vectorize numpy.ndarray.dump
numpy.testing._private.utils.runstring numpy.testing._private.utils.rundocs
numpy.distutils.exec_command.exec_command numpy.f2py.crackfortran.myeval
numpy.f2py.crackfortran.param_eval numpy.lib.format.open_memmap numpy.core.multiarray.fromfile
numpy.core._internal._makenames_list numpy.core.multiarray.set_string_function
numpy.ctypeslib.load_library numpy.ma.core._mareconstruct numpy.core.records.fromfile
numpy.matrixlib.defmatrix.matrix numpy.random._pickle.__randomstate_ctor numpy.lib.npyio.NpzFile
pandas.read_pickle scipy.io.loadmat mmengine.config.Config.fromfile mmcv.load yaml.load dill.loads
cloudpickle.loads joblib.load
""".split()  # noqa: SIM905 (a list of 130 quoted names reads worse)


def short_text(text: str | bytes) -> bytes:
    raw = text.encode() if isinstance(text, str) else text
    return pickle.SHORT_BINUNICODE + bytes([len(raw)]) + raw


def as_global(name: str) -> bytes:
    module, _, attribute = name.rpartition('.')
    return b'c' + module.encode() + b'\n' + attribute.encode() + b'\n'


def as_stack_global(module: str, attribute: str) -> bytes:
    return short_text(module) + short_text(attribute) + pickle.STACK_GLOBAL


def body(value: object) -> bytes:
    """The instructions that make a value, without protocol and end."""
    return pickle.dumps(value, 2)[2:-1]


_ORDERED_DICT = as_global('collections.OrderedDict')
_NDARRAY = as_global('numpy.ndarray')
_ENCODE = as_global('_codecs.encode')
_SET = as_global('builtins.set')


def whole(instructions: bytes) -> bytes:
    return b'\x80\x04' + instructions + b'.'


def _bytes(raw: bytes) -> bytes:
    return pickle.BINBYTES + struct.pack('<I', len(raw)) + raw


def all_whole(instructions: dict[str, bytes]) -> dict[str, bytes]:
    return {name: whole(made) for name, made in instructions.items()}


class Reduced:
    """Pickles as a call of `function(*arguments)`."""

    def __init__(self, function, *arguments, state=None):
        self.made_of = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self):
        return self.made_of


def that_run(mark: str) -> dict[str, bytes]:
    """Files that make the folder `mark` under Python's own pickle (a test shows it)."""
    mkdir = Reduced(os.mkdir, mark)
    keypoint = np.empty((1, 2, 2, 2), object)
    keypoint.fill(mkdir)
    inner = pickle.dumps(mkdir)
    cases = {f'os.mkdir by reduce, protocol {p}': pickle.dumps(mkdir, p) for p in range(6)}
    cases |= all_whole(
        {
            'as the key of a dict': b'}' + body(mkdir) + b'Ns',
            'in a value thrown away': body(mkdir) + b'0N',
            'by GLOBAL': as_global('os.mkdir') + short_text(mark) + b'\x85R',
            'by STACK_GLOBAL': as_stack_global('os', 'mkdir') + short_text(mark) + b'\x85R',
            'by INST': b'(' + short_text(mark) + b'ios\nmkdir\n',
            'by OBJ': b'(' + as_global('os.mkdir') + short_text(mark) + b'o',
            'by a dotted name': as_stack_global('shutil', 'os.mkdir') + short_text(mark) + b'\x85R',
            'by getattr': as_global('builtins.getattr')
            + as_global('builtins.__import__')
            + short_text('os')
            + b'\x85R'
            + short_text('mkdir')
            + b'\x86R'
            + short_text(mark)
            + b'\x85R',
            'by functools.partial': as_global('functools.partial')
            + as_global('os.mkdir')
            + short_text(mark)
            + b'\x86R)R',
            'by operator.methodcaller': as_global('operator.methodcaller')
            + short_text('mkdir')
            + short_text(mark)
            + b'\x86R'
            + as_global('importlib.import_module')
            + short_text('os')
            + b'\x85R\x85R',
            'by map': as_global('builtins.list')
            + as_global('builtins.map')
            + as_global('os.mkdir')
            + short_text(mark)
            + b'\x85\x86R\x85R',
            'by pickle in pickle': as_global('pickle.loads') + _bytes(inner) + b'\x85R',
            'by torch.storage': as_global('torch.storage._load_from_bytes')
            + _bytes(inner)
            + b'\x85R',
            'after a harmless beginning': body(np.arange(3)) + b'0' + body(mkdir),
        }
    ) | {
        'os.system by reduce': pickle.dumps(Reduced(os.system, f'mkdir {mark}')),
        'eval of a text': pickle.dumps(Reduced(eval, f'__import__("os").mkdir({mark!r})')),
        'exec of a text': pickle.dumps(Reduced(exec, f'import os; os.mkdir({mark!r})')),
        'deep in a list': pickle.dumps([[[[{'a': (1, [mkdir])}]]]]),
        'as a field of an annotation': pickle.dumps(
            {'split': {}, 'annotations': [{'frame_dir': 'a', 'label': mkdir}]}
        ),
        'as a split': pickle.dumps({'split': mkdir, 'annotations': []}),
        'in an object array': pickle.dumps({'annotations': [{'keypoint': keypoint}]}),
        'as the argument of another call': pickle.dumps(Reduced(OrderedDict, [['a', mkdir]])),
        'as the state of an array': pickle.dumps(Reduced(np.ndarray, (1,), state=mkdir)),
    }
    return cases


def _dtype(text: str, state: bytes = b'') -> bytes:
    return as_global('numpy.dtype') + short_text(text) + b'\x89\x88\x87R' + state


_PLAIN_STATE = b'(K\x03' + short_text('<') + b'NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb'
_OBJECT_STATE = b'(K\x03' + short_text('|') + b'NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x3ftb'
_OBJECTS, _F4 = _dtype('O8', _OBJECT_STATE), _dtype('f4', _PLAIN_STATE)
_RECONSTRUCT = as_global('numpy.core.multiarray._reconstruct')
_EMPTY = b'K\x00\x85C\x01b\x87R'
_START = _RECONSTRUCT + _NDARRAY + _EMPTY


def _array(shape: bytes, dtype: bytes, raw: bytes) -> bytes:
    return _START + b'(K\x01' + shape + dtype + b'\x89' + raw + b'tb'


def through_numpy(mark: str) -> dict[str, bytes]:
    """Misuse numpy's functions: unpickle, make subclasses, trust flags, read beyond memory."""
    inner = pickle.dumps(Reduced(os.mkdir, mark))
    scalar = as_global('numpy.core.multiarray.scalar')
    unflagged, flagged = (
        _OBJECT_STATE.replace(b'K\x3f', b'K\x00'),
        _PLAIN_STATE.replace(b'K\x00tb', b'K\x3ftb'),
    )
    fields = (
        b'(K\x03' + short_text('|') + b'N' + short_text('a') + b'\x85}J\x08\x00\x00\x00K\x01K\x00tb'
    )
    return all_whole(
        {
            'scalar of object dtype': scalar + _OBJECTS + _bytes(inner) + b'\x86R',
            'scalar with a text for a dtype': scalar + short_text('O') + _bytes(inner) + b'\x86R',
            'scalar with a dtype of wrong size': scalar + _F4 + _bytes(b'12345') + b'\x86R',
            'scalar with no bytes': scalar + _F4 + b'\x85R',
            'scalar with too many arguments': scalar + b'(' + _F4 + b'NNNtR',
            '_reconstruct of a memmap': _RECONSTRUCT + as_global('numpy.memmap') + _EMPTY,
            '_reconstruct of a matrix': _RECONSTRUCT + as_global('numpy.matrix') + _EMPTY,
            '_reconstruct of a function': _RECONSTRUCT + _ENCODE + _EMPTY,
            'ndarray called': _NDARRAY + b'K\x05\x85\x85R',
            'object dtype, raw bytes for pointers': _array(
                b'K\x01\x85', _OBJECTS, _bytes(b'\x41' * 8)
            ),
            'object dtype, flags taken off': _array(
                b'K\x01\x85', _dtype('O8', unflagged), _bytes(b'\x41' * 8)
            ),
            'object dtype, too few objects': _array(b'J\x00\x00\x01\x00\x85', _OBJECTS, b']'),
            'number dtype with object flags': _array(b'K\x01\x85', _dtype('i8', flagged), b']'),
            'dtype with fields': _dtype('V8', fields),
            'dtype with a subarray': _dtype(
                'f4', b'(K\x03' + short_text('<') + b'K\x01\x85NNJ\x08\x00\x00\x00K\x01K\x00tb'
            ),
            'dtype by a comma text': _dtype('f4,O'),
            'dtype of a million dimensions': _dtype('(1000000,1000000)f4'),
            'dtype of no size': _dtype('S0', _PLAIN_STATE),
            'dtype of 900 MB an item': _array(
                b'K\x01\x85', _dtype('S900000000', _PLAIN_STATE), _bytes(b'')
            ),
            'dtype with no state to speak of': _dtype('f4', b'Nb'),
            'dtype with a byte order of its own': _dtype('f4', _PLAIN_STATE.replace(b'<', b'!')),
            'array cut short': _array(b'K\x02\x85', _F4, _bytes(b'1234')),
            'array too long': _array(b'K\x02\x85', _F4, _bytes(b'1234' * 3)),
            'array of negative shape': _array(b'J\xff\xff\xff\xff\x85', _F4, _bytes(b'')),
            'array of endless shape': _array(
                b'(' + b'\x8a\x06\xff\xff\xff\xff\xff\x7f' * 3 + b't', _F4, _bytes(b'')
            ),
            'array of a million dimensions': _array(
                b'(' + b'K\x01' * 1000 + b't', _F4, _bytes(b'1234')
            ),
            'array with a list for a shape': _array(b']K\x01a', _F4, _bytes(b'1234')),
            'array of a text for a dtype': _array(b'K\x01\x85', short_text('f4'), _bytes(b'1234')),
            'array made of None': _array(b'K\x01\x85', _F4, b'N'),
            'array with no state': _START + b'Nb',
            'array filled in twice through a copy': _START
            + b'2'
            + (one := b'(K\x01K\x01\x85' + _F4 + b'\x89' + _bytes(b'1234') + b'tb')
            + b'0'
            + one,
            'what stood for an array beside it': _START + b'2' + one + b'\x86',
            'array twice filled': _START
            + b'(K\x01K\x01\x85'
            + _F4
            + b'\x89'
            + _bytes(b'1234')
            + b'tb}b',
            '_frombuffer of a text': as_global('numpy.core.numeric._frombuffer')
            + b'('
            + short_text('ab')
            + _F4
            + b'K\x01\x85'
            + short_text('C')
            + b'tR',
        }
    )


def other_instructions(mark: str) -> dict[str, bytes]:
    """Instructions by which data could reach outside itself or change what is there."""
    state = b'}' + short_text('a') + b'K\x01s'
    return all_whole(
        {
            'BUILD on a dict': b'}' + state + b'b',
            'BUILD on a list': b']' + state + b'b',
            'BUILD on a number': b'K\x01' + state + b'b',
            'BUILD on a known function': _ENCODE + state + b'b',
            'BUILD on an OrderedDict': _ORDERED_DICT + b')R' + state + b'b',
            'NEWOBJ': _ORDERED_DICT + b')\x81',
            'NEWOBJ_EX': _ORDERED_DICT + b')}\x92',
            'OBJ of a known name': b'(' + _ORDERED_DICT + b'o',
            'INST of a known name': b'(icollections\nOrderedDict\n',
            'REDUCE of a text': short_text('os.mkdir') + short_text(mark) + b'\x85R',
            'REDUCE without a tuple': _ORDERED_DICT + b']R',
            'extension code, 1 byte': b'\x82\xf0' + short_text(mark) + b'\x85R',
            'extension code, 2 bytes': b'\x83\xf0\x00' + short_text(mark) + b'\x85R',
            'extension code, 4 bytes': b'\x84\xf0\x00\x00\x00' + short_text(mark) + b'\x85R',
            'persistent id': b'Pos.mkdir\n',
            'binary persistent id': short_text(mark) + b'Q',
            'names that are numbers': b'K\x01K\x02\x93',
            'a name that is an array': _START + b'N\x93',
            'encode by another codec': _ENCODE + short_text('a') + short_text('zip') + b'\x86R',
            'bytes of a number': as_global('builtins.bytes') + b'J\xff\xff\xff\x7f\x85R',
            'set of a text': _SET + short_text('abc') + b'\x85R',
            'complex of texts': as_global('builtins.complex') + short_text('1') + b'\x85R',
            'OrderedDict of a text': _ORDERED_DICT + short_text('ab') + b'\x85R',
            'OrderedDict.fromkeys': as_stack_global('collections', 'OrderedDict.fromkeys')
            + b'])\x86R',
            'frozenset.__class__': as_stack_global('builtins', 'frozenset.__class__') + b')R',
            'append to a dict': b'}K\x01a',
            'append to a bytearray': b'\x96' + bytes(8) + b'K\x01a',
            'append many to a bytearray': b'\x96' + bytes(8) + b'(K\x01e',
            'add to a frozenset': b'(\x91(K\x01\x90',
            'add to a list': b'](K\x01\x90',
            'many items into a list': b']K\x01a(K\x00K\x02u',
            'an item into an array': _array(b'K\x01\x85', _F4, _bytes(b'1234')) + b'K\x00K\x02s',
            'a key without a value': b'}(K\x01u',
            'a key without a value in an old dict': b'(K\x01d',
            'append to an array': _START + b'K\x01a',
            'items into a list': b']K\x01K\x02s',
            'items into a function': _ENCODE + b'K\x01K\x02s',
            'half a surrogate pair': b'V\\ud800\n',
            'half a surrogate pair in UTF-8': b'\x8c\x03\xed\xa0\x80',
            'half a surrogate pair in a longer text': b'X\x03\x00\x00\x00\xed\xa0\x80',
            'half a surrogate pair in a very long text': b'\x8d\x03' + bytes(7) + b'\xed\xa0\x80',
            'text that is no UTF-8': b'\x8c\x02\xff\xff',
            'a function as the whole': _NDARRAY,
            'a function in a list': b']' + _NDARRAY + b'a',
            'a function in an old list': b'(' + _NDARRAY + b'l',
            'functions in a list': b'](' + _NDARRAY * 2 + b'e',
            'a function as the value of a key': b'}N' + _NDARRAY + b's',
            'a function as the value of one of many keys': b'}(N' + _NDARRAY + b'u',
            'a function as a value in an old dict': b'(N' + _NDARRAY + b'd',
            'a function as a key': b'}' + _NDARRAY + b'Ns',
            'a function in a set': b'\x8f(' + _NDARRAY + b'\x90',
            'a function in a tuple of one': _NDARRAY + b'\x85',
            'a function in a tuple of three': b'NN' + _NDARRAY + b'\x87',
            'a function in a tuple of many': b'(N' + _NDARRAY + b'Nt',
            'a tuple with a function as a key': b'}' + _NDARRAY + b'\x85Ns',
            'a function in a tuple': b'N' + _NDARRAY + b'\x86',
            'a function first in a tuple': _NDARRAY + b'N\x86',
            'a function in a tuple in a list': b'](' + _NDARRAY + b'Nta',
            'a function among the arguments': _SET + b']' + _NDARRAY + b'a\x85R',
            'an array without a state': _START,
            'an array without a state in a list': b']' + _START + b'a',
            'an array without a state in a tuple': _START + b'\x85',
            'an array without a state in an OrderedDict': _ORDERED_DICT
            + b']N'
            + _START
            + b'\x86a\x85R',
            'an array that holds itself': _START
            + b'q\x00(K\x01K\x01\x85'
            + _OBJECTS
            + b'\x89]h\x00atb',
            'a dtype without a state': _dtype('f4'),
            'a dtype without a state as the value of a key': b'}N' + _dtype('f4') + b's',
            'a list as key': b'}]Ns',
            'an array as key': b'}' + _START + b'Ns',
            'an instruction of no pickle': b'\xff',
        }
    ) | {
        'out-of-band buffer': b'\x80\x05\x97.',
        'read-only buffer': b'\x80\x05N\x98.',
        'a protocol of the future': b'\x80\xffN.',
    }


def pairs_of_one_hash(count: int) -> list[tuple[int, int]]:
    """Return pairs of integers with equal hashes, inverting Python's (3.8 on) tuple hash."""
    word, prime_1, prime_2, prime_5 = (
        2**64,
        11400714785074694791,
        14029467366897019727,
        2870177450012600261,
    )
    pairs: list[tuple[int, int]] = []
    first = 0
    while len(pairs) < count:
        first += 1
        lane = (prime_5 + first * prime_2) % word
        lane = (lane << 31 | lane >> 33) * prime_1
        second = (1 - lane) * pow(prime_2, -1, word) % word
        if second < 2**61 - 1:  # its own hash, then
            pairs.append((first, second))
    return pairs


def bombs() -> dict[str, bytes]:
    """Small files that claim much."""
    megabyte = pickle.BINBYTES + struct.pack('<I', 1 << 20) + bytes(1 << 20) + b'q\x00'
    text = b'X' + struct.pack('<I', 1 << 20) + b'a' * (1 << 20) + b'q\x00'
    u1 = _dtype('u1', _PLAIN_STATE.replace(b'<', b'|')) + b'q\x02'
    array_of_it = _START + b'(K\x01J\x00\x00\x10\x00\x85h\x02\x89h\x00tb'
    latin = _ENCODE + b'h\x00' + short_text('latin1') + b'\x86R'
    same = [n * (2**61 - 1) for n in range(1, 9)]
    items = b''.join(body(n) for n in same)
    pairs = b''.join(body(n) + b'N' for n in same)
    twins = b''.join(body(n) + b'N\x86' for n in same)
    many = b'](' + b'N' * 100_000 + b'eq\x000'
    many_pairs = b'NN\x86q\x010](' + b'h\x01' * 100_000 + b'eq\x000'
    objects = _OBJECTS + b'q\x02'
    array_of_many = _START + b'(K\x01J\xa0\x86\x01\x00\x85h\x02\x89h\x00tb'
    nested = b'K\x01\x85q\x00' + b''.join(b'h\x00h\x00\x86q\x00' for _ in range(60))
    deep = b')' + b'\x85' * 300_000
    return all_whole(
        {
            'bytes of 2**60': b'\x8e' + struct.pack('<Q', 2**60),
            'bytes of 2**64 - 1': b'\x8e' + b'\xff' * 8,
            'bytearray of 2**60': b'\x96' + struct.pack('<Q', 2**60),
            'text of 2**60': b'\x8d' + struct.pack('<Q', 2**60),
            'text of 4 GB': b'X' + b'\xff' * 4,
            'old text of negative length': b'T' + b'\xff' * 4,
            'number of 2 GB': b'\x8b\xff\xff\xff\x7f',
            'number of negative length': b'\x8b\xff\xff\xff\xff',
            'number of 100,000 bytes': b'\x8b' + struct.pack('<i', 100_000) + b'\x7f' * 100_000,
            'number of 100,000 digits': b'L' + b'9' * 100_000 + b'L\n',
            'whole number of 5,000 digits': b'I' + b'9' * 5_000 + b'\n',
            'array of 4 TB': _array(b'\x8a\x06\x00\x00\x00\x00\x00\x01\x85', _F4, _bytes(b'')),
            'bytearray by a number': as_global('builtins.bytearray') + b'J\xff\xff\xff\x7f\x85R',
            'one megabyte, a thousand arrays': megabyte + b'0' + u1 + b'0' + array_of_it * 1000,
            'one megabyte, a thousand bytearrays': megabyte
            + (as_global('builtins.bytearray') + b'h\x00\x85R') * 1000,
            'one megabyte of text, a thousand encodings': text + latin * 1000,
            'a key of 2**60 parts': nested + b'0}h\x00Ns',
            'a key 300,000 tuples deep': b'}' + deep + b'Ns',
            'a set member 300,000 tuples deep': b'\x8f(' + deep + b'\x90',
            'bytearray of 1 GB': b'\x96' + struct.pack('<Q', 1 << 30),
            'bytes of 1 GB': b'\x8e' + struct.pack('<Q', 1 << 30),
            'number of 255 bytes': b'\x8a\xff' + b'\x7f' * 255,
            'number of 100,000 hexadecimal digits': b'I0x' + b'f' * 100_000 + b'\n',
            'long number of 100,000 hexadecimal digits': b'L0x' + b'f' * 100_000 + b'L\n',
            'one megabyte, a thousand scalars': megabyte.replace(
                b'\0' * (1 << 20), b'a' * (1 << 20)
            )
            + b'0'
            + _dtype('S1048576', _PLAIN_STATE.replace(b'<', b'|'))
            + b'q\x020'
            + (as_global('numpy.core.multiarray.scalar') + b'h\x02h\x00\x86R') * 1000,
            'one list, a thousand arrays of objects': many + objects + b'0' + array_of_many * 1000,
            'one value 100,000 times, a thousand sets': many + (_SET + b'h\x00\x85R') * 1000,
            'one value 100,000 times, a thousand frozensets': many
            + (as_global('builtins.frozenset') + b'h\x00\x85R') * 1000,
            'one pair 100,000 times, a thousand OrderedDicts': many_pairs
            + (_ORDERED_DICT + b'h\x00\x85R') * 1000,
            'values numbered with one hash': b'N' + b''.join(b'p%d\n' % n for n in same),
            'a value of a negative number': b'Np-1\n',
            'keys of one hash, one by one': b'}' + pairs.replace(b'N', b'Ns'),
            'keys of one hash in an old dict': b'(' + pairs + b'd',
            'keys of one hash into an OrderedDict': _ORDERED_DICT + b')R(' + pairs + b'u',
            'keys of one hash for an OrderedDict': _ORDERED_DICT + b'](' + twins + b'e\x85R',
            'members of one hash for a set': _SET + b'](' + items + b'e\x85R',
            'members of one hash for a frozenset': as_global('builtins.frozenset')
            + b']('
            + items
            + b'e\x85R',
            'members of one hash in a frozenset': b'(' + items + b'\x91',
            'an old dict with a key of 2**60 parts': nested + b'0(h\x00Nd',
            'a frozenset with a member of 2**60 parts': nested + b'0(h\x00\x91',
            'a set made of a member of 2**60 parts': nested + b'0' + _SET + b']h\x00a\x85R',
            'a name of one megabyte': b'c' + b'a' * (1 << 20) + b'\nb\n',
            'memo in a far place, then refused': b'Nr\xff\xff\xff\xffcos\nsystem\n',
            'marks without end': b'(' * 100_000,
        }
    ) | {
        'frame of 1 GB': b'\x80\x04\x95' + struct.pack('<Q', 1 << 30),
        'whole numbers of one hash': pickle.dumps({n * (2**61 - 1): 0 for n in range(1, 9)}),
        'complex numbers of one hash': pickle.dumps(
            {complex(1e12 - 1000003 * n, n): 0 for n in range(9)}
        ),
        'long floats of one hash': pickle.dumps(
            {np.longdouble(1) + n * np.finfo(np.longdouble).eps: 0 for n in range(9)}
        ),
        'tuples of one hash': pickle.dumps(dict.fromkeys(pairs_of_one_hash(9), 0)),
        'tuples with a name of one hash': pickle.dumps(
            {('a', n * (2**61 - 1)): 0 for n in range(1, 9)}
        ),
        'a set of numbers of one hash': pickle.dumps({n * (2**61 - 1) for n in range(1, 9)}),
        'frame of 2**60': b'\x80\x04\x95' + struct.pack('<Q', 2**60),
    }


def foreign_files() -> dict[str, bytes]:
    """Files of other kinds, given by mistake."""
    npy = io.BytesIO()
    np.save(npy, np.arange(3))
    npz = io.BytesIO()
    np.savez(npz, a=np.arange(3))
    return {
        'npy': npy.getvalue(),
        'npz': npz.getvalue(),
        'json': b'{"split": {}}',
        'text': b'id,label\n0001_0,3\n',
        'gzip': b'\x1f\x8b' + bytes(20),
        'zlib': zlib.compress(b'abc'),
        'html': b'<!DOCTYPE html>\n<html>404</html>\n',
        'zeros': bytes(1000),
        'a dot': b'.',
        'one byte': b'\x80',
        'git lfs pointer': b'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n'
        b'size 12345\n',
    }


def in_archive(instructions: bytes) -> bytes:
    """Return an archive as torch.save writes it, with these in its pickle."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, 'w') as archive:
        archive.writestr('archive/data.pkl', b'\x80\x02' + instructions + b'.')
        archive.writestr('archive/version', b'3\n')
    return file.getvalue()
