"""The pickle reader: plain data of every age come out as they went in; nothing hostile runs."""

from __future__ import annotations

import contextlib
import copyreg
import os
import pickle
import stat
import tracemalloc
from collections import OrderedDict

import hostile_pickles as hostile
import numpy as np
import pytest
from goldens import GOLDEN, SMALL, needs_golden
from hypothesis import given, settings
from hypothesis import strategies as st
from same import same

from pyskl.errors import DataError
from pyskl.files import load_pickle
from pyskl.files.safe_pickle import loads

PLAIN = {
    'numbers': [
        1,
        -5,
        255,
        256,
        65536,
        2**31,
        -(2**31),
        2**40,
        -(2**100),
        2**511 - 1,
        0,
        1.5,
        -0.0,
        float('inf'),
        1j,
    ],
    'words': [True, False, None],
    'text': ['', 'a', 'é\n\\ \'"', '日本', 'x' * 300, 'y' * 70_000],
    'bytes': [b'', b'\x00\xff', b'z' * 300, bytearray(b''), bytearray(b'ab\x80')],
    'lists': [[], {}, (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)],
    'sets': [set(), {1, 'a'}, frozenset([3]), frozenset(), OrderedDict(b=1, a=[2])],
    'scalars': [
        np.float32(1.5),
        np.float64(2),
        np.int64(-3),
        np.uint8(4),
        np.bool_(True),
        np.str_('abc'),
        np.complex64(1j),
    ],
    'arrays': [
        np.zeros((2, 3), 'f2'),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.zeros((0, 3)),
        np.array(5),
        np.ones(3, bool),
        np.array(['a', 'bb']),
        np.array([b'a', b'cc']),
        np.array(['x', None, [1]], object),
        np.arange(24.0).reshape(2, 3, 4)[:, ::2],
        np.array([[np.arange(2), 'a']], object),
        np.array([1 + 2j]),
    ],
    ('a', 1): {2: 3, None: 4, 2.5: 5, b'k': 6, 2 - 2**61: 7, np.int64(8): 8, np.str_('k'): 9},
}


@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_data_come_out_as_they_went_in(protocol):
    same(loads(pickle.dumps(PLAIN, protocol), 'x'), PLAIN)


@pytest.mark.parametrize(
    'protocol', range(5)
)  # at 5 Python's own pickler stumbles over empty arrays
def test_the_python_and_the_c_pickler_are_both_read(protocol):
    same(loads(pickle._dumps(PLAIN, protocol), 'x'), PLAIN)


def test_an_object_that_appears_twice_stays_one_object():
    array, text = np.arange(3), ['a']
    value = loads(pickle.dumps([array, text, array, text]), 'x')
    assert value[0] is value[2] and value[1] is value[3]


def test_a_list_may_hold_itself():
    endless: list = []
    endless.append(endless)
    value = loads(pickle.dumps(endless), 'x')
    assert value[0] is value


def test_arrays_are_writable_and_in_the_byte_order_of_the_machine():
    value = loads(pickle.dumps([np.arange(3, dtype='>i4'), np.array(['ab'], dtype='>U2')]), 'x')
    assert value[0].dtype == np.dtype('i4') and value[0].tolist() == [0, 1, 2]
    assert value[1].dtype == np.dtype('U2') and value[1].tolist() == ['ab']
    value[0][0] = 7


# [1, 2, 3] as int16: by numpy 1 under Python 3, by Python 2 in protocol 2, and by Python 2 in its
# protocol of text lines.
NUMPY_1 = (
    b'\x80\x03cnumpy.core.multiarray\n_reconstruct\nq\x00cnumpy\nndarray\nq\x01K\x00\x85q\x02C\x01bq\x03\x87q\x04Rq\x05'
    b'(K\x01K\x03\x85q\x06cnumpy\ndtype\nq\x07X\x02\x00\x00\x00i2q\x08K\x00K\x01\x87q\tRq\n'
    b'(K\x03X\x01\x00\x00\x00<q\x0bNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tq\x0cb'
    b'\x89C\x06\x01\x00\x02\x00\x03\x00q\rtq\x0eb.'
)
PYTHON_2 = (
    b'\x80\x02cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nq\x02K\x00\x85U\x01b\x87Rq\x03'
    b'(K\x01K\x03\x85cnumpy\ndtype\nq\x04U\x02i2K\x00K\x01\x87Rq\x05'
    b'(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x06\x01\x00\x02\x00\x03\x00tb.'
)
PYTHON_2_TEXT = (
    b"cnumpy.core.multiarray\n_reconstruct\np0\n(cnumpy\nndarray\np1\n(I0\ntp2\nS'b'\np3\ntp4\nRp5\n"
    b"(I1\n(I3\ntp6\ncnumpy\ndtype\np7\n(S'i2'\np8\nI0\nI1\ntp9\nRp10\n"
    b"(I3\nS'<'\np11\nNNNI-1\nI-1\nI0\ntp12\nbI00\nS'\\x01\\x00\\x02\\x00\\x03\\x00'\np13\ntp14\nb."
)


@pytest.mark.parametrize(
    'data', [NUMPY_1, PYTHON_2, PYTHON_2_TEXT, NUMPY_1.replace(b'numpy.core.', b'numpy._core.')]
)
def test_arrays_pickled_by_old_numpy_and_python_2_are_read(data):
    value = loads(data, 'x')
    assert value.dtype == np.int16 and value.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    'data, value',
    [
        (b"(dp0\nS'label'\np3\nI3\nsS'ok'\nI01\ns.", {'label': 3, 'ok': True}),
        (
            b'(lp0\nL12345678901234567890L\naF1.5\naVa\\u00e9\np1\na(I1\nI2\nta.',
            [12345678901234567890, 1.5, 'aé', (1, 2)],
        ),
        (b'\x80\x02c__builtin__\nset\n]q\x01(K\x01K\x02e\x85R.', {1, 2}),
        (b'\x80\x02c__builtin__\nfrozenset\n]q\x01K\x01a\x85R.', frozenset([1])),
        (
            b'\x80\x02c__builtin__\nbytearray\nX\x03\x00\x00\x00a\xc3\xbfU\x07latin-1\x86R.',
            bytearray(b'a\xff'),
        ),
        (
            b'\x80\x02ccollections\nOrderedDict\n]q\x01(]q\x02(U\x01bK\x01e]q\x03(U\x01aK\x02ee\x85R.',
            OrderedDict(b=1, a=2),
        ),
        (b'\x80\x02U\x03a\xe9b.', 'aéb'),
        (b'S"it\'s"\n.', "it's"),
    ],
)
def test_plain_data_of_python_2_are_read(data, value):
    same(loads(data, 'x'), value)


def test_a_golden_annotation_pickle_is_read_as_pickle_reads_it():
    path = SMALL / 'raw' / 'imigue_val.pkl'
    same(load_pickle(path), pickle.loads(path.read_bytes()))


@needs_golden
def test_every_golden_pickle_is_read_as_pickle_reads_it():
    paths = sorted(GOLDEN.glob('*/*.pkl'))
    assert len(paths) >= 8
    for path in paths:
        same(load_pickle(path), pickle.loads(path.read_bytes()))


@pytest.mark.parametrize(
    'start, end, inner',
    [
        (b']', b'a', lambda value: value[0]),
        (b'}N', b's', lambda value: value[None]),
        (b'', b'\x85', lambda value: value[0]),
    ],
    ids=['list', 'dict', 'tuple'],
)
def test_containers_of_any_depth_are_read_and_let_go(start, end, inner):
    value = loads(hostile.whole(start * 200_000 + b')' + end * 200_000), 'x')
    depth = 0
    while value:
        value, depth = inner(value), depth + 1
    assert depth == 200_000


# Nothing runs
# --------------------------------------------------------------------------------------------------


def refused(data: bytes, tmp_path) -> str:
    """The message of the DataError that load_pickle gives for a file of these bytes."""
    path = tmp_path / 'hostile.pkl'
    path.write_bytes(data)
    with pytest.raises(DataError) as error:
        load_pickle(path)
    assert str(error.value).startswith(str(path)) and len(str(error.value)) < 600
    return str(error.value)


@pytest.mark.parametrize('name', hostile.that_run('mark'))
def test_what_runs_under_pickle_does_not_run_here(name, tmp_path):
    mark = tmp_path / 'ran'
    data = hostile.that_run(str(mark))[name]
    with contextlib.suppress(Exception):
        pickle.loads(data)
    assert mark.is_dir(), 'a test of nothing: the file does no harm under pickle either'
    mark.rmdir()
    refused(data, tmp_path)
    assert not mark.exists()


def spellings(name: str) -> dict[str, bytes]:
    """Programs that call a function with a text."""
    (module, _, attribute), (first, _, rest) = name.rpartition('.'), name.partition('.')
    text = hostile.short_text('x')
    functions = {
        'GLOBAL': hostile.as_global(name),
        'STACK_GLOBAL': hostile.as_stack_global(module, attribute),
        'dotted': hostile.as_stack_global(first, rest),
    }
    programs = {spelling: function + text + b'\x85R' for spelling, function in functions.items()}
    return {**programs, 'INST': b'(' + text + f'i{module}\n{attribute}\n'.encode()}


@pytest.mark.parametrize('name', hostile.CALLABLES)
@pytest.mark.parametrize('spelling', spellings('os.system'))
def test_any_other_global_is_refused_by_its_name(name, spelling, tmp_path):
    assert name in refused(hostile.whole(spellings(name)[spelling]), tmp_path)


@pytest.mark.parametrize('name', hostile.through_numpy('mark'))
def test_no_gadget_through_numpy_works(name, tmp_path):
    refused(hostile.through_numpy(str(tmp_path / 'ran'))[name], tmp_path)
    assert not (tmp_path / 'ran').exists()


@pytest.mark.parametrize('name', hostile.other_instructions('mark'))
def test_instructions_that_data_do_not_need_are_refused(name, tmp_path):
    refused(hostile.other_instructions(str(tmp_path / 'ran'))[name], tmp_path)
    assert not (tmp_path / 'ran').exists()


@pytest.mark.parametrize('name', hostile.bombs())
def test_small_files_that_claim_much_are_refused_in_little_memory(name, tmp_path):
    data = hostile.bombs()[name]
    tracemalloc.start()
    try:
        refused(data, tmp_path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 64 * len(data) + (8 << 20)  # 64: the tuples that 300,000 instructions make


def test_the_keys_of_one_hash_are_that_and_keys_that_are_not_pass():
    assert len({hash(pair) for pair in hostile.pairs_of_one_hash(50)}) == 1
    numbers = (1.5, np.int64(70), np.float32(0.1), *range(-50, 50))
    tuples = (('a', 'b'), ('a', 2), (2, 'a'), (3,))
    keys = dict.fromkeys(('a', b'a', None, np.str_('c'), *numbers, *tuples))
    assert loads(pickle.dumps(keys), 'x') == keys


@pytest.mark.parametrize('name', hostile.foreign_files())
def test_files_of_other_kinds_are_refused(name, tmp_path):
    refused(hostile.foreign_files()[name], tmp_path)


def test_registered_extension_codes_are_refused_even_when_python_has_them_cached(tmp_path):
    mark = tmp_path / 'ran'
    copyreg.add_extension('os', 'mkdir', 240)
    try:
        data = hostile.whole(b'\x82\xf0' + hostile.short_text(str(mark)) + b'\x85R')
        pickle.loads(data)
        mark.rmdir()
        assert 'extension code' in refused(data, tmp_path)
        assert not mark.exists()
    finally:
        copyreg.remove_extension('os', 'mkdir', 240)


def test_a_list_pretending_to_be_memo_in_a_far_place_costs_nothing():
    assert loads(hostile.whole(b'Nr\xff\xff\xff\xff'), 'x') is None


def test_torch_tensors_come_with_advice(tmp_path):
    data = hostile.whole(hostile.as_global('torch._utils._rebuild_sparse_tensor') + b')R')
    assert 'tensor.cpu().numpy()' in refused(data, tmp_path)


# Faults of files
# --------------------------------------------------------------------------------------------------


def test_missing_empty_folder_pipe_and_unreadable_are_said(tmp_path):
    (tmp_path / 'there.pkl').write_bytes(b'N.')
    (tmp_path / 'empty.pkl').touch()
    os.mkfifo(tmp_path / 'pipe.pkl')
    expected = {
        'absent.pkl': ('no such file', 'there.pkl'),
        'nowhere/a.pkl': ('no such file', 'no folder'),
        'empty.pkl': ('empty',),
        '.': ('is a folder',),
        'pipe.pkl': ('not a regular file',),
        'there.pkl/a': ('cannot be opened',),
        'a\0b': ('cannot be opened',),
        'n' * 300: ('cannot be opened',),
    }
    for name, words in expected.items():
        with pytest.raises(DataError) as error:
            load_pickle(tmp_path / name)
        assert all(word in str(error.value) for word in words), str(error.value)


@pytest.mark.skipif(
    os.geteuid() == 0 if hasattr(os, 'geteuid') else True, reason='root may read everything'
)
def test_a_file_without_read_permission_is_said(tmp_path):
    path = tmp_path / 'a.pkl'
    path.write_bytes(b'N.')
    path.chmod(stat.S_IWUSR)
    with pytest.raises(DataError, match='cannot be opened'):
        load_pickle(path)


def test_every_cut_of_a_file_is_a_data_error():
    data = pickle.dumps(PLAIN['arrays'][:6], 4)
    for length in range(len(data)):
        with pytest.raises(DataError):
            loads(data[:length], 'x')


def mutated(data: bytes, edits: list[tuple[int, int]]) -> bytes:
    changed = bytearray(data)
    for place, value in edits:
        changed[place % len(changed)] = value
    return bytes(changed)


EDITS = st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), min_size=1, max_size=6)
SEEDS = [
    pickle.dumps(
        {
            'a': [1, 'x', (2.5, None)],
            'n': np.arange(4.0),
            's': np.float32(1),
            'o': np.array([1, 'a'], object),
        },
        p,
    )
    for p in (0, 2, 4, 5)
] + [NUMPY_1, PYTHON_2, PYTHON_2_TEXT]


def only_data_errors(data: bytes) -> None:
    with contextlib.suppress(DataError):
        loads(data, 'x')


@pytest.mark.filterwarnings('ignore:invalid escape sequence')
@settings(max_examples=300, deadline=None)
@given(st.sampled_from(SEEDS), EDITS)
def test_a_changed_file_gives_data_or_a_data_error(data, edits):
    only_data_errors(mutated(data, edits))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_give_data_or_a_data_error(data):
    only_data_errors(data)


@pytest.mark.slow
@pytest.mark.filterwarnings('ignore:invalid escape sequence')
@settings(max_examples=10_000, deadline=None, derandomize=False)
@given(st.sampled_from(SEEDS), EDITS, st.binary(max_size=30))
def test_ten_thousand_changed_files_give_data_or_a_data_error(data, edits, tail):
    only_data_errors(mutated(data, edits) + tail)
    only_data_errors(mutated(data, edits)[:-1] + tail)
