"""Which joints and limbs matter: the probability that is lost when they are hidden.

A heatmap network sees maps in which the joint is not drawn. A graph network sees the clip as an
estimator that never found the joint would have written it: the key point is missing in the
annotation, and the whole pipeline runs again.

Source: Zeiler and Fergus, arXiv:1311.2901, section 4.2, with joints in place of image patches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from ..apis import init_recognizer
from ..apis.inference import middle_view, test_sample
from ..apis.trained import TrainedRecognizer
from ..datasets.loader import collate, seed_sample
from ..engine.batch import predict
from ..engine.tester import joint_scores
from ..errors import CheckpointError, ConfigError, DataError
from ..inputs import Input
from ..recipe import import_custom_modules
from .figures import plain
from .packing import spread
from .results import Results
from .sources import Clips, Stream

# Clips that are scored as in the test, to check that the checkpoint is the tested one.
NUM_CHECKED = 3
TOLERANCE = 0.02  # of probabilities, for other machines and precisions


def occlusion(
    results: Results, bones: Sequence[Sequence[int]], per_class: int, device: str | None
) -> dict[str, Any]:
    """Measure how much of the true class's probability is lost without each joint and limb.

    Each clip is scored in one view, the middle sample, not mirrored. Of an ensemble, the weighted
    mean over its streams counts.

    Args:
        results: results of the page; a note is added where a checkpoint gives other scores.
        bones: pairs of joints; a limb is hidden with both of them.
        per_class: clips of each class to score at most, evenly spread.
        device: device of the networks.

    Returns:
        `all` and `classes`: mean losses (V,) of joints and (L,) of limbs; `clips`, `most`: clips
        scored, and at most of a class; `hidden`: a sentence for each way that joints were hidden.

    Raises:
        UserError: no labels, a work dir without config or checkpoint, or a pipeline with steps
            after the heatmaps.
    """
    clips = results.clips
    if 'keypoint' not in clips.annotations[0]:
        raise DataError(
            f'{clips.source}: holds no key points, so no joint can be hidden. Report without '
            '--occlusion.'
        )
    chosen = _choose(clips.labels, per_class)
    num_joints = clips.annotations[0]['keypoint'].shape[2]
    masks = [(j,) for j in range(num_joints)] + [tuple(bone) for bone in bones]
    lost = np.zeros((len(masks), len(chosen)))
    hidden: dict[str, list[str]] = {}
    for stream, share, scores in zip(results.streams, results.shares, results.scores):
        model = _model(stream, device)
        hidden.setdefault(_description(model), []).append(stream.name)
        if not _gives_scores(model, stream, clips, scores):
            checkpoint = Path(stream.checkpoint or '').name
            results.notes.append(
                f'{checkpoint} does not give the scores of {stream.name}: it was '
                'tested with another checkpoint or other settings. Joints are judged by this '
                'checkpoint.'
            )
        lost += share * _losses(model, stream, clips, chosen, masks)
    labels = clips.labels[chosen]
    rows = [{'id': int(k), **_means(lost[:, labels == k], num_joints)} for k in np.unique(labels)]
    return {
        'all': _means(lost, num_joints),
        'classes': rows,
        'clips': len(chosen),
        'most': per_class,
        'hidden': _sentences(hidden),
    }


def _sentences(hidden: Mapping[str, Sequence[str]]) -> list[str]:
    """Say how joints were hidden, by stream where the streams differ."""
    if len(hidden) == 1:
        return [f'{text[0].upper()}{text[1:]}.' for text in hidden]
    return [f'{", ".join(names)}: {text}.' for text, names in hidden.items()]


def _means(lost: np.ndarray, num_joints: int) -> dict[str, Any]:
    mean = plain(lost.mean(1))
    return {'joints': mean[:num_joints], 'limbs': mean[num_joints:], 'clips': lost.shape[1]}


def _choose(labels: np.ndarray, per_class: int) -> np.ndarray:
    """Return the indices of evenly spread clips of each class, at most `per_class`."""
    if (labels < 0).any():
        raise DataError(
            '--occlusion measures what the true class loses, but the clips have no labels. Leave '
            'it out.'
        )
    of_classes = [np.flatnonzero(labels == k) for k in np.unique(labels)]
    return np.concatenate([rows[spread(len(rows), per_class)] for rows in of_classes])


def _losses(
    model: TrainedRecognizer,
    stream: Stream,
    clips: Clips,
    chosen: np.ndarray,
    masks: Sequence[tuple[int, ...]],
) -> np.ndarray:
    """Return (masks, chosen): the true class's probability, less that without the mask's joints."""
    batch_size = max(1, model.cfg.data.loader('test').videos_per_gpu)
    lost = np.zeros((len(masks), len(chosen)))
    total, desc = len(chosen) * (1 + len(masks)), f'occlusion {stream.name}'
    with tqdm(total=total, desc=desc, unit='clip', leave=False, disable=None) as bar:
        for start in range(0, len(chosen), batch_size):
            rows = chosen[start : start + batch_size].tolist()
            labels, span = clips.labels[rows], slice(start, start + len(rows))
            true_class = np.arange(len(rows)), labels
            batches = _batches(model, clips, rows, [(), *masks])
            whole = _probabilities(model, next(batches), stream)[true_class]
            bar.update(len(rows))
            for m, hidden in enumerate(batches):
                lost[m, span] = whole - _probabilities(model, hidden, stream)[true_class]
                bar.update(len(rows))
    return lost


def _model(stream: Stream, device: str | None) -> TrainedRecognizer:
    """Build the stream's recognizer; it carries its recipe as `cfg` and its `pipeline`."""
    if stream.config_file is None:
        raise ConfigError(
            f'{stream.folder}: holds no config, which --occlusion needs. Give --config CONFIG.'
        )
    if stream.checkpoint is None:
        raise CheckpointError(
            f'{stream.folder}: holds no checkpoint, which --occlusion needs. Give -C CHECKPOINT.'
        )
    try:
        return init_recognizer(_config(stream), stream.checkpoint, device)
    except ConfigError as error:
        if stream.named is not None:  # the message names the file already
            raise
        raise ConfigError(f'{stream.config_file}: {error}') from error


def _config(stream: Stream) -> Any:
    """Return the config that the command line names, with its own modules imported.

    Without one, return the values of the work dir's dump, of which nothing is run.
    """
    if stream.named is not None:
        import_custom_modules(stream.named)
        return stream.named
    if stream.config.get('custom_imports') is not None:
        raise ConfigError(
            'names modules of its own (custom_imports), and nothing that a work dir names is run. '
            'If you trust it, report on this stream alone and name the config: --config CONFIG.'
        )
    return stream.config


def _gives_scores(
    model: TrainedRecognizer, stream: Stream, clips: Clips, scores: np.ndarray
) -> bool:
    """Return whether the checkpoint gives the scores (N, K) of the report, on a few clips."""
    rows = spread(len(scores), NUM_CHECKED)
    samples = [collate([_sample(model, clips, i)]) for i in rows]
    again = np.concatenate([_probabilities(model, sample, stream) for sample in samples])
    return np.abs(again - scores[rows]).max() <= TOLERANCE


def _hides_in_annotation(model: TrainedRecognizer) -> bool:
    """Return whether joints are taken out of the annotation, as for a graph network."""
    return set(model.takes) == {'keypoint'}


def _description(model: TrainedRecognizer) -> str:
    """Tell the reader of the page how joints are hidden."""
    if _hides_in_annotation(model):
        return (
            'hidden joints are missing in all frames before the pipeline runs (place and score are '
            '0), so bones, motion and normalisation see that they are missing'
        )
    has_pictures = 'heatmap_imgs' in model.takes
    stays = 'the pictures and their crop stay' if has_pictures else 'the crop of the picture stays'
    return f'hidden joints are not drawn in the heatmaps; {stays}'


def _batches(
    model: TrainedRecognizer, clips: Clips, rows: Sequence[int], masks: Sequence[Sequence[int]]
) -> Iterator[dict[str, Any]]:
    """Yield a batch of the clips `rows` for each mask, in the middle view of the test.

    Args:
        model: recognizer with its pipeline.
        clips: clips to choose from.
        rows: indices of the clips.
        masks: joints that everybody lacks; an empty mask hides none.
    """

    def batch(hidden: Sequence[int] = ()) -> dict[str, Any]:
        return collate([middle_view(model, _sample(model, clips, i, hidden)) for i in rows])

    if _hides_in_annotation(model):
        yield from map(batch, masks)
        return
    whole = batch()
    drawn_late = [
        name for name, value in whole.items() if isinstance(value, Input) and value.has_joints
    ]
    if not drawn_late:
        raise ConfigError(
            f'{model.cfg.filename}: data.test.pipeline does not end with heatmaps still to be '
            'drawn (it has none, or steps of your own after GeneratePoseTarget), so joints cannot '
            'be hidden. Report without --occlusion.'
        )
    for mask in masks:
        hidden = {name: whole[name].without_joints(mask) for name in drawn_late if mask}
        yield {**whole, **hidden}


def without_joints(annotation: Mapping[str, Any], joints: Sequence[int]) -> dict[str, Any]:
    """Return a clip in which everybody lacks these joints in all frames: place and score are 0."""
    hidden = dict(annotation)
    for name in ('keypoint', 'keypoint_score'):
        if joints and name in hidden:
            hidden[name] = hidden[name].copy()
            hidden[name][:, :, list(joints)] = 0
    return hidden


def _sample(
    model: TrainedRecognizer, clips: Clips, i: int, hidden: Sequence[int] = ()
) -> dict[str, Any]:
    """Return what the model takes of clip i in the test, without some joints.

    The pipeline's random numbers are those of the test, every time.
    """
    seed_sample(0, 0, i)
    sample = test_sample(model, without_joints(clips.annotations[i], hidden))
    return {name: sample.get(name) for name in model.takes}


def _probabilities(
    model: TrainedRecognizer, batch: Mapping[str, Any], stream: Stream
) -> np.ndarray:
    """Return (B, K) probabilities of the part of the network's scores that the stream holds."""
    outputs = predict(model, batch, model.target.device)
    parts = {name: scores.cpu().numpy() for name, scores in outputs.items()}
    scores = parts[stream.part] if stream.part in parts else joint_scores(parts)
    return stream.probabilities(scores.mean(1) if scores.ndim == 3 else scores)
