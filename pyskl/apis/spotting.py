"""Spotting in Python: when does what happen in a long recording?

spotter = load_spotter([('configs/spotting/demo.py', 'latest.pth')])
for file in find_recordings(['recordings/']):
    recording = file.read()
    for segment in spotter.segments(recording, Thresholds(background=32)):
        print(segment.start, segment.end, segment.label, segment.score)
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch

from ..annotations.segments import Segment
from ..datasets import Compose
from ..datasets.loader import collate
from ..engine.batch import predict
from ..errors import CheckpointError, ConfigError, DataError
from ..inputs import lazy_inputs
from ..labels import Labels, class_names
from ..models import fuse_conv_bn
from ..models.recognizers.recognizer_gcn import RecognizerGCN
from ..models.recognizers.views import ViewRecognizer
from ..recipe import dataset_configs
from ..scores.blend import check_weights
from ..skeletons import is_present
from ..sources.recordings import Recording
from ..spotting.frame_rate import in_file_frames, num_resampled, resample
from ..spotting.sampling import sampling_fault, window_pipeline
from ..spotting.segments import Scores, Thresholds, find_segments
from ..spotting.windows import Block, Windows
from ..wording import plain
from .inference import init_recognizer
from .video_clips import takes_pictures

GRAPH_VIEWS = {'cpu': 32, 'cuda': 512}  # windows that pass a graph network at once
Progress = Callable[[int], None]
StreamScores = Sequence[Scores]  # of each stream, at the same moments


@dataclass(frozen=True)
class SpottingConfig:
    """What a config's RecordingDataset says of spotting."""

    windows: Windows | None
    background: int | None


class Spotter:
    """Trained networks that answer for the windows of a recording.

    Attributes:
        windows: how they slide.
        background: the class of windows in which nothing happens; None: there is none.
        num_classes: K, background among them.
    """

    def __init__(
        self,
        models: Sequence[torch.nn.Module],
        windows: Windows,
        weights: Sequence[float] | None = None,
        background: int | None = None,
    ):
        """Blend the class scores of models.

        Args:
            models: the streams, from init_recognizer.
            windows: how they slide.
            weights: of the streams, as ensemble.py has them; None: its defaults.
            background: the class of background.

        Raises:
            ConfigError: a model that has no class scores for each view, streams that differ in their
                classes or joints, other weights than streams.
        """
        self.models, self.windows, self.background = list(models), windows, background
        self.weigh(weights)
        counts = [model.cls_head.num_classes for model in self.models]
        _check_names(self.models)
        self.num_classes = counts[0]
        if len(set(counts)) > 1:
            raise ConfigError(
                f'the streams have {" and ".join(map(str, counts))} classes. Expected the same classes '
                'in the same order.'
            )
        if background is not None and not 0 <= background < self.num_classes:
            raise ConfigError(
                f'background = {background}: expected a class, 0 to {self.num_classes - 1}.'
            )
        self._prepared = [_prepared(model) for model in self.models]

    def names(self, labels: Labels | None = None) -> list[str]:
        """Return the names of the classes; that of background is 'nothing' where nobody says."""
        model = self.models[0]
        sources = (('labels', labels), *model.label_sources)
        names = class_names(self.num_classes, *sources, layouts=model.layouts)
        if self.background is not None and names[self.background] == f'class {self.background}':
            names[self.background] = 'nothing'
        return names

    def weigh(self, weights: Sequence[float] | None) -> None:
        """Blend the streams by other weights from here on.

        Args:
            weights: one a stream, as ensemble.py has them; None: its defaults.

        Raises:
            ConfigError: another number of weights than streams, or weights below 0.
        """
        given = check_weights(weights, len(self.models))
        if min(given) < 0:
            raise ConfigError(f'--weights {given}: expected numbers from 0 on.')
        self.weights = [weight / sum(given) for weight in given]

    def scores(
        self, recording: Recording, fps: float | None = None, progress: Progress | None = None
    ) -> Scores:
        """Compute class scores along a recording; see stream_scores."""
        return self.blend(self.stream_scores(recording, fps, progress))

    def stream_scores(
        self, recording: Recording, fps: float | None = None, progress: Progress | None = None
    ) -> StreamScores:
        """Compute the class scores of each stream along a recording.

        Args:
            recording: of any length; only the frames of a block pass the networks at once.
            fps: of the recording; None: what it says itself, or else that of the windows.
            progress: called with the number of frames that are done, after each block.

        Raises:
            DataError: the recording does not fit the networks.
            CheckpointError: their answers are no numbers.
        """
        rate = self.rate(fps or recording.fps)
        number, middles, probs = num_resampled(recording.num_frames, rate), [], []
        for block, clip in self.blocks(recording, rate):
            middles.append(block.middles)
            probs.append(self._block_probs(clip, block))
            if progress is not None:
                progress(min(int(block.middles[0]) + self.windows.every, number))
        middle = np.concatenate(middles)
        return [Scores(middle, each, number) for each in np.concatenate(probs, 1)]

    def blocks(self, recording: Recording, rate: float) -> Iterator[tuple[Block, dict[str, Any]]]:
        """Yield the blocks of windows of a recording, each with its frames as an annotation."""
        for block in self.windows.blocks(num_resampled(recording.num_frames, rate)):
            part = resample(recording, rate, block.start, block.stop)
            yield block, part.cut(0, part.num_frames)

    def blend(self, streams: StreamScores) -> Scores:
        """Average the scores of the streams by their weights."""
        return replace(streams[0], probs=self._blended([each.probs for each in streams]))

    def _blended(self, probs: Sequence[np.ndarray]) -> np.ndarray:
        return sum(weight * each for weight, each in zip(self.weights, probs))

    def rate(self, fps: float | None) -> float:
        """Return how many frames of a recording go by in one frame of the windows."""
        if fps is None or self.windows.fps is None:
            return 1.0
        return fps / self.windows.fps

    def block_scores(self, clip: Mapping[str, Any], block: Block) -> np.ndarray:
        """Compute the blended scores of a block: (N, K) probabilities, the mean over window lengths.

        A window in which nobody is seen is background, or zeros where there is no such class.

        Args:
            clip: the frames of the block, as an annotation.
            block: see Windows.
        """
        return self._blended(self._block_probs(clip, block))

    def _block_probs(self, clip: Mapping[str, Any], block: Block) -> np.ndarray:
        """(S, N, K): the same for each of S streams."""
        seen = seen_windows(clip, block)  # (N, L)
        probs = np.zeros((len(self.models), *seen.shape, self.num_classes), np.float32)
        if self.background is not None:
            probs[:, ~seen, self.background] = 1
        if seen.any():
            spans = block.spans[seen] - block.start
            for (model, pipeline), each in zip(self._prepared, probs):
                each[seen] = _window_probs(model, pipeline, clip, spans)
        return probs.mean(2)

    def segments(
        self, recording: Recording, how: Thresholds | None = None, fps: float | None = None
    ) -> list[Segment]:
        """Spot what happens in a recording, in frames as its file counts them."""
        how = how or Thresholds(background=self.background)
        found = find_segments(self.scores(recording, fps), how)
        rate = self.rate(fps or recording.fps)
        return in_file_frames(found, recording.first, recording.num_frames, rate)

    @cached_property
    def num_joints(self) -> int | None:
        """V that recordings must have; None where nobody says it."""
        numbers = {model.wanted.num_joints for model in self.models} - {None}
        if len(numbers) > 1:
            raise ConfigError(
                f'the streams take {" and ".join(map(str, sorted(numbers)))} joints. Expected streams of '
                'the same key points.'
            )
        return numbers.pop() if numbers else None


def load_spotter(
    streams: Sequence[tuple[str | os.PathLike, str | os.PathLike | None]],
    weights: Sequence[float] | None = None,
    windows: Windows | None = None,
    device: str | None = None,
    background: int | None = None,
) -> Spotter:
    """Load trained networks for spotting.

    Args:
        streams: config and checkpoint of each.
        weights: one a stream.
        windows: how they slide; None: as the first config's data.test (RecordingDataset) says.
        device: 'cpu', 'cuda:0'; default: CUDA where there is one.
        background: the class of background; None: what the configs say.

    Raises:
        UserError kinds: of configs and checkpoints; windows that nobody says.
    """
    models = [init_recognizer(config, checkpoint, device) for config, checkpoint in streams]
    told = [spotting_config(model) for model in models]
    names = [model.cfg.filename for model in models]
    if windows is None:
        windows = told[0].windows
    if windows is None:
        raise ConfigError(
            f'{names[0]}: data.test is no RecordingDataset, so nothing says how long windows are. Give '
            '--lengths, in frames, e.g. --lengths 32 64.'
        )
    backgrounds = {each.background for each in told}
    if background is None and len(backgrounds) > 1:
        raise ConfigError(
            f'{" and ".join(map(str, names))} say different classes of background: '
            f'{", ".join(str(each.background) for each in told)}. Expected the same.'
        )
    background = told[0].background if background is None else background
    rates = {each.windows.fps for each in told if each.windows is not None} - {None}
    if len(rates) > 1:
        raise ConfigError(
            f'{" and ".join(map(str, names))} say different frame rates: '
            f'{", ".join(f"{rate:g}" for rate in sorted(rates))} frames a second. Windows of so many frames '
            'would last differently long: expected streams of one rate.'
        )
    if windows.fps is None and told[0].windows is not None:
        windows = replace(windows, fps=told[0].windows.fps)
    for model in models:
        fuse_conv_bn(model)
    return Spotter(models, windows, weights, background)


def seen_windows(clip: Mapping[str, Any], block: Block) -> np.ndarray:
    """Return which windows of a block show anybody: (N, L) bool."""
    spans = block.spans - block.start
    shown = is_present(clip['keypoint'], clip.get('keypoint_score')).any((0, 2))
    before = np.concatenate([[0], shown.cumsum()])
    return before[spans[..., 1]] > before[spans[..., 0]]


def spotting_config(model: torch.nn.Module) -> SpottingConfig:
    """Return what the config of a model from init_recognizer says of spotting."""
    for _, dataset in dataset_configs(model.cfg.data.test):
        if dataset.get('type') in ('RecordingDataset', 'pyskl.RecordingDataset'):
            lengths = tuple(dataset.get('lengths', (64,)))
            windows = Windows(lengths, dataset.get('stride', 8), dataset.get('stride', 8))
            windows = replace(windows.in_blocks(), fps=dataset.get('fps'))
            return SpottingConfig(windows, dataset.get('background'))
    return SpottingConfig(None, None)


def _check_names(models: Sequence[torch.nn.Module]) -> None:
    """ConfigError where streams call a class differently; classes that nobody names are passed over."""
    if len({model.cls_head.num_classes for model in models}) > 1:
        return
    first, *others = (
        class_names(model.cls_head.num_classes, *model.label_sources, layouts=model.layouts)
        for model in models
    )
    for model, names in zip(models[1:], others):
        for k, (ours, theirs) in enumerate(zip(first, names)):
            if ours != theirs and f'class {k}' not in (ours, theirs):
                raise ConfigError(
                    f'class {k} is {plain(ours)} in {models[0].cfg.filename} and {plain(theirs)} in '
                    f'{model.cfg.filename}. Expected streams with the same classes in the same order.'
                )


def spotting_fault(model: torch.nn.Module) -> str | None:
    """Say why a model from init_recognizer cannot answer for windows of key points; None: it can."""
    if not isinstance(model, ViewRecognizer):
        return (
            f'{type(model).__name__} has no scores for each view. Expected a recognizer with one input '
            '(Recognizer3D, RecognizerGCN).'
        )
    if takes_pictures(model.pipeline):
        return (
            'its network sees pictures, and spotting takes key points alone. tools/predict.py answers '
            'for windows of a video.'
        )
    how = model.test_cfg
    if how.feat_ext or getattr(how, 'gives_cells', False) or how.in_probabilities:
        return (
            'model.test_cfg: feat_ext, score_ext, semantic_weight and classes make no class scores for '
            'each view. Leave them out here.'
        )
    return sampling_fault(model.pipeline)


def _prepared(model: torch.nn.Module) -> tuple[torch.nn.Module, Compose]:
    """Return a model that answers for each view, of the same weights, and its pipeline for windows."""
    fault = spotting_fault(model)
    if fault is not None:
        raise ConfigError(f'{model.cfg.filename}: {fault}')
    most = model.test_cfg.max_testing_views
    if most is None and isinstance(model, RecognizerGCN):
        most = GRAPH_VIEWS.get(model.target.device.type, GRAPH_VIEWS['cpu'])
    prepared = copy.copy(model)
    prepared.test_cfg = replace(model.test_cfg, average_clips=None, max_testing_views=most)
    return prepared, window_pipeline(model.pipeline, f'{model.cfg.filename}: data.test.pipeline')


def _window_probs(
    model: torch.nn.Module, pipeline: Compose, clip: Mapping[str, Any], spans: np.ndarray
) -> np.ndarray:
    """Pass windows (S, 2) of a clip through a model, as the views of one sample: (S, K)."""
    results = {
        **clip,
        'windows': spans,
        'start_index': 0,
        'modality': 'Pose',
        'test_mode': True,
        'emb': np.zeros(model.cls_head.emb_dim, np.float32),
    }
    batch = collate([lazy_inputs(pipeline(results, lazy=True))])
    model.check_batch(batch, training=False)
    answers = predict(model, batch, model.target.device)  # (1, S, K) each, mirrored ones behind
    logits = torch.cat([*answers.values()])  # (A, S, K) of A answers, mostly one
    if not logits.isfinite().all():
        raise CheckpointError(
            f'{model.cfg.filename}: the network answers {plain(clip["frame_dir"])} with NaN or infinity. '
            'Expected numbers: did its training diverge? Take an earlier checkpoint.'
        )
    probs = logits.sigmoid() if model.cls_head.multi_class else logits.softmax(-1)
    return probs.mean(0).unflatten(0, (-1, len(spans))).mean(0).cpu().numpy()


def check_fits(spotter: Spotter, recording: Recording) -> None:
    """Raise DataError unless a recording has frames, and the joints that the networks take."""
    joints, wanted = recording.keypoint.shape[2], spotter.num_joints
    if wanted is not None and joints != wanted:
        raise DataError(
            f'recording {plain(recording.name)}: has {joints} joints, but the network takes {wanted}. '
            'Give it the joints that it was trained on (--joints).'
        )
    if not recording.num_frames:
        raise DataError(f'recording {plain(recording.name)}: has no frames.')
