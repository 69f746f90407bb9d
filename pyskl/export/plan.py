"""Which steps of a test pipeline are in the graph, and which whoever runs the file does before."""

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
from .features import MakeFeatures, NormalisePose
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
TO_INPUTS = (GeneratePoseTarget, Heatmap2Potion, Normalize)  # in front of these, inside the graph
OF_EACH_FRAME = {'j', 'b', 'k'}  # features that need no other frame

StepType = TypeVar('StepType')


@dataclass(frozen=True)
class Plan:
    """A test pipeline, divided.

    Attributes:
        outside: the steps that come before the graph and their configs, in their order.
        inside: the steps that the graph computes.
        num_clips: samples of each clip.
        clip_len: frames of a sample, of pictures ('RGB') and of key points ('Pose').
    """

    outside: list[tuple[Any, dict[str, Any]]]
    inside: list[Any]
    num_clips: int
    clip_len: Mapping[str, int]

    def inside_step(self, kind: type[StepType]) -> StepType | None:
        """Return the step of this class that the graph computes; None: there is none."""
        return next((step for step in self.inside if isinstance(step, kind)), None)

    @property
    def target(self) -> GeneratePoseTarget | None:
        """The step by which the graph draws heatmaps, if it does."""
        return self.inside_step(GeneratePoseTarget)

    @property
    def mirrors(self) -> bool:
        """Whether testing averages each sample and its mirrored copy."""
        return self.target is not None and self.target.spec.double

    @property
    def picture_size(self) -> Size | None:
        """(H, W) of what the graph's inputs are made of, in pixels; None: it depends on the clip."""
        steps = [step for step, _ in self.outside] + self.inside
        return size_behind([step for step in steps if not isinstance(step, TO_INPUTS)])


def plan_of(
    pipeline: Compose, configs: Sequence[Mapping[str, Any]], channels: int, where: str
) -> Plan:
    """Divide a test pipeline: as many of its last steps as can be become part of the graph.

    For graph networks normalisation and features usually stand before the sampling. Where they look at
    each frame alone, they give the same behind it, and move there.

    Args:
        pipeline: the built steps.
        configs: as the config writes it.
        channels: C that a graph network takes.
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
            f'{where}: samples no frames, so a clip would be as long as it comes. Expected '
            'UniformSampleFrames, UniformSample, UniformSampleDecode, SampleFrames or '
            'MMUniformSampleFrames in it.'
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
    """Return where the steps that make a network's inputs of frames and key points begin.

    In front of heatmaps alone the steps that move key points are inside, too; frames are cut and
    resized before the graph.
    """
    first = len(steps)
    while first and isinstance(steps[first - 1], TO_INPUTS):
        if type(steps[first - 1]) in map(type, steps[first:]):
            break  # twice the same
        first -= 1
    makes_heatmaps = any(isinstance(step, GeneratePoseTarget) for step in steps[first:])
    if makes_heatmaps and not any(isinstance(step, Normalize) for step in steps[first:]):
        while first and type(steps[first - 1]) in PICTURE_STEPS:
            first -= 1
    return first


def _movable(steps: Sequence[Any], sampling: Any, channels: int) -> int:
    """Return how many steps at the end of those before the sampling look at each frame alone."""
    if getattr(sampling, 'real_frames', False):  # it looks at the key points that come
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
    """Return whether features need no other frame, and a third channel is known to be a score or not."""
    known = any(type(step) in (PreNormalize2D, PreNormalize3D) for step in steps)
    return known and set(features.feats) <= OF_EACH_FRAME and features.axis in (-1, 3)


def graph_of(model: Any, plan: Plan, where: str) -> ExportedNetwork:
    """Build the graph of a recognizer, to stand behind the steps of `plan.outside`.

    Args:
        model: plain and in eval mode, with its test `pipeline`.
        plan: of its test pipeline.
        where: the pipeline's place, for messages.

    Raises:
        ConfigError: the pipeline's last steps make no input of this recognizer, or inputs whose size
            has to be fixed and is not.
    """
    _check_inputs(model, plan, where)
    if isinstance(model, RecognizerGCN):
        return _graph_network(model, plan)
    normalize, size = plan.inside_step(Normalize), plan.picture_size
    if normalize is None:
        return _heatmap_network(model, plan, _fixed(size, where))
    if len(normalize.mean) != 3:
        raise ConfigError(
            f'{where}: Normalize has {len(normalize.mean)} means, as for optical flow. An exported '
            'network takes frames of red, green and blue.'
        )
    scale = NormalizeFrames(PixelScale(normalize.mean, normalize.std, normalize.to_bgr))
    frames = (plan.num_clips, plan.clip_len['RGB'])
    if isinstance(model, MMRecognizer3D):
        size = _fixed(size, where)
        draw = _drawing(model.backbone.in_channels[1], plan, size)
        shapes = (frames, (plan.num_clips, plan.clip_len['Pose']))
        return FrameAndHeatmapNetwork(model, scale, draw, shapes, size)
    return FrameNetwork(model, scale, frames[:1] if is_2d(model) else frames, size)


def is_2d(model: Any) -> bool:
    """Return whether each picture passes the network for itself."""
    return isinstance(model, Recognizer2D)


def _check_inputs(model: Any, plan: Plan, where: str) -> None:
    """Raise ConfigError unless the steps inside the graph make what the recognizer takes."""
    kinds = {kind for kind in TO_INPUTS if plan.inside_step(kind) is not None}
    rows: list[set[type]]
    if isinstance(model, RecognizerGCN):
        rows, expected = [set()], 'FormatGCNInput'
    elif isinstance(model, MMRecognizer3D):
        rows, expected = [{GeneratePoseTarget, Normalize}], 'GeneratePoseTarget and Normalize'
    elif is_2d(model):
        rows = [{Normalize}, {GeneratePoseTarget, Heatmap2Potion}]
        expected = 'Normalize, or GeneratePoseTarget and Heatmap2Potion,'
    else:
        rows, expected = [{Normalize}, {GeneratePoseTarget}], 'Normalize or GeneratePoseTarget'
    if kinds not in rows:
        found = ', '.join(sorted(kind.__name__ for kind in kinds)) or 'none of them'
        raise ConfigError(
            f'{where}: gives {type(model).__name__} nothing that can be exported. Expected {expected} '
            f'in front of FormatShape and Collect; found {found}.'
        )


def _fixed(size: Size | None, where: str) -> Size:
    if size is None:
        raise ConfigError(
            f'{where}: the size of the heatmaps depends on the clip, and a graph has one. End with '
            'Resize(scale=(W, H), keep_ratio=False) or CenterCrop in front of GeneratePoseTarget.'
        )
    return size


def _drawing(channels: int, plan: Plan, size: Size) -> DrawHeatmaps:
    """Return what draws heatmaps of so many channels."""
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
    normalise = features = None
    flat = any(type(step) is PreNormalize2D for step in model.pipeline.steps)
    for step in plan.inside:
        if isinstance(step, PreNormalize2D):
            normalise = NormalisePose(step)
        else:
            channels //= len(step.feats)
            features = MakeFeatures(step, channels, third_is_score=flat and channels == 3)
    people = [step.num_person for step, _ in plan.outside if isinstance(step, FormatGCNInput)]
    joints = (
        model.backbone.V if isinstance(model.backbone, SGN) else model.backbone.graph.num_joints
    )
    shape = (plan.num_clips, people[-1] if people else 1, plan.clip_len['Pose'], joints, channels)
    return GraphNetwork(model, normalise, features, shape)
