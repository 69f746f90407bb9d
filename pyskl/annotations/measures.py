"""Measure clips: all of a file for `check_data`, a bounded sample when a training starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..skeletons import Layout, guess_layout
from ..skeletons.poses import Hands, PoseFacts, Trunk, measure
from .compressed import is_compressed

MOST_CLIPS, MOST_FRAMES = 64, 512  # of a sample


@dataclass(frozen=True)
class MeasuredClip:
    """One clip, measured.

    Attributes:
        name: frame_dir.
        shape: (M, T, V, C) of `keypoint`.
        size: img_shape (h, w); None where the clip has none.
        pose: what was measured of the key points.
    """

    name: str
    shape: tuple[int, int, int, int]
    size: tuple[int, int] | None
    pose: PoseFacts


def measure_clip(annotation: Mapping[str, Any], layout: Layout | None = None) -> MeasuredClip:
    """Measure a cleaned clip (fields.clean_fields).

    Args:
        annotation: the clip.
        layout: its joints, if known; a layout with another number of joints is ignored.
    """
    clip = _boxes_as_frames(annotation) if is_compressed(annotation) else annotation
    shape = clip['keypoint'].shape
    hands = trunk = None
    if shape[3] == 2:
        fits = layout is not None and layout.num_joints == shape[2]
        hands = Hands.of(layout) if fits else None
        trunk = Trunk.of(layout if fits else guess_layout(shape[2]))
    return MeasuredClip(
        clip['frame_dir'], shape, clip.get('img_shape'), measure(clip, hands, trunk)
    )


def sample_rows(num_clips: int, most: int = MOST_CLIPS) -> list[int]:
    """Return the indices of at most `most` clips, evenly spread."""
    return np.linspace(0, num_clips - 1, min(num_clips, most)).round().astype(int).tolist()


def measure_sample(
    clips: Sequence[Mapping[str, Any]], layout: Layout | None = None
) -> list[MeasuredClip]:
    """Measure the first MOST_FRAMES frames of a sample of clips."""
    return [measure_clip(_first_frames(clips[i]), layout) for i in sample_rows(len(clips))]


def _first_frames(annotation: Mapping[str, Any]) -> Mapping[str, Any]:
    if is_compressed(annotation):
        return {**annotation, 'keypoint': annotation['keypoint'][:MOST_FRAMES]}
    return {**annotation, 'total_frames': min(annotation['total_frames'], MOST_FRAMES)}


def _boxes_as_frames(annotation: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return boxes as one person, one box in every other frame.

    Consecutive boxes may be two people; the empty frames between them keep motion from being
    measured.
    """
    boxes = annotation['keypoint']  # (X, V, 3)
    people = np.zeros((1, max(1, 2 * len(boxes)), *boxes.shape[1:]), np.float32)
    people[0, : 2 * len(boxes) : 2] = boxes
    xy, score = people[..., :2], people[..., 2]
    return {**annotation, 'keypoint': xy, 'keypoint_score': score, 'total_frames': people.shape[1]}
