"""Export a trained network as one file, ONNX or .pt2, and check it against PyTorch."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from .. import __version__
from ..datasets.pipelines.base import is_ours
from ..errors import ConfigError, DataError, UserError
from ..export.network import ExportedNetwork
from ..export.plan import Plan, graph_of, plan_of
from ..export.writing import as_onnx, as_pt2, replace_adaptive_pooling, trace
from ..files.atomic import atomic_write
from ..inference.clips import clips_of
from ..labels import known_names
from ..models import fuse_conv_bn
from ..models.cpu.speed_up import undo_speed_up
from ..models.recognizers import MMRecognizer3D, Recognizer2D, Recognizer3D, RecognizerGCN
from ..onnx import GraphAbout, GraphRecognizer
from ..onnx.about import KEY, STEPS, VERSION
from ..onnx.recognizer import OnnxRecognizer, library
from ..recipe.dump import plain
from .export_check import NUM_CLIPS, TOLERANCE, compare, made_up_clips
from .inference import init_recognizer
from .trained import TrainedRecognizer

SUFFIXES = ('.onnx', '.pt2')
RECOGNIZERS = (Recognizer2D, Recognizer3D, MMRecognizer3D, RecognizerGCN)


@dataclass(frozen=True)
class ExportOptions:
    """How a network is exported.

    Attributes:
        precision: of the network's weights and arithmetic; the steps before it stay float32.
        clips: a file whose first clips are used for the check; None: made-up clips.
        img_shape: (height, width) of the picture, for clips of that file without one.

    Raises:
        ConfigError: an unknown precision.
    """

    precision: Literal['fp32', 'fp16'] = 'fp32'
    clips: str | os.PathLike | None = None
    img_shape: Sequence[int] | None = None

    def __post_init__(self):
        if self.precision not in TOLERANCE:
            raise ConfigError(f'precision = {self.precision!r}: expected {" or ".join(TOLERANCE)}.')


@dataclass(frozen=True)
class Exported:
    """A written file.

    Attributes:
        path: the file.
        size: in bytes.
        clips: number of clips of the check.
        difference: largest difference of a probability between the file and PyTorch.
        inputs: shapes of the inputs by name; None for an axis of variable length.
    """

    path: Path
    size: int
    clips: int
    difference: float
    inputs: dict[str, tuple[int | None, ...]]


def export_network(
    config: str | os.PathLike | Any,
    checkpoint: str | os.PathLike | None,
    out: str | os.PathLike,
    options: ExportOptions | None = None,
) -> Exported:
    """Write a network as an ONNX or a .pt2 file, after comparing its answers with PyTorch's.

    Args:
        config: as init_recognizer takes it.
        checkpoint: the weights; None leaves them random.
        out: the file; one of that name is replaced once the check is passed.
        options: see ExportOptions.

    Raises:
        ConfigError: a network, a pipeline or a setting that cannot be exported.
        DataError: the clips for the check cannot be read.
        UserError: the answers differ, or a library is missing.
    """
    options, out = options or ExportOptions(), Path(out)
    if out.suffix not in SUFFIXES:
        raise ConfigError(f'{out}: expected a name that ends with {" or ".join(SUFFIXES)}.')
    if out.suffix == '.onnx':
        for name in ('onnx', 'onnxscript', 'onnxruntime'):
            library(name)
    model = init_recognizer(config, checkpoint, device='cpu')
    network, about = graph_with_steps(model, options.precision)
    clips = _clips_to_check(model, options)
    program = trace(network)
    text = about.to_json()
    inputs = _shapes(program, network)

    if out.suffix == '.pt2':
        content = as_pt2(program, text, KEY)
        module = program.module()
        recognise = GraphRecognizer(
            about, str(out), lambda feeds: _run(module, network, feeds, out), inputs
        )
    else:
        content = as_onnx(network, program, text, KEY)
        recognise = OnnxRecognizer(out, content=content)
    difference = compare(model, recognise, clips, options.precision, out)
    with atomic_write(out) as file:
        file.write(content)
    return Exported(out, len(content), len(clips), difference, inputs)


def graph_with_steps(
    model: TrainedRecognizer, precision: Literal['fp32', 'fp16'] = 'fp32'
) -> tuple[ExportedNetwork, GraphAbout]:
    """Build the graph for a file, and the file's description.

    Args:
        model: from init_recognizer, on the CPU; it is not changed.
        precision: of the graph's weights.

    Raises:
        ConfigError: a network or a pipeline that cannot be exported.
    """
    plan = _plan(model)
    return _network(model, plan, precision), _about(model, plan, precision)


def _plan(model: TrainedRecognizer) -> Plan:
    """Divide the test pipeline of a model; ConfigError if it cannot be exported."""
    recipe = model.cfg
    if recipe.gives_features or recipe.keeps_views_apart:
        raise ConfigError(
            f'{recipe.filename}: model.test_cfg: an exported file gives class probabilities. Leave '
            'feat_ext, score_ext and average_clips=None out.'
        )
    if not isinstance(model, RECOGNIZERS):
        raise ConfigError(
            f'{recipe.filename}: model.type = {type(model).__name__} cannot be exported. Expected '
            'Recognizer2D, Recognizer3D, MMRecognizer3D or RecognizerGCN, or one derived from them.'
        )
    assert recipe.data.test is not None  # init_recognizer requires it
    where, channels = _place(model), model.backbone.in_channels
    plan = plan_of(model.pipeline, recipe.data.test['pipeline'], channels, where)
    for step, _ in plan.outside:
        if type(step).__name__ not in STEPS or not is_ours(step):
            raise ConfigError(
                f'{where}: {type(step).__name__} cannot be exported: it comes before the graph, '
                f'and OnnxRecognizer does not know it. Known: {", ".join(STEPS)}.'
            )
    return plan


def _network(model: TrainedRecognizer, plan: Plan, precision: str) -> ExportedNetwork:
    """Build the graph around a copy of the model without its CPU speed-ups."""
    copied = undo_speed_up(copy.deepcopy(model)).eval().requires_grad_(False)
    fuse_conv_bn(copied)
    replace_adaptive_pooling(copied, plan.clip_len.get('Pose', 0))
    if precision == 'fp16':
        copied.half()
    return graph_of(copied, plan, _place(model))


def _place(model: TrainedRecognizer) -> str:
    return f'{model.cfg.filename}: data.test.pipeline'


def _about(model: TrainedRecognizer, plan: Plan, precision: str) -> GraphAbout:
    wanted, num_classes = model.wanted, model.cls_head.num_classes
    layout = wanted.expected.layout
    steps = [{**config, 'type': type(step).__name__} for step, config in plan.outside]
    return GraphAbout(
        version=VERSION,
        made_by=__version__,
        config=Path(str(model.cfg.filename)).name,
        precision=precision,
        num_classes=num_classes,
        label_names=known_names(num_classes, *model.label_sources, layouts=model.layouts),
        layouts=sorted(model.layouts),
        steps=plain(steps, _place(model)),
        draws=plan.target is not None,
        mirrors=plan.mirrors,
        wanted_step=wanted.step,
        in_space=wanted.in_space,
        num_joints=wanted.num_joints,
        in_pixels=wanted.expected.in_pixels,
        by=wanted.expected.by,
        layout=None if layout is None else layout.config(),
        pictures=wanted.pictures,
        segments=model.test_cfg.num_segs if isinstance(model, Recognizer2D) else 1,
    )


def _shapes(
    program: torch.export.ExportedProgram, network: ExportedNetwork
) -> dict[str, tuple[int | None, ...]]:
    """Return the shape of each input; None for an axis of variable length."""
    nodes = program.graph.find_nodes(op='placeholder')
    shapes = {node.name: node.meta['val'].shape for node in nodes}
    return {
        name: tuple(size if isinstance(size, int) else None for size in shapes[name])
        for name in network.inputs
    }


def _run(
    module: nn.Module, network: ExportedNetwork, feeds: Mapping[str, np.ndarray], out: Path
) -> list[np.ndarray]:
    """Run a traced program on arrays by input name, and return (B, K) of each answer."""
    inputs = [torch.from_numpy(np.ascontiguousarray(feeds[name])) for name in network.inputs]
    try:
        with torch.no_grad():
            return [answer.numpy() for answer in module(*inputs)]
    except NotImplementedError as error:
        raise UserError(
            f'{out}: not written. PyTorch {torch.__version__} cannot run it on the CPU to check '
            f'it ({error}). Export it in fp32, or as .onnx.'
        ) from error


def _clips_to_check(model: TrainedRecognizer, options: ExportOptions) -> list[dict[str, Any]]:
    if options.clips is None:
        return made_up_clips(model)
    clips = clips_of(model, options.clips, options.img_shape)[:NUM_CLIPS]
    if not clips:
        raise DataError(f'{options.clips}: has no clips for the check.')
    return clips
