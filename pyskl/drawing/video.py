"""Receives a video file; hands on its frames."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from ..errors import DataError
from ..files.libraries import decord
from ..files.videos import quiet


class Video:
    """A video's frames, read when they are asked for: `video[i]` is (H, W, 3) uint8 RGB.

    fps, height, width   as the file says (25 frames a second where it says none that could be)
    raises  DataError: missing, no video, or a frame that can't be decoded
    """

    def __init__(self, path: str | os.PathLike):
        if not Path(path).is_file():
            raise DataError(f'{path}: no such video file.')
        library, self.path = decord(), str(path)
        self._errors = (library.base.DECORDError, RuntimeError)  # the first is no RuntimeError
        try:
            with quiet():
                self._frames = library.VideoReader(self.path)
                self.height, self.width = self._frames[0].shape[:2]
        except (*self._errors, IndexError) as error:
            raise DataError(
                f'{path}: cannot be read as a video. Expected a film that FFmpeg reads, an .mp4 '
                'for example.'
            ) from error
        said = float(self._frames.get_avg_fps())
        self.fps = said if 0.1 <= said <= 1000 else 25.0  # some say 0, or nothing

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, index: int) -> np.ndarray:
        try:
            return self._frames[index].asnumpy()
        except self._errors as error:
            raise DataError(
                f'{self.path}: frame {index} cannot be decoded. Is the file whole?'
            ) from error
