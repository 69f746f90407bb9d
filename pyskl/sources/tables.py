"""Tables of numbers as people save them: csv with or without a header, pandas' index, empty cells, semicolons; xlsx."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError
from ..files.safe_pickle import open_regular
from ..files.texts import read_bytes
from ..wording import brief
from .xlsx import read_sheet

MAX_BYTES = 1 << 30
NO_NUMBERS = 'cannot be read as numbers'

# What pandas and spreadsheets write where a number is missing.
_EMPTY = re.compile(
    rb'(?<=[,\n])[ \t]*(?:(?:na|n/a|#n/a|null|none)[ \t]*)?(?=[,\n])', re.IGNORECASE
)
_EMPTY_TEXTS = ('', 'na', 'n/a', '#n/a', 'null', 'none', 'nan')


@dataclass(frozen=True)
class Table:
    """Numbers of a file.

    Attributes:
        values: (n, C) float64; NaN where a cell is empty.
        lines: (n,) the file's line of each row, from 1 on.
    """

    values: np.ndarray
    lines: np.ndarray


def read_lines(path: Path) -> tuple[list[str], list[int]]:
    """Read the lines of a csv file, or a sheet, that hold anything, with commas between their cells.

    Semicolons (then ',' is the decimal point) and tabs become commas, quotes go. Lines of
    separators alone, as spreadsheets append them, are passed over.

    Returns:
        Lines and their numbers in the file, from 1 on.

    Raises:
        DataError: unreadable, too large, or UTF-16.
    """
    if path.suffix.lower() == '.xlsx':
        rows = [','.join(map(str, cells)) for cells in read_sheet(path)]
        return _that_hold_anything(rows)
    raw = read_bytes(path, MAX_BYTES, 'Expected one video.')
    if raw[:2] in (b'\xff\xfe', b'\xfe\xff'):
        raise DataError(
            f'{path.name}: is UTF-16 text. Expected UTF-8: save it again as "CSV UTF-8".'
        )
    text = raw.removeprefix(b'\xef\xbb\xbf').decode('latin-1').replace('"', '')
    rows = text.split('\n') if '\r' not in text else re.split('\r\n|\r|\n', text)
    first = next((row for row in rows if row.strip()), '')
    if ';' in first:
        rows = [row.replace(',', '.').replace(';', ',') for row in rows]
    elif '\t' in first and ',' not in first:
        rows = [row.replace('\t', ',') for row in rows]
    return _that_hold_anything(rows)


def _that_hold_anything(rows: list[str]) -> tuple[list[str], list[int]]:
    kept = [i for i, row in enumerate(rows) if row.strip(', \t')]
    return [rows[i] for i in kept], [i + 1 for i in kept]


def read_table(path: Path) -> Table:
    """Read the numbers of a csv or xlsx file.

    Raises:
        DataError: no rows, rows of unequal length, or cells that are no numbers.
    """
    if path.suffix.lower() == '.xlsx':
        return _from_cells(path, read_sheet(path))
    rows, lines = read_lines(path)
    if not rows:
        raise DataError(f'{path.name}: holds no rows, it has 1 columns')
    width = rows[0].count(',') + 1
    if is_header(rows[0].split(',')):
        rows, lines = rows[1:], lines[1:]
    if not rows:
        raise DataError(f'{path.name}: holds no rows but a header of {width} columns')
    for row, line in zip(rows, lines):
        if row.count(',') + 1 != width:
            raise DataError(
                f'{path.name}: {NO_NUMBERS}: line {line} has {row.count(",") + 1} cells, the '
                f'first line {width}. Was the file cut short?'
            )
    return Table(_numbers(path, rows, lines), np.array(lines))


def _numbers(path: Path, rows: list[str], lines: list[int]) -> np.ndarray:
    try:
        return np.loadtxt(rows, delimiter=',', ndmin=2, comments=None)
    except ValueError:
        text = ('\n' + '\n'.join(rows) + '\n').encode('latin-1')
    try:
        text = _EMPTY.sub(b'nan', text)
        return np.loadtxt(io.BytesIO(text), delimiter=',', ndmin=2, comments=None)
    except ValueError:
        cells = ((line, cell) for row, line in zip(rows, lines) for cell in row.split(','))
        line, cell = next(((line, c) for line, c in cells if number(c) is None), (lines[0], ''))
        raise DataError(f'{path.name}: {NO_NUMBERS}: line {line} holds {brief(cell)}') from None


def _from_cells(path: Path, rows: list[list[Any]]) -> Table:
    """Return the table of a sheet's cells."""
    lines = [i + 1 for i, row in enumerate(rows) if any(cell != '' for cell in row)]
    rows = [rows[line - 1] for line in lines]
    if rows and is_header([str(cell) for cell in rows[0]]):
        rows, lines = rows[1:], lines[1:]
    if not rows:
        raise DataError(f'{path.name}: holds no rows in its first sheet')
    try:
        values = np.array(rows, np.float64)
    except (TypeError, ValueError):
        texts = [[number(str(cell)) for cell in row] for row in rows]
        wrong = next((i for i, row in enumerate(texts) if None in row), None)
        if wrong is not None:
            cell = rows[wrong][texts[wrong].index(None)]
            raise DataError(
                f'{path.name}: {NO_NUMBERS}: row {lines[wrong]} holds {brief(cell)}'
            ) from None
        values = np.array(texts, np.float64)
    used = np.flatnonzero(~np.isnan(values).all(0))
    return Table(values[:, : used[-1] + 1 if len(used) else 0], np.array(lines))


def number(cell: str) -> float | None:
    """Return the number in a cell, NaN for an empty one, None for anything else."""
    cell = cell.strip()
    if cell.lower() in _EMPTY_TEXTS:
        return np.nan
    try:
        return float(cell)
    except ValueError:
        return None


def is_header(cells: list[str]) -> bool:
    """Tell a header from numbers: words in it, or columns that are counted from 0 or 1."""
    numbers = [number(cell) for cell in cells]
    if None in numbers:
        return True
    nameless_index = numbers[0] != numbers[0]  # pandas leaves the cell above its index empty
    counted = numbers[1:] if nameless_index else numbers
    starts = (list(range(len(counted))), list(range(1, len(counted) + 1)))
    return len(numbers) > 3 and counted in starts


def first_width(path: Path) -> int:
    """Return the number of cells in the first line of a csv file; 0 where it cannot be read."""
    try:
        with open_regular(path) as f:
            line = f.readline(1 << 20)
    except DataError:
        return 0
    return 1 + max(line.count(separator) for separator in (b',', b';', b'\t'))
