"""Videos as a form of raw data, which tools/extract_pose.py converts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from tqdm import tqdm

from ...annotations.clip_names import VIDEOS
from ...errors import UserError
from ..poses import PoseSource
from ..source import Annotation, Unit
from ..tracking import Boxes
from .estimator import Estimator
from .frames import VideoReader

MIN_SCORE = 0.3


@dataclass
class Videos(PoseSource, listed=False):
    """The people in videos, one clip per video, with all frames, also empty ones.

    Args:
        estimator: finds the people.
        min_score: joints with a lower score are missing.
    """

    form = 'video'
    reads = f'videos ({", ".join(VIDEOS[:5])} ...)'
    suffixes = VIDEOS

    estimator: Estimator = field(kw_only=True)
    min_score: float = MIN_SCORE

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.min_score <= 1:
            raise UserError(f'--min-score {self.min_score:g}: expected 0 to 1.')

    def layout(self, num_joints: int) -> str | None:
        """Return the estimator's layout."""
        return self.estimator.layout

    def read(self, unit: Unit) -> Iterator[Annotation]:
        """Yield the video's clip."""
        video = VideoReader(unit.path)
        found = self.estimator.people(video, video.size)
        bar = tqdm(found, unit.name, video.num_frames, unit=' frames', leave=False, disable=None)
        people = [self._seen(each, video.size) for each in bar]
        numbers = np.repeat(np.arange(len(people)), [len(each) for each in people])
        boxes = Boxes(np.concatenate(people), numbers, len(people))
        if video.fps is None:
            self.note('the file states no frame rate, so the annotation has none', unit.name)
        for annotation in self.clip(unit.name, boxes, img_shape=video.size, normalised=False):
            rate = {} if video.fps is None else {'fps': video.fps}
            yield annotation | {'filename': unit.path.as_posix()} | rate

    def _seen(self, people: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Set joints that are unsure or outside the picture to zero; drop people without joints."""
        x, y, score = np.moveaxis(people, -1, 0)
        with np.errstate(invalid='ignore'):  # NaN is a joint that was not found
            there = (score > 0) & (score >= self.min_score)
            there &= (x >= 0) & (y >= 0) & (x <= size[1]) & (y <= size[0])
        people = np.where(there[..., None], people, np.float32(0))
        return people[there.any(axis=1)]
