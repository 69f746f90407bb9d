"""Tables of numbers from csv files: with or without a header, empty cells as NaN."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np

from ..errors import DataError
from ..files.texts import read_text
from ..wording import brief


def read_numbers(path: Path, num_columns: int, columns: str) -> np.ndarray:
    """Read a csv file of numbers.

    Args:
        path: the file; a first row that holds words is a header and passed over.
        num_columns: C.
        columns: what they are, for messages.

    Returns:
        (R, C) float64; an empty cell is NaN.

    Raises:
        DataError: no such file, no rows, another number of columns, or something that is no number.
    """
    text = read_text(path)
    first = text.lstrip().partition('\n')[0]
    cells = first.split(',')
    wanted = f'Expected {num_columns} columns: {columns}.'
    if len(cells) != num_columns:
        raise DataError(f'{path}: the first row has {len(cells)} columns. {wanted}')
    skip = 0 if all(map(_is_number, cells)) else 1
    convert = {'converters': lambda cell: float(cell.strip() or 'nan')} if _has_holes(text) else {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', UserWarning)  # an empty table is said below
            table = np.loadtxt(io.StringIO(text), delimiter=',', skiprows=skip, ndmin=2, **convert)
    except ValueError as error:
        raise DataError(f'{path}: {brief(str(error))[1:-1]}. {wanted}') from None
    if not table.size:
        raise DataError(f'{path}: holds no rows. {wanted}')
    if np.isinf(table).any():
        raise DataError(f'{path}: holds infinity. {wanted}')
    return table


def _has_holes(text: str) -> bool:
    return any(hole in text for hole in (',,', ',\n', ',\r', '\n,', ', ,'))


def _is_number(cell: str) -> bool:
    try:
        float(cell.strip() or 'nan')
    except ValueError:
        return False
    return True
