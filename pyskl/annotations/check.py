"""Find all that is wrong, or looks wrong, with an annotation pickle.

`read_annotations` stops at the first fault; `check_annotations` reports them all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np

from ..errors import DataError
from ..labels import IMIGUE_LABELS
from ..skeletons import Layout, guess_layout
from ..wording import brief, count, plain, repeated, some
from .about import About
from .check_poses import check_poses, check_sides
from .check_report import Report, spread
from .compressed import decompressed, is_compressed
from .field_values import NO_LABEL, FieldError
from .fields import clean_fields
from .label_lists import LabelLists, from_one, lacks_class_0
from .notes import Notes
from .parts import parts
from .store import clip_name, short_name, swapped_axes, usual_joints

ENOUGH_CLIPS = 320  # labelled clips from which class frequencies say something
MANY = 1000  # classes, as far as they are listed one by one
IMIGUE_CLASSES, IMIGUE_COMMONEST = len(IMIGUE_LABELS), IMIGUE_LABELS.index('illustrative')


def check_annotations(
    data: Any, num_classes: int | None = None, layout: Layout | None = None, where: str = 'the data'
) -> Report:
    """Check every clip of an annotation pickle's content.

    Args:
        data: what load_pickle gave: {'split': ..., 'annotations': [...]} or a list of annotations.
        num_classes: K; labels must be below. None: 32 for iMiGUE's 22 joints, else not checked.
        layout: the joints; None: as the file says, or the one known layout with as many joints, if
            there is one.
        where: the file, for messages.

    Returns:
        A report, each line of which names the clips.

    Raises:
        DataError: the file holds something else than annotations.
    """
    notes, report = Notes(), Report()
    split, annotations = parts(data, where, notes.add)
    report.facts['clips'] = len(annotations)
    if not annotations:
        report.errors.append('there are no annotations. Expected at least one clip.')
        return report
    clean = _fields(report, annotations, notes)
    report.warnings += notes.lines()
    if not split and all(not isinstance(a, Mapping) or a.get('label') is None for a in annotations):
        report.warnings.append(
            'there are neither labels nor splits. If they are in files of their own: '
            'tools/join.py FILE -o OUT --labels LABELS --split-by ...'
        )
    complete = len(clean) == len(annotations)
    if complete and (swapped := swapped_axes(annotations)):
        report.errors.append(swapped)
    _names(report, clean)
    _splits(report, split, {a['frame_dir'] for a in clean}, complete)
    clean = _joints(report, clean)
    if clean:
        if layout is None:
            try:
                layout = About.of(data, where).known_layout()
            except DataError as error:
                report.errors.append(str(error))
        layout = _layout(report, layout, clean[0]['keypoint'].shape[2])
        if num_classes is None and layout is not None and layout.name == 'imigue22':
            num_classes = IMIGUE_CLASSES
        names = data.get('label_names') if isinstance(data, Mapping) else None
        _labels(report, clean, num_classes, names, where)
        check_poses(report, clean, layout)
        if layout is not None:
            check_sides(report, clean, layout)
    return report


def check_names_and_labels(
    report: Report,
    split: dict[str, list[str]],
    clips: list[dict],
    num_classes: int | None,
    names: Any,
    where: str,
) -> None:
    """Check names, splits and labels, which clips without key points have, too.

    Args:
        report: is added to; its facts hold the layout.
        split: name of a split -> frame_dir of its clips.
        clips: annotations.
        num_classes: K; labels must be below. None: not checked.
        names: names of the classes, where the file has them.
        where: the file, for messages.
    """
    _names(report, clips)
    _splits(report, split, {clip['frame_dir'] for clip in clips}, True)
    _labels(report, clips, num_classes, names, where)


def _fields(report: Report, annotations: list, notes: Notes) -> list[dict]:
    """Return the clips whose fields are right; report the faults of the others by kind."""
    clean, faults = [], defaultdict(list)
    for i, annotation in enumerate(annotations):
        try:
            fields = clean_fields(annotation, partial(notes.add, name=short_name(annotation, i)))
            clean.append(decompressed(fields) if is_compressed(fields) else fields)
        except FieldError as error:
            faults[error.field, error.wanted].append((clip_name(annotation, i), error.what))
    for (name, wanted), clips in faults.items():
        more = f' Also {some([clip for clip, _ in clips[1:]])}.' if len(clips) > 1 else ''
        report.errors.append(f'{clips[0][0]}: {name} {clips[0][1]}. {wanted}{more}')
    return clean


def _names(report: Report, clean: list[dict]) -> None:
    """Report names that several clips have, or that tables cannot hold."""
    twice = repeated(a['frame_dir'] for a in clean)
    if twice:
        report.errors.append(
            f'frame_dir {some(twice)} more than once. Expected a name of its own for every clip: '
            'tools/join.py FILE -o OUT --rename-repeated gives them names.'
        )
    names = [a['frame_dir'] for a in clean]
    unfit = [name for name in names if name != name.strip() or ',' in name or '"' in name]
    if unfit:
        report.warnings.append(
            f'frame_dir {some(map(brief, unfit))} cannot stand in Submission.csv (comma, quote, or '
            'blank at an end).'
        )


def _splits(report: Report, split: dict[str, list[str]], names: set[str], complete: bool) -> None:
    """Report empty splits, unknown or repeated clips in them, and splits that share clips."""
    report.facts['splits'] = {name: len(members) for name, members in split.items()}
    for name, members in split.items():
        if not members:
            report.errors.append(f'split {brief(name)} is empty.')
        twice = repeated(members)
        if twice:
            report.warnings.append(
                f'split {brief(name)} lists {count(len(twice), "clip")} more than once: '
                f'{some(twice)}.'
            )
        missing = [member for member in dict.fromkeys(members) if member not in names]
        if missing and complete:
            report.errors.append(
                f'split {brief(name)} lists {count(len(missing), "clip")} without annotation: '
                f'{some(missing)}.'
            )
    listed = set().union(*split.values())
    outside = sorted(names - listed)
    if split and outside:
        report.warnings.append(f'{count(len(outside), "clip")} in no split: {some(outside)}.')
    for a, b in combinations(split, 2):
        shared = sorted(set(split[a]) & set(split[b]))
        if shared and _protocol(a) == _protocol(b):
            report.warnings.append(
                f'splits {brief(a)} and {brief(b)} share {count(len(shared), "clip")}: '
                f'{some(shared)}. A test on clips that were trained on says nothing.'
            )


def _protocol(split: str) -> str:
    """Return 'xsub' for 'xsub_train' and 'xsub_val': a clip is in one part of every protocol."""
    protocol, _, part = split.rpartition('_')
    return protocol if part in ('train', 'val', 'test') else ''


def _joints(report: Report, clean: list[dict]) -> list[dict]:
    """Return the clips with the joints that most have; report the others."""
    if not clean:
        return []
    usual = usual_joints(clean)
    report.facts |= {
        'joints': usual[0],
        'coordinates': usual[1],
        'people': spread([a['keypoint'].shape[0] for a in clean]),
        'frames': spread([a['total_frames'] for a in clean]),
    }
    odd = [a['frame_dir'] for a in clean if a['keypoint'].shape[2:] != usual]
    if odd:
        report.errors.append(
            f'keypoint has not (V, C) = {usual} in {count(len(odd), "clip")}: {some(odd)}.'
        )
    return [a for a in clean if a['keypoint'].shape[2:] == usual]


def _layout(report: Report, layout: Layout | None, num_joints: int) -> Layout | None:
    """Return the layout of the joints, if one is known that fits their number."""
    if layout is None:
        layout = guess_layout(num_joints)
    elif layout.num_joints != num_joints:
        report.errors.append(
            f'keypoint has {num_joints} joints, the layout {layout.name} has {layout.num_joints}.'
        )
        layout = None
    report.facts['layout'] = layout.name if layout else None
    return layout


def _labels(
    report: Report, clean: list[dict], num_classes: int | None, names: Any, where: str
) -> None:
    """Report clips without labels, and how many clips each class has."""
    lists = LabelLists.of(a['label'] for a in clean)
    labelled = lists.values[lists.values != NO_LABEL]
    report.facts['labelled clips'] = num_labelled = int(lists.known.sum())
    if not num_labelled:
        report.facts['without labels'] = 'all: such clips can be tested, not trained on'
    if (lists.lengths != 1).any():
        report.facts |= {
            'clips with several labels (multi_class=True)': int((lists.lengths > 1).sum()),
            'clips of none of the classes': int((lists.lengths == 0).sum()),
        }
    present = {int(k): int(n) for k, n in zip(*np.unique(labelled, return_counts=True))}
    report.facts['clips per class'] = present
    if isinstance(names, (list, tuple)):
        report.facts['class names'] = {k: plain(names[k]) for k in present if k < len(names)}
    if 0 < num_labelled < len(lists):
        without = [a['frame_dir'] for a in clean if a['label'] == NO_LABEL]
        report.warnings.append(
            f'{count(len(without), "clip")} without a label among labelled ones: {some(without)}.'
        )
    if num_classes is not None and len(labelled):
        _classes(report, clean, num_classes, labelled, where)
    elif lacks_class_0(labelled.tolist(), names):
        report.warnings.append(
            f'no clip has label 0. {from_one(labelled, int(labelled.max()), where)}'
        )


def _classes(
    report: Report, clean: list[dict], num_classes: int, labelled: np.ndarray, where: str
) -> None:
    """Report labels out of range, classes without a clip, and an order unlike iMiGUE's.

    Args:
        report: has `clips per class` and `layout` among its facts.
        clean: cleaned clips.
        num_classes: K.
        labelled: (L,) all labels that are known.
        where: the file, for messages.
    """
    report.facts['classes'] = num_classes
    high = [
        f'{a["frame_dir"]} ({a["label"]})'
        for a in clean
        if np.max(a['label'], initial=NO_LABEL) >= num_classes
    ]
    if high:
        hint = f' {from_one(labelled, num_classes, where)}'.rstrip()
        report.errors.append(
            f'label outside 0..{num_classes - 1} in {count(len(high), "clip")}: {some(high)}.{hint}'
        )

    present = report.facts['clips per class']
    report.facts['classes without a clip'] = [
        k for k in range(min(num_classes, MANY)) if k not in present
    ]
    commonest = max(present, key=lambda k: present[k])
    like_imigue = (
        report.facts['layout'] == 'imigue22'
        and num_classes == IMIGUE_CLASSES
        and len(labelled) >= ENOUGH_CLIPS
    )
    if like_imigue and present[commonest] > present.get(IMIGUE_COMMONEST, 0):
        report.warnings.append(
            f'class order: the commonest class is {commonest}, in iMiGUE {IMIGUE_COMMONEST} '
            '(illustrative). If these are iMiGUE labels, they are in another order than the label '
            'names.'
        )
