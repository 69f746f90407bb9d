"""Tables of numbers as people save them, in csv and xlsx.

Read are files with or without a header or pandas' index, with empty cells, with semicolons or tabs.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..errors import DataError
from ..files.safe_pickle import open_regular
from ..wording import brief
from .xlsx import read_sheet

MAX_BYTES = 1 << 30
BLOCK_BYTES = 1 << 20  # of text, which is read at once
NO_NUMBERS = 'cannot be read as numbers'

# What pandas and spreadsheets write where a number is missing.
_EMPTY = re.compile(
    rb'(?<=[,\n])[ \t]*(?:(?:na|n/a|#n/a|null|none)[ \t]*)?(?=[,\n])', re.IGNORECASE
)
_EMPTY_TEXTS = ('', 'na', 'n/a', '#n/a', 'null', 'none', 'nan')


@dataclass(frozen=True)
class Table:
    """The numbers in a file.

    Attributes:
        values: (n, C) float32 or float64; NaN where a cell is empty.
        lines: (n,) line number of each row in the file, from 1 on.
        first_columns: (n, 2) the first two columns as float64, where frame numbers are exact; None:
            `values` are float64.
    """

    values: np.ndarray
    lines: np.ndarray
    first_columns: np.ndarray | None = None

    def exact_column(self, index: int) -> np.ndarray:
        """Return one of the first two columns as (n,) float64."""
        return (self.values if self.first_columns is None else self.first_columns)[:, index]


def read_lines(path: Path) -> tuple[list[str], list[int]]:
    """Read the lines of a csv or xlsx file that are not empty, with commas between the cells.

    Returns:
        The lines, and their numbers in the file, from 1 on.

    Raises:
        DataError: unreadable, too large, or UTF-16.
    """
    lines: list[str] = []
    numbers: list[int] = []
    for block, places in _blocks(path):
        lines += block
        numbers += places
    return lines, numbers


def _blocks(path: Path) -> Iterator[tuple[list[str], list[int]]]:
    """Yield lines and their numbers in blocks of about BLOCK_BYTES; see read_lines.

    Semicolons (then ',' is the decimal point) and tabs become commas; quotes are removed. Lines
    with nothing but separators, which spreadsheets append, are skipped.
    """
    if path.suffix.lower() == '.xlsx':
        yield _not_empty([','.join(map(str, cells)) for cells in read_sheet(path)], 1)
        return
    separator, number = None, 1
    with open_regular(path) as file:
        if os.fstat(file.fileno()).st_size > MAX_BYTES:
            raise DataError(f'{path}: is larger than {MAX_BYTES >> 20} MiB. Expected one video.')
        start = file.read(3)
        if start[:2] in (b'\xff\xfe', b'\xfe\xff'):
            raise DataError(
                f'{path.name}: is UTF-16 text. Expected UTF-8: save it again as "CSV UTF-8".'
            )
        file.seek(3 if start == b'\xef\xbb\xbf' else 0)
        text = io.TextIOWrapper(file, 'latin-1')  # whose lines end in '\n', '\r\n' or '\r'
        while rows := text.readlines(BLOCK_BYTES):
            rows = [row.rstrip('\n').replace('"', '') for row in rows]
            separator = separator or _separator(rows)
            if separator == ';':
                rows = [row.replace(',', '.').replace(';', ',') for row in rows]
            elif separator == '\t':
                rows = [row.replace('\t', ',') for row in rows]
            yield _not_empty(rows, number)
            number += len(rows)


def _separator(rows: Sequence[str]) -> str | None:
    """Return the separator of the first row that is not blank; None if all are."""
    first = next((row for row in rows if row.strip()), None)
    if first is None:
        return None
    return ';' if ';' in first else '\t' if '\t' in first and ',' not in first else ','


def _not_empty(rows: Sequence[str], number: int) -> tuple[list[str], list[int]]:
    """Return the rows with more than separators, and their numbers; the first has `number`."""
    kept = [i for i, row in enumerate(rows) if row.strip(', \t')]
    return [rows[i] for i in kept], [i + number for i in kept]


def read_table(path: Path, dtype: DTypeLike = np.float64) -> Table:
    """Read the numbers of a csv or xlsx file; a csv file takes little more memory than the table.

    Args:
        path: of the file.
        dtype: of the table, float64 or float32; an xlsx file gives float64.

    Raises:
        DataError: no rows, rows of unequal length, or cells that are no numbers.
    """
    if path.suffix.lower() == '.xlsx':
        return _from_cells(path, read_sheet(path))
    width, lines, first_columns = 0, [], []
    values = np.empty((0, 0), dtype)
    for rows, numbers in _blocks(path):
        if rows and not width:
            width = rows[0].count(',') + 1
            values = np.empty((0, width), dtype)
            skipped = int(is_header(rows[0].split(',')))
            rows, numbers = rows[skipped:], numbers[skipped:]
        if not rows:
            continue
        for row, line in zip(rows, numbers):
            if row.count(',') + 1 != width:
                raise DataError(
                    f'{path.name}: {NO_NUMBERS}: line {line} has {row.count(",") + 1} cells, the '
                    f'first line {width}. Was the file cut short?'
                )
        block = _numbers(path, rows, numbers)
        values.resize((len(values) + len(rows), width), refcheck=False)
        with np.errstate(over='ignore'):  # beyond float32: infinity
            values[-len(rows) :] = block
        first_columns.append(block[:, :2].copy())
        lines += numbers
    if not len(values):
        what = f'rows but a header of {width} columns' if width else 'rows, it has 1 columns'
        raise DataError(f'{path.name}: holds no {what}')
    return Table(values, np.array(lines), np.concatenate(first_columns))


def _numbers(path: Path, rows: list[str], lines: list[int]) -> np.ndarray:
    """Return the cells of rows of one length as numbers, (n, C) float64."""
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
