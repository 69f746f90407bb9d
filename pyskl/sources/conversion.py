"""Convert raw data of any form into annotations, clip by clip, leaving out faulty ones by name."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from ..annotations.about import About
from ..annotations.field_values import NO_LABEL, FieldError
from ..annotations.fields import clean_fields
from ..annotations.file_formats import detect_format
from ..annotations.joining import Joined
from ..annotations.label_files import LabelFile, read_label_file
from ..annotations.splitting import check_rule, split_clips
from ..errors import ConfigError, DataError, UserError
from ..labels import check_order, read_labels
from ..skeletons import LAYOUTS, Layout, layout_of
from ..skeletons.mapping import joint_origins, map_joints
from ..wording import count, plain, some
from .source import Annotation, LayoutConfig, Source

FOLDER = 'folder'  # value of --labels: a clip's folder is its class
MOST_LINES = 30  # lines on what was left out
MOST_ALIKE = 3  # of them lines that differ in numbers only


@dataclass(frozen=True)
class Settings:
    """Options for clips of any form; see the options of the same names of tools/convert.py."""

    labels: str | None = None
    label_names: Path | None = None
    split_by: str | None = None
    seed: int = 0
    layout: LayoutConfig | None = None
    joints: Sequence[str] = ()
    strict: bool = False


@dataclass
class Converted:
    """The result of a conversion.

    Attributes:
        split: name -> clips.
        annotations: the clips, as write_annotations takes them.
        about: names of the classes, and the layout.
        lines: what was found, noted and left out, for the user.
    """

    split: dict[str, list[str]]
    annotations: list[Annotation]
    about: About
    lines: list[str] = field(default_factory=list)


def convert(source: Source, paths: Sequence[Path], settings: Settings = Settings()) -> Converted:
    """Read all clips of a source.

    Args:
        source: the form of the raw data.
        paths: files and folders.
        settings: labels, splits, joints.

    Raises:
        DataError: nothing can be read, or with `settings.strict` anything is left out; names all
            faults.
        UserError: the options do not fit the data.
    """
    # Check the options that need no data first.
    if settings.split_by:
        check_rule(settings.split_by)
    if settings.layout:
        layout_of(settings.layout)
    label_names = read_labels(settings.label_names) if settings.label_names else None
    listed = None
    if settings.labels and settings.labels != FOLDER:
        listed = read_label_file(settings.labels, label_names)

    annotations, origins, num_units = _read(source, paths)
    if source.left_out and (settings.strict or not annotations):
        raise DataError('\n'.join([*_left_out(source), 'Nothing was written.']))
    if not annotations:
        raise DataError(f'{some(map(str, paths))}: holds no clips. Expected {source.reads}.')

    # Layout and joints.
    layout = settings.layout or source.layout(annotations[0]['keypoint'].shape[2])
    _check_layout(layout, annotations)
    if settings.joints:
        layout = _choose_joints(annotations, layout, settings.joints)

    # Labels and their names.
    clips = Joined(annotations, notes=source.notes)
    names = label_names or source.label_names()
    if settings.labels:
        listed = listed or _labels_of_folders(annotations, origins, label_names)
        for annotation in annotations:
            annotation['label'] = NO_LABEL
        clips.put_labels(listed, [source.origin(name) for name in clips.names])
        names = label_names or listed.label_names
    else:
        check_order(label_names, source.label_names())
    if names and clips.highest_label >= len(names):
        if label_names:
            raise UserError(
                f'--label-names: {count(len(names), "name")}, but labels go up to '
                f'{clips.highest_label}. Expected a name for each class from 0 on.'
            )
        names = None
    clips.about = About(names and tuple(names), layout)
    clips.put_splits(_splits(source, annotations, settings))

    # The lines to show.
    known = layout if isinstance(layout, str) else layout_of(layout).name if layout else None
    num_joints = annotations[0]['keypoint'].shape[2]
    joints = f'{num_joints} joints ({known or "layout unknown: name it with --layout"})'
    total = f'{count(len(annotations), "clip")} of {joints} from {count(num_units, "place")}'
    notes = [f'note: {line}' for line in source.notes.lines()]
    lines = [f'{source.form}: {total}', *notes, *_left_out(source)]
    return Converted(clips.split, annotations, clips.about, lines)


def _read(source: Source, paths: Sequence[Path]) -> tuple[list[Annotation], dict[str, Path], int]:
    """Return the clips, the path that each comes from, and the number of files and folders read."""
    units = source.find(paths)
    annotations: list[Annotation] = []
    origins: dict[str, Path] = {}
    with tqdm(desc=source.form, unit=' clips', leave=False, disable=None) as bar:
        for i, unit in enumerate(units, 1):
            bar.set_postfix_str(f'file {i} of {len(units)}', refresh=False)
            for annotation in _clips(source, unit):
                name = annotation['frame_dir']
                if name in origins:
                    source.leave_out(f'{unit.path}: clip {plain(name)} is also in {origins[name]}.')
                    continue
                origins[name] = unit.path
                annotations.append(annotation)
                bar.update()
    source.reading = None
    source.finish(annotations)
    return _same_joints(source, annotations), origins, len(units)


def _clips(source: Source, unit: Any) -> Iterator[Annotation]:
    """Yield the valid clips of a unit and leave the others out."""
    source.reading = unit.path
    try:
        for annotation in source.read(unit):
            try:
                clean = clean_fields(annotation)
            except FieldError as error:
                name = annotation.get('frame_dir') if isinstance(annotation, dict) else annotation
                source.leave_out(f'{unit.path}: clip {plain(name)}: {error}')
                continue
            yield annotation if source.as_given and _is_plain(annotation) else clean
    except DataError as fault:
        source.leave_out(f'{fault}{_other_form(source, unit.path)}')


def _is_plain(annotation: Annotation) -> bool:
    """Return whether an annotation can be written with its own types."""
    label, keypoint = annotation.get('label'), annotation.get('keypoint')
    labels = label if isinstance(label, list) else [label]
    numbers = isinstance(keypoint, np.ndarray) and keypoint.dtype.kind in 'fiu'
    plain_label = all(isinstance(k, (int, np.integer, type(None))) for k in labels)
    return 'frame_dir' in annotation and numbers and plain_label


def _other_form(source: Source, path: Path) -> str:
    """Say what a file of another form is, and how to convert it."""
    form = detect_format(path) if path.is_file() else None
    if form is None or not form.way.startswith('python tools/'):
        return ''
    if f' {source.form} ' in form.way or form.what == f'a {source.form}':  # this very form
        return ''
    return f' It is {form.what}: {form.way_in(path)}'


def _same_joints(source: Source, annotations: list[Annotation]) -> list[Annotation]:
    """Leave out the clips whose numbers of joints or coordinates differ from most clips'."""
    kinds = Counter(a['keypoint'].shape[2:] for a in annotations)
    if len(kinds) < 2:
        return annotations
    usual = kinds.most_common(1)[0][0]
    for annotation in annotations:
        if annotation['keypoint'].shape[2:] != usual:
            source.leave_out(
                f'clip {plain(annotation["frame_dir"])}: {annotation["keypoint"].shape[2:]} joints '
                f'and coordinates, while most clips have {usual}. Convert it separately.'
            )
    return [a for a in annotations if a['keypoint'].shape[2:] == usual]


def _choose_joints(
    annotations: list[Annotation],
    layout: LayoutConfig | None,
    joints: Sequence[str],
) -> LayoutConfig:
    """Keep some joints, in place: those of a known layout, or joints by name or number."""
    if layout is None:
        raise UserError('--joints: the layout of these clips is unknown. Name it with --layout.')
    whole = layout_of(layout)
    if len(joints) == 1 and joints[0] in LAYOUTS:
        return _as_layout(annotations, whole, joints[0])
    numbers = {name: i for i, name in enumerate(whole.joints)}
    numbers |= {str(i): i for i in range(whole.num_joints)}
    lacking = [joint for joint in joints if joint not in numbers]
    if lacking:
        raise UserError(
            f'--joints: {whole.name} has no {some(lacking)}. Expected a known layout whose joints '
            f'it has, or names or numbers of its {whole.num_joints} joints.'
        )
    indices = [numbers[joint] for joint in joints]
    base = {'name': layout} if isinstance(layout, str) else dict(layout)
    old = base.get('keep')
    chosen = base | {'keep': indices if old is None else [old[i] for i in indices]}
    layout_of(chosen)
    for annotation in annotations:
        for key in ('keypoint', 'keypoint_score'):
            if key in annotation:
                annotation[key] = annotation[key][:, :, indices]
    return chosen


def _as_layout(annotations: list[Annotation], whole: Layout, name: str) -> str:
    """Turn the joints, in place, into those of a known layout; see skeletons.mapping."""
    try:
        origins = joint_origins(whole, LAYOUTS[name])
    except ConfigError as error:
        raise UserError(
            f'--joints {name}: {error} Expected a layout whose joints it has, or names or numbers '
            f'of its {whole.num_joints} joints.'
        ) from error
    for annotation in annotations:
        keypoint = annotation['keypoint']
        score = annotation.get('keypoint_score', np.ones(keypoint.shape[:-1], np.float32))
        annotation['keypoint'], score = map_joints(keypoint, score, origins)
        if 'keypoint_score' in annotation:
            annotation['keypoint_score'] = score
    return name


def _check_layout(layout: Any, annotations: Sequence[Annotation]) -> None:
    num_joints = annotations[0]['keypoint'].shape[2]
    if layout is not None and layout_of(layout).num_joints != num_joints:
        raise ConfigError(
            f'--layout: {layout_of(layout).name} has {layout_of(layout).num_joints} joints, the '
            f'clips have {num_joints}.'
        )


def _labels_of_folders(
    annotations: Sequence[Annotation],
    origins: Mapping[str, Path],
    label_names: Sequence[str] | None,
) -> LabelFile:
    """Label each clip by the folder that holds it."""
    names = [annotation['frame_dir'] for annotation in annotations]
    folders = {name: Path(os.path.abspath(origins[name])).parent.name for name in names}
    if label_names is None and len(set(folders.values())) == 1:
        raise UserError(
            f'--labels folder: all clips are in {next(iter(folders.values()))!r}, so there is only '
            'one class. Expected a folder for each class, directly above its clips.'
        )
    classes = tuple(label_names or sorted(set(folders.values())))
    unknown = sorted(set(folders.values()) - set(classes))
    if unknown:
        raise UserError(f'--labels folder: {some(unknown)} is not among --label-names.')
    labels: dict[str, Any] = {name: classes.index(folder) for name, folder in folders.items()}
    return LabelFile(labels, classes, 'the folders')


def _splits(
    source: Source, annotations: Sequence[Annotation], settings: Settings
) -> dict[str, list[str]]:
    """Return the splits of --split-by, or those of the form; views follow their clip."""
    names = [annotation['frame_dir'] for annotation in annotations]
    if not settings.split_by:
        converted = set(names)
        own_splits = source.splits(names)
        return {split: [n for n in own if n in converted] for split, own in own_splits.items()}
    labels = {source.origin(a['frame_dir']): a.get('label') for a in annotations}
    members = split_clips(settings.split_by, list(labels), list(labels.values()), settings.seed)
    origins = {split: set(clips) for split, clips in members.items()}
    return {
        split: [name for name in names if source.origin(name) in of_split]
        for split, of_split in origins.items()
    }


def _left_out(source: Source) -> list[str]:
    """Return a line per thing left out; of those that differ in numbers only, a few."""
    if not source.left_out:
        return []
    kinds: dict[str, list[str]] = {}
    for why in source.left_out:
        kinds.setdefault(re.sub(r'\d+', '0', why), []).append(why)
    shown = []
    for alike in kinds.values():
        shown += [f'left out: {why}' for why in alike[:MOST_ALIKE]]
        more = len(alike) - MOST_ALIKE
        shown += [f'left out: {more:,} more like these'] if more > 0 else []
    more = len(shown) - MOST_LINES
    shown[MOST_LINES:] = [f'left out: more of {count(more, "line")}'] if more > 0 else []
    return [*shown, f'{len(source.left_out):,} left out in all']
