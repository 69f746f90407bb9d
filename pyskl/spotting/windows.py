"""Windows that slide over a recording.

Windows of all lengths are centred on the same middles: 0, stride, 2 stride ... A window that
reaches over an end of the recording is cut there. Middles are scored in blocks of `every` frames.
All windows of a block are views of one sample: the frames that they share pass a network's first
layers once, and memory is that of one block however long the recording is. A block depends on its
own frames alone, so a stream of frames has the same scores as a whole recording.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ..errors import ConfigError

EVERY = 256  # frames of a block, about


@dataclass(frozen=True)
class Windows:
    """How windows slide over a recording; all lengths are in frames.

    Attributes:
        lengths: of the windows around each middle.
        stride: from one middle to the next.
        every: from one block to the next, a multiple of stride.
        fps: frame rate of these frames; None: unknown.
    """

    lengths: tuple[int, ...] = (64,)
    stride: int = 8
    every: int = EVERY
    fps: float | None = None

    def __post_init__(self) -> None:
        if not self.lengths or min(self.lengths) < 2 or len(set(self.lengths)) < len(self.lengths):
            raise ConfigError(
                f'lengths {list(self.lengths)}: expected frames from 2 on, each once.'
            )
        if not 1 <= self.stride <= min(self.lengths):
            raise ConfigError(
                f'stride {self.stride}: expected 1 to {min(self.lengths)}; with a longer one no '
                'window would see the frames in between.'
            )
        if self.every < self.stride or self.every % self.stride:
            raise ConfigError(
                f'every {self.every}: expected a multiple of the stride {self.stride}.'
            )
        if self.fps is not None and not 0 < self.fps < 1000:
            raise ConfigError(
                f'fps {self.fps:g}: expected frames a second, above 0 and below 1,000.'
            )

    def in_blocks(self, frames: int | None = None) -> Windows:
        """Return the same windows in blocks of about `frames` frames, by default EVERY."""
        whole = max(1, round((frames or EVERY) / self.stride))
        return replace(self, every=whole * self.stride)

    @property
    def before(self) -> int:
        """Frames of the longest window before its middle."""
        return max(length // 2 for length in self.lengths)

    @property
    def behind(self) -> int:
        """Frames of the longest window from its middle on."""
        return max(length - length // 2 for length in self.lengths)

    def block(self, index: int, num_frames: int) -> Block:
        """Return a block of a recording of `num_frames` frames, at least one."""
        first = index * self.every
        middles = np.arange(first, min(first + self.every, num_frames), self.stride)
        starts = np.stack([middles - length // 2 for length in self.lengths], 1)  # (N, L)
        spans = np.stack([starts, starts + np.array(self.lengths)], -1)
        spans = np.clip(spans, 0, num_frames)
        return Block(middles, spans, int(spans[..., 0].min()), int(spans[..., 1].max()))

    def blocks(self, num_frames: int) -> Iterator[Block]:
        """Yield the blocks of a recording."""
        for index in range(self.num_blocks(num_frames)):
            yield self.block(index, num_frames)

    def num_blocks(self, num_frames: int) -> int:
        """Return the number of blocks of a recording."""
        return -(-num_frames // self.every)


@dataclass(frozen=True)
class Block:
    """Neighbouring middles and their windows; frames are counted from the recording's first.

    Attributes:
        middles: (N,) frames.
        spans: (N, L, 2) first frame, and the frame after the last, of the windows of L lengths.
        start: first frame that any of them sees.
        stop: the frame after the last.
    """

    middles: np.ndarray
    spans: np.ndarray
    start: int
    stop: int
