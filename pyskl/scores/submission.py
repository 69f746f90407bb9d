"""Write the answers of a challenge: Submission.csv inside Submission.zip."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import DataError
from ..files.atomic import atomic_write
from .score_file import check_ids

CSV_NAME, ZIP_NAME = 'Submission.csv', 'Submission.zip'
ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # a fixed one, so that equal answers make equal bytes


def write_submission(
    out_dir: str | os.PathLike, ids: Sequence[str], classes: Sequence[int]
) -> tuple[Path, Path]:
    """Write Submission.csv, rows `0054_0,2` without a header, and Submission.zip that holds it. Equal answers give equal bytes.

    ids      N names; one that appears twice keeps both rows       classes  N whole numbers from 0 on
    ->       the paths of csv and zip
    raises   DataError: lengths differ, a bad id or class; UserError: can't be written. Both files then stay as they were.
    """
    classes = np.asarray(classes)
    if classes.shape != (len(ids),) or classes.dtype.kind not in 'iu' or (classes < 0).any():
        raise DataError(
            f'{len(ids)} ids and classes of shape {classes.shape}, type {classes.dtype}: '
            'expected one whole number from 0 on for each id.'
        )
    check_ids(ids, CSV_NAME)
    csv = ''.join(f'{name},{label}\n' for name, label in zip(ids, classes.tolist())).encode()
    csv_path, zip_path = Path(out_dir) / CSV_NAME, Path(out_dir) / ZIP_NAME
    before = csv_path.read_bytes() if csv_path.is_file() else None
    try:
        # Both are on the disk before either takes its place; the csv goes first, as it is the one
        # that other programs keep open.
        with atomic_write(zip_path) as whole, atomic_write(csv_path) as table:
            table.write(csv)
            whole.write(_zipped(csv))
            whole.flush()
            os.fsync(whole.fileno())
    except BaseException:
        _put_back(csv_path, before, csv)
        raise
    return csv_path, zip_path


def _put_back(path: Path, before: bytes | None, written: bytes) -> None:
    """Undo a csv that took its place although its zip then could not."""
    if not path.is_file() or path.read_bytes() != written or before == written:
        return
    if before is None:
        path.unlink()
    else:
        with atomic_write(path) as f:
            f.write(before)


def _zipped(csv: bytes) -> bytes:
    member = zipfile.ZipInfo(CSV_NAME, date_time=ZIP_TIME)
    member.create_system = 3  # the same bytes on Windows
    member.external_attr = 0o100644 << 16
    with io.BytesIO() as buffer:
        with zipfile.ZipFile(buffer, 'w', zipfile.ZIP_STORED) as archive:
            archive.writestr(member, csv)
        return buffer.getvalue()
