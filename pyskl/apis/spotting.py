"""Spotting in Python: find what happens when in a long recording.

from pyskl.apis import load_spotter
from pyskl.sources.recordings import find_recordings
from pyskl.spotting.segments import Thresholds

spotter = load_spotter([('configs/spotting/demo.py', 'latest.pth')])
for file in find_recordings(['recordings/']):
    recording = file.read()
    for segment in spotter.segments(recording, Thresholds(background=32)):
        print(segment.start, segment.end, segment.label, segment.score)
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..annotations.segments import Segment
from ..errors import ConfigError, DataError
from ..labels import Labels
from ..models import fuse_conv_bn
from ..recipe import dataset_configs
from ..scores.blend import check_weights
from ..skeletons import is_present
from ..sources.recordings import Recording
from ..spotting.frame_rate import in_file_frames, num_resampled, resample
from ..spotting.segments import Scores, Thresholds, find_segments
from ..spotting.windows import Block, Windows
from ..wording import plain
from .inference import init_recognizer
from .trained import TrainedRecognizer, class_names_of
from .window_scores import for_windows, window_probs

Progress = Callable[[int], None]
StreamScores = Sequence[Scores]  # one for each stream, for the same frames


@dataclass(frozen=True)
class SpottingConfig:
    """What the RecordingDataset of a config says about spotting.

    Attributes:
        windows: how windows slide; None: the config has no RecordingDataset.
        background: the class of background; None: there is none.
    """

    windows: Windows | None
    background: int | None


class Spotter:
    """Trained networks that answer for the windows of a recording.

    Attributes:
        models: the streams.
        windows: how they slide.
        weights: of the streams; they sum to 1.
        background: the class of windows in which nothing happens; None: there is none.
        num_classes: K, including background.
    """

    def __init__(
        self,
        models: Sequence[TrainedRecognizer],
        windows: Windows,
        weights: Sequence[float] | None = None,
        background: int | None = None,
    ):
        """Blend the class scores of models.

        Args:
            models: the streams, from init_recognizer.
            windows: how they slide.
            weights: of the streams, as in ensemble.py; None: its defaults.
            background: the class of background.

        Raises:
            ConfigError: a model that cannot answer for windows, streams that differ in their
                classes or joints, another number of weights than of streams.
        """
        self.models, self.windows, self.background = list(models), windows, background
        self.set_weights(weights)
        self.num_classes = _common_classes(self.models)
        if background is not None and not 0 <= background < self.num_classes:
            raise ConfigError(
                f'background = {background}: expected a class, 0 to {self.num_classes - 1}.'
            )
        self._prepared = [for_windows(model) for model in self.models]

    def set_weights(self, weights: Sequence[float] | None) -> None:
        """Change the weights of the streams.

        Args:
            weights: one for each stream, as in ensemble.py; None: its defaults.

        Raises:
            ConfigError: another number of weights than of streams, or weights below 0.
        """
        given = check_weights(weights, len(self.models))
        if min(given) < 0:
            raise ConfigError(f'--weights {given}: expected numbers from 0 on.')
        self.weights = [weight / sum(given) for weight in given]

    def names(self, labels: Labels | None = None) -> list[str]:
        """Return the names of the classes; background without a name is called 'nothing'."""
        names = class_names_of(self.models[0], ('labels', labels))
        if self.background is not None and names[self.background] == f'class {self.background}':
            names[self.background] = 'nothing'
        return names

    @cached_property
    def num_joints(self) -> int | None:
        """V, the number of joints that recordings must have; None: unknown."""
        numbers = {model.wanted.num_joints for model in self.models} - {None}
        if len(numbers) > 1:
            raise ConfigError(
                f'the streams take {" and ".join(map(str, numbers))} joints. Expected streams of '
                'the same key points.'
            )
        return numbers.pop() if numbers else None

    def rate(self, fps: float | None) -> float:
        """Return the number of frames of a recording per frame of the windows."""
        if fps is None or self.windows.fps is None:
            return 1.0
        return fps / self.windows.fps

    def scores(self, recording: Recording, fps: float | None = None) -> Scores:
        """Compute the blended class scores along a recording; see stream_scores."""
        return self.blend(self.stream_scores(recording, fps))

    def stream_scores(
        self, recording: Recording, fps: float | None = None, progress: Progress | None = None
    ) -> StreamScores:
        """Compute the class scores of each stream along a recording.

        Args:
            recording: of any length; the networks see one block of it at a time.
            fps: of the recording; None: its own, or else that of the windows.
            progress: called with the number of frames done, after each block.

        Raises:
            DataError: the recording does not fit the networks.
            CheckpointError: a network answers NaN or infinity.
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

    def block_scores(self, clip: Mapping[str, Any], block: Block) -> np.ndarray:
        """Compute the blended probabilities (N, K) of a block, the mean over window lengths.

        A window in which nobody is seen is background, or zeros if there is no such class.

        Args:
            clip: the frames of the block, as an annotation.
            block: its windows.
        """
        return self._blended(self._block_probs(clip, block))

    def blend(self, streams: StreamScores) -> Scores:
        """Average the scores of the streams by their weights."""
        return replace(streams[0], probs=self._blended(np.stack([s.probs for s in streams])))

    def segments(
        self, recording: Recording, thresholds: Thresholds | None = None, fps: float | None = None
    ) -> list[Segment]:
        """Find the segments of a recording, in frames as its file counts them.

        Args:
            recording: of any length.
            thresholds: what makes a segment; None: the defaults.
            fps: of the recording; None: its own, or else that of the windows.
        """
        recording = replace(recording, fps=fps or recording.fps)
        thresholds = thresholds or Thresholds(background=self.background)
        return self.segments_in(recording, self.stream_scores(recording), thresholds)

    def segments_in(
        self, recording: Recording, scores: StreamScores, thresholds: Thresholds
    ) -> list[Segment]:
        """Find the segments in the scores of a recording, in frames as its file counts them."""
        found = find_segments(self.blend(scores), thresholds)
        rate = self.rate(recording.fps)
        return in_file_frames(found, recording.first, recording.num_frames, rate)

    def _blended(self, probs: np.ndarray) -> np.ndarray:
        """Average (S, N, K) over S streams, added in their order."""
        total = self.weights[0] * probs[0]
        for weight, each in zip(self.weights[1:], probs[1:]):
            total = total + weight * each
        return total

    def _block_probs(self, clip: Mapping[str, Any], block: Block) -> np.ndarray:
        """Compute the scores (S, N, K) of each of S streams; see block_scores."""
        seen = seen_windows(clip, block)  # (N, L)
        probs = np.zeros((len(self.models), *seen.shape, self.num_classes), np.float32)
        if self.background is not None:
            probs[:, ~seen, self.background] = 1
        if seen.any():
            spans = block.spans[seen] - block.start
            for (model, pipeline), each in zip(self._prepared, probs):
                each[seen] = window_probs(model, pipeline, clip, spans)
        return probs.mean(2)


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
        weights: of the streams.
        windows: how they slide; None: as in data.test (RecordingDataset) of the first config.
        device: 'cpu', 'cuda:0'; default: CUDA if there is a device.
        background: the class of background; None: as in the configs.

    Raises:
        ConfigError: configs that contradict one another; no config says how long windows are.
        CheckpointError: a checkpoint does not fit its config.
    """
    models = [init_recognizer(config, checkpoint, device) for config, checkpoint in streams]
    configs = [spotting_config(model) for model in models]
    where = ' and '.join(str(model.cfg.filename) for model in models)
    first = configs[0]

    # What the configs say about background and frame rate has to agree.
    backgrounds = [config.background for config in configs]
    if background is None and len(set(backgrounds)) > 1:
        raise ConfigError(
            f'{where} have different classes of background: {", ".join(map(str, backgrounds))}. '
            'Expected the same.'
        )
    rates = {config.windows.fps for config in configs if config.windows and config.windows.fps}
    if len(rates) > 1:
        raise ConfigError(
            f'{where} have different frame rates: {", ".join(f"{rate:g}" for rate in rates)} '
            'frames a second. Expected streams of one rate, so that their windows last equally '
            'long.'
        )

    windows = windows or first.windows
    if windows is None:
        raise ConfigError(
            f'{models[0].cfg.filename}: data.test is no RecordingDataset, so nothing says how long '
            'windows are. Give --lengths in frames, e.g. --lengths 32 64.'
        )
    if windows.fps is None and first.windows is not None:
        windows = replace(windows, fps=first.windows.fps)
    for model in models:
        fuse_conv_bn(model)
    return Spotter(models, windows, weights, first.background if background is None else background)


def spotting_config(model: TrainedRecognizer) -> SpottingConfig:
    """Return what the config of a model says about spotting."""
    for _, dataset in dataset_configs(model.cfg.data.test):
        if dataset.get('type') in ('RecordingDataset', 'pyskl.RecordingDataset'):
            lengths, stride = tuple(dataset.get('lengths', (64,))), dataset.get('stride', 8)
            windows = Windows(lengths, stride, stride, dataset.get('fps')).in_blocks()
            return SpottingConfig(windows, dataset.get('background'))
    return SpottingConfig(None, None)


def seen_windows(clip: Mapping[str, Any], block: Block) -> np.ndarray:
    """Return which windows of a block show anybody: (N, L) bool.

    Args:
        clip: the frames of the block, as an annotation.
        block: its windows.
    """
    spans = block.spans - block.start
    shown = is_present(clip['keypoint'], clip.get('keypoint_score')).any((0, 2))
    num_shown = np.concatenate([[0], shown.cumsum()])  # in front of each frame
    return num_shown[spans[..., 1]] > num_shown[spans[..., 0]]


def check_fits(spotter: Spotter, recording: Recording) -> None:
    """Raise a DataError unless a recording has frames, and the joints that the networks take."""
    joints, wanted = recording.keypoint.shape[2], spotter.num_joints
    where = f'recording {plain(recording.name)}'
    if wanted is not None and joints != wanted:
        raise DataError(
            f'{where}: has {joints} joints, but the network takes {wanted}. Give it the joints '
            'that it was trained on (--joints).'
        )
    if not recording.num_frames:
        raise DataError(f'{where}: has no frames.')


def _common_classes(models: Sequence[TrainedRecognizer]) -> int:
    """Return the number of classes of all streams.

    Raises:
        ConfigError: streams with other classes; classes without a name are not compared.
    """
    numbers = [model.cls_head.num_classes for model in models]
    if len(set(numbers)) > 1:
        raise ConfigError(
            f'the streams have {" and ".join(map(str, numbers))} classes. Expected the same '
            'classes in the same order.'
        )
    first_names = class_names_of(models[0])
    for model in models[1:]:
        for k, (first, name) in enumerate(zip(first_names, class_names_of(model))):
            if first != name and f'class {k}' not in (first, name):
                raise ConfigError(
                    f'class {k} is {plain(first)} in {models[0].cfg.filename} and {plain(name)} in '
                    f'{model.cfg.filename}. Expected streams with the same classes in the same '
                    'order.'
                )
    return numbers[0]
