"""Videos: opened by decord, read frame by frame, closed at once."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ..errors import DataError
from .libraries import decord
from .safe_pickle import open_regular
from .video_containers import inspect_container, is_transport_stream

CURE = 'Is the file whole? Get it again, or convert it: ffmpeg -i IN.mp4 OUT.mp4.'
_AT_ONCE = 32  # frames of one call: decord holds them beside the copy that it hands on
# FFmpeg would open whatever files or addresses such a list names.
_PLAYLISTS = (b'#EXTM3U', b'ffconcat', b'<?xml', b'<MPD')


class VideoFrames:
    """The frames of a video file, (H, W, 3) uint8 RGB, counted from 0.

    An open video holds threads and, in HD, 200 MB: close it as soon as its frames are read (`with`
    does), and never keep one open where a process forks.

    Args:
        path: a regular file that FFmpeg reads.
        num_threads: that decode it; 0 lets FFmpeg choose.

    Raises:
        DataError: missing, no regular file, no video, or one without frames.
    """

    def __init__(self, path: str | os.PathLike, num_threads: int = 1):
        self.path = str(path)
        with open_regular(Path(path)) as f:
            head = f.read(256)
            container = inspect_container(f)
        if head.lstrip(b'\xef\xbb\xbf \t\r\n').startswith(_PLAYLISTS):
            raise DataError(f'{path}: is a playlist, which names other files. Expected a video.')
        if is_transport_stream(head):
            raise DataError(
                f'{path}: is an MPEG transport stream, of which decord misses frames. Put it into '
                'another file, nothing of it changes: ffmpeg -i IN.ts -c copy OUT.mp4.'
            )
        library = decord()
        self._num_threads = num_threads
        # The first is no RuntimeError; an AssertionError says that there are no frames.
        self._errors = (
            *(library.base.DECORDError, RuntimeError, AssertionError, IndexError, StopIteration),
        )
        try:
            self._open()
        except (*self._errors, UnicodeError) as error:
            raise DataError(
                f'{path}: cannot be read as a video. Expected a film that FFmpeg reads, an .mp4 '
                f'for example, with at least one frame. {CURE}'
            ) from error
        self._length, self._jumps = len(self._reader), container.jumps
        if container.shown is not None and container.shown < self._length:
            # Hidden frames count for decord where it jumps, and not where it goes on.
            self._length, self._jumps = container.shown, False

    def _open(self) -> None:
        with quiet():
            # As an absolute path, since FFmpeg takes what stands before a colon for a protocol.
            self._reader = decord().VideoReader(
                os.path.abspath(self.path), num_threads=self._num_threads
            )
        self._next = 0  # the frame that comes next without a jump

    def __len__(self) -> int:
        return self._length

    @property
    def fps(self) -> float | None:
        """Frames a second as the file says; None if that is not plausible."""
        fps = float(self._reader.get_avg_fps())
        return fps if 0.1 <= fps <= 1000 else None

    def __enter__(self) -> VideoFrames:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the file, its threads and its memory go; doing it twice does no harm."""
        self._reader = None

    def frames(self, numbers: Sequence[int] | np.ndarray, close: bool = False) -> list[np.ndarray]:
        """Decode these very frames, in any order; a frame that comes twice is decoded once.

        Args:
            numbers: of the frames.
            close: these are the last: the video is closed as soon as they are decoded, so that its
                threads don't decode on while frames are copied.

        Raises:
            DataError: naming the file and the first frame that cannot be decoded.
        """
        needed, places = np.unique(np.asarray(numbers, np.int64), return_inverse=True)
        try:
            decoded = self._jump_to(needed, close) if self._jumps else self._go_to(needed, close)
        except self._errors as error:
            raise self._refused(needed.tolist()) from error
        return [decoded[i] for i in places.tolist()]

    def _jump_to(self, numbers: np.ndarray, close: bool = False) -> list[np.ndarray]:
        """Decode frames, from the key frame before each on."""
        decoded: list[np.ndarray] = []
        for start in range(0, len(numbers), _AT_ONCE):
            batch = self._reader.get_batch(numbers[start : start + _AT_ONCE])
            if close and start + _AT_ONCE >= len(numbers):
                self.close()
            decoded.extend(batch.asnumpy())
        return decoded

    def _go_to(self, numbers: np.ndarray, close: bool = False) -> list[np.ndarray]:
        """Decode frames in ascending order, and all frames before them."""
        if numbers[0] < self._next:
            self._open()
        decoded, place, self._next = [], self._next, self._length  # unknown where decoding fails
        for number in numbers.tolist():
            if number >= self._length:
                raise IndexError(number)
            for _ in range(place, number):
                self._reader.next()  # not skip_frames, which jumps over key frames
            decoded.append(self._reader.next().asnumpy())
            place = number + 1
        self._next = place
        if close:
            self.close()
        return decoded

    def nearby_frames(self, numbers: Sequence[int] | np.ndarray) -> list[np.ndarray]:
        """Return for each frame the key frame that decord's `seek` finds, without decoding between.

        Where decord's jumps are not exact, return the wanted frames.
        """
        if not self._jumps:
            return self.frames(numbers)
        decoded = []
        for number in np.asarray(numbers, np.int64).tolist():
            try:
                self._reader.seek(number)
                decoded.append(self._reader.next().asnumpy())
            except (*self._errors, StopIteration) as error:
                raise self._refused([number]) from error
        return decoded

    def _refused(self, numbers: Sequence[int]) -> DataError:
        """Name the first of these frames that a fresh reader refuses, of which one did."""
        first = numbers[0]
        with contextlib.suppress(DataError), VideoFrames(self.path, self._num_threads) as again:
            for first in numbers:
                try:
                    (again._jump_to if again._jumps else again._go_to)(np.array([first]))
                except self._errors:
                    break
        return DataError(f'{self.path}: frame {first} of {len(self)} cannot be decoded. {CURE}')


class ArrayFrames:
    """The frames of an array in memory, read as those of a video.

    Args:
        array: (T, H, W, C).
    """

    path = 'the array'

    def __init__(self, array: np.ndarray):
        self._array = array

    def __len__(self) -> int:
        return len(self._array)

    def __enter__(self) -> ArrayFrames:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Do nothing: the array is its owner's."""

    def frames(self, numbers: Sequence[int] | np.ndarray, close: bool = False) -> list[np.ndarray]:
        """Return these frames, views of the array."""
        return [self._array[i] for i in np.asarray(numbers, np.int64).tolist()]

    def nearby_frames(self, numbers: Sequence[int] | np.ndarray) -> list[np.ndarray]:
        """Return these very frames: all are as near."""
        return self.frames(numbers)


class _Silence:
    """Standard error of the whole process, sent nowhere while anybody wants it so."""

    def __init__(self):
        self._lock, self._wanted, self._saved = threading.Lock(), 0, -1

    def start(self) -> None:
        with self._lock:
            self._wanted += 1
            if self._wanted == 1:
                self._saved, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, 2)
                os.close(nowhere)

    def end(self) -> None:
        with self._lock:
            self._wanted -= 1
            if self._wanted == 0:
                os.dup2(self._saved, 2)
                os.close(self._saved)


_silence = _Silence()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep decord's C++ from writing to stderr what it also raises; threads may overlap."""
    _silence.start()
    try:
        yield
    finally:
        _silence.end()
