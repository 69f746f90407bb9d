"""What a model from init_recognizer takes of a clip: its pipeline and its network say it."""

from __future__ import annotations

from typing import Literal

from torch import nn

from ..datasets import Compose
from ..datasets.pipelines import (
    BodyUnits2D,
    GeneratePoseTarget,
    Heatmap2Potion,
    PreNormalize2D,
    PreNormalize3D,
    Project3D,
)
from ..datasets.pipelines.base import is_ours
from ..inference.clips import Wanted
from .odd_data import expected_of
from .video_clips import takes_only_pictures, takes_pictures


def wanted_of(model: nn.Module) -> Wanted:
    """Ask a model with its test pipeline (`pipeline`) and recipe (`cfg`)."""
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
    """The first step that works on a picture only, or in space only, and whether it is in space.

    (None, False) where all steps take both.
    """
    for step in pipeline.steps:
        in_space = isinstance(step, (PreNormalize3D, Project3D))
        in_picture = {'keypoint', 'img_shape'} <= set(getattr(step, 'needs', ()))
        if in_space or in_picture or isinstance(step, (PreNormalize2D, BodyUnits2D)):
            return type(step).__name__, in_space
    return None, False


def num_joints_of(model: nn.Module) -> int | None:
    """Return how many joints a clip must have; None where nobody says it.

    That says the layout of a step of the pipeline, the network's graph, or the number of heatmaps.
    """
    layout, steps = expected_of(model.pipeline).layout, model.pipeline.steps
    if layout is not None:
        return layout.num_joints
    if not all(map(is_ours, steps)):  # they may make other joints of the clip's
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
