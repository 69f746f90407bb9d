"""Recordings of iMiGUE: NNNN_light_hand.csv or NNNN_openpose.xlsx, beside it NNNN_label.csv.

A label csv has rows (class id, first frame, last frame), in which frames are counted as in the
first column of the key points' file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from ...annotations.pose_fields import missing_as_zeros
from ...errors import DataError
from ...wording import some
from ..imigue.find import Video, find
from ..imigue.frames import frames_of
from ..imigue.joints import Joints
from ..imigue.labels import class_of, is_class_id, read_rows
from ..tables import read_table
from .base import Recording, RecordingFile
from .labels import with_segments

MOST_GAPS = 4  # longest recording as a multiple of its rows, of a file that lacks frames


def imigue_recordings(
    path: Path, joints: Joints, img_shape: tuple[int, int]
) -> Iterator[RecordingFile]:
    """List the recordings of iMiGUE in a folder, or the one that a file is of."""
    for video in find([path], raw=False).videos:
        yield RecordingFile(
            video.name,
            video.split,
            video.points[0],
            'imigue',
            partial(_read_imigue, video, joints, img_shape),
        )


def _read_imigue(video: Video, joints: Joints, img_shape: tuple[int, int]) -> Recording:
    """Read a recording of iMiGUE and its labels."""
    path = video.points[0]
    points, first, missing = _imigue_points(path, joints)
    keypoint, score = missing_as_zeros(points[..., :2], points[..., 2])
    notes = (f'{path}: lacks frames {some(missing, 3)}: nobody is seen there',) if missing else ()
    recording = Recording(video.name, keypoint, score, img_shape, first, notes=notes)
    if len(video.labels) > 1:
        raise DataError(
            f'{path}: several files may be its label csv: {some(p.name for p in video.labels)}. '
            'Expected one, NNNN_label.csv.'
        )
    return _with_labels(recording, video.labels[0], video.split) if video.labels else recording


def _imigue_points(path: Path, joints: Joints) -> tuple[np.ndarray, int, list[int]]:
    """Read the points of a file.

    Returns:
        (1, T, V, 3) points, the number of the first frame, and the numbers of missing frames.

    Raises:
        DataError: columns that no release has, or frame numbers with large or regular gaps.
    """
    try:
        frames = frames_of(path, read_table(path, np.float32))
        chosen = joints.of(frames.points.shape[1])
    except DataError as error:
        raise DataError(f'{path.parent}/{error}') from error
    first, last = int(frames.number[0]), int(frames.number[-1])
    number = (last - first) // frames.step + 1
    if number > MOST_GAPS * len(frames.number) + 1000:
        raise DataError(
            f'{path}: {len(frames.number)} rows, but frames are numbered {first} to {last}. '
            'Expected a row for each frame.'
        )
    if frames.step > 1:
        raise DataError(
            f'{path}: frame numbers go up in steps of {frames.step}. Expected every frame of the '
            'recording, since windows are counted in frames.'
        )
    stretch = frames.cut(first, last, number)
    assert stretch is not None  # there is a first frame
    points = stretch.points[None, :, list(chosen)].astype(np.float32, copy=False)
    return points, first, stretch.missing


def _with_labels(recording: Recording, labels: Path, split: str | None) -> Recording:
    """Return a recording with the segments of a label csv.

    A label csv of a test split without class ids is ignored.

    Raises:
        DataError: rows without a class or frames.
    """
    rows = []
    for row in read_rows(labels):
        where = f'{labels}: line {row.line}'
        if row.fault() or row.class_id is None:
            raise DataError(
                f'{where}: {row.fault() or "has no class id"}. Expected class id, first frame, '
                'last frame.'
            )
        if not is_class_id(row.class_id) and split == 'test':
            note = f'{where}: {row.class_id:g} is no class id, so {labels.name} is not used'
            return replace(recording, notes=(*recording.notes, note))
        rows.append((class_of(row.class_id, where), int(row.first), int(row.last)))
    return with_segments(recording, rows, str(labels))
