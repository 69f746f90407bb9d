"""Tables are read block by block: what comes out does not depend on where a block ends."""

import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from pyskl.errors import DataError
from pyskl.sources import tables
from pyskl.sources.recordings import find_recordings
from pyskl.sources.tables import read_lines, read_table

ROWS = [f'{i},{i}.25,{-i}e-1' for i in range(60)]
GAPS = [f'{i},,{"NaN" if i % 2 else " null "}' if i % 7 == 0 else row for i, row in enumerate(ROWS)]
FILES = {
    'plain': '\n'.join(ROWS),
    'a header': '\n'.join(['frame,"x","y"', *ROWS]),
    'empty cells': '\n'.join(GAPS) + '\n',
    'blank lines': '\n\n' + '\n,,\n'.join(ROWS) + '\n,,\n\n',
    'semicolons': '\r\n'.join(
        ['a;b;c', *(row.replace(',', ';').replace('.', ',') for row in ROWS)]
    ),
    'tabs': '\r'.join(row.replace(',', '\t') for row in ROWS),
    'a byte order mark': '\ufeff' + '\n'.join(ROWS),
}


def test_utf_16_is_refused(tmp_path):
    (tmp_path / 'a.csv').write_bytes('1,2\n'.encode('utf-16'))
    with pytest.raises(DataError, match='UTF-16'):
        read_table(tmp_path / 'a.csv')


@pytest.mark.parametrize('kind', FILES)
@pytest.mark.parametrize('block', [1, 50, 300])
def test_blocks_of_any_size_give_the_same_table(kind, block, tmp_path, monkeypatch):
    path = tmp_path / 'a.csv'
    path.write_bytes(FILES[kind].encode())
    whole, lines = read_table(path), read_lines(path)
    monkeypatch.setattr(tables, 'BLOCK_BYTES', block)
    found = read_table(path)
    assert_array_equal(found.values, whole.values)
    assert_array_equal(found.lines, whole.lines)
    assert read_lines(path) == lines
    known = ~np.isnan(found.values)
    wanted = [[i, i + 0.25, -i / 10] for i in range(60)]
    assert_array_equal(found.values[known], np.array(wanted)[known])
    assert known.all() or kind == 'empty cells'


@pytest.mark.parametrize(
    'wrong, said', [('1,2', '2 cells'), ('1,2,x', "'x'"), ('1,2,3,4', '4 cells')]
)
@pytest.mark.parametrize('block', [1, 1 << 20])
def test_what_is_wrong_is_named_by_its_line(wrong, said, block, tmp_path, monkeypatch):
    monkeypatch.setattr(tables, 'BLOCK_BYTES', block)
    (tmp_path / 'a.csv').write_text('\n'.join([*ROWS[:40], '', wrong, *ROWS[40:]]))
    with pytest.raises(DataError, match=rf'a\.csv.*line 42 .*{said}'):
        read_table(tmp_path / 'a.csv')


def test_numbers_of_frames_are_exact_in_a_small_table(tmp_path):
    (tmp_path / 'a.csv').write_text('123456789,0.1\n')
    table = read_table(tmp_path / 'a.csv', np.float32)
    assert table.values.dtype == np.float32 and table.exact_column(0) == [123456789]


def test_a_recording_is_read_in_the_memory_of_its_arrays(tmp_path):
    number = 10_000
    with open(tmp_path / '0001_light_hand.csv', 'w') as file:
        file.writelines(f'{t}{",1.5" * 105}\n' for t in range(number))
    (recording,) = find_recordings([tmp_path])
    tracemalloc.start()
    read = recording.read()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    table = number * 106 * 4
    assert read.num_frames == number
    assert most < table + 2 * (read.keypoint.nbytes + read.score.nbytes) + 8e6
