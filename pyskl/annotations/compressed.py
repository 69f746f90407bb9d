"""The compressed form of a clip: one row of key points for each box, as in PYSKL's Kinetics files.

It keeps a long clip small in which few people are seen for a few frames each:

    keypoint (X, V, 3)     x px, y px, score of X boxes
    frame_inds (X,)        the frame that each box lies in
    box_score (X,)         the detector's score of each; may be missing
    total_frames           frames of the clip, which boxes alone do not tell

`fields.clean_fields` reads it, the pipeline's DecompressPose makes people of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


def is_compressed(annotation: Mapping[str, Any]) -> bool:
    """Return whether a clip is in the compressed form."""
    keypoint = annotation.get('keypoint')
    is_rows = isinstance(keypoint, np.ndarray) and keypoint.ndim == 3
    return is_rows and annotation.get('frame_inds') is not None


def people_of_boxes(
    boxes: np.ndarray, frames: np.ndarray, num_frames: int, most: int | None = None
) -> np.ndarray:
    """Put the boxes of each frame side by side, in their order; nobody is tracked.

    Args:
        boxes: (X, V, 3) x, y, score.
        frames: (X,) the frame of each box, in any order.
        num_frames: T.
        most: people to keep. Where a frame has more boxes, those of every frame are ordered by the
            sum of their joints' scores, highest first. None: all, in the order given.

    Returns:
        (M, T, V, 3), zeros where nobody is; M = 1 without any box.
    """
    order = frames.argsort(kind='stable')
    boxes, frames = boxes[order], frames[order]
    people = np.arange(len(frames)) - np.searchsorted(frames, frames)  # rank within the frame
    if most is not None and len(people) and people.max() >= most:
        score = boxes[..., 2].sum(axis=1, dtype=np.float32)
        boxes = boxes[np.lexsort((-score, frames))]
        kept = people < most
        boxes, frames, people = boxes[kept], frames[kept], people[kept]
    num_people = int(people.max()) + 1 if len(people) else 1
    spread = np.zeros((num_people, num_frames, *boxes.shape[1:]), boxes.dtype)
    spread[people, frames] = boxes
    return spread


def decompressed(annotation: Mapping[str, Any], most: int | None = None) -> dict[str, Any]:
    """Return a compressed, cleaned clip in the usual form; `most` as in people_of_boxes."""
    boxes, frames = annotation['keypoint'], annotation['frame_inds']
    spread = people_of_boxes(boxes, frames, annotation['total_frames'], most)
    of_boxes = ('frame_inds', 'box_score', 'anno_inds')
    others = {k: v for k, v in annotation.items() if k not in of_boxes}
    return {**others, 'keypoint': spread[..., :2], 'keypoint_score': spread[..., 2]}
