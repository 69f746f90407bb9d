"""What the poses of one clip look like: how much of them is there, in the picture, and near which wrist the hands are."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from . import Layout

SIDES = ('right', 'left')


@dataclass(frozen=True)
class PoseFacts:
    """Measured on one clip. A joint is there when its score is above 0 and it is not at (0, 0).

    filled     frames up to the last one with a joint; 0 when the clip holds nothing
    holes      frames before that without any joint
    there      joints that are there, over people and frames;  possible  how many there could be in the filled frames
    outside    of those there, how many lie out of the picture;  outside_swapped  the same were img_shape (w, h)
    reach      the largest |x| or |y|, px
    score      (lowest, highest)
    hand_px    (2, 2) summed distance in px from wrist [right, left] to the finger tips of the hand that the layout calls
               [right, left]; hand_count (2, 2) how many distances; None without hands
    """

    filled: int
    holes: int
    there: int
    possible: int
    outside: int
    outside_swapped: int
    reach: float
    score: tuple[float, float]
    hand_px: np.ndarray | None = None
    hand_count: np.ndarray | None = None


def measure(annotation: dict[str, Any], hands: Hands | None = None) -> PoseFacts:
    """annotation: cleaned (fields.clean_fields)."""
    total = annotation['total_frames']
    xy, score = annotation['keypoint'][:, :total, :, :2], annotation['keypoint_score'][:, :total]
    there = (score > 0) & (xy != 0).any(-1)                             # (M, T, V)
    frames = there.any((0, 2))
    filled = int(np.flatnonzero(frames)[-1]) + 1 if frames.any() else 0
    outside = outside_swapped = 0
    if 'img_shape' in annotation:
        h, w = annotation['img_shape']
        outside, outside_swapped = _outside(xy, there, h, w), _outside(xy, there, w, h)
    px, number = hands.distances(xy, there) if hands else (None, None)
    return PoseFacts(filled, filled - int(frames.sum()), int(there.sum()), filled * there.shape[0] * there.shape[2], outside,
                     outside_swapped, float(np.abs(xy).max()), (float(score.min()), float(score.max())), px, number)


def _outside(xy: np.ndarray, there: np.ndarray, h: int, w: int) -> int:
    x, y = xy[..., 0], xy[..., 1]
    return int((there & ((x < 0) | (y < 0) | (x > w) | (y > h))).sum())


class Hands:
    """The wrists and finger tips of a layout, to see which hand hangs from which wrist."""

    def __init__(self, layout: Layout):
        self.wrists = [layout.joints.index(f'{side} wrist') for side in SIDES]
        tips = [j for j, name in enumerate(layout.joints) if name.endswith(' tip')]
        self.tips = [[j for j in tips if layout.joints[j].startswith(side)] for side in SIDES]

    @classmethod
    def of(cls, layout: Layout | None) -> Hands | None:
        """None unless the layout has two wrists and as many finger tips on both sides."""
        if layout is None or not {f'{side} wrist' for side in SIDES} <= set(layout.joints):
            return None
        hands = cls(layout)
        return hands if len(hands.tips[0]) == len(hands.tips[1]) > 1 else None

    def distances(self, xy: np.ndarray, there: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """xy (M, T, V, 2), there (M, T, V) -> (2, 2) summed distance from wrist to hand, (2, 2) number of distances."""
        wrist = xy[:, :, self.wrists][:, :, :, None, None]              # (M, T, 2, 1, 1, 2)
        tips = xy[:, :, self.tips][:, :, None]                          # (M, T, 1, 2, n, 2)
        both = there[:, :, self.wrists][:, :, :, None, None] & there[:, :, self.tips][:, :, None]      # (M, T, 2, 2, n)
        distance = np.sqrt(((wrist - tips).astype(np.float64)**2).sum(-1))
        return (distance * both).sum((0, 1, 4)), both.sum((0, 1, 4))

    def first_hand(self) -> str:
        """The side of the hand that comes first among the joints."""
        return SIDES[0] if self.tips[0][0] < self.tips[1][0] else SIDES[1]
