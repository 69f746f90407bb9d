"""Determine from pipeline and network which clips a model from init_recognizer takes."""

from __future__ import annotations

from typing import Literal

from ..datasets import Compose
from ..datasets.pipelines import (
    ArrayDecode,
    BodyUnits2D,
    GeneratePoseTarget,
    Heatmap2Potion,
    PreNormalize2D,
    PreNormalize3D,
    Project3D,
)
from ..datasets.pipelines.base import is_ours
from ..datasets.video_checks import reads_videos
from ..inference.clips import Wanted
from ..skeletons import Layout
from .odd_data import expected_of
from .trained import TrainedRecognizer


def wanted_of(model: TrainedRecognizer) -> Wanted:
    """Return what a model with a test pipeline and a recipe takes of a clip."""
    pipeline, expected = model.pipeline, expected_of(model.pipeline)
    step, in_space = _needs(pipeline)
    joints = _num_joints(model, expected.layout)
    return Wanted(str(model.cfg.filename), step, in_space, joints, expected, _pictures(pipeline))


def _pictures(pipeline: Compose) -> Literal['no', 'beside', 'alone']:
    """Return whether a pipeline reads no pictures, some beside key points, or only pictures."""
    steps = pipeline.steps
    if not reads_videos(steps) and not any(isinstance(step, ArrayDecode) for step in steps):
        return 'no'
    needs_joints = any('keypoint' in getattr(step, 'needs', ()) for step in steps)
    gives_joints = any('Pose_inds' in getattr(step, 'gives', ()) for step in steps)
    return 'beside' if needs_joints or gives_joints else 'alone'


def _needs(pipeline: Compose) -> tuple[str | None, bool]:
    """Return the first step that works only in pictures or only in space, and whether in space.

    (None, False) where all steps take both.
    """
    for step in pipeline.steps:
        in_space = isinstance(step, (PreNormalize3D, Project3D))
        in_picture = {'keypoint', 'img_shape'} <= set(getattr(step, 'needs', ()))
        if in_space or in_picture or isinstance(step, (PreNormalize2D, BodyUnits2D)):
            return type(step).__name__, in_space
    return None, False


def _num_joints(model: TrainedRecognizer, layout: Layout | None) -> int | None:
    """Return how many joints a clip must have, or None if that is unknown.

    The layout of a pipeline step, the network's graph, or the number of heatmaps tells it.
    """
    steps = model.pipeline.steps
    if layout is not None:
        return layout.num_joints
    if not all(map(is_ours, steps)):  # custom steps may change the joints
        return None
    graph = getattr(model.backbone, 'graph', None)
    if graph is not None:
        return graph.num_joints
    specs = [step.spec for step in steps if isinstance(step, GeneratePoseTarget)]
    channels = getattr(model.backbone, 'in_channels', None)
    if isinstance(channels, tuple):  # of frames and of heatmaps
        channels = channels[-1]
    if not isinstance(channels, int) or not specs or not specs[0].with_kp:
        return None
    for step in steps:
        if isinstance(step, Heatmap2Potion):
            channels //= step.colours_of_joint
    return channels - len(specs[0].skeletons) * specs[0].with_limb
