"""Check for odd data when a training or a test starts: a sample of clips, and the labels."""

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

OTHER_JOINTS = (BoneVectors, Kinetics_Transform)  # steps that replace the joints by others
REFUSED_BY_STEPS = {'space', 'third'}  # kinds that fail in any case, even with --allow-odd-data
MANY_EMPTY = 0.5  # warn where more than this fraction of the classes has no training clips


def expected_of(pipeline: Compose, said: Layout | None = None) -> Expected:
    """Return what a pipeline expects of its clips.

    Args:
        pipeline: its steps, up to the first that is not of this package.
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
    """Return the layout of a step, from its `layout` or the skeleton that it calls `dataset`."""
    named, dataset = getattr(step, '_layout', None), getattr(step, 'dataset', None)
    return layout_to_draw(dataset) if named is None and dataset is not None else named


def pose_datasets(dataset: Any) -> Iterator[PoseDataset]:
    """Yield the pose data sets that a data set consists of."""
    if isinstance(dataset, PoseDataset):
        yield dataset
    elif isinstance(dataset, RepeatDataset):
        yield from pose_datasets(dataset.dataset)
    elif isinstance(dataset, ConcatDataset):
        for part in dataset.datasets:
            yield from pose_datasets(part)


def _samples(dataset: Any) -> Iterator[tuple[str, Expected, list[MeasuredClip]]]:
    """Yield each file's name with its number of clips, the expectation, and measured clips."""
    for poses in pose_datasets(dataset):
        clips = poses.video_infos
        expected = expected_of(poses.pipeline, clips.about.known_layout())
        seen = measure_sample(clips, expected.layout or expected.declared)
        of = f'{len(seen)} of ' if len(seen) < len(clips) else ''
        yield f'{poses.ann_file}, {of}{count(len(clips), "clip")}', expected, seen


def issues_of_dataset(dataset: Any, where: str) -> list[Issue]:
    """Find issues in a sample of each file's clips; each names the place and the file.

    Args:
        dataset: any data set; only pose data sets are checked.
        where: 'data.train'.
    """
    return [
        replace(issue, text=f'{where} ({file}): {issue.text}')
        for file, expected, seen in _samples(dataset)
        for issue in find_issues(seen, expected)
    ]


def value_ranges(dataset: Any) -> list[str]:
    """Return the ranges of coordinates and scores in a sample of clips, one line per file."""
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


def check_before_training(
    recipe: Recipe,
    head: Head,
    train: Any,
    val: Any | None,
    allowed: bool,
    collectives: Collectives,
) -> list[str]:
    """Check clips and labels on rank 0; every rank stops if it refuses them.

    Args:
        recipe: the config's.
        head: of the network.
        train: training data.
        val: validation data, if any.
        allowed: whether to train whatever the clips look like.
        collectives: of all ranks.

    Returns:
        Warnings; none on other ranks.

    Raises:
        UserError: there is nothing to learn, or training on such clips makes no sense.
    """
    lines, refused = [], None
    if collectives.ranks.is_main:
        try:
            lines = check_class_counts(recipe, head, train, val)
            lines = check_training_clips(recipe, train, val, allowed) + lines
        except UserError as error:
            refused = error
    refused = collectives.tell(refused)
    if refused is not None:
        raise refused
    return lines


def check_training_clips(recipe: Recipe, train: Any, val: Any | None, allowed: bool) -> list[str]:
    """Check the clips of a training that is about to start.

    Args:
        recipe: the config's.
        train: training data.
        val: validation data, if any; remarks on the training data are not repeated.
        allowed: whether to train whatever the clips look like.

    Returns:
        Warnings.

    Raises:
        DataError: training on such clips makes no sense.
    """
    found = issues_of_dataset(train, 'data.train')
    kinds = {issue.kind for issue in found}
    if val is not None:
        found += [issue for issue in issues_of_dataset(val, 'data.val') if issue.kind not in kinds]
    severe = [issue for issue in found if issue.severe]
    if severe and not allowed:
        listed = severe[0].text if len(severe) == 1 else ''.join(f'\n  {o.text}' for o in severe)
        advice = (
            '\nTo train on these clips all the same: --allow-odd-data (allow_odd_data = True in '
            'the config).'
        )
        if {issue.kind for issue in severe} <= REFUSED_BY_STEPS:
            advice = ''
        raise DataError(f'{recipe.filename}: {listed}{advice}')
    return [issue.text for issue in found]


def check_class_counts(recipe: Recipe, head: Head, train: Any, val: Any | None) -> list[str]:
    """Check how many classes there are to learn; return warnings.

    Raises:
        ConfigError: there is only one.
    """
    classes = head.num_classes
    if classes == 1 and not head.multi_class:
        raise ConfigError(
            f'{recipe.filename}: model.cls_head.num_classes = 1: with one class there is nothing '
            "to learn. Add a class 'none of these' (num_classes = 2), or train with multi_class = "
            'True, where a clip may have no label.'
        )
    counts = np.zeros(0, int) if train.classes.counts is None else train.classes.counts
    present = np.flatnonzero(counts)
    lines = []
    if len(present) == 1 and not head.multi_class:
        lines.append(
            f'data.train: all {count(int(counts.sum()), "clip")} are of class {present[0]}, of '
            f'{classes} classes: there is nothing to learn. Do the labels belong to these clips?'
        )
    elif 0 < len(present) < (1 - MANY_EMPTY) * classes:
        listed = [f'class {k}: {count(int(counts[k]), "clip")}' for k in present]
        lines.append(
            f'data.train: {classes - len(present)} of {classes} classes have no clip; those that '
            f'have: {some(listed, 10)}. Are num_classes and the split right?'
        )
    if val is not None and (line := same_label_warning(val.truth, classes, 'data.val')):
        lines.append(line)
    return lines


def same_label_warning(labels: np.ndarray, num_classes: int, where: str) -> str | None:
    """Return a warning if all labels (N,) of several clips are equal, or None."""
    if labels.ndim != 1 or len(labels) < 2 or num_classes < 2 or labels[0] < 0 or np.ptp(labels):
        return None
    return (
        f'{where}: all {len(labels)} clips have the label {labels[0]}, so accuracy says nothing. '
        'If the labels are unknown (some releases give 0 for all), write -1.'
    )
