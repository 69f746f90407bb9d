"""Read the first sheet of an .xlsx workbook as rows of cells.

A workbook is a zip archive that may come from a stranger, so its size is bounded.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

from ..errors import DataError, UserError
from ..files.safe_pickle import open_regular

MAX_BYTES = 2 << 30  # of all members, unpacked
MAX_MEMBERS = 10_000
_CHUNK = 1 << 20

# A cell beyond column ZZ or row 99,999. A reader allocates all cells up to the last one.
_FAR_CELL = re.compile(rb"""\br\s*=\s*["'](?:[A-Za-z]{3}|[A-Za-z]{0,2}\d{6})""")
_COLUMN = re.compile(rb"""\br\s*=\s*["']([A-Za-z]{1,2})\d""")
_ROW = re.compile(rb"""\br\s*=\s*["'][A-Za-z]{0,2}(\d{1,5})["']""")
_OVERLAP = 64
FEW_CELLS = 1_000_000  # always allowed; beyond that one cell per byte (a number takes twenty)


def read_sheet(path: Path) -> list[list[Any]]:
    """Read the first sheet.

    Returns:
        Its rows from the first on, equally long. A cell is a float, an int, a text, or '' where it
        is empty.

    Raises:
        DataError: not a workbook, a broken one, or one that unpacks to more than is allowed.
        UserError: python-calamine is not installed.
    """
    try:
        from python_calamine import CalamineError, CalamineWorkbook
    except ImportError:
        raise UserError(
            f'{path}: reading .xlsx needs the package python-calamine. Install it: '
            "pip install 'python-calamine>=0.3' (or pip install -e '.[xlsx]')."
        ) from None
    _check_size(path)
    try:
        workbook = CalamineWorkbook.from_path(str(path))
        return workbook.get_sheet_by_index(0).to_python(skip_empty_area=False)
    except (CalamineError, IndexError, ValueError) as error:
        raise _broken(path, str(error)[:200]) from error


def _check_size(path: Path) -> None:
    """Unpack the archive once without keeping anything, since the sizes it states may be wrong."""
    try:
        with open_regular(path) as f, zipfile.ZipFile(f) as archive:
            members = archive.infolist()
            total = sum(member.file_size for member in members)
            if total > MAX_BYTES or len(members) > MAX_MEMBERS:
                raise _broken(path, f'it unpacks to {total:,} bytes in {len(members):,} members')
            for member in members:
                columns, rows, size = {b'A'}, {b'1'}, 0
                is_sheet = member.filename.startswith('xl/worksheets/')
                with archive.open(member) as unpacked:  # ends, or fails, at the stated size
                    end = b''
                    while chunk := unpacked.read(_CHUNK):
                        if is_sheet and _FAR_CELL.search(end + chunk):
                            raise _broken(path, 'it has cells beyond column ZZ or row 99,999')
                        columns.update(_COLUMN.findall(end + chunk))
                        rows.update(_ROW.findall(end + chunk))
                        size += len(chunk)
                        end = chunk[-_OVERLAP:]
                cells = max(map(_number_of, columns)) * max(map(int, rows))
                if cells > max(FEW_CELLS, size):
                    raise _broken(path, f'it makes room for {cells:,} cells in {size:,} bytes')
    except DataError:
        raise
    except Exception as error:  # zipfile and zlib fail in many ways
        raise _broken(path, f'it is not a complete zip archive, {type(error).__name__}') from error


def _number_of(column: bytes) -> int:
    """Return 1 for column A, 27 for AA."""
    number = 0
    for letter in column.upper():
        number = 26 * number + letter - 64
    return number


def _broken(path: Path, reason: str) -> DataError:
    return DataError(
        f'{path.name}: cannot be read as an .xlsx workbook ({reason}). Expected a sheet of 411 '
        'columns, x, y, score of 137 points; get the file again.'
    )
