"""What a pose estimator offers: the class Estimator. MediaPipe and rtmlib stand beside."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator

import numpy as np


class Estimator(ABC):
    """Finds people in the frames of one video after the other.

    Attributes:
        layout: name of the layout of its joints.
    """

    layout: str

    @abstractmethod
    def people(self, frames: Iterable[np.ndarray], size: tuple[int, int]) -> Iterator[np.ndarray]:
        """Yield the people of each frame of a video, as soon as it is there.

        Args:
            frames: (H, W, 3) uint8 RGB, in their order.
            size: (H, W) of all of them.

        Returns:
            (P, V, 3) float32 for each frame: x px, y px, score 0..1 of the joints of P people, in
            any order, P = 0 where nobody is found. A joint that is not found has score 0, or NaN.
            Closing the generator ends what it started.

        Raises:
            UserError: the estimator is not installed, or fails.
        """
