"""What the worst file of a kind costs to read; docs/reliability.md has the table."""

from __future__ import annotations

import contextlib
import io
import json
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hostile_pickles import in_archive
from imigue_release import xlsx
from test_faults_texts import READERS

from pyskl.annotations import open_annotations
from pyskl.engine.checkpoint import read_checkpoint
from pyskl.errors import UserError
from pyskl.files import load_npy, load_npz, load_pickle
from pyskl.report.literal import literal_config
from pyskl.report.sources import read_log
from pyskl.sources.ntu import SkeletonFile, convert_file
from pyskl.sources.tables import read_table

MB = 1 << 20
pytestmark = pytest.mark.slow


def packed_zeros() -> bytes:
    """An .npz of zeros, as large as one that packs to a thousandth may be."""
    file, whole = io.BytesIO(), io.BytesIO()
    np.save(whole, np.zeros(15 * MB, np.uint8))
    with zipfile.ZipFile(file, 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('a.npy', whole.getvalue())
    return file.getvalue()


def npy(size: int) -> bytes:
    file = io.BytesIO()
    np.save(file, np.zeros(size, np.uint8))
    return file.getvalue()


def sheet(size: int) -> bytes:
    file = io.BytesIO()
    rows = '<row>' + '<c><v>1</v></c>' * (size * 2) + '</row>'  # packs to a hundredth
    xlsx(file, [], sheet=rows)
    return file.getvalue()


def dicts(size: int) -> bytes:
    return b'](' + b'}' * size + b'e'


def a_log(path: Path) -> object:
    path.rename(path.with_name('a.log.json'))
    return read_log(path.parent)


def rows(row: Callable[[int], object], size: int) -> bytes:
    lines, length = [], 0
    while length < size:
        lines.append(json.dumps(row(len(lines)), separators=(',', ':')) + '\n')
        length += len(lines[-1])
    return ''.join(lines).encode()


# kind: file, content for a size in bytes, reader, the most bytes of memory and microseconds a byte
COSTS: dict[str, tuple[str, Callable[[int], bytes], Callable[[Path], object], int, float]] = {
    'pickle': ('a.pkl', lambda n: b'\x80\x02' + dicts(n) + b'.', load_pickle, 100, 10),
    'annotations': ('a.pkl', lambda n: b'\x80\x02' + dicts(n) + b'.', open_annotations, 150, 30),
    'npz': ('a.npz', lambda n: packed_zeros(), load_npz, 2500, 20),
    'npy': ('a.npy', npy, load_npy, 1, 0.1),
    'checkpoint': ('a.pth', lambda n: in_archive(dicts(n)), read_checkpoint, 200, 20),
    'JSON': ('a.json', lambda n: b'[' + b'{},' * (n // 3) + b'{}]', READERS['JSON'][1], 60, 2),
    'ids': ('a.txt', lambda n: b'ab ' * (n // 3), READERS['ids'][1], 100, 10),
    'labels': ('a.txt', lambda n: b'a\n' * (min(n, MB) // 2), READERS['labels'][1], 60, 3),
    'scores as csv': ('a.csv', lambda n: (b'a' + b',1' * 500 + b'\n') * (n // 1002), READERS['scores'][1], 120, 10),
    'weights.json': ('a.json', lambda n: b'[' + b'[],' * (n // 3) + b'[]]', READERS['weights.json'][1], 60, 2),
    'GloVe': ('a.txt', lambda n: b'word 1 2 3\n' * (n // 11), READERS['GloVe'][1], 2, 2),
    'log': ('a.txt', lambda n: rows(lambda k: {'mode': 'a', 'epoch': 1, 'iter': k}, n), a_log, 40, 10),
    'config': ('a.py', lambda n: b'a=[' + b'0,' * (n // 8) + b']', lambda path: literal_config(path.read_text()), 600, 20),
    '.ts': ('a.ts', lambda n: b'@classLabel true 1\n@data\n' + b':'.join([b'1,' * (n // 48) + b'1'] * 24) + b':1\n', READERS['.ts'][1],
            60, 5),
    '.skeleton': ('S001C001P001R001A001.skeleton', lambda n: b'1\n' * (n // 2),
                  lambda path: convert_file(SkeletonFile(path.stem, path)), 60, 3),
    'csv of joints': ('a.csv', lambda n: (b'1,' * 410 + b'1\n') * (n // 822), read_table, 60, 5),
    'xlsx': ('a.xlsx', lambda n: sheet(n // 8), read_table, 6_000, 100),
}  # fmt: skip


@pytest.mark.parametrize('kind', COSTS)
def test_the_worst_file_costs_a_multiple_of_its_size(kind, tmp_path):
    name, content, read, memory, microseconds = COSTS[kind]
    raw = content(MB // 8)
    (tmp_path / name).write_bytes(raw)

    def attempt() -> None:
        with contextlib.suppress(UserError):
            read(tmp_path / name)
        if kind == 'log':
            (tmp_path / 'a.log.json').rename(tmp_path / name)

    spent = []
    for _ in range(2):  # the first also imports what reads it
        began = time.process_time()
        attempt()
        spent.append(time.process_time() - began)
    tracemalloc.start()
    try:
        attempt()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    print(
        f'{kind}: {peak / len(raw):.0f} bytes and {1e6 * min(spent) / len(raw):.2f} us a byte '
        f'({len(raw):,} bytes)'
    )
    assert peak < memory * len(raw) + 4 * MB
    assert min(spent) < 1e-6 * microseconds * len(raw) + 1
