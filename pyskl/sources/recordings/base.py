"""A recording: its key points, its segments, and the file that it is read from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...annotations.segments import Segment
from ...skeletons import is_present
from ..source import Annotation


@dataclass(frozen=True)
class Recording:
    """One recording.

    Attributes:
        name: '0187'.
        keypoint: (M, T, V, C) float32, 0 where a joint is missing.
        score: (M, T, V) float32; None if the file has none.
        img_shape: (h, w) pixels; None for key points in space.
        first: number of the first frame in labels and predictions.
        segments: the labels; None if there are none.
        notes: what was odd about the files and how it was read, a line each.
        fps: frames a second; None if unknown.
    """

    name: str
    keypoint: np.ndarray
    score: np.ndarray | None = None
    img_shape: tuple[int, int] | None = None
    first: int = 0
    segments: tuple[Segment, ...] | None = None
    notes: tuple[str, ...] = ()
    fps: float | None = None

    @property
    def num_frames(self) -> int:
        """T."""
        return self.keypoint.shape[1]

    def cut(self, start: int, stop: int, label: int = -1) -> Annotation:
        """Return frames start..stop-1, counted from 0, as an annotation whose arrays are views."""
        clip = {
            'frame_dir': f'{self.name}@{self.first + start}',
            'label': label,
            'total_frames': stop - start,
            'keypoint': self.keypoint[:, start:stop],
        }
        if self.score is not None:
            clip['keypoint_score'] = self.score[:, start:stop]
        if self.img_shape is not None:
            clip |= {'img_shape': self.img_shape, 'original_shape': self.img_shape}
        return clip

    def shown(self) -> np.ndarray:
        """Return which frames show somebody: (T,) bool."""
        return np.any(is_present(self.keypoint, self.score), (0, 2))


@dataclass(frozen=True)
class RecordingFile:
    """A recording that has not been read.

    Attributes:
        name: of the recording.
        split: 'train', 'val' or 'test'; None if unknown.
        path: of its file.
        kind: 'imigue', 'smg' or 'annotation'; their label files count classes differently.
    """

    name: str
    split: str | None
    path: Path
    kind: str
    _read: Callable[[], Recording] = field(repr=False, compare=False)

    def read(self) -> Recording:
        """Read the recording and its labels.

        Raises:
            DataError: a file is not as expected.
        """
        return self._read()
