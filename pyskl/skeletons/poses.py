"""Measure the poses of a clip: which joints are there, and which wrist the hands are near."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .layout import Layout

SIDES = ('right', 'left')


def is_present(keypoint: np.ndarray, score: np.ndarray | None = None) -> np.ndarray:
    """Return which joints are there: at a finite place other than the origin, with a score above 0.

    Pose estimators and annotation files write a joint that was not found as x = y = score = 0; NaN
    and infinity, in the place or the score, stand for a missing joint, too.

    Args:
        keypoint: (..., V, C) joint positions, C = 2 or 3 coordinates (a third one is z, no score).
        score: (..., V) confidence of each joint; None: only the places tell.

    Returns:
        (..., V) bool.
    """
    # One coordinate after the other: numpy is slow over a last axis as short as this.
    coordinates = [keypoint[..., c] for c in range(keypoint.shape[-1])]
    present = coordinates[0] != 0
    for values in coordinates[1:]:
        present = present | (values != 0)
    for values in coordinates:
        present &= np.isfinite(values)
    return present if score is None else present & (score > 0) & (score < np.inf)


def num_frames_filled(present: np.ndarray) -> int:
    """Return the number of frames up to the last that shows anybody; short clips end empty.

    Args:
        present: (M, T, V) which joints are there.

    Returns:
        0..T; 0 where nobody is there at all.
    """
    filled = np.flatnonzero(present.any((0, 2)))
    return int(filled[-1]) + 1 if len(filled) else 0


@dataclass(frozen=True)
class PoseFacts:
    """What was measured on one clip; `is_present` says which joints are there.

    Attributes:
        filled: frames up to the last one with a joint; 0 when the clip holds nothing.
        holes: frames before that without any joint.
        there: joints that are there, over people and frames.
        possible: how many joints there could be in the filled frames.
        placed: joints at a place other than the origin, whatever their score.
        outside: how many of those there lie outside the picture.
        outside_swapped: the same if img_shape were (w, h).
        lowest: lowest x or y in px.
        highest: highest x or y in px.
        steps: mean |dx| + |dy| in px from one frame to the next, and from one joint to the next;
            None where there are no neighbours.
        score: (lowest, highest).
        depth: (lowest, highest) third coordinate; None in pictures.
        lean: mean (dx, dy) in px from the head to the middle of the hips (or shoulders); None where
            few frames show them.
        hands: distances from the wrists to the hands; None where the layout has none.
    """

    filled: int
    holes: int
    there: int
    possible: int
    placed: int
    outside: int
    outside_swapped: int
    lowest: float
    highest: float
    steps: tuple[float, float] | None
    score: tuple[float, float]
    depth: tuple[float, float] | None = None
    lean: tuple[float, float] | None = None
    hands: HandDistances | None = None

    @property
    def reach(self) -> float:
        """The largest |x| or |y| in px."""
        return max(-self.lowest, self.highest)


def measure(
    annotation: Mapping[str, Any], hands: Hands | None = None, trunk: Trunk | None = None
) -> PoseFacts:
    """Measure a clip.

    Args:
        annotation: cleaned (fields.clean_fields), with the joints of the layout of `hands` and
            `trunk`.
        hands: of the layout; None: not measured.
        trunk: of the layout; None: not measured.
    """
    total = annotation['total_frames']
    keypoint, score = annotation['keypoint'][:, :total], annotation.get('keypoint_score')
    score = np.ones(keypoint.shape[:3], np.float32) if score is None else score[:, :total]
    xy, there = keypoint[..., :2], is_present(keypoint, score)  # there: (M, T, V)
    depth = None
    if keypoint.shape[-1] == 3:
        depth = float(keypoint[..., 2].min()), float(keypoint[..., 2].max())
    filled = num_frames_filled(there)
    outside = outside_swapped = 0
    if 'img_shape' in annotation:
        h, w = annotation['img_shape']
        outside, outside_swapped = _outside(xy, there, h, w), _outside(xy, there, w, h)
    holes = filled - int(there.any((0, 2)).sum())
    return PoseFacts(
        filled,
        holes,
        int(there.sum()),
        filled * there.shape[0] * there.shape[2],
        int(is_present(keypoint).sum()),
        outside,
        outside_swapped,
        float(xy.min()),
        float(xy.max()),
        _steps(xy, there),
        (float(score.min()), float(score.max())),
        depth,
        trunk.lean(xy, there) if trunk else None,
        hands.distances(xy, there) if hands else None,
    )


def _steps(xy: np.ndarray, there: np.ndarray) -> tuple[float, float] | None:
    """Return mean |dx| + |dy| along frames, and along joints; None where there are no neighbours.

    Args:
        xy: (M, T, V, 2).
        there: (M, T, V) which joints are there.
    """
    both = there[:, 1:] & there[:, :-1], there[:, :, 1:] & there[:, :, :-1]
    if not both[0].any() or not both[1].any():
        return None
    moved = np.abs(xy[:, 1:] - xy[:, :-1]).sum(-1), np.abs(xy[:, :, 1:] - xy[:, :, :-1]).sum(-1)
    return float(moved[0][both[0]].mean()), float(moved[1][both[1]].mean())


def _outside(xy: np.ndarray, there: np.ndarray, h: int, w: int) -> int:
    x, y = xy[..., 0], xy[..., 1]
    return int((there & ((x < 0) | (y < 0) | (x > w) | (y > h))).sum())


@dataclass(frozen=True)
class Trunk:
    """The head and a pair of joints below it, which tell whether people are upright."""

    head: int
    below: tuple[int, int]

    @classmethod
    def of(cls, layout: Layout | None) -> Trunk | None:
        """Return a layout's trunk; None unless it has a head, and hips or shoulders."""
        place = {} if layout is None else {name: j for j, name in enumerate(layout.joints)}
        head = place.get('nose', place.get('head'))
        for part in ('hip', 'shoulder'):
            pair = f'left {part}', f'right {part}'
            if head is not None and place.keys() >= set(pair):
                return cls(head, (place[pair[0]], place[pair[1]]))
        return None

    def lean(self, xy: np.ndarray, there: np.ndarray) -> tuple[float, float] | None:
        """Return the mean (dx, dy) in px; None where under 4 frames show all three joints.

        Args:
            xy: (M, T, V, 2).
            there: (M, T, V) which joints are there.
        """
        joints = [self.head, *self.below]
        shown = xy[:, :, joints][there[:, :, joints].all(-1)]  # (n, 3, 2)
        head, *below = shown.astype(np.float64).swapaxes(0, 1)  # 3 x (n, 2)
        if len(head) < 4:
            return None
        dx, dy = (np.mean(below, 0) - head).mean(0)
        return float(dx), float(dy)


@dataclass(frozen=True)
class HandDistances:
    """Distances from each wrist [right, left] to the finger tips called [right, left].

    Attributes:
        px: (2, 2) sums of distances.
        number: (2, 2) how many there are.
    """

    px: np.ndarray
    number: np.ndarray


class Hands:
    """The wrists and finger tips of a layout, which tell the wrist that each hand hangs from."""

    def __init__(self, layout: Layout):
        self.wrists = [layout.joints.index(f'{side} wrist') for side in SIDES]
        tips = [j for j, name in enumerate(layout.joints) if name.endswith(' tip')]
        self.tips = [[j for j in tips if layout.joints[j].startswith(side)] for side in SIDES]

    @classmethod
    def of(cls, layout: Layout | None) -> Hands | None:
        """Return a layout's hands; None unless it has two wrists, and as many finger tips each."""
        if layout is None or not {f'{side} wrist' for side in SIDES} <= set(layout.joints):
            return None
        hands = cls(layout)
        return hands if len(hands.tips[0]) == len(hands.tips[1]) > 1 else None

    def distances(self, xy: np.ndarray, there: np.ndarray) -> HandDistances:
        """Measure from each wrist to each finger tip, where both are there.

        Args:
            xy: (M, T, V, 2).
            there: (M, T, V) which joints are there.
        """
        wrist = xy[:, :, self.wrists][:, :, :, None, None]  # (M, T, 2, 1, 1, 2)
        tips = xy[:, :, self.tips][:, :, None]  # (M, T, 1, 2, n, 2)
        wrist_there = there[:, :, self.wrists][:, :, :, None, None]
        both = wrist_there & there[:, :, self.tips][:, :, None]  # (M, T, 2, 2, n)
        distance = np.sqrt(((wrist - tips).astype(np.float64) ** 2).sum(-1))
        return HandDistances((distance * both).sum((0, 1, 4)), both.sum((0, 1, 4)))

    def first_hand(self) -> str:
        """Return the side of the hand that comes first among the joints."""
        return SIDES[0] if self.tips[0][0] < self.tips[1][0] else SIDES[1]
