"""Determine from pipeline and network which clips a model from init_recognizer takes."""

from __future__ import annotations

from typing import Literal

from ..datasets import Compose
from ..datasets.pipelines import (
    BodyUnits2D,
    GeneratePoseTarget,
    PreNormalize2D,
    PreNormalize3D,
    Project3D,
)
from ..datasets.pipelines.base import is_ours
from ..inference.clips import Wanted
from .odd_data import expected_of
from .trained import TrainedRecognizer
from .video_clips import takes_only_pictures, takes_pictures


def wanted_of(model: TrainedRecognizer) -> Wanted:
    """Return what a model with a test pipeline and a recipe takes of a clip."""
    step, in_space = _needs(model.pipeline)
    return Wanted(
        str(model.cfg.filename),
        step,
        in_space,
        num_joints_of(model),
        expected_of(model.pipeline),
        _pictures(model.pipeline),
    )


def _pictures(pipeline: Compose) -> Literal['no', 'beside', 'alone']:
    if takes_only_pictures(pipeline):
        return 'alone'
    return 'beside' if takes_pictures(pipeline) else 'no'


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


def num_joints_of(model: TrainedRecognizer) -> int | None:
    """Return how many joints a clip must have, or None if that is unknown.

    The layout of a pipeline step, the network's graph, or the number of heatmaps tells it.
    """
    layout, steps = expected_of(model.pipeline).layout, model.pipeline.steps
    if layout is not None:
        return layout.num_joints
    if not all(map(is_ours, steps)):  # custom steps may change the joints
        return None
    graph = getattr(model.backbone, 'graph', None)
    if graph is not None:
        return graph.num_joints
    specs = [step.spec for step in steps if isinstance(step, GeneratePoseTarget)]
    channels = getattr(model.backbone, 'in_channels', None)
    if not isinstance(channels, int) or not specs or not specs[0].with_kp:
        return None
    return channels - len(specs[0].skeletons) * specs[0].with_limb
