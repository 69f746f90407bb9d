"""Find all that is wrong, or looks wrong, with an annotation pickle.

`read_annotations` stops at the first fault; `check_annotations` reports them all.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from tqdm import tqdm

from ..errors import DataError
from ..labels import IMIGUE_LABELS
from ..skeletons import Layout, guess_layout
from ..skeletons.poses import SIDES, Hands, PoseFacts
from ..skeletons.sides import crossed_bones
from ..wording import brief, count, some
from .about import About
from .compressed import decompressed, is_compressed
from .field_values import NO_LABEL, FieldError
from .fields import clean_fields
from .label_lists import LabelLists, from_one, lacks_class_0
from .measures import MeasuredClip, measure_clip
from .notes import Notes
from .parts import parts
from .plausibility import CLEARLY, Expected, find_hands, find_issues, span, two_ways
from .store import clip_name, short_name, swapped_axes

ENOUGH_CLIPS = 320  # labelled clips from which class frequencies say something
MANY = 1000  # classes, as far as they are listed one by one
IMIGUE_CLASSES, IMIGUE_COMMONEST = len(IMIGUE_LABELS), IMIGUE_LABELS.index('illustrative')


@dataclass
class Report:
    """What was found in an annotation file.

    Attributes:
        errors: why the data cannot be used as they are.
        warnings: what looks wrong.
        facts: numbers by name, fit for JSON.
    """

    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)


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
        num_joints = clean[0]['keypoint'].shape[2]
        layout = _layout(report, layout or _declared_layout(report, data, where), num_joints)
        if num_classes is None and layout is not None and layout.name == 'imigue22':
            num_classes = IMIGUE_CLASSES
        names = data.get('label_names') if isinstance(data, Mapping) else None
        _labels(report, clean, num_classes, names, where)
        _poses(report, clean, layout)
        if layout is not None:
            _sides(report, clean, layout)
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
            fields = clean_fields(annotation, partial(notes.add, clip=short_name(annotation, i)))
            clean.append(decompressed(fields) if is_compressed(fields) else fields)
        except FieldError as error:
            faults[error.field, error.wanted].append((clip_name(annotation, i), error.what))
    for (name, wanted), clips in faults.items():
        more = f' Also {some([clip for clip, _ in clips[1:]])}.' if len(clips) > 1 else ''
        report.errors.append(f'{clips[0][0]}: {name} {clips[0][1]}. {wanted}{more}')
    return clean


def _names(report: Report, clean: list[dict]) -> None:
    twice = [name for name, n in Counter(a['frame_dir'] for a in clean).items() if n > 1]
    if twice:
        report.errors.append(
            f'frame_dir {some(twice)} more than once. Expected a name of its own for every clip: '
            'tools/join.py FILE -o OUT --rename-repeated gives them names.'
        )
    unfit = [
        name
        for name in (a['frame_dir'] for a in clean)
        if name != name.strip() or ',' in name or '"' in name
    ]
    if unfit:
        report.warnings.append(
            f'frame_dir {some(map(brief, unfit))} cannot stand in Submission.csv (comma, quote, or '
            'blank at an end).'
        )


def _splits(report: Report, split: dict[str, list[str]], names: set[str], complete: bool) -> None:
    report.facts['splits'] = {name: len(members) for name, members in split.items()}
    for name, members in split.items():
        if not members:
            report.errors.append(f'split {brief(name)} is empty.')
        twice = [member for member, n in Counter(members).items() if n > 1]
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
    pairs = [
        (a, b)
        for i, a in enumerate(split)
        for b in list(split)[i + 1 :]
        if _protocol(a) == _protocol(b)
    ]
    for a, b in pairs:
        shared = sorted(set(split[a]) & set(split[b]))
        if shared:
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
    kinds = Counter(a['keypoint'].shape[2:] for a in clean)
    if not kinds:
        return []
    usual = kinds.most_common(1)[0][0]
    report.facts |= {
        'joints': usual[0],
        'coordinates': usual[1],
        'people': _spread([a['keypoint'].shape[0] for a in clean]),
        'frames': _spread([a['total_frames'] for a in clean]),
    }
    odd = [a['frame_dir'] for a in clean if a['keypoint'].shape[2:] != usual]
    if odd:
        report.errors.append(
            f'keypoint has not (V, C) = {usual} in {count(len(odd), "clip")}: {some(odd)}.'
        )
    return [a for a in clean if a['keypoint'].shape[2:] == usual]


def _declared_layout(report: Report, data: Any, where: str) -> Layout | None:
    """Return the layout that the file itself names."""
    try:
        return About.of(data, where).known_layout()
    except DataError as error:
        report.errors.append(str(error))
        return None


def _layout(report: Report, layout: Layout | None, num_joints: int) -> Layout | None:
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
    report.facts['clips per class'] = {
        int(k): int(n) for k, n in zip(*np.unique(labelled, return_counts=True))
    }
    if 0 < num_labelled < len(lists):
        without = [a['frame_dir'] for a in clean if a['label'] == NO_LABEL]
        report.warnings.append(
            f'{count(len(without), "clip")} without a label among labelled ones: {some(without)}.'
        )
    if num_classes is None or not len(labelled):
        if lacks_class_0(labelled.tolist(), names):
            report.warnings.append(
                f'no clip has label 0. {from_one(labelled, int(labelled.max()), where)}'
            )
        return
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


def _poses(report: Report, clean: list[dict], layout: Layout | None) -> None:
    in_plane = clean[0]['keypoint'].shape[3] == 2
    hands = Hands.of(layout) if in_plane else None
    clips = [measure_clip(a, layout) for a in tqdm(clean, 'poses', leave=False, disable=None)]
    poses = [c.pose for c in clips]
    _contents(report, clean, poses)
    report.facts['scores'] = [
        round(min(p.score[0] for p in poses), 4),
        round(max(p.score[1] for p in poses), 4),
    ]
    if in_plane:
        report.facts['pictures (h, w)'] = {
            str(size): n for size, n in Counter(c.size for c in clips).most_common(5)
        }
        report.facts['joints out of the picture'] = sum(p.outside for p in poses)
        unknown = [c.name for c in clips if c.size is None]
        if unknown:
            report.errors.append(
                f'img_shape is missing in {count(len(unknown), "clip")}: {some(unknown)}. Expected '
                '(h, w) px: tools/join.py FILE -o OUT --img-shape H W sets it.'
            )
    else:
        report.facts['largest x or y'] = round(max(p.reach for p in poses), 4)
        depths = [p.depth for p in poses if p.depth]
        report.facts['third coordinate'] = [
            round(min(d[0] for d in depths), 4),
            round(max(d[1] for d in depths), 4),
        ]
        report.facts['in space'] = (
            'x, y, z: for networks on key points; those that draw pictures begin their pipeline '
            'with Project3D'
        )
    # Only warnings: the file alone does not tell what the network will take the clips for.
    report.warnings += [
        issue.text for issue in find_issues(clips, Expected(in_pixels=in_plane, layout=layout))
    ]
    if hands:
        _hands(report, hands, clips)


def _contents(report: Report, clean: list[dict], poses: list[PoseFacts]) -> None:
    padded = [
        (p.filled, a['total_frames'])
        for a, p in zip(clean, poses)
        if 0 < p.filled < a['total_frames']
    ]
    report.facts['clips that end in empty frames'] = len(padded)
    if padded:
        report.facts['filled frames of those'] = _spread([filled for filled, _ in padded])
        share = sum(total - filled for filled, total in padded) / sum(
            a['total_frames'] for a in clean
        )
        report.facts['share of frames that is such an end'] = round(share, 4)
    report.facts['empty frames inside clips'] = sum(p.holes for p in poses)
    present, possible = sum(p.there for p in poses), sum(p.possible for p in poses)
    report.facts['share of joints missing in filled frames'] = (
        round(1 - present / possible, 4) if possible else None
    )


def _sides(report: Report, clean: list[dict], layout: Layout) -> None:
    crossed = crossed_bones(clean, layout)
    if crossed:
        name = layout.joints
        pairs = [
            f'{name[a]} ({a}) and {name[b]} ({b}) to {name[c]} and {name[d]}'
            for (a, d), (b, c) in crossed
        ]
        report.warnings.append(
            f'sides look swapped: {some(pairs)} lie nearer than to their own side. If the clips '
            f'have the sides the other way round, swap them in the layout {layout.name}: bones and '
            'mirror pairs.'
        )


def _hands(report: Report, hands: Hands, clips: list[MeasuredClip]) -> None:
    """Report distances from wrists to hands, and the clips that differ from the rest.

    Where all differ from the layout, `find_issues` says so.
    """
    found, first = find_hands(clips, hands), hands.first_hand()
    if found is None:
        report.facts['first hand'] = 'not seen'
        return
    report.facts['mean px from wrist to finger tips'] = {
        f'{wrist} wrist, {span(hands.tips[h])}': round(float(found.mean[w, h]), 1)
        for w, wrist in enumerate(SIDES)
        for h in range(2)
    }
    report.facts['first hand'] = found.first or 'unclear'
    if found.first is None:
        report.warnings.append(
            f'the wrist of joints {span(hands.tips[SIDES.index(first)])} is unclear: no wrist is '
            f'{CLEARLY} times nearer than the other.'
        )
        return
    unlike = [c.name for c in clips if _contradicts(c.pose, found.first == first)]
    report.facts['clips whose hands lie the other way'] = len(unlike)
    if unlike:
        report.facts['of those'] = unlike[:20]


def _contradicts(pose: PoseFacts, as_layout: bool) -> bool:
    """Return whether the hands of a clip clearly hang from other wrists than in the rest."""
    if pose.hands is None or not pose.hands.number.all():
        return False
    straight, crossed = two_ways(pose.hands.px / pose.hands.number)
    return straight > CLEARLY * crossed if as_layout else crossed > CLEARLY * straight


def _spread(values: list[int]) -> str:
    """Return '90', or 'lowest .. median .. highest'."""
    low, high = min(values), max(values)
    return str(low) if low == high else f'{low} .. {int(np.median(values))} .. {high}'
