"""Bring recordings to the frame rate that windows count in, and segments back to frames of the file.

`rate` is how many frames of the recording go by in one frame of the windows: 2 for a recording of
60 frames a second under windows that count in 30.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..annotations.segments import Segment
from ..sources.recordings import Recording


def at_rate(
    recording: Recording, rate: float, start: int = 0, stop: int | None = None
) -> Recording:
    """Take every rate-th frame of a recording, the nearest one there is.

    Args:
        recording: stays as it is.
        rate: see above; 1: views, not copies.
        start: first of the windows' frames to take.
        stop: the one behind the last; None: to the end.
    """
    stop = num_taken(recording.num_frames, rate) if stop is None else stop
    taken: Any = slice(start, stop) if rate == 1 else frames_taken(np.arange(start, stop), rate)
    score = None if recording.score is None else recording.score[:, taken]
    return replace(recording, keypoint=recording.keypoint[:, taken], score=score, first=0)


def frames_taken(wanted: np.ndarray, rate: float) -> np.ndarray:
    """Return which frame of a recording stands for each of the windows' frames."""
    return np.floor(wanted * rate + 0.5).astype(int)


def num_taken(num_frames: int, rate: float) -> int:
    """Return how many of the windows' frames a recording of so many frames has."""
    if rate == 1:
        return num_frames
    number = int((num_frames - 0.5) / rate)
    while frames_taken(np.array(number), rate) < num_frames:
        number += 1
    return number


def in_file_frames(
    segments: Sequence[Segment], first: int, num_frames: int, rate: float
) -> list[Segment]:
    """Bring segments from frames of the windows, from 0 on, to frames of the recording's file.

    Args:
        segments: in frames of the windows.
        first: number of the file's first frame.
        num_frames: of the file.
        rate: see above.
    """
    return [
        replace(
            segment,
            start=first + file_span(segment.start, segment.end + 1, num_frames, rate)[0],
            end=first + file_span(segment.start, segment.end + 1, num_frames, rate)[1] - 1,
        )
        for segment in segments
    ]


def file_span(start: int, stop: int, num_frames: int, rate: float) -> tuple[int, int]:
    """Return frames start..stop-1 of the windows as first frame, and the one behind the last, of the file."""
    last = num_frames - 1
    return min(round(start * rate), last), max(min(round(stop * rate), num_frames), 1)
