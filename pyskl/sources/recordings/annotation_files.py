"""Recordings in annotation files, one annotation each, of any skeleton.

The optional field `segments` holds rows (class, first frame, last frame) with frames counted from
0, `fps` the frame rate.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ...annotations import open_annotations
from ...annotations.pose_fields import missing_as_zeros
from ...errors import DataError
from ...wording import brief, plain
from .base import Recording, RecordingFile
from .labels import with_segments


def annotation_recordings(path: Path, split: str | None) -> list[RecordingFile]:
    """List the recordings of an annotation file."""
    clips = open_annotations(path)
    if split is not None:
        clips = clips.split(split)

    def read(index: int) -> Recording:
        clip = clips[index]
        where = f'{path}: recording {plain(clip["frame_dir"])}'
        if 'frame_inds' in clip:
            raise DataError(
                f'{where}: is in the compressed form. Expected people as rows of keypoint.'
            )
        frames = slice(clip['total_frames'])
        keypoint = np.asarray(clip['keypoint'][:, frames], np.float32)
        score = clip.get('keypoint_score')
        keypoint, score = missing_as_zeros(keypoint, None if score is None else score[:, frames])
        recording = Recording(clip['frame_dir'], keypoint, score, clip.get('img_shape'))
        fps = clip.get('fps')
        if isinstance(fps, (int, float)) and 0 < fps < 1000:
            recording = replace(recording, fps=float(fps))
        if clip.get('segments') is None:
            return recording
        return with_segments(recording, _rows(clip['segments'], where), where)

    return [
        RecordingFile(name, None, path, 'annotation', partial(read, i))
        for i, name in enumerate(clips.ids)
    ]


def _rows(given: Any, where: str) -> list[tuple[int, int, int]]:
    """Return the rows of the field `segments`; a DataError says what it holds instead."""
    try:
        table = np.asarray(given)
    except ValueError:
        table = np.empty(1)
    if table.size and (table.shape[1:] != (3,) or table.dtype.kind not in 'iu'):
        raise DataError(
            f'{where}: segments = {brief(given)}. Expected rows (class, first frame, last frame) '
            'of whole numbers.'
        )
    return [tuple(row) for row in table.reshape(-1, 3).tolist()]
