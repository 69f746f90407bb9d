"""Read .npy and .npz files of plain numbers and text; no pickle inside them is ever opened."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..errors import DataError
from ..wording import brief
from .safe_pickle import open_regular

MAX_NPZ_BYTES = 2 << 30
MAX_NPZ_MEMBERS = 1000
MAX_ROW_BYTES, MAX_ROWS_BYTES = 64 << 20, 64 << 30  # of arrays that are read by row
_HEADER_BYTES = 1 << 14
MAX_RATIO = 200  # numbers are not compressed better than that
SMALL = 16 << 20  # bytes up to which any ratio is accepted
_READ_HEADER = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


class _Wrong(Exception):
    """A fault of the array, for the message."""


def load_npy(path: str | os.PathLike) -> np.ndarray:
    """Open an .npy file, memory-mapped and read-only: data are read when they are accessed.

    Raises:
        DataError: missing, unreadable, empty, cut short, no .npy file, or objects (pickles) in it.

    Examples:
        >>> load_npy('train_label.npy').shape
        (12893,)
    """
    path = Path(path)
    with _faults(path, 'an .npy array', 'the header is broken', 'np.save'), open_regular(path) as f:
        shape, dtype, order = _header(f)
        start, size = f.tell(), os.fstat(f.fileno()).st_size
        wanted = prod(shape) * dtype.itemsize
        if size - start < wanted:
            raise _Wrong(
                f'{size - start} bytes of numbers where {wanted} are announced: the file was '
                'cut short'
            )
        if not wanted:
            return np.empty(shape, dtype, order)
        return np.memmap(f, dtype, 'r', start, shape, order)


@contextmanager
def _faults(path: Path, kind: str, broken: str, writer: str) -> Iterator[None]:
    """Make a DataError of any fault: numpy, zipfile and zlib fail in many ways."""
    try:
        yield
        return
    except DataError:
        raise
    except _Wrong as error:
        reason = str(error)
    except Exception as error:
        reason = f'{broken} ({type(error).__name__})'
    raise DataError(
        f'{path}: cannot be read as {kind}: {reason}. Expected what {writer} writes; make or get '
        'it again.'
    )


def load_npz(path: str | os.PathLike, limit: int = MAX_NPZ_BYTES) -> dict[str, np.ndarray]:
    """Read an .npz file into memory.

    Args:
        path: the file.
        limit: bytes; members that claim more, alone or together, are refused before anything is
            unpacked.

    Raises:
        DataError: missing, unreadable, no .npz file, too large or compressed too well, objects
            (pickles) in it, a name that leaves the archive.

    Examples:
        >>> load_npz('scores.npz')['scores'].shape
        (12893, 32)
    """
    with _members(Path(path), limit) as (archive, members):
        return {name: _member(archive, member) for name, member in members.items()}


def npz_shapes(path: str | os.PathLike) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the arrays in an .npz file by name, without reading the arrays.

    Raises:
        DataError: as load_npz, but for the size.
    """
    with _members(Path(path), MAX_ROWS_BYTES) as (archive, members):
        shapes = {}
        for name, member in members.items():
            with archive.open(member) as f:
                shapes[name] = _header(io.BytesIO(f.read(_HEADER_BYTES)))[0]
        return shapes


def npz_rows(path: str | os.PathLike, name: str) -> Iterator[np.ndarray]:
    """Yield the rows of one array in an .npz file, which may be larger than memory.

    Raises:
        DataError: as load_npz.
    """
    with (
        _members(Path(path), MAX_ROWS_BYTES) as (archive, members),
        archive.open(members[name]) as f,
    ):
        start = f.read(_HEADER_BYTES)
        shape, dtype, order = _header(io.BytesIO(start))
        size = prod(shape[1:]) * dtype.itemsize
        header = members[name].file_size - prod(shape) * dtype.itemsize
        if order == 'F' or not shape or size > MAX_ROW_BYTES or not 0 < header <= len(start):
            raise _Wrong(
                f'member {name}: {dtype} of shape {shape} in {members[name].file_size} bytes '
                'cannot be read by row'
            )
        rest = start[header:]
        for _ in range(shape[0]):
            raw = rest[:size] + f.read(max(size - len(rest), 0))
            rest = rest[size:]
            if len(raw) < size:
                raise _Wrong(f'member {name}: is cut short')
            yield np.frombuffer(raw, dtype).astype(dtype.newbyteorder('=')).reshape(shape[1:])


@contextmanager
def _members(
    path: Path, limit: int
) -> Iterator[tuple[zipfile.ZipFile, dict[str, zipfile.ZipInfo]]]:
    """Open an .npz file and give its members by array name.

    Raises:
        DataError: for any fault, also inside the block.
    """
    with (
        _faults(path, 'an .npz file', 'it is no whole zip archive', 'np.savez'),
        open_regular(path) as f,
        zipfile.ZipFile(f) as archive,
    ):
        members = archive.infolist()
        _check_members(members, limit)
        yield archive, {m.filename.removesuffix('.npy'): m for m in members}


def _check_members(members: list[zipfile.ZipInfo], limit: int) -> None:
    names = [m.filename for m in members]
    for name in names:
        leaves = any(part in name for part in ('/', '\\', '..'))
        if not name.endswith('.npy') or leaves or not name.isprintable():
            raise _Wrong(
                f'it holds {brief(name)}; an .npz has members like scores.npy, in no folder'
            )
    if len(set(names)) != len(names) or len(names) > MAX_NPZ_MEMBERS:
        raise _Wrong(
            f'it has {len(names)} members, {len(set(names))} names; expected different ones, at '
            f'most {MAX_NPZ_MEMBERS}'
        )
    total = sum(m.file_size for m in members)
    if total > limit:
        raise _Wrong(f'it unpacks to {total:,} bytes, more than the {limit:,} that are allowed')
    packed = sum(m.compress_size for m in members)
    if total > max(SMALL, MAX_RATIO * packed):
        raise _Wrong(
            f'it unpacks from {packed:,} to {total:,} bytes, as no array of measured numbers does'
        )


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    with archive.open(member) as packed:
        # read() without a size unpacks all there is, whatever the size that was announced.
        raw = packed.read(member.file_size)
    f = io.BytesIO(raw)
    try:
        shape, dtype, order = _header(f)
    except _Wrong as error:
        raise _Wrong(f'member {member.filename}: {error}') from None
    wanted, there = prod(shape) * dtype.itemsize, len(raw) - f.tell()
    if wanted != there:
        raise _Wrong(
            f'member {member.filename}: {there} bytes of numbers where {wanted} are announced'
        )
    flat = np.frombuffer(raw, dtype, offset=f.tell()) if wanted else np.empty(0, dtype)
    return flat.astype(dtype.newbyteorder('=')).reshape(shape, order=order)


def _header(f: Any) -> tuple[tuple[int, ...], np.dtype, Literal['C', 'F']]:
    """Read the header of an .npy file: shape, dtype, order; `f` is behind it then."""
    start = f.read(6)
    f.seek(0)
    if start != b'\x93NUMPY':
        raise _Wrong('the file is empty' if not start else f'it starts with {start!r}')
    version = np.lib.format.read_magic(f)
    if version not in _READ_HEADER:
        raise _Wrong('structured arrays are not read; store one plain array per field')
    shape, fortran, dtype = _READ_HEADER[version](f)
    if dtype.hasobject:
        raise _Wrong(
            'it holds Python objects, that is a pickle; save plain numbers, and text as '
            'np.array(names, dtype=str)'
        )
    if dtype.kind not in 'biufcSU' or dtype.itemsize == 0:
        raise _Wrong(f'its dtype is {dtype}; expected numbers or text')
    if any(n < 0 for n in shape):
        raise _Wrong(f'its shape is {shape}')
    return shape, dtype, 'F' if fortran else 'C'
