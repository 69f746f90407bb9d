"""Receives clips and the networks that scored them; hands on how much certainty is lost when a joint or a limb is hidden.

Zeiler and Fergus 2014, arXiv:1311.2901, section 4.2, with joints in place of image patches. A network on heatmaps is shown maps in
which the joint is not drawn. A graph network is shown the clip as it would come from an estimator that never found the joint:
the key point is missing in the annotation, and the whole pipeline runs again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from tqdm import tqdm

from ..apis import init_recognizer
from ..apis.inference import test_sample
from ..datasets.loader import collate, seed_sample
from ..engine.batch import predict
from ..engine.tester import joint_scores
from ..errors import CheckpointError, ConfigError, DataError
from ..inputs import Input
from ..recipe import import_custom_modules
from ..scores import kind_of, soften
from .figures import plain
from .sources import Clips, Stream

CHECKED = 3  # clips scored as in the test, to see whether the scores are this checkpoint's
TOLERANCE = 0.02  # between machines and precisions


def occlusion(
    streams: Sequence[Stream],
    weights: Sequence[float],
    clips: Clips,
    scores: Sequence[np.ndarray],
    bones: Sequence[Sequence[int]],
    per_class: int,
    device: str | None,
    notes: list[str],
) -> dict[str, Any]:
    """The probability of the true class that is lost, a mean over the clips of each class.

    scores     (N, K) probabilities of each stream, to see that its checkpoint is the one that was tested
    bones      pairs of joints: a limb is hidden with both of them
    per_class  at most so many clips of a class are scored, evenly spread; each in one view (the middle sample, unmirrored)
    ->         all, classes: [{id, joints (V,), limbs (L,), clips}], clips, most; hidden: a sentence for each way that joints were
               hidden. The ensemble's loss is its streams' weighted mean
    raises     UserError kinds: no labels, no config or checkpoint in a work dir, a pipeline with stages after the heatmaps
    """
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
    for stream, weight, own in zip(streams, weights, scores):
        model = _model(stream, device)
        hides = _hides(model)
        hidden.setdefault(hides.told, []).append(stream.name)
        _compare(model, stream, clips, own, notes)
        lost += weight / sum(weights) * _losses(model, stream, clips, chosen, masks, hides)
    labels = clips.labels[chosen]
    rows = [{'id': int(k), **_means(lost[:, labels == k], num_joints)} for k in np.unique(labels)]
    return {
        'all': _means(lost, num_joints),
        'classes': rows,
        'clips': len(chosen),
        'most': per_class,
        'hidden': _told(hidden),
    }


def _told(hidden: Mapping[str, Sequence[str]]) -> list[str]:
    """Say how joints were hidden, by stream where the streams differ."""
    if len(hidden) == 1:
        return [f'{told[0].upper()}{told[1:]}.' for told in hidden]
    return [f'{", ".join(names)}: {told}.' for told, names in hidden.items()]


def _means(lost: np.ndarray, num_joints: int) -> dict[str, Any]:
    mean = plain(lost.mean(1))
    return {'joints': mean[:num_joints], 'limbs': mean[num_joints:], 'clips': lost.shape[1]}


def _choose(labels: np.ndarray, per_class: int) -> np.ndarray:
    if (labels < 0).any():
        raise DataError(
            '--occlusion asks what the true class loses, but the clips have no labels. Leave it '
            'out.'
        )
    own = [np.flatnonzero(labels == k) for k in np.unique(labels)]
    return np.concatenate(
        [
            rows[np.unique(np.linspace(0, len(rows) - 1, min(per_class, len(rows))).astype(int))]
            for rows in own
        ]
    )


def _losses(
    model: torch.nn.Module,
    stream: Stream,
    clips: Clips,
    chosen: np.ndarray,
    masks: Sequence[tuple[int, ...]],
    hides: Hides,
) -> np.ndarray:
    """(masks, chosen): the probability of the true class without, minus that with what the mask
    hides.
    """
    batch = max(1, model.cfg.data.loader('test').videos_per_gpu)
    lost = np.zeros((len(masks), len(chosen)))
    with tqdm(
        total=len(chosen) * (1 + len(masks)),
        desc=f'occlusion {stream.name}',
        unit='clip',
        leave=False,
        disable=None,
    ) as bar:
        for start in range(0, len(chosen), batch):
            rows = chosen[start : start + batch]
            labels, span = clips.labels[rows], slice(start, start + len(rows))
            batches = hides.batches(model, clips, rows, [(), *masks])
            whole = _own(_answers(model, next(batches), stream), labels)
            bar.update(len(rows))
            for m, hidden in enumerate(batches):
                lost[m, span] = whole - _own(_answers(model, hidden, stream), labels)
                bar.update(len(rows))
    return lost


def _model(stream: Stream, device: str | None) -> torch.nn.Module:
    if stream.config_file is None:
        raise ConfigError(
            f'{stream.folder}: holds no config, which --occlusion needs. Give --config CONFIG.'
        )
    if stream.checkpoint is None:
        raise CheckpointError(
            f'{stream.folder}: holds no checkpoint, which --occlusion needs. Give -C CHECKPOINT.'
        )
    try:
        model = init_recognizer(_config(stream), stream.checkpoint, device)
    except ConfigError as error:
        if stream.named is not None:  # it names itself
            raise
        raise ConfigError(f'{stream.config_file}: {error}') from error
    return model


def _config(stream: Stream) -> Any:
    """The config as the command line named it, run and with its own modules.

    Else the values of the dump, of which nothing is run.
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


class Hides(Protocol):
    """How joints are hidden from a network."""

    told: str

    def batches(
        self,
        model: torch.nn.Module,
        clips: Clips,
        rows: Sequence[int],
        masks: Sequence[Sequence[int]],
    ) -> Iterator[dict[str, Any]]:
        """Give clips `rows` as the test sees them, the view in the middle, once for each mask.

        A mask names the joints that nobody has; an empty one hides none.
        """


class HideInInput:
    """Of heatmaps still to be drawn: the joints are left out of the drawing.

    Args:
        pictures: whether the network sees pictures beside the heatmaps, which stay as they are.
    """

    def __init__(self, pictures: bool = False):
        stays = 'the pictures and their crop stay' if pictures else 'the crop of the picture stays'
        self.told = f'hidden joints are not drawn in the heatmaps; {stays}'

    def batches(
        self,
        model: torch.nn.Module,
        clips: Clips,
        rows: Sequence[int],
        masks: Sequence[Sequence[int]],
    ) -> Iterator[dict[str, Any]]:
        samples = [_sample(model, clips, i) for i in rows]
        drawn_late = [
            name
            for name, given in samples[0].items()
            if isinstance(given, Input) and given.has_joints
        ]
        if not drawn_late:
            raise ConfigError(
                f'{model.cfg.filename}: data.test.pipeline does not end with heatmaps still to be '
                'drawn (it has none, or stages of your own after GeneratePoseTarget), so joints '
                'cannot be hidden. Report without --occlusion.'
            )
        whole = collate(
            [{name: _middle_view(given) for name, given in sample.items()} for sample in samples]
        )
        for mask in masks:
            hidden = {n: whole[n].without_joints(mask) for n in drawn_late if mask}
            yield {**whole, **hidden}


def _middle_view(given: Input | torch.Tensor) -> Input | torch.Tensor:
    if isinstance(given, Input):
        return given.middle_view()
    middle = len(given) // 2
    return given[middle : middle + 1]


class HideInAnnotation:
    """Of key points: the joints are missing in every frame of the annotation, before the pipeline."""

    told = (
        'hidden joints are missing in all frames before the pipeline runs (place and score are '
        '0), so bones, motion and normalisation see that they are missing'
    )

    def batches(
        self,
        model: torch.nn.Module,
        clips: Clips,
        rows: Sequence[int],
        masks: Sequence[Sequence[int]],
    ) -> Iterator[dict[str, Any]]:
        for mask in masks:
            keypoints = [_sample(model, clips, i, mask)['keypoint'] for i in rows]
            middle = [len(views) // 2 for views in keypoints]
            # (1, M, T, V, C) each
            yield collate([{'keypoint': k[m : m + 1]} for k, m in zip(keypoints, middle)])


def _hides(model: torch.nn.Module) -> Hides:
    if set(model.takes) == {'keypoint'}:
        return HideInAnnotation()
    return HideInInput(pictures='heatmap_imgs' in model.takes)


def without_joints(annotation: Mapping[str, Any], joints: Sequence[int]) -> dict[str, Any]:
    """Return a clip in which these joints are missing in all frames of everybody: place and score are 0."""
    hidden = dict(annotation)
    for name in ('keypoint', 'keypoint_score'):
        if joints and name in hidden:
            hidden[name] = hidden[name].copy()
            hidden[name][:, :, list(joints)] = 0
    return hidden


def _sample(
    model: torch.nn.Module, clips: Clips, i: int, hidden: Sequence[int] = ()
) -> dict[str, Any]:
    """Clip i as the test sees it, without some joints: what the model takes.

    What the pipeline draws at random it draws as in the test, every time the same.
    """
    seed_sample(0, 0, int(i))
    sample = test_sample(model, without_joints(clips.annotations[int(i)], hidden))
    return {name: sample.get(name) for name in model.takes}


def _answers(model: torch.nn.Module, batch: Mapping[str, Any], stream: Stream) -> np.ndarray:
    """(B, K) probabilities, of the answer that the stream's scores are."""
    temperature, answers = stream.temperature, predict(model, batch, model.target.device)
    answers = {name: scores.cpu().numpy() for name, scores in answers.items()}
    answers = answers[stream.part] if stream.part in answers else joint_scores(answers)
    answers = answers.mean(1) if answers.ndim == 3 else answers
    return (
        soften(answers, temperature)
        if temperature != 1 or kind_of(answers) == 'logits'
        else answers
    )


def _own(answers: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return answers[np.arange(len(labels)), labels]


def _compare(
    model: torch.nn.Module, stream: Stream, clips: Clips, scores: np.ndarray, notes: list[str]
) -> None:
    """Note it when the checkpoint does not give the scores that the report is about."""
    rows = np.linspace(0, len(scores) - 1, min(CHECKED, len(scores))).astype(int)
    again = np.concatenate(
        [_answers(model, collate([_sample(model, clips, i)]), stream) for i in rows]
    )
    if np.abs(again - scores[rows]).max() > TOLERANCE:
        notes.append(
            f'{stream.checkpoint.name} does not give the scores of {stream.name}: it was tested '
            'with another checkpoint or other settings. Joints are judged by this checkpoint.'
        )
