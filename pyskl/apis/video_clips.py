"""Which pipelines read pictures."""

from __future__ import annotations

from ..datasets import Compose
from ..datasets.pipelines import ArrayDecode
from ..datasets.video_checks import reads_videos


def takes_pictures(pipeline: Compose) -> bool:
    """Return whether a pipeline reads pictures, with key points or without."""
    return reads_videos(pipeline.steps) or any(
        isinstance(step, ArrayDecode) for step in pipeline.steps
    )


def takes_only_pictures(pipeline: Compose) -> bool:
    """Return whether a pipeline reads pictures, and no step needs key points."""
    needed = {key for step in pipeline.steps for key in getattr(step, 'needs', ())}
    gives = {key for step in pipeline.steps for key in getattr(step, 'gives', ())}
    return takes_pictures(pipeline) and 'keypoint' not in needed and 'Pose_inds' not in gives
