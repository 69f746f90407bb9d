"""What a sample of converted clips looks like: size of the picture, unit, scores, and which wrist the first hand hangs from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...annotations.measures import measure_clip, sample_rows
from ...annotations.plausibility import METRIC, find_hands
from ...skeletons import Layout, is_present
from ...skeletons.poses import SIDES, Hands

SAMPLE = 400  # clips that are looked at
MANY = 100  # clips of which one may expect to fill the picture
MUCH = 0.01  # share of joints from which something is no outlier any more

# (h, w) px of videos, the smaller ones first.
SIZES = ((480, 640), (480, 854), (720, 1280), (1080, 1920), (1440, 2560), (2160, 3840))


@dataclass(frozen=True)
class Looks:
    """Measured on a sample.

    Attributes:
        reach: largest (x, y) of a joint that is there; None where nobody is seen.
        size: (h, w) px that the joints ask for: the one told, or a larger one.
        smaller: (h, w) px of a smaller picture that holds all joints of many clips; None: there is none.
        outside: share of joints outside the size that was told.
        bad_scores: share of scores outside 0..1.
        first_hand: 'left', 'right', 'unclear'; None without hands.
        near, far: mean px from the first hand's tips to that wrist and to the other.
    """

    reach: tuple[float, float] | None
    size: tuple[int, int] | None
    smaller: tuple[int, int] | None
    outside: float
    bad_scores: float
    first_hand: str | None = None
    near: float = 0.0
    far: float = 0.0

    def no_pixels(self) -> bool:
        """Whether the coordinates look like metres, or like shares of the picture."""
        return self.reach is not None and max(self.reach) <= METRIC


def look_at(clips: Sequence[dict[str, Any]], told: tuple[int, int], layout: Layout | None) -> Looks:
    """Measure some of the clips.

    Args:
        clips: annotations in pictures.
        told: (h, w) px of the picture as the user, or the default, says.
        layout: of their joints, by which hands are found; None: not known.
    """
    chosen = [clips[i] for i in sample_rows(len(clips), SAMPLE)]
    hands = Hands.of(layout)
    xy, scores = [], []
    for clip in chosen:
        there = is_present(clip['keypoint'], clip['keypoint_score'])
        xy.append(clip['keypoint'][there])
        scores.append(clip['keypoint_score'][there])
    joints, seen = np.concatenate(xy), np.concatenate(scores)  # (n, 2), (n,)
    if not len(joints):
        return Looks(None, told, None, 0.0, 0.0)
    sizes = [told, *(size for size in SIZES if size[0] > told[0] and size[1] > told[1])]
    fits = (size for size in sizes if _outside(joints, size) <= MUCH)
    bad = float(((seen < 0) | (seen > 1)).mean())
    x, y = np.abs(joints).max(0).tolist()
    holds = (size for size in SIZES if y <= size[0] < told[0] and x <= size[1] < told[1])
    smaller = next(holds, None) if len(chosen) >= MANY else None
    looks = Looks((x, y), next(fits, None), smaller, _outside(joints, told), bad)
    if hands is None:
        return looks
    found = find_hands([measure_clip(clip, layout) for clip in chosen], hands)
    if found is None:
        return looks
    near, far = sorted(found.mean[:, SIDES.index(hands.first_hand())].tolist())
    return replace(looks, first_hand=found.first or 'unclear', near=near, far=far)


def _outside(xy: np.ndarray, size: tuple[int, int]) -> float:
    h, w = size
    return float(((xy < 0) | (xy > (w, h))).any(1).mean())
