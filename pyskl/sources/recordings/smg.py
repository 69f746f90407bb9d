"""Recordings of SMG: SampleNNNN_skeleton.csv, beside it SampleNNNN_finelabels.csv.

Key points are in pixels, frames are counted from 1.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...annotations.pose_fields import missing_as_zeros
from ...annotations.segments import Segment
from ...errors import DataError
from ...skeletons import is_present
from ..forms.smg import IMG_SHAPE, LABELS, NUM_JOINTS, NUMBERS, POINTS
from ..tables import read_table
from .base import Recording, RecordingFile
from .labels import segments_of


def smg_files(path: Path) -> list[Path]:
    """List the skeleton files of SMG in a folder, or the file itself if it is one."""
    if path.is_file():
        return [path] if path.name.lower().endswith(POINTS) else []
    return sorted(p for p in path.rglob(f'*{POINTS}') if not p.name.startswith('.'))


def smg_recording(path: Path) -> RecordingFile:
    """Return the recording of a skeleton file, with its labels if there are any beside it."""
    name = path.name[: -len(POINTS)]

    def read() -> Recording:
        values = read_table(path, np.float32).values
        if values.shape[1] != NUM_JOINTS * NUMBERS or np.isinf(values).any():
            raise DataError(
                f'{path}: has {values.shape[1]} columns, or infinite numbers. Expected '
                f'{NUM_JOINTS} x {NUMBERS} numbers a frame.'
            )
        xy = values.reshape(-1, NUM_JOINTS, NUMBERS)[..., 7:9].astype(np.float32)[None]
        xy, _ = missing_as_zeros(xy, None)
        score = is_present(xy).astype(np.float32)
        segments: tuple[Segment, ...] | None = None
        notes: list[str] = []
        labels = path.with_name(name + LABELS)
        if labels.exists():
            rows = [
                (int(row[0]) - 1, int(row[1]), int(row[2]))
                for row in _whole(labels, read_table(labels).values)
            ]
            segments, notes = segments_of(rows, 1, xy.shape[1], str(labels))
        return Recording(name, xy, score, IMG_SHAPE, 1, segments, tuple(notes))

    return RecordingFile(name, None, path, 'smg', read)


def _whole(path: Path, rows: np.ndarray) -> np.ndarray:
    """Return the rows of a label file; a DataError if they are not three whole numbers each."""
    if rows.shape[1] != 3 or not (np.isfinite(rows) & (rows == np.floor(rows))).all():
        raise DataError(
            f'{path}: expected three columns of whole numbers: class id, first, last frame.'
        )
    return rows
