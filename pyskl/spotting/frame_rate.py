"""Resample recordings to the frame rate of the windows, and map segments back to the file's frames.

`rate` is the number of frames of the recording per frame of the windows: 2 for a recording at 60
frames a second and windows at 30.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..annotations.segments import Segment
from ..sources.recordings import Recording


def resample(
    recording: Recording, rate: float, start: int = 0, stop: int | None = None
) -> Recording:
    """Take every rate-th frame of a recording, rounded to the nearest.

    Args:
        recording: is not changed.
        rate: frames of the recording per frame of the windows; 1 gives views, not copies.
        start: first frame to take, counted in frames of the windows.
        stop: the frame after the last; None: to the end.
    """
    stop = num_resampled(recording.num_frames, rate) if stop is None else stop
    taken: Any = slice(start, stop) if rate == 1 else source_frames(np.arange(start, stop), rate)
    score = None if recording.score is None else recording.score[:, taken]
    return replace(recording, keypoint=recording.keypoint[:, taken], score=score, first=0)


def source_frames(wanted: np.ndarray, rate: float) -> np.ndarray:
    """Return the frame of the recording for each frame of the windows."""
    return np.floor(wanted * rate + 0.5).astype(int)


def num_resampled(num_frames: int, rate: float) -> int:
    """Return the length in frames of the windows of a recording of `num_frames` frames."""
    if rate == 1:
        return num_frames
    number = int((num_frames - 0.5) / rate)
    while source_frames(np.array(number), rate) < num_frames:
        number += 1
    return number


def in_file_frames(
    segments: Sequence[Segment], first: int, num_frames: int, rate: float
) -> list[Segment]:
    """Map segments from frames of the windows, counted from 0, to frames of the recording's file.

    Args:
        segments: in frames of the windows.
        first: number of the file's first frame.
        num_frames: number of frames in the file.
        rate: frames of the recording per frame of the windows.
    """
    mapped = []
    for segment in segments:
        start, stop = file_span(segment.start, segment.end + 1, num_frames, rate)
        mapped.append(replace(segment, start=first + start, end=first + stop - 1))
    return mapped


def file_span(start: int, stop: int, num_frames: int, rate: float) -> tuple[int, int]:
    """Map frames start..stop-1 of the windows to the same span of a recording of `num_frames`."""
    return min(round(start * rate), num_frames - 1), max(min(round(stop * rate), num_frames), 1)
