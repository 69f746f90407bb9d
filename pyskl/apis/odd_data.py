"""What is said of odd data when a training or a test starts: of a sample of clips, of labels, of the rate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from ..annotations.measures import MeasuredClip, measure_sample
from ..annotations.plausibility import Expected, Issue, find_issues
from ..datasets import ConcatDataset, PoseDataset, RepeatDataset
from ..datasets.pipelines import (
    BodyUnits2D,
    BoneVectors,
    Compose,
    GeneratePoseTarget,
    Kinetics_Transform,
    PreNormalize2D,
    Project3D,
)
from ..datasets.pipelines.base import is_ours
from ..engine.collectives import Collectives
from ..errors import ConfigError, DataError, UserError
from ..models import Head
from ..recipe import Recipe
from ..skeletons import Layout
from ..skeletons.topology import layout_to_draw
from ..wording import count, some

OTHER_JOINTS = (BoneVectors, Kinetics_Transform)  # steps that make other joints of the clip's
REFUSED_BY_STEPS = {'space', 'third'}  # kinds that no permission helps with
MANY_EMPTY = 0.5  # a training set with more of its classes empty than this is named


def expected_of(pipeline: Compose, said: Layout | None = None) -> Expected:
    """Return what a pipeline takes its clips for.

    Args:
        pipeline: its steps are asked up to the first that is not this package's.
        said: the layout that the data name.
    """
    by, layout, same_joints, same_unit = None, None, True, True
    for step in pipeline.steps:
        if not is_ours(step):
            break
        if same_unit and _works_on_pixels(step):
            by = step if by is None or isinstance(step, GeneratePoseTarget) else by
        if same_joints and layout is None:
            layout = _layout(step)
        same_joints &= not isinstance(step, OTHER_JOINTS)
        same_unit &= not isinstance(step, (PreNormalize2D, BodyUnits2D, Project3D))
    return Expected(by is not None, type(by).__name__, layout, said)


def _works_on_pixels(step: Any) -> bool:
    if isinstance(step, PreNormalize2D):
        return step.mode == 'fix'  # 'auto' takes any unit
    return {'keypoint', 'img_shape'} <= {*step.needs, *step.needs_one_of}


def _layout(step: Any) -> Layout | None:
    """The layout of a step: named in full, or the skeleton that it calls its `dataset`."""
    named, dataset = getattr(step, '_layout', None), getattr(step, 'dataset', None)
    return layout_to_draw(dataset) if named is None and dataset is not None else named


def pose_datasets(dataset: Any) -> Iterator[PoseDataset]:
    """Yield the data sets of annotated poses that one is made of."""
    if isinstance(dataset, PoseDataset):
        yield dataset
    elif isinstance(dataset, RepeatDataset):
        yield from pose_datasets(dataset.dataset)
    elif isinstance(dataset, ConcatDataset):
        for part in dataset.datasets:
            yield from pose_datasets(part)


def _samples(dataset: Any) -> Iterator[tuple[str, Expected, list[MeasuredClip]]]:
    """Measure a sample of the clips of each file: the file and how many were measured, and the rest."""
    for poses in pose_datasets(dataset):
        clips = poses.video_infos
        expected = expected_of(poses.pipeline, clips.about.known_layout())
        seen = measure_sample(clips, expected.layout or expected.declared)
        of = f'{len(seen)} of ' if len(seen) < len(clips) else ''
        yield f'{poses.ann_file}, {of}{count(len(clips), "clip")}', expected, seen


def look(dataset: Any, where: str) -> list[Issue]:
    """Look at a sample of each file's clips; each oddity names the place and the file.

    Args:
        dataset: any data set; of those without annotated poses nothing is said.
        where: 'data.train'.
    """
    return [
        replace(oddity, text=f'{where} ({file}): {oddity.text}')
        for file, expected, seen in _samples(dataset)
        for oddity in find_issues(seen, expected)
    ]


def ranges(dataset: Any) -> list[str]:
    """Return what the coordinates and scores of a sample of each file's clips reach, a line a file."""
    lines = []
    for file, _, seen in _samples(dataset):
        poses = [s.pose for s in seen]
        lowest, highest = min(p.lowest for p in poses), max(p.highest for p in poses)
        scores = min(p.score[0] for p in poses), max(p.score[1] for p in poses)
        line = f'{file}: x and y {lowest:.4g} to {highest:.4g}'
        depths = [p.depth for p in poses if p.depth is not None]
        if depths:
            line += f', z {min(d[0] for d in depths):.4g} to {max(d[1] for d in depths):.4g}'
        line += f', scores {scores[0]:.3g} to {scores[1]:.3g}'
        possible = sum(p.possible for p in poses)
        if possible:
            line += f', {sum(p.there for p in poses) / possible:.0%} of the joints seen'
        sizes = sorted({s.size for s in seen if s.size})
        if sizes:
            line += f', img_shape {some(map(str, sizes), 3)}'
        lines.append(line)
    return lines


def look_before_training(
    recipe: Recipe,
    head: Head,
    train: Any,
    val: Any | None,
    allowed: bool,
    collectives: Collectives,
) -> list[str]:
    """Look at clips and labels on rank 0; every rank stops where it refuses.

    Args:
        recipe: the config's.
        head: of the network.
        train: the training's data set.
        val: the validation's, if there is one.
        allowed: train whatever the clips look like.
        collectives: of all ranks.

    Returns:
        Lines to warn with; none on other ranks.

    Raises:
        UserError kinds: there is nothing to learn, or training on such clips would be nonsense.
    """
    lines, refused = [], None
    if collectives.ranks.is_main:
        try:
            lines = look_at_classes(recipe, head, train, val)
            lines = look_at_training(recipe, train, val, allowed) + lines
        except UserError as error:
            refused = error
    refused = collectives.tell(refused)
    if refused is not None:
        raise refused
    return lines


def look_at_training(recipe: Recipe, train: Any, val: Any | None, allowed: bool) -> list[str]:
    """Look at the clips of a training that is about to start.

    Args:
        recipe: the config's.
        train: the training's data set.
        val: the validation's, if there is one. What was said of train is not said again.
        allowed: train whatever the clips look like.

    Returns:
        Lines to warn with.

    Raises:
        DataError: training on such clips would be nonsense.
    """
    found = look(train, 'data.train')
    kinds = {oddity.kind for oddity in found}
    if val is not None:
        found += [oddity for oddity in look(val, 'data.val') if oddity.kind not in kinds]
    severe = [oddity for oddity in found if oddity.severe]
    if severe and not allowed:
        listed = severe[0].text if len(severe) == 1 else ''.join(f'\n  {o.text}' for o in severe)
        advice = (
            '\nTo train on these clips all the same: --allow-odd-data (allow_odd_data = True in the '
            'config).'
        )
        never = {oddity.kind for oddity in severe} <= REFUSED_BY_STEPS
        raise DataError(f'{recipe.filename}: {listed}{"" if never else advice}')
    return [oddity.text for oddity in found]


def look_at_classes(recipe: Recipe, head: Head, train: Any, val: Any | None) -> list[str]:
    """Look at how many classes there are to learn; lines to warn with.

    Raises:
        ConfigError: only one.
    """
    classes = head.num_classes
    if classes == 1 and not head.multi_class:
        raise ConfigError(
            f'{recipe.filename}: model.cls_head.num_classes = 1: with one class there is nothing to '
            "learn. Give a class of its own to 'none of these' (num_classes = 2), or train with "
            'multi_class = True, where a clip may have no label.'
        )
    counts = np.zeros(0, int) if train.classes.counts is None else train.classes.counts
    present = np.flatnonzero(counts)
    lines = []
    if len(present) == 1 and not head.multi_class:
        lines.append(
            f'data.train: all {count(int(counts.sum()), "clip")} are of class {present[0]}, of {classes} '
            'classes: there is nothing to learn. Are the labels those of the clips?'
        )
    elif 0 < len(present) < (1 - MANY_EMPTY) * classes:
        listed = [f'class {k}: {count(int(counts[k]), "clip")}' for k in present]
        lines.append(
            f'data.train: {classes - len(present)} of {classes} classes have no clip; those that have: '
            f'{some(listed, 10)}. Is num_classes right, and the split?'
        )
    if val is not None and (line := one_class(val.truth, classes, 'data.val')):
        lines.append(line)
    return lines


def one_class(labels: np.ndarray, num_classes: int, where: str) -> str | None:
    """Return what to say where all labels (N,) of several clips are the same; else None."""
    if labels.ndim != 1 or len(labels) < 2 or num_classes < 2 or labels[0] < 0 or np.ptp(labels):
        return None
    return (
        f'{where}: all {len(labels)} clips have the label {labels[0]}, so accuracy says nothing. If the '
        'labels are not known (some releases give 0 for all), write -1.'
    )
