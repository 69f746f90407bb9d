"""npy and npz files: numbers come out; pickles, bombs, and paths that climb out do not."""

from __future__ import annotations

import io
import pickle
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from hostile_pickles import foreign_files, that_run
from same import same

from pyskl.errors import DataError
from pyskl.files import load_npy, load_npz


def npy(array: np.ndarray) -> bytes:
    f = io.BytesIO()
    np.save(f, array, allow_pickle=True)
    return f.getvalue()


def npy_claiming(shape: str, descr: str = "'<f4'", payload: bytes = b'') -> bytes:
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b' ' * (-(len(header) + 11) % 64) + b'\n'
    return b'\x93NUMPY\x01\x00' + struct.pack('<H', len(header)) + header + payload


def zipped(members: list[tuple[str, bytes]], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    f = io.BytesIO()
    with zipfile.ZipFile(f, 'w', compression) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return f.getvalue()


ARRAYS = [
    np.arange(6, dtype='f4').reshape(2, 3),
    np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    np.array(['a', 'bc']),
    np.array(5),
    np.zeros((0, 3)),
    np.array([True]),
]


@pytest.mark.parametrize('array', ARRAYS, ids=str)
def test_arrays_come_out_as_they_went_in(array, tmp_path):
    np.save(tmp_path / 'a.npy', array)
    same(np.array(load_npy(tmp_path / 'a.npy'), order='K'), array)
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / 'a.npz', x=array, y=array)
        same(load_npz(tmp_path / 'a.npz'), {'x': array, 'y': array})


def test_big_endian_arrays_come_out_in_the_byte_order_of_the_machine(tmp_path):
    np.savez(tmp_path / 'a.npz', x=np.arange(3, dtype='>i4'))
    same(load_npz(tmp_path / 'a.npz'), {'x': np.arange(3, dtype='i4')})


def test_an_npy_file_is_mapped_not_read(tmp_path):
    with open(tmp_path / 'a.npy', 'wb') as f:
        np.lib.format.write_array_header_1_0(
            f, {'descr': '<f4', 'fortran_order': False, 'shape': (1 << 30,)}
        )
        f.truncate(f.tell() + (4 << 30))  # a sparse file: no disk is used
    array = load_npy(tmp_path / 'a.npy')
    assert isinstance(array, np.memmap) and array.shape == (1 << 30,) and array[-1] == 0
    with pytest.raises(ValueError):
        array[0] = 1


def hostile_npy(mark: str) -> dict[str, bytes]:
    hostile = np.array([None], object)
    inner = that_run(mark)['os.mkdir by reduce, protocol 4']
    return {
        'objects': npy(hostile),
        'a pickle that runs': npy_claiming('(1,)', "'|O'", inner),
        'a bare pickle that runs': inner,
        'cut in the header': npy(np.arange(3))[:30],
        'cut in the numbers': npy(np.arange(30))[:-1],
        'more than memory': npy_claiming('(1000000, 1000000, 1000)'),
        'more than 64 bits': npy_claiming('(10000000000, 10000000000)'),
        'negative': npy_claiming('(-1, 2)'),
        'a shape that is no shape': npy_claiming("'abc'"),
        'a program for a header': npy_claiming('(__import__("os").getpid(),)'),
        'fields': npy(np.zeros(2, [('a', 'f4'), ('b', 'i4')])),
        'objects in fields': npy_claiming('(1,)', "[('a', '|O')]", inner),
        'dates': npy(np.zeros(2, 'M8[s]')),
        'items of no size': npy_claiming('(1000000000000,)', "'|S0'"),
        'a version of the future': b'\x93NUMPY\x09\x00' + npy(np.arange(3))[8:],
        'a header of 4 GB': b'\x93NUMPY\x02\x00\xff\xff\xff\xff',
        'empty': b'',
        **{name: data for name, data in foreign_files().items() if name != 'npy'},
    }


@pytest.mark.parametrize('name', hostile_npy('mark'))
def test_a_wrong_npy_is_refused_and_nothing_runs(name, tmp_path):
    path, mark = tmp_path / 'a.npy', tmp_path / 'ran'
    path.write_bytes(hostile_npy(str(mark))[name])
    with pytest.raises(DataError) as error:
        load_npy(path)
    message = str(error.value)
    assert message.startswith(str(path)) and len(message) < 400 and not mark.exists()


def test_zip_bombs_are_refused_before_they_unpack(tmp_path):
    path = tmp_path / 'bomb.npz'
    with (
        zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive,
        archive.open('a.npy', 'w') as f,
    ):
        for _ in range(64):
            f.write(bytes(1 << 20))
    assert path.stat().st_size < 100_000
    tracemalloc.start()
    with pytest.raises(DataError, match='unpacks to 67,108,864 bytes'):
        load_npz(path, limit=1 << 20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


def test_members_that_bomb_only_together_are_refused_too(tmp_path):
    (tmp_path / 'a.npz').write_bytes(
        zipped([(f'a{i}.npy', npy(np.zeros(1000))) for i in range(10)])
    )
    assert len(load_npz(tmp_path / 'a.npz', limit=100_000)) == 10
    with pytest.raises(DataError, match='more than the 50,000'):
        load_npz(tmp_path / 'a.npz', limit=50_000)


def test_a_member_that_is_larger_than_it_says_is_not_unpacked_beyond_that(tmp_path):
    data = bytearray(zipped([('a.npy', bytes(10 << 20))]))
    size = struct.pack('<I', 10 << 20)
    while size in data:
        data[data.index(size) : data.index(size) + 4] = struct.pack('<I', 100)
    (tmp_path / 'a.npz').write_bytes(data)
    tracemalloc.start()
    with pytest.raises(DataError):
        load_npz(tmp_path / 'a.npz')
    assert tracemalloc.get_traced_memory()[1] < 5 << 20
    tracemalloc.stop()


def hostile_npz(mark: str) -> dict[str, bytes]:
    good = npy(np.arange(3))
    inner = that_run(mark)['os.mkdir by reduce, protocol 4']
    names = (
        '../a.npy',
        '/etc/a.npy',
        'a/b.npy',
        'a\\b.npy',
        '..\\a.npy',
        'C:\\a.npy',
        'a',
        'a.txt',
        'a.npy/',
        '..npy',
        'a\x1b[2J.npy',
    )
    cases = {f'a member {name}': zipped([(name, good)]) for name in names}
    cases |= {
        f'a member that is {name}': zipped([('a.npy', data)])
        for name, data in hostile_npy(mark).items()
    }
    cases |= {
        'a member that is a bare pickle': zipped([('a.npy', inner)]),
        'a member with a tail': zipped([('a.npy', good + b'tail')]),
        'more members than anyone needs': zipped([(f'{i}.npy', good) for i in range(1001)]),
        'cut short': zipped([('a.npy', good)])[:-30],
        'damaged': zipped([('a.npy', good)], zipfile.ZIP_STORED).replace(b'NUMPY', b'NUMPX'),
        'a bare npy': good,
        'a pickle': pickle.dumps({'a': 1}),
    }
    return cases


@pytest.mark.parametrize('name', hostile_npz('mark'))
def test_a_wrong_npz_is_refused_nothing_runs_and_nothing_is_written(name, tmp_path):
    path = tmp_path / 'in' / 'a.npz'
    path.parent.mkdir()
    path.write_bytes(hostile_npz(str(tmp_path / 'ran'))[name])
    with pytest.raises(DataError) as error:
        load_npz(path)
    assert str(error.value).startswith(str(path)) and len(str(error.value)) < 500
    assert sorted(tmp_path.rglob('*')) == [path.parent, path]


@pytest.mark.filterwarnings('ignore:Duplicate name')
def test_two_members_of_one_name_are_refused(tmp_path):
    (tmp_path / 'a.npz').write_bytes(
        zipped([('a.npy', npy(np.arange(3))), ('a.npy', npy(np.arange(4)))])
    )
    with pytest.raises(DataError, match='2 members, 1 names'):
        load_npz(tmp_path / 'a.npz')


@pytest.mark.parametrize('load', [load_npy, load_npz])
def test_missing_files_and_folders_are_said(load, tmp_path):
    with pytest.raises(DataError, match='no such file'):
        load(tmp_path / 'a')
    with pytest.raises(DataError, match='is a folder'):
        load(tmp_path)
