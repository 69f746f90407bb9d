"""Spotting while a camera runs: frames of key points go in one at a time, class scores come out.

stream = Stream(spotter, 'imigue22', fps=30)
for people in camera:                       # (M, V, 3) x px, y px, score; None: a dropped frame
    for answer in stream.push(people):
        print(answer.frame, answer.probs.argmax())
stream.close()                              # the answers that were still waiting for frames
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..annotations.pose_fields import missing_as_zeros
from ..errors import ConfigError, DataError
from ..skeletons import layout_of
from .spotting import Spotter, frames_taken

MOST_DROPPED = 20_000  # frames, about ten minutes


@dataclass(frozen=True)
class Answer:
    """What happens at one frame.

    Attributes:
        frame: number of the frame, counted from the first that went in.
        probs: (K,) class probabilities, as spotting a whole recording gives them.
    """

    frame: int
    probs: np.ndarray


class Stream:
    """Frames in, answers out, in the memory of one block of windows.

    Answers come every `every` frames, for the middles of that block, once the longest window around
    the last of them is whole. They are those of Spotter.scores on the same frames with the same
    `every`: a block depends on its own frames alone.

    Args:
        spotter: the trained networks and their windows; from load_spotter.
        layout: of the key points, a name or a dict, which says how many joints a frame has.
        fps: frames a second that go in; None: those that the windows count in. Frames are dropped,
            or taken again, to bring one to the other.
        img_shape: (h, w) of the picture in pixels, for networks that need it.
        every: frames from one block of answers to the next; None: about a second's worth (32).

    Raises:
        ConfigError: a layout of other joints than the network takes; fps where the windows have none.
    """

    def __init__(
        self,
        spotter: Spotter,
        layout: str | dict,
        fps: float | None = None,
        img_shape: Sequence[int] | None = None,
        every: int | None = None,
    ):
        self.spotter, self.layout = spotter, layout_of(layout)
        wanted = spotter.num_joints
        if wanted is not None and self.layout.num_joints != wanted:
            raise ConfigError(
                f'layout {self.layout.name} has {self.layout.num_joints} joints, but the network takes '
                f'{wanted}. Give the layout that it was trained on.'
            )
        if fps is not None and not 0 < fps < 1000:
            raise ConfigError(f'fps = {fps}: expected frames a second, above 0 and below 1,000.')
        if fps is not None and spotter.windows.fps is None:
            raise ConfigError(
                f'fps = {fps:g}: the config does not say the rate of its data. Add fps to its '
                'RecordingDataset, or leave fps out.'
            )
        self.windows = spotter.windows.in_blocks(every or 32)
        self.img_shape = None if img_shape is None else tuple(img_shape)
        self._rate = spotter.rate(fps)
        self._pushed = 0  # frames that went in
        self._taken = 0  # frames of the windows so far
        self._block = 0  # the next block to answer for
        self._kept: deque[np.ndarray] = deque()  # (M, V, 3), the latest frames of the windows
        self._first = 0  # which of the windows' frames the first kept one is
        self._closed = False

    def push(self, people: Any = None, number: int | None = None) -> list[Answer]:
        """Take the next frame.

        Args:
            people: (M, V, 3) x px, y px, score of M people, or (V, 3) of one; people may come and go
                from frame to frame. NaN, or 0, 0, 0: a missing joint. None: a dropped frame, in which
                nobody is seen.
            number: of the frame, counted from 0, where the camera counts them; frames that it skips
                are dropped ones.

        Returns:
            The answers that this frame completes; mostly none.

        Raises:
            DataError: another shape, or a number that went by already or lies far ahead.
        """
        if self._closed:
            raise DataError('the stream is closed. Begin a new one.')
        if number is not None and not self._pushed <= number <= self._pushed + MOST_DROPPED:
            raise DataError(
                f'frame {number}: expected {self._pushed}, or a later one after at most {MOST_DROPPED:,} '
                'dropped frames. Count frames from 0, or begin a new stream after a longer pause.'
            )
        frame = self._frame(people)
        answers: list[Answer] = []
        while number is not None and self._pushed < number:
            answers += self._take(self._frame(None))
        return answers + self._take(frame)

    def close(self) -> list[Answer]:
        """End the stream: the answers whose windows reach over its end."""
        self._closed = True
        answers: list[Answer] = []
        while self._block < self.windows.num_blocks(self._taken):
            answers += self._answer(self._taken)
        self._kept.clear()
        return answers

    def _frame(self, people: Any) -> np.ndarray:
        """Return people as (M, V, 3) float32, missing joints 0."""
        joints = self.layout.num_joints
        if people is None:
            return np.zeros((0, joints, 3), np.float32)
        try:
            given = np.asarray(people, np.float32)
        except (TypeError, ValueError) as error:
            raise DataError(f'frame {self._pushed}: is no array of numbers ({error}).') from error
        given = given[None] if given.ndim == 2 else given
        if given.ndim != 3 or given.shape[1:] != (joints, 3):
            raise DataError(
                f'frame {self._pushed}: has shape {np.shape(people)}. Expected (people, {joints}, 3), the '
                f'joints of layout {self.layout.name}: x px, y px, score.'
            )
        if np.isinf(given).any():
            raise DataError(f'frame {self._pushed}: holds infinity. Expected pixels, or NaN.')
        xy, score = missing_as_zeros(given[..., :2], given[..., 2])
        return np.concatenate([xy, score[..., None]], -1)

    def _take(self, frame: np.ndarray) -> list[Answer]:
        """Count one frame of the camera, and keep it as often as the windows' rate asks for."""
        self._pushed += 1
        answers: list[Answer] = []
        while frames_taken(np.array(self._taken), self._rate) < self._pushed:
            self._append(frame)
            last = self.windows.every * (self._block + 1) - self.windows.stride
            if self._taken >= last + self.windows.behind:
                answers += self._answer(last + self.windows.behind)
        return answers

    def _append(self, frame: np.ndarray) -> None:
        self._kept.append(frame)
        self._taken += 1

    def _answer(self, num_frames: int) -> list[Answer]:
        """Answer for the next block, and forget the frames that no later one sees."""
        block = self.windows.block(self._block, num_frames)
        first = block.start - self._first
        frames = [self._kept[i] for i in range(first, block.stop - self._first)]
        people = max(1, max(map(len, frames)))
        keypoint = np.zeros((people, len(frames), self.layout.num_joints, 3), np.float32)
        for t, frame in enumerate(frames):
            keypoint[: len(frame), t] = frame
        clip: dict[str, Any] = {
            'frame_dir': f'stream@{block.start}',
            'label': -1,
            'total_frames': len(frames),
            'keypoint': keypoint[..., :2],
            'keypoint_score': keypoint[..., 2],
        }
        if self.img_shape is not None:
            clip |= {'img_shape': self.img_shape, 'original_shape': self.img_shape}
        probs = self.spotter.block_scores(clip, block)
        self._block += 1
        needed = self._block * self.windows.every - self.windows.before
        while self._kept and self._first < needed:
            self._kept.popleft()
            self._first += 1
        return [
            Answer(int(frames_taken(middle, self._rate)), row)
            for middle, row in zip(block.middles, probs)
        ]
