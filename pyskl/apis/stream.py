"""Spotting while a camera runs: frames of key points go in one by one, answers come out.

stream = Stream(spotter, 'imigue22', fps=30, thresholds=Thresholds(background=32))
for people in camera:                       # (M, V, 3) x px, y px, score; None: a dropped frame
    for answer in stream.push(people):      # class scores
        print(answer.frame, answer.probs.argmax())
    for segment in stream.segments():       # those that were settled since the last call
        print(segment.start, segment.end, segment.label, segment.score)
rest = stream.close()                       # the remaining answers
print(stream.segments())                    # the remaining segments
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..annotations.segments import Segment
from ..errors import ConfigError, DataError
from ..skeletons import layout_of
from ..spotting.frame_rate import in_file_frames, source_frames
from ..spotting.segments import SegmentFinder, Thresholds
from .spotting import Spotter

MOST_DROPPED = 20_000  # frames, about ten minutes
HORIZON = 9_000  # frames, five minutes at 30 a second


@dataclass(frozen=True)
class Answer:
    """The scores for one frame.

    Attributes:
        frame: number of the frame, counted from the first one pushed.
        probs: (K,) class probabilities, those of spotting a whole recording.
    """

    frame: int
    probs: np.ndarray


class Stream:
    """Class scores and segments of frames that come one by one, in bounded memory.

    Answers come in blocks, every `every` frames, once the longest window around the last middle of
    the block is complete. They are equal to Spotter.scores of a recording with the same frames and
    the same `every`, since a block depends on its own frames alone.

    Segments come once no later frame can change them. They are equal to Spotter.segments with the
    same `every`, except that a chain of overlapping segments longer than `horizon` frames is cut.

    Args:
        spotter: the trained networks and their windows, from load_spotter.
        layout: of the key points, a name or a dict.
        fps: frame rate of the camera; None: that of the windows. Frames are dropped or repeated to
            match the rate of the windows.
        img_shape: (h, w) of the picture in pixels, for networks that need it.
        every: frames from one block of answers to the next; None: 32, about a second.
        thresholds: what makes a segment; None: find no segments.
        horizon: longest chain of overlapping segments, in frames of the windows.

    Raises:
        ConfigError: the layout has other joints than the network takes, or the frame rate of the
            windows is unknown while `fps` is given; thresholds for another class of background.
    """

    def __init__(
        self,
        spotter: Spotter,
        layout: str | dict,
        fps: float | None = None,
        img_shape: Sequence[int] | None = None,
        every: int | None = None,
        thresholds: Thresholds | None = None,
        horizon: int = HORIZON,
    ):
        self.spotter, self.layout = spotter, layout_of(layout)
        wanted = spotter.num_joints
        if wanted is not None and self.layout.num_joints != wanted:
            raise ConfigError(
                f'layout {self.layout.name} has {self.layout.num_joints} joints, but the network '
                f'takes {wanted}. Give the layout that it was trained on.'
            )
        if fps is not None and not 0 < fps < 1000:
            raise ConfigError(f'fps = {fps}: expected frames a second, above 0 and below 1,000.')
        if fps is not None and spotter.windows.fps is None:
            raise ConfigError(
                f'fps = {fps:g}: the frame rate of the config is unknown. Add fps to its '
                'RecordingDataset, or leave fps out.'
            )
        if thresholds is not None and thresholds.background != spotter.background:
            raise ConfigError(
                f'thresholds.background = {thresholds.background}, but that of the networks is '
                f'{spotter.background}. Expected the same.'
            )
        if horizon < 1:
            raise ConfigError(f'horizon = {horizon}: expected frames, from 1 on.')
        self.windows = spotter.windows.in_blocks(every or 32)
        self.img_shape = None if img_shape is None else tuple(img_shape)
        self._rate = spotter.rate(fps)
        self._num_pushed = 0  # frames of the camera
        self._num_taken = 0  # frames of the windows
        self._next_block = 0
        self._frames: deque[np.ndarray] = deque()  # (M, V, 3), the latest frames of the windows
        self._first = 0  # number of the first one of these
        self._closed = False
        self._finder = (
            None if thresholds is None else SegmentFinder(thresholds, self.windows.stride, horizon)
        )
        self._segments: list[Segment] = []  # settled, not returned yet

    def push(self, people: Any = None, number: int | None = None) -> list[Answer]:
        """Take the next frame.

        Args:
            people: (M, V, 3) x px, y px, score of M people, or (V, 3) of one; M may differ from
                frame to frame. A missing joint is NaN, or 0, 0, 0. None: a dropped frame, in which
                nobody is seen.
            number: of the frame, counted from 0, if the camera numbers them; numbers that it skips
                are dropped frames.

        Returns:
            The answers that this frame completes, mostly none.

        Raises:
            DataError: another shape, or a number that is not expected.
        """
        if self._closed:
            raise DataError('the stream is closed. Begin a new one.')
        expected = self._num_pushed
        if number is not None and not expected <= number <= expected + MOST_DROPPED:
            raise DataError(
                f'frame {number}: expected {expected}, or a later one after at most '
                f'{MOST_DROPPED:,} dropped frames. Count frames from 0, or begin a new stream '
                'after a longer pause.'
            )
        frame = self._checked(people)
        answers: list[Answer] = []
        while number is not None and self._num_pushed < number:
            answers += self._take(self._checked(None))
        return answers + self._take(frame)

    def segments(self) -> list[Segment]:
        """Return the segments that were settled since the last call, in order of their first frame.

        Frames are counted from the first one pushed. Segments are kept until this is called.

        Raises:
            ConfigError: the stream has no thresholds.
        """
        if self._finder is None:
            raise ConfigError(
                'the stream has no thresholds, so it finds no segments. Make it with '
                'Stream(..., thresholds=Thresholds(...)).'
            )
        settled, self._segments = self._segments, []
        return settled

    def close(self) -> list[Answer]:
        """End the stream and return the remaining answers.

        Then `segments()` returns the remaining segments.
        """
        answers: list[Answer] = []
        while self._next_block < self.windows.num_blocks(self._num_taken):
            answers += self._answer(self._num_taken)
        if self._finder is not None and not self._closed:
            self._keep(self._finder.close(self._num_taken))
        self._closed = True
        self._frames.clear()
        return answers

    def _checked(self, people: Any) -> np.ndarray:
        """Return people as (M, V, 3) float32; missing joints are 0."""
        joints, where = self.layout.num_joints, f'frame {self._num_pushed}'
        if people is None:
            return np.zeros((0, joints, 3), np.float32)
        try:
            given = np.asarray(people, np.float32)
        except (TypeError, ValueError) as error:
            raise DataError(f'{where}: is no array of numbers ({error}).') from error
        given = given[None] if given.ndim == 2 else given
        if given.ndim != 3 or given.shape[1:] != (joints, 3):
            raise DataError(
                f'{where}: has shape {np.shape(people)}. Expected (people, {joints}, 3), the '
                f'joints of layout {self.layout.name}: x px, y px, score.'
            )
        if np.isinf(given).any():
            raise DataError(f'{where}: holds infinity. Expected pixels, or NaN.')
        return np.where(np.isnan(given).any(-1, keepdims=True), np.float32(0), given)

    def _take(self, frame: np.ndarray) -> list[Answer]:
        """Take a frame of the camera as often as the frame rate of the windows needs it."""
        self._num_pushed += 1
        answers: list[Answer] = []
        while source_frames(np.array(self._num_taken), self._rate) < self._num_pushed:
            self._frames.append(frame)
            self._num_taken += 1
            last = self.windows.every * (self._next_block + 1) - self.windows.stride
            if self._num_taken >= last + self.windows.behind:
                answers += self._answer(last + self.windows.behind)
        return answers

    def _answer(self, num_frames: int) -> list[Answer]:
        """Answer for the next block, and drop the frames that no later block sees."""
        block = self.windows.block(self._next_block, num_frames)
        first = block.start - self._first
        frames = [self._frames[i] for i in range(first, block.stop - self._first)]
        probs = self.spotter.block_scores(self._clip(frames, block.start), block)
        if self._finder is not None:
            self._keep(self._finder.add(block.middles, probs))

        # Drop the frames in front of the next block.
        self._next_block += 1
        needed = self._next_block * self.windows.every - self.windows.before
        while self._frames and self._first < needed:
            self._frames.popleft()
            self._first += 1
        places = source_frames(block.middles, self._rate).tolist()
        return [Answer(place, row) for place, row in zip(places, probs)]

    def _clip(self, frames: Sequence[np.ndarray], start: int) -> dict[str, Any]:
        """Make an annotation of frames with different numbers of people."""
        people = max(1, max(map(len, frames)))
        points = np.zeros((people, len(frames), self.layout.num_joints, 3), np.float32)
        for t, frame in enumerate(frames):
            points[: len(frame), t] = frame
        clip: dict[str, Any] = {
            'frame_dir': f'stream@{start}',
            'label': -1,
            'total_frames': len(frames),
            'keypoint': points[..., :2],
            'keypoint_score': points[..., 2],
        }
        if self.img_shape is not None:
            clip |= {'img_shape': self.img_shape, 'original_shape': self.img_shape}
        return clip

    def _keep(self, settled: Sequence[Segment]) -> None:
        """Keep settled segments, in frames of the camera, for the next call of `segments`."""
        self._segments += in_file_frames(settled, 0, self._num_pushed, self._rate)
