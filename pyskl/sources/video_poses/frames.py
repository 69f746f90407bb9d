"""Read the frames of a video one by one."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np

from ...errors import DataError
from ...files.videos import VideoFrames
from ..poses import MOST_FRAMES

_AT_ONCE = 16  # frames that are decoded together


class VideoReader:
    """A video that is read from its first frame to its last.

    Attributes:
        num_frames: T, as the file states it.
        size: (H, W) of its frames, px.
        fps: frames per second; None where the file states no plausible rate.

    Raises:
        DataError: missing, not a video, without frames, or too long.
    """

    def __init__(self, path: str | os.PathLike):
        self._path = path
        with VideoFrames(path) as video:
            self.num_frames = len(video)
            self.fps = video.fps
            self.size: tuple[int, int] = video.frames([0])[0].shape[:2]
        if self.num_frames > MOST_FRAMES:
            raise DataError(
                f'{path}: has {self.num_frames:,} frames, more than {MOST_FRAMES:,}. Cut it into '
                'parts.'
            )

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield (H, W, 3) uint8 RGB frames.

        Raises:
            DataError: names the first frame that cannot be decoded.
        """
        with VideoFrames(self._path) as video:
            for start in range(0, self.num_frames, _AT_ONCE):
                yield from video.frames(range(start, min(start + _AT_ONCE, self.num_frames)))
