"""The frames of a video file."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from ..errors import DataError
from ..files.libraries import decord
from ..files.videos import quiet


class Video:
    """A video's frames, decoded on access: `video[i]` is (H, W, 3) uint8 RGB.

    Attributes:
        path: path of the file.
        fps: frames a second; 25 if the file gives no plausible number.
        height: height in pixels.
        width: width in pixels.

    Raises:
        DataError: the file is missing, not a video, or a frame cannot be decoded.
    """

    def __init__(self, path: str | os.PathLike):
        if not Path(path).is_file():
            raise DataError(f'{path}: no such video file.')
        library, self.path = decord(), str(path)
        self._errors = (library.base.DECORDError, RuntimeError)  # the first is not a RuntimeError
        try:
            with quiet():
                self._frames = library.VideoReader(self.path)
                self.height, self.width = self._frames[0].shape[:2]
        except (*self._errors, IndexError) as error:
            raise DataError(
                f'{path}: cannot be read as a video. Expected a film that FFmpeg reads, an .mp4 '
                'for example.'
            ) from error
        fps = float(self._frames.get_avg_fps())
        self.fps = fps if 0.1 <= fps <= 1000 else 25.0  # some files give 0

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, index: int) -> np.ndarray:
        try:
            return self._frames[index].asnumpy()
        except self._errors as error:
            raise DataError(
                f'{self.path}: frame {index} cannot be decoded. Is the file whole?'
            ) from error
