"""The results of each step of a data set's pipeline on a clip."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..datasets.loader import seed_everything
from ..datasets.pipelines import Compose, GeneratePoseTarget, MMDecode, PoseDecode
from ..datasets.pipelines.compose import flat_row
from ..errors import ConfigError, DataError
from ..inputs import LazyFrames
from ..recipe import inner_datasets
from ..wording import plain
from .clip import unknown_clip


@dataclass(frozen=True)
class Stage:
    """The clip after one step.

    Attributes:
        name: name of the step, '' for the clip before the first.
        config: arguments of the step in the config.
        step: the step itself.
        results: results of the step.
        decoded: whether the key points are those of the sampled frames, rather than of all.
    """

    name: str
    config: Mapping[str, Any]
    step: Any
    results: Mapping[str, Any]
    decoded: bool


def find_clip(
    dataset: Any, config: Mapping[str, Any], name: str
) -> tuple[Any, Mapping[str, Any], int]:
    """Find a clip in a data set, also inside of repeated and joined ones.

    Returns:
        The data set that holds the clip, its config, and the clip's index.

    Raises:
        DataError: no data set holds the clip.
        ConfigError: a data set without a pipeline of steps.
    """
    parts = list(_parts(dataset, config))
    for part, its_config in parts:
        if not isinstance(getattr(part, 'pipeline', None), Compose):
            raise ConfigError(
                f'{type(part).__name__} has no pipeline of stages to look at. Expected a '
                'PoseDataset.'
            )
        index = next((i for i, known in enumerate(part.ids) if known == name), None)
        if index is not None:
            return part, its_config, index
    known = [known for part, _ in parts for known in part.ids]
    raise DataError(
        f'clip {plain(name)} is unknown: {unknown_clip(name, known)} Another --split has others.'
    )


def _parts(dataset: Any, config: Mapping[str, Any]) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    """Yield the data sets that hold no others, each with its config."""
    held = inner_datasets(config)
    if not held:
        yield dataset, config
    for (name, *index), its_config in held:
        part = getattr(dataset, name)
        yield from _parts(part[index[0]] if index else part, its_config)


def pass_through(dataset: Any, config: Mapping[str, Any], index: int, seed: int = 0) -> list[Stage]:
    """Pass a clip through the data set's pipeline.

    Args:
        dataset: data set of find_clip.
        config: config of find_clip.
        index: index of find_clip.
        seed: seed of the pipeline's random numbers.

    Raises:
        DataError: a step refuses the clip.
    """
    recorder = _Recorder(dataset.pipeline, config['pipeline'])
    seed_everything(seed)
    dataset.sample(index)  # names step and clip in its errors
    dataset.pipeline, plain_pipeline = recorder, dataset.pipeline
    try:
        seed_everything(seed)
        dataset.sample(index)
    finally:
        dataset.pipeline = plain_pipeline
    return recorder.stages


class _Recorder:
    """Stands in for a pipeline: runs the same steps, and keeps the results of each."""

    def __init__(self, pipeline: Compose, config: Sequence[Any]):
        self.steps, self.config = pipeline.steps, [step for step, _ in flat_row(config)]
        self.stages: list[Stage] = []

    def __call__(self, results: dict[str, Any], lazy: bool = False) -> dict[str, Any]:
        self.stages.append(Stage('', {}, None, dict(results), False))
        decoded = False
        for step, config in zip(self.steps, self.config):
            results = step(results)
            decodes_poses = isinstance(step, MMDecode) and 'Pose_inds' in results
            decoded = decoded or isinstance(step, PoseDecode) or decodes_poses
            config = config if isinstance(config, Mapping) else {}
            arguments = {key: value for key, value in config.items() if key != 'type'}
            stage = Stage(type(step).__name__, arguments, step, dict(results), decoded)
            self.stages.append(stage)
        return results


def drawing_stage(stages: Sequence[Stage]) -> int | None:
    """Return the index of the stage that draws the heatmaps, if there is one."""
    return next(
        (i for i, stage in enumerate(stages) if isinstance(stage.step, GeneratePoseTarget)), None
    )


def frames_of(stages: Sequence[Stage], sample: int = 0) -> np.ndarray:
    """Return (n,) numbers of the clip's frames in a sample; all frames if no step samples."""
    for stage in reversed(stages):
        results = stage.results
        inds = results.get('Pose_inds', results.get('frame_inds'))
        if inds is not None:
            inds = np.reshape(inds, -1) + results.get('offset', 0)
            length = results.get('clip_len')
            length = length.get('Pose') if isinstance(length, Mapping) else length
            length = len(inds) if length is None else length
            return inds[sample * length : (sample + 1) * length]
    return np.arange(stages[0].results['keypoint'].shape[1])


def heatmaps_of(results: Mapping[str, Any]) -> np.ndarray | None:
    """Return the heatmaps (S, C, T, H, W), or None if there are none.

    They are `heatmap_imgs` beside frames of a video, else `imgs`. Before FormatShape, views and
    frames share an axis and are returned as one view.
    """
    imgs = results.get('heatmap_imgs', results.get('imgs'))
    if isinstance(imgs, list) and len(imgs) == 1 and np.ndim(imgs[0]) > 3:  # Collect(nested=True)
        imgs = imgs[0]
    is_video = isinstance(imgs, (list, LazyFrames))
    imgs = None if imgs is None or is_video else np.asarray(imgs)
    if imgs is None or imgs.ndim not in (4, 5):
        return None
    return imgs if imgs.ndim == 5 else imgs.swapaxes(0, 1)[None]
