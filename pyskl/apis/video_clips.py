"""Which pipelines read pictures, and where the pictures of a clip are."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ..annotations.clip_names import video_file
from ..annotations.fields import start_of
from ..datasets import Compose
from ..datasets.pipelines import ArrayDecode
from ..datasets.pipelines.decoding import open_clip
from ..datasets.video_checks import needs_length, reads_videos
from ..inference.videos import Clip


def takes_pictures(pipeline: Compose) -> bool:
    """Return whether a pipeline reads pictures, with key points or without."""
    return reads_videos(pipeline) or any(isinstance(step, ArrayDecode) for step in pipeline.steps)


def takes_only_pictures(pipeline: Compose) -> bool:
    """Return whether a pipeline reads pictures, and no step needs key points."""
    needed = {key for step in pipeline.steps for key in getattr(step, 'needs', ())}
    gives = {key for step in pipeline.steps for key in getattr(step, 'gives', ())}
    return takes_pictures(pipeline) and 'keypoint' not in needed and 'Pose_inds' not in gives


def located(pipeline: Compose, clip: Mapping[str, Any], data_prefix: str | None) -> Clip:
    """Return what a clip's decoding needs: `filename`, `start_frame`, and total_frames where a step
    asks for it before the video is opened.

    Args:
        pipeline: reads pictures.
        clip: as video_clip gives it, or an annotation of key points.
        data_prefix: the config's folder of videos, for names that are no files as they stand.
    """
    entries: Clip = {'start_frame': start_of(clip)}
    if clip.get('array') is None:
        name = video_file(os.fspath(clip.get('filename') or clip['frame_dir']))
        in_folder = os.path.join(data_prefix or '', name)
        entries['filename'] = name if os.path.exists(name) else in_folder
    if 'total_frames' not in clip and needs_length(pipeline):
        with open_clip({**clip, **entries}) as video:
            entries['total_frames'] = len(video) - entries['start_frame']
    return entries
