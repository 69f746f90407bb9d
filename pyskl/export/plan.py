"""Which steps of a test pipeline are in the graph, and which whoever asks it does before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..datasets import Compose
from ..datasets.pipelines import (
    Collect,
    FormatShape,
    GeneratePoseTarget,
    GenSkeFeat,
    PreNormalize2D,
    PreNormalize3D,
    SampleFrames,
    ToTensor,
    UniformSampleDecode,
    UniformSampleFrames,
)
from ..datasets.pipelines.compose import flat_row
from ..errors import ConfigError
from ..models.backbones import SGN
from .features import MakeFeatures, NormalisePose
from .network import ExportedNetwork, GraphNetwork, HeatmapNetwork
from .pictures import PICTURE_STEPS, DrawHeatmaps, size_behind

SAMPLING = (UniformSampleFrames, UniformSampleDecode, SampleFrames)
AT_THE_END = (FormatShape, Collect, ToTensor)
OF_EACH_FRAME = {'j', 'b', 'k'}  # features that need no other frame


@dataclass(frozen=True)
class Plan:
    """A test pipeline, divided.

    Attributes:
        outside: the steps that come before the graph and their configs, in their order.
        inside: the steps that the graph computes.
        sampled: samples of each clip.
        clip_len: frames of a sample.
    """

    outside: list[tuple[Any, dict[str, Any]]]
    inside: list[Any]
    sampled: int
    clip_len: int

    @property
    def draws(self) -> bool:
        """Whether the graph draws heatmaps."""
        return bool(self.inside) and isinstance(self.inside[-1], GeneratePoseTarget)


def plan_of(
    pipeline: Compose, configs: Sequence[Mapping[str, Any]], channels: int, where: str
) -> Plan:
    """Divide a test pipeline: as many of its last steps as can be become part of the graph.

    For graph networks normalisation and features usually stand before the sampling. Where they look at
    each frame alone, they give the same behind it, and move there.

    Args:
        pipeline: the built steps.
        configs: as the config writes it.
        channels: C that the network takes.
        where: the pipeline's place, for messages.

    Raises:
        ConfigError: a step that no file can hold, no sampling, or heatmaps of no fixed size.
    """
    written = [step for step, _ in flat_row(configs)]
    row = [
        (step, dict(config) if isinstance(config, Mapping) else {'type': type(step).__name__})
        for step, config in zip(pipeline.steps, written, strict=True)
    ]
    while row and isinstance(row[-1][0], AT_THE_END):
        row.pop()
    at = next((i for i, (step, _) in enumerate(row) if isinstance(step, SAMPLING)), None)
    if at is None:
        raise ConfigError(
            f'{where}: samples no frames, so a clip would be as long as it comes. Expected '
            'UniformSampleFrames, UniformSample, UniformSampleDecode or SampleFrames in it.'
        )
    sampling = row[at][0]
    if isinstance(row[-1][0], GeneratePoseTarget):
        first = len(row) - 1
        while type(row[first - 1][0]) in PICTURE_STEPS:
            first -= 1
        outside, inside = row[:first], [step for step, _ in row[first:]]
        if size_behind(inside[:-1]) is None:
            raise ConfigError(
                f'{where}: the size of the heatmaps depends on the clip, and a graph has one. End with '
                'Resize(scale=(W, H), keep_ratio=False) or CenterCrop in front of GeneratePoseTarget.'
            )
    else:
        first = at - _movable([step for step, _ in row[:at]], sampling, channels)
        outside, inside = row[:first] + row[at:], [step for step, _ in row[first:at]]
    return Plan(outside, inside, sampling.num_clips, sampling.clip_len)


def _movable(steps: Sequence[Any], sampling: Any, channels: int) -> int:
    """Return how many steps at the end of those before the sampling look at each frame alone."""
    if getattr(sampling, 'real_frames', False):  # it asks the key points that come
        return 0
    last = len(steps)
    if steps and type(steps[-1]) is GenSkeFeat and _is_movable(steps[-1], steps):
        channels //= len(steps[-1].feats)
        last -= 1
    normal = steps[last - 1] if last else None
    if type(normal) is PreNormalize2D and normal.mode == 'fix' and channels == 3:
        last -= 1
    return len(steps) - last


def _is_movable(features: GenSkeFeat, steps: Sequence[Any]) -> bool:
    """Whether its features need no other frame, and it is known whether a third channel is a score."""
    known = any(type(step) in (PreNormalize2D, PreNormalize3D) for step in steps)
    return known and set(features.feats) <= OF_EACH_FRAME and features.axis in (-1, 3)


def graph_of(model: Any, plan: Plan, num_person: int) -> ExportedNetwork:
    """Build the graph of a plain recognizer in eval mode, to stand behind the steps of `plan.outside`.

    Args:
        model: a Recognizer3D on heatmaps or a RecognizerGCN.
        plan: of its test pipeline.
        num_person: M of the key points that FormatGCNInput gives.
    """
    channels = model.backbone.in_channels
    if plan.draws:
        *before, target = plan.inside
        spec = target.spec
        num_joints = channels - len(spec.skeletons) * spec.with_limb if spec.with_kp else None
        draw = DrawHeatmaps(spec, size_behind(before), num_joints)
        steps = [PICTURE_STEPS[type(step)](step) for step in before]
        return HeatmapNetwork(model, steps, draw, (plan.sampled, plan.clip_len))
    normalise = features = None
    flat = any(type(step) is PreNormalize2D for step in model.pipeline.steps)
    for step in plan.inside:
        if isinstance(step, PreNormalize2D):
            normalise = NormalisePose(step)
        else:
            channels //= len(step.feats)
            features = MakeFeatures(step, channels, third_is_score=flat and channels == 3)
    joints = (
        model.backbone.V if isinstance(model.backbone, SGN) else model.backbone.graph.num_joints
    )
    shape = (plan.sampled, num_person, plan.clip_len, joints, channels)
    return GraphNetwork(model, normalise, features, shape)
