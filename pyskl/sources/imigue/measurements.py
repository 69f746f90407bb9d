"""Measure a sample of converted clips: picture size, unit, scores, the wrist of the first hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...annotations.measures import measure_clip, sample_rows
from ...annotations.plausibility import METRIC, find_hands
from ...skeletons import Layout, is_present
from ...skeletons.poses import SIDES, Hands
from ..source import Annotation

SAMPLE = 400  # clips that are measured
MANY = 100  # clips that can be expected to fill the picture
OUTLIERS = 0.01  # fraction of joints that may be outliers

# (h, w) px of videos, the smaller ones first.
SIZES = ((480, 640), (480, 854), (720, 1280), (1080, 1920), (1440, 2560), (2160, 3840))


@dataclass(frozen=True)
class Measurements:
    """Measurements of a sample.

    Attributes:
        reach: largest (x, y) of a present joint; None where nobody is seen.
        size: (h, w) px that holds the joints: the assumed size or a larger one; None where none
            does.
        smaller: (h, w) px of a smaller picture that holds all joints of many clips, or None.
        outside: fraction of joints outside the assumed size.
        bad_scores: fraction of scores outside 0..1.
        first_hand: 'left', 'right', 'unclear'; None without hands.
        distances: mean distances, px, from the first hand's finger tips to the nearer wrist and to
            the other.
    """

    reach: tuple[float, float] | None
    size: tuple[int, int] | None
    smaller: tuple[int, int] | None
    outside: float
    bad_scores: float
    first_hand: str | None = None
    distances: Sequence[float] = ()

    def not_in_pixels(self) -> bool:
        """Return whether the coordinates look like metres, or like fractions of the picture."""
        return self.reach is not None and max(self.reach) <= METRIC


def measure(
    clips: Sequence[Annotation], assumed: tuple[int, int], layout: Layout | None
) -> Measurements:
    """Measure a sample of clips.

    Args:
        clips: annotations in pixels.
        assumed: (h, w) px of the picture, from the user or by default.
        layout: of the joints, to find the hands; None if it is unknown.
    """
    chosen = [clips[i] for i in sample_rows(len(clips), SAMPLE)]
    hands = Hands.of(layout)
    there = [is_present(clip['keypoint'], clip['keypoint_score']) for clip in chosen]
    joints, seen = (  # (n, 2), (n,)
        np.concatenate([clip[key][present] for clip, present in zip(chosen, there)])
        for key in ('keypoint', 'keypoint_score')
    )
    if not len(joints):
        return Measurements(None, assumed, None, 0.0, 0.0)
    sizes = [assumed, *(size for size in SIZES if size[0] > assumed[0] and size[1] > assumed[1])]
    fits = (size for size in sizes if _outside(joints, size) <= OUTLIERS)
    bad = float(((seen < 0) | (seen > 1)).mean())
    x, y = np.abs(joints).max(0).tolist()
    holds = (size for size in SIZES if y <= size[0] < assumed[0] and x <= size[1] < assumed[1])
    smaller = next(holds, None) if len(chosen) >= MANY else None
    measured = Measurements((x, y), next(fits, None), smaller, _outside(joints, assumed), bad)
    found = hands and find_hands([measure_clip(clip, layout) for clip in chosen], hands)
    if not (hands and found):
        return measured
    distances = sorted(found.mean[:, SIDES.index(hands.first_hand())].tolist())
    return replace(measured, first_hand=found.first or 'unclear', distances=distances)


def _outside(xy: np.ndarray, size: tuple[int, int]) -> float:
    h, w = size
    return float(((xy < 0) | (xy > (w, h))).any(1).mean())
