"""The class Estimator: what a pose estimator must offer; see mediapipe.py and rtm.py."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator

import numpy as np


class Estimator(ABC):
    """Finds people in the frames of videos.

    Attributes:
        layout: name of the layout of its joints.
    """

    layout: str

    @abstractmethod
    def people(self, frames: Iterable[np.ndarray], size: tuple[int, int]) -> Iterator[np.ndarray]:
        """Yield the people of each frame of a video, as soon as the frame is there.

        Args:
            frames: (H, W, 3) uint8 RGB, in order.
            size: (H, W) of all of them.

        Returns:
            (P, V, 3) float32 for each frame: x px, y px, score 0..1 of the joints of P people, in
            any order, P = 0 where nobody is found. A joint that is not found has score 0, or NaN.
            Closing the generator ends the processes that it started.

        Raises:
            UserError: the estimator is not installed, or fails.
        """
