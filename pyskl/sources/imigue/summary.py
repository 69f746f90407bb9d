"""Remarks on converted clips: what was read, labels, order of the classes, picture size, hands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from ...annotations import About
from ...annotations.field_values import NO_LABEL
from ...annotations.notes import MOST_NAMES
from ...errors import DataError
from ...labels import IMIGUE_LABELS
from ...skeletons import get_layout
from ...skeletons.poses import SIDES
from ...wording import count, some
from .arrays import video_of
from .find import Found
from .joints import DEFAULT, FIRST, OTHER
from .labels import CLASS_ORDER, NUM_CLASSES, OTHER_ID, are_placeholders, looks_like_id_mod_99
from .measurements import OUTLIERS, Measurements, measure
from .settings import Conversion, Settings
from .videos import Reading

ID_MOD_99 = 'id%99'  # the value of --class-order


def report_reading(found: Found, raw: dict[str, Any], reading: Reading, done: Conversion) -> None:
    """Report what was read, what was left out, and what was odd."""
    if raw:
        done.facts.append(
            f'read {", ".join(f"{split} ({pair.data.name})" for split, pair in raw.items())}'
        )
    if reading.clips:
        videos = {
            split: {video_of(clip['frame_dir']) for clip in clips}
            for split, clips in reading.clips.items()
        }
        parts = (f'{split} {count(len(names), "video")}' for split, names in videos.items())
        done.facts.append(
            f'read {", ".join(parts)} of {" and ".join(map(str, sorted(reading.forms)))} points'
        )
        starts = (
            f'rows counted from 0 in {count(videos, "video")}'
            if counted
            else f'from {start} in {count(videos, "video")}'
            for (start, counted), videos in reading.starts.most_common(5)
        )
        done.facts.append(f'frame numbers: {", ".join(starts)}')
        names = Counter(name for split in videos.values() for name in split)
        if twice := [name for name, times in names.items() if times > 1]:
            done.warnings.append(
                f'in more than one of {", ".join(videos)}: video {some(twice, 20)}'
            )
    if found.passed_over:
        done.facts.append(f"skipped {count(found.passed_over, 'file')} of macOS's archives")
    done.facts += [f'left out: {line}' for line in done.left_out.lines(MOST_NAMES)]
    done.facts += [f'note: {line}' for line in reading.notes.lines(MOST_NAMES)]


def report_labels(reading: Reading, settings: Settings, done: Conversion) -> None:
    """Report labels of test that mean nothing, and the order of the classes."""
    labels = {
        split: [clip['label'] for clip in clips if isinstance(clip['label'], int)]
        for split, clips in done.clips.items()
    }
    if reading.unknown_ids:
        number = count(labels['test'].count(NO_LABEL), 'clip')
        ids = some('(empty)' if i != i else f'{i:g}' for i in sorted(reading.unknown_ids))
        done.facts.append(
            f'test: class id {ids} is not one of 1..32 and 99 and means no label ({number})'
        )
    if 'test' in labels and are_placeholders(labels['test'], labels.get('train')):
        (only,) = set(labels['test']) - {NO_LABEL}
        if settings.keep_labels:
            done.warnings.append(
                f'all labels of test are class {only}; kept because of --keep-labels'
            )
        else:
            done.clips['test'] = [{**clip, 'label': NO_LABEL} for clip in done.clips['test']]
            done.warnings.append(
                f'all labels of test are class {only}: taken for placeholders, so its '
                f'{count(len(labels["test"]), "clip")} have no label. --keep-labels keeps them'
            )
    if reading.clips:
        done.facts.append(f'classes: {CLASS_ORDER}')
    raw = [label for split in labels if split not in reading.clips for label in labels[split]]
    if looks_like_id_mod_99(raw):
        done.warnings.append(
            'the raw labels look like id % 99 (class 0 is the most frequent, as illustrative is), '
            'not like id - 1. Blending streams of both orders is meaningless: --class-order '
            f'{ID_MOD_99} turns them into id - 1'
        )
    elif NUM_CLASSES in raw or OTHER_ID in raw:
        done.warnings.append(
            f'raw labels reach {max(raw)}; iMiGUE has the classes 0 to {NUM_CLASSES - 1}. If they '
            f'are ids, {CLASS_ORDER}'
        )
    elif any(label != NO_LABEL for label in raw):
        turned = ', turned from id % 99 to id - 1' if settings.id_mod_99 else ''
        done.facts.append(f'classes: as the raw arrays have them{turned}')


def report_raw_clips(splits: Sequence[str], settings: Settings, done: Conversion) -> None:
    """Report on the clips of raw arrays; their files, as published, name no layout or classes."""
    clips = [clip for split in splits for clip in done.clips[split]]
    layout = get_layout(DEFAULT)
    known = clips[0]['keypoint'].shape[2] == layout.num_joints
    measured = measure(clips, settings.size, layout if known else None)
    _report_picture(measured, splits, settings, done)
    if measured.first_hand == OTHER:
        done.warnings.append(
            f'{_hands(measured)}, and layout {DEFAULT} says {FIRST}. Mirror pairs and bones would '
            f"be wrong: give your config layout=dict(name='{DEFAULT}', first_hand='{OTHER}')"
        )
    elif measured.first_hand:
        done.facts.append(_hands(measured))


def report_video_clips(reading: Reading, settings: Settings, done: Conversion) -> None:
    """Report on the clips cut from videos; their files will name layout and classes."""
    clips = [clip for split in reading.clips for clip in done.clips[split]]
    joints, forms = settings.joints, sorted(reading.forms)
    measured = measure(clips, settings.size, joints.measured_by(forms[0]))
    _report_picture(measured, list(reading.clips), settings, done)
    side = measured.first_hand if measured.first_hand in SIDES else None
    layouts = [joints.layout(form, side) for form in forms]
    if any(layout != layouts[0] for layout in layouts):
        raise DataError(
            f'--joints {joints.asked}: the videos have {" and ".join(map(str, forms))} points, so '
            'this means different joints in each. Give a layout, or a list of names, or convert '
            'their folders one by one.'
        )
    done.about |= dict.fromkeys(reading.clips, About(IMIGUE_LABELS, layouts[0]))
    if layouts[0] is None:
        done.facts.append(f'no layout is written: it is unknown what the {forms[0]} points are')
    if measured.first_hand == OTHER:
        done.warnings.append(
            f'{_hands(measured)}; the release has the {FIRST} hand first. The file says it in its '
            f'layout, {layouts[0]}: give your config the same'
        )
    elif measured.first_hand:
        done.facts.append(_hands(measured))


def _hands(measured: Measurements) -> str:
    """Describe which wrist the first hand belongs to."""
    px = '{:.0f} px; the other: {:.0f} px'.format(*measured.distances)
    side = measured.first_hand
    if side in SIDES:
        return f'hands: finger tips of the first hand lie at the {side} wrist ({px})'
    return f'hands: which wrist the first hand hangs from is unclear (the nearer one: {px})'


def _report_picture(
    measured: Measurements, splits: Sequence[str], settings: Settings, done: Conversion
) -> None:
    """Report the size of the picture; take a larger one where the default cannot be right."""
    assumed = settings.size
    if measured.reach is None:
        done.warnings.append('no joint is seen in any of the clips that were looked at')
        return
    x, y = measured.reach
    reach = f'joints reach x = {x:.4g}, y = {y:.4g}'
    if measured.bad_scores > OUTLIERS:
        done.facts.append(
            f'scores: {measured.bad_scores:.0%} of them are outside 0..1. Is the third number a '
            'score?'
        )
    if measured.not_in_pixels():
        done.warnings.append(
            f'{reach}: these are not pixels (metres? fractions of the picture?). Expected x, y in '
            'pixels'
        )
    elif measured.outside <= OUTLIERS:
        smaller = (
            ', and would fit {} x {}, too'.format(*measured.smaller) if measured.smaller else ''
        )
        done.facts.append(
            f'picture: {assumed[0]} x {assumed[1]} px (height x width); {reach}{smaller}'
        )
    elif settings.img_shape or measured.size is None:
        larger = '. They fit {} x {}'.format(*measured.size) if measured.size else ''
        done.warnings.append(
            f'{reach}, {measured.outside:.0%} of them outside the picture, {assumed[0]} x '
            f'{assumed[1]} px{larger}'
        )
    else:
        for split in splits:
            done.clips[split] = [
                {**c, 'img_shape': measured.size, 'original_shape': measured.size}
                for c in done.clips[split]
            ]
        done.warnings.append(
            f'{reach}, out of the default picture, {assumed[0]} x {assumed[1]} px: written as '
            f'{measured.size[0]} x {measured.size[1]} (height x width). --img-shape H W says it'
        )
