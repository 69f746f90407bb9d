"""Recordings of SMG: SampleNNNN_skeleton.csv, beside it SampleNNNN_finelabels.csv.

Key points are in pixels, frames are counted from 1.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...errors import DataError
from ..forms.smg import IMG_SHAPE, POINTS, in_picture, labels_of, read_joints
from ..tables import read_table
from .base import Recording, RecordingFile
from .labels import with_segments


def smg_files(path: Path) -> list[Path]:
    """List the skeleton files of SMG in a folder, or the file itself if it is one."""
    if path.is_file():
        return [path] if path.name.lower().endswith(POINTS) else []
    return sorted(p for p in path.rglob(f'*{POINTS}') if not p.name.startswith('.'))


def smg_recording(path: Path) -> RecordingFile:
    """Return the recording of a skeleton file, with its labels if there are any beside it."""

    def read() -> Recording:
        xy, score = in_picture(read_joints(path))
        recording = Recording(path.name[: -len(POINTS)], xy, score, IMG_SHAPE, 1)
        labels = labels_of(path)
        if not labels.exists():
            return recording
        rows = [(label - 1, first, last) for label, first, last in _whole_rows(labels)]
        return with_segments(recording, rows, str(labels))

    return RecordingFile(path.name[: -len(POINTS)], None, path, 'smg', read)


def _whole_rows(path: Path) -> list[list[int]]:
    """Return the rows of a label file; a DataError if they are not three whole numbers each."""
    rows = read_table(path).values
    if rows.shape[1] != 3 or not ((np.abs(rows) < 2**31) & (rows == np.floor(rows))).all():
        raise DataError(
            f'{path}: expected three columns of whole numbers: class id, first, last frame.'
        )
    return rows.astype(np.int64).tolist()
