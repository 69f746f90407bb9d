"""Receives a built dataset and a clip's name; hands on what each stage of its very pipeline made of the clip."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
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
    """The clip behind one stage.

    name      of the stage, '' for the clip before the first
    config    its arguments, as the config gives them
    step      the stage itself
    results   what it handed on
    decoded   are the key points those of the sampled frames (else: of all frames)?
    """

    name: str
    config: Mapping[str, Any]
    step: Callable | None
    results: Mapping[str, Any]
    decoded: bool


def find_clip(
    dataset: Any, config: Mapping[str, Any], name: str
) -> tuple[Any, Mapping[str, Any], int]:
    """The dataset, inside repeated and joined ones, that holds a clip; that dataset's config; the clip's index there.

    raises  DataError with the nearest name when none holds it; ConfigError: a dataset without a pipeline of stages
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
    """The built datasets that hold no others, each with its config."""
    held = inner_datasets(config)
    if not held:
        yield dataset, config
    for (name, *index), its_config in held:
        part = getattr(dataset, name)
        yield from _parts(part[index[0]] if index else part, its_config)


def pass_through(dataset: Any, config: Mapping[str, Any], index: int, seed: int = 0) -> list[Stage]:
    """Pass a clip through the dataset's pipeline, everything random drawn from `seed`.

    dataset, config, index   as find_clip gives them
    raises  DataError: a stage refuses the clip
    """
    recorder = _Recorder(dataset.pipeline, config['pipeline'])
    seed_everything(seed)
    dataset.sample(index)  # names the stage and the clip where something is wrong
    dataset.pipeline, plain_pipeline = recorder, dataset.pipeline
    try:
        seed_everything(seed)
        dataset.sample(index)
    finally:
        dataset.pipeline = plain_pipeline
    return recorder.stages


class _Recorder:
    """In a pipeline's place: the same stages on the same clip, each one's results kept."""

    def __init__(self, pipeline: Compose, config: Sequence[Any]):
        self.steps, self.config, self.stages = (
            pipeline.steps,
            [step for step, _ in flat_row(config)],
            [],
        )

    def __call__(self, results: dict[str, Any], lazy: bool = False) -> dict[str, Any]:
        self._keep('', {}, None, results, False)
        decoded = False
        for step, config in zip(self.steps, self.config):
            results = step(results)
            decoded = (
                decoded
                or isinstance(step, PoseDecode)
                or isinstance(step, MMDecode)
                and 'Pose_inds' in results
            )
            self._keep(type(step).__name__, config, step, results, decoded)
        return results

    def _keep(
        self,
        name: str,
        config: Any,
        step: Callable | None,
        results: Mapping[str, Any],
        decoded: bool,
    ) -> None:
        given = (
            {k: v for k, v in config.items() if k != 'type'} if isinstance(config, Mapping) else {}
        )
        self.stages.append(Stage(name, given, step, dict(results), decoded))


def drawing_stage(stages: Sequence[Stage]) -> int | None:
    """The index of the stage that draws the heatmaps."""
    return next(
        (i for i, stage in enumerate(stages) if isinstance(stage.step, GeneratePoseTarget)), None
    )


def sampled_frames(stages: Sequence[Stage]) -> tuple[np.ndarray, int] | None:
    """The numbers of the clip's frames whose key points were taken, all samples in a row, and how many one sample has.

    None where nothing samples key points.
    """
    for stage in reversed(stages):
        results = stage.results
        name = next((name for name in ('Pose_inds', 'frame_inds') if name in results), None)
        if name is not None:
            inds = np.reshape(results[name], -1) + results.get('offset', 0)
            length = results.get('clip_len')
            length = length.get('Pose') if isinstance(length, Mapping) else length
            return inds, len(inds) if length is None else length
    return None


def frames_of(stages: Sequence[Stage]) -> np.ndarray:
    """(n,) the numbers of the clip's frames that the first view shows; all frames where nothing samples."""
    sampled = sampled_frames(stages)
    if sampled is None:
        return np.arange(stages[0].results['keypoint'].shape[1])
    inds, length = sampled
    return inds[:length]


def heatmaps_of(results: Mapping[str, Any]) -> np.ndarray | None:
    """(views, C, T, H, W) of the heatmaps, whatever a later stage made of them; None where there are none.

    They are `heatmap_imgs` beside frames of the video, else `imgs`. Before FormatShape, when views and frames lie in one axis, it is
    one view of that many frames.
    """
    imgs = results.get('heatmap_imgs', results.get('imgs'))
    if isinstance(imgs, list) and len(imgs) == 1 and np.ndim(imgs[0]) > 3:  # Collect(nested=True)
        imgs = imgs[0]
    is_video = isinstance(imgs, (list, LazyFrames))
    imgs = None if imgs is None or is_video else np.asarray(imgs)
    if imgs is None or imgs.ndim not in (4, 5):
        return None
    return imgs if imgs.ndim == 5 else imgs.swapaxes(0, 1)[None]
