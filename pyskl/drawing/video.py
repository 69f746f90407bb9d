"""Receives a video file; hands on its frames."""
from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..errors import DataError
from .libraries import decord


class Video:
    """A video's frames, read when they are asked for: `video[i]` is (H, W, 3) uint8 RGB.

    fps, height, width   as the file says (25 frames a second where it says none that could be)
    raises  DataError: missing, no video, or a frame that can't be decoded
    """

    def __init__(self, path: str | os.PathLike):
        if not Path(path).is_file():
            raise DataError(f'{path}: no such video file.')
        library, self.path = decord(), str(path)
        self._errors = (library.base.DECORDError, RuntimeError)         # the first is no RuntimeError
        try:
            with _quiet():
                self._frames = library.VideoReader(self.path)
                self.height, self.width = self._frames[0].shape[:2]
        except (*self._errors, IndexError) as error:
            raise DataError(f'{path}: cannot be read as a video. Expected a film that FFmpeg reads, an .mp4 for example.') from error
        said = float(self._frames.get_avg_fps())
        self.fps = said if 0.1 <= said <= 1000 else 25.0        # some say 0, or nothing

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, index: int) -> np.ndarray:
        try:
            return self._frames[index].asnumpy()
        except self._errors as error:
            raise DataError(f'{self.path}: frame {index} cannot be decoded. Is the file whole?') from error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """decord's C++ writes straight to stderr what it also raises."""
    saved, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)
