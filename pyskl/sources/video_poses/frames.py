"""The frames of a video, one after the other."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from ...errors import DataError, UserError
from ...files.safe_pickle import open_regular
from ..poses import MOST_FRAMES

# FFmpeg would open whatever files or addresses such a list names.
_PLAYLISTS = (b'#EXTM3U', b'ffconcat', b'<?xml', b'<MPD')
_CURE = 'Is the file whole? Get it again, or convert it anew: ffmpeg -i IN.mp4 OUT.mp4.'


class VideoReader:
    """A video that is read from its first frame to its last.

    Attributes:
        num_frames: T, as the file says.
        size: (H, W) of its frames, in pixels.
        fps: frames a second; None where the file says none that could be.

    Raises:
        DataError: missing, no video, without frames, or too long.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = str(path)
        with open_regular(Path(path)) as f:
            head = f.read(64)
        if head.lstrip(b'\xef\xbb\xbf \t\r\n').startswith(_PLAYLISTS):
            raise DataError(f'{path}: is a playlist, which names other files. Expected a video.')
        library = _decord()
        # The first is no RuntimeError; an AssertionError says that there are no frames.
        self._errors = (library.base.DECORDError, RuntimeError, AssertionError, IndexError)
        try:
            with _quiet():
                # An absolute path, since FFmpeg takes what stands before a colon for a protocol.
                self._frames: Any = library.VideoReader(os.path.abspath(path), num_threads=1)
                self.num_frames = len(self._frames)
                self.size: tuple[int, int] = self._frames[0].shape[:2]
        except (*self._errors, UnicodeError) as error:
            raise DataError(
                f'{path}: cannot be read as a video. Expected a film that FFmpeg reads, an .mp4 for '
                f'example, with at least one frame. {_CURE}'
            ) from error
        if self.num_frames > MOST_FRAMES:
            raise DataError(
                f'{path}: has {self.num_frames:,} frames, more than {MOST_FRAMES:,}. Cut it into parts.'
            )
        fps = float(self._frames.get_avg_fps())
        self.fps = fps if 0.1 <= fps <= 1000 else None

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield (H, W, 3) uint8 RGB frames.

        Raises:
            DataError: naming the first that cannot be decoded.
        """
        for number in range(self.num_frames):
            try:
                frame = self._frames[number].asnumpy()
            except self._errors as error:
                raise DataError(
                    f'{self.path}: frame {number} of {self.num_frames} cannot be decoded. {_CURE}'
                ) from error
            yield frame


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep decord's C++ from writing to stderr what it also raises."""
    saved, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)


def _decord() -> ModuleType:
    try:
        import decord
    except (ImportError, OSError) as error:  # OSError: a shared library that it needs
        raise UserError(
            f'decord cannot be imported ({error}). Reading a video needs it: pip install decord (on ARM '
            'processors decord2).'
        ) from error
    decord.logging.set_level(decord.logging.QUIET)
    return decord
