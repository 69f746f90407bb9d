"""Divide a test pipeline: its last steps become part of the graph, the others come before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from ..datasets import Compose
from ..datasets.pipelines import (
    Collect,
    FormatGCNInput,
    FormatShape,
    GeneratePoseTarget,
    GenSkeFeat,
    Heatmap2Potion,
    MMUniformSampleFrames,
    Normalize,
    PreNormalize2D,
    PreNormalize3D,
    SampleFrames,
    ToTensor,
    UniformSampleDecode,
    UniformSampleFrames,
)
from ..datasets.pipelines.compose import flat_row
from ..errors import ConfigError
from ..inputs import PixelScale
from ..models.backbones import SGN
from ..models.recognizers import MMRecognizer3D, Recognizer2D, RecognizerGCN
from ..models.recognizers.views import ViewRecognizer
from .features import MakeFeatures, NormalizePose
from .frames import NormalizeFrames
from .heatmaps import PICTURE_STEPS, DrawHeatmaps, PaintPotion, Size, size_behind
from .network import (
    ExportedNetwork,
    FrameAndHeatmapNetwork,
    FrameNetwork,
    GraphNetwork,
    HeatmapNetwork,
)

SAMPLING = (UniformSampleFrames, UniformSampleDecode, SampleFrames, MMUniformSampleFrames)
AT_THE_END = (FormatShape, Collect, ToTensor)
TO_INPUTS = (GeneratePoseTarget, Heatmap2Potion, Normalize)  # make the backbone's inputs
OF_EACH_FRAME = {'j', 'b', 'k'}  # features that need no other frame

StepType = TypeVar('StepType')


@dataclass(frozen=True)
class Plan:
    """A test pipeline, divided.

    Attributes:
        outside: the steps that come before the graph, with their configs, in order.
        inside: the steps that the graph computes.
        num_clips: samples of a clip.
        clip_len: frames of a sample, in pictures ('RGB') and in key points ('Pose').
    """

    outside: list[tuple[Any, dict[str, Any]]]
    inside: list[Any]
    num_clips: int
    clip_len: Mapping[str, int]

    def inside_step(self, kind: type[StepType]) -> StepType | None:
        """Return the step of this class inside the graph, or None."""
        return next((step for step in self.inside if isinstance(step, kind)), None)

    @property
    def target(self) -> GeneratePoseTarget | None:
        """The step that draws heatmaps inside the graph, or None."""
        return self.inside_step(GeneratePoseTarget)

    @property
    def mirrors(self) -> bool:
        """Whether testing averages each sample and its mirrored copy."""
        return self.target is not None and self.target.spec.double

    @property
    def picture_size(self) -> Size | None:
        """(H, W) in pixels of the frames or the key points' picture; None if the clip decides."""
        steps = [step for step, _ in self.outside] + self.inside
        return size_behind([step for step in steps if not isinstance(step, TO_INPUTS)])


def plan_of(
    pipeline: Compose, configs: Sequence[Mapping[str, Any]], channels: int, where: str
) -> Plan:
    """Divide a test pipeline, with as many steps as possible inside the graph.

    In graph networks' pipelines, normalisation and features usually come before the sampling. Those
    that treat each frame by itself give the same result after it, and move into the graph.

    Args:
        pipeline: the built steps.
        configs: the steps as the config has them.
        channels: C of the backbone's input, for graph networks.
        where: the pipeline's place, for messages.

    Raises:
        ConfigError: the pipeline samples no frames.
    """
    written = [step for step, _ in flat_row(configs)]
    row = [
        (step, dict(config) if isinstance(config, Mapping) else {})
        for step, config in zip(pipeline.steps, written, strict=True)
    ]
    while row and isinstance(row[-1][0], AT_THE_END):
        row.pop()
    at = next((i for i, (step, _) in enumerate(row) if isinstance(step, SAMPLING)), None)
    if at is None:
        raise ConfigError(
            f'{where}: no step samples frames, so clips would have any length. Expected '
            'UniformSampleFrames, UniformSample, UniformSampleDecode, SampleFrames or '
            'MMUniformSampleFrames.'
        )
    sampling: Any = row[at][0]
    first = _first_inside([step for step, _ in row])
    if first < len(row):
        outside, inside = row[:first], row[first:]
    else:
        first = at - _movable([step for step, _ in row[:at]], sampling, channels)
        outside, inside = row[:first] + row[at:], row[first:at]
    clip_len = sampling.clip_len
    both = clip_len if isinstance(clip_len, Mapping) else {'RGB': clip_len, 'Pose': clip_len}
    return Plan(outside, [step for step, _ in inside], sampling.num_clips, both)


def _first_inside(steps: Sequence[Any]) -> int:
    """Return the index of the first step inside the graph, of a network on frames or heatmaps.

    Steps that move key points are inside if there are no frames; frames are cropped and resized
    outside.
    """
    first = len(steps)
    while first and isinstance(steps[first - 1], TO_INPUTS):
        if type(steps[first - 1]) in map(type, steps[first:]):
            break
        first -= 1
    makes_heatmaps = any(isinstance(step, GeneratePoseTarget) for step in steps[first:])
    if makes_heatmaps and not any(isinstance(step, Normalize) for step in steps[first:]):
        while first and type(steps[first - 1]) in PICTURE_STEPS:
            first -= 1
    return first


def _movable(steps: Sequence[Any], sampling: Any, channels: int) -> int:
    """Return how many of the last steps before the sampling treat each frame by itself."""
    if getattr(sampling, 'real_frames', False):  # depends on the key points
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
    """Return whether features need no other frame, and what the third channel is, is known."""
    known = any(type(step) in (PreNormalize2D, PreNormalize3D) for step in steps)
    return known and set(features.feats) <= OF_EACH_FRAME and features.axis in (-1, 3)


def graph_of(model: Any, plan: Plan, where: str) -> ExportedNetwork:
    """Build the graph: a recognizer, with the steps of `plan.inside` before it.

    Args:
        model: plain, in eval mode, with its test `pipeline`.
        plan: of its test pipeline.
        where: the pipeline's place, for messages.

    Raises:
        ConfigError: the last steps of the pipeline do not make this recognizer's inputs, or
            heatmaps have no fixed size.
    """
    _check_inputs(model, plan, where)
    if isinstance(model, RecognizerGCN):
        return _graph_network(model, plan)
    normalize, size = plan.inside_step(Normalize), plan.picture_size
    if normalize is None:
        return _heatmap_network(model, plan, _fixed(size, where))
    if len(normalize.mean) != 3:
        raise ConfigError(
            f'{where}: Normalize has {len(normalize.mean)} means, as for optical flow, which can '
            'not be exported. Expected 3, for RGB frames.'
        )
    scale = NormalizeFrames(PixelScale(normalize.mean, normalize.std, normalize.to_bgr))
    frames = (plan.num_clips, plan.clip_len['RGB'])
    if isinstance(model, MMRecognizer3D):
        size = _fixed(size, where)
        draw = _drawing(model.backbone.in_channels[1], plan, size)
        shapes = (frames, (plan.num_clips, plan.clip_len['Pose']))
        return FrameAndHeatmapNetwork(model, scale, draw, shapes, size)
    return FrameNetwork(
        model, scale, frames[:1] if isinstance(model, Recognizer2D) else frames, size
    )


def _check_inputs(model: Any, plan: Plan, where: str) -> None:
    """Raise ConfigError unless the steps inside the graph make what the recognizer takes."""
    kinds = {kind for kind in TO_INPUTS if plan.inside_step(kind) is not None}
    allowed: list[set[type]]
    if isinstance(model, RecognizerGCN):
        allowed, expected = [set()], 'FormatGCNInput'
    elif isinstance(model, MMRecognizer3D):
        allowed, expected = [{GeneratePoseTarget, Normalize}], 'GeneratePoseTarget and Normalize'
    elif isinstance(model, Recognizer2D):
        allowed = [{Normalize}, {GeneratePoseTarget, Heatmap2Potion}]
        expected = 'Normalize, or GeneratePoseTarget and Heatmap2Potion,'
    else:
        allowed, expected = [{Normalize}, {GeneratePoseTarget}], 'Normalize or GeneratePoseTarget'
    if kinds not in allowed:
        found = ', '.join(sorted(kind.__name__ for kind in kinds)) or 'none of them'
        raise ConfigError(
            f'{where}: makes no input of {type(model).__name__} that can be exported. Expected '
            f'{expected} before FormatShape and Collect; found {found}.'
        )


def _fixed(size: Size | None, where: str) -> Size:
    if size is None:
        raise ConfigError(
            f'{where}: the size of the heatmaps depends on the clip, but a graph has a fixed one. '
            'Put Resize(scale=(W, H), keep_ratio=False) or CenterCrop before GeneratePoseTarget.'
        )
    return size


def _drawing(channels: int, plan: Plan, size: Size) -> DrawHeatmaps:
    """Return the module that draws heatmaps with this many channels."""
    assert plan.target is not None
    spec = plan.target.spec
    num_joints = channels - len(spec.skeletons) * spec.with_limb if spec.with_kp else None
    return DrawHeatmaps(spec, size, num_joints)


def _heatmap_network(model: ViewRecognizer, plan: Plan, size: Size) -> ExportedNetwork:
    before = [step for step in plan.inside if not isinstance(step, TO_INPUTS)]
    steps = [PICTURE_STEPS[type(step)](step) for step in before]
    shape = (plan.num_clips, plan.clip_len['Pose'])
    potion, channels, paint = plan.inside_step(Heatmap2Potion), model.backbone.in_channels, None
    if potion is not None:
        paint = PaintPotion(potion, shape[1])
        channels //= potion.colours_of_joint
    return HeatmapNetwork(model, steps, _drawing(channels, plan, size), shape, paint)


def _graph_network(model: Any, plan: Plan) -> ExportedNetwork:
    channels = model.backbone.in_channels
    normalize = features = None
    flat = any(type(step) is PreNormalize2D for step in model.pipeline.steps)
    for step in plan.inside:
        if isinstance(step, PreNormalize2D):
            normalize = NormalizePose(step)
        else:
            channels //= len(step.feats)
            features = MakeFeatures(step, channels, third_is_score=flat and channels == 3)
    people = [step.num_person for step, _ in plan.outside if isinstance(step, FormatGCNInput)]
    joints = (
        model.backbone.V if isinstance(model.backbone, SGN) else model.backbone.graph.num_joints
    )
    shape = (plan.num_clips, people[-1] if people else 1, plan.clip_len['Pose'], joints, channels)
    return GraphNetwork(model, normalize, features, shape)
