"""Join annotation files of any shape into one, and give it splits, labels and names of classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ..errors import DataError, UserError, did_you_mean
from ..files.texts import read_json
from ..wording import brief, count, counted, plain, some
from .about import About
from .clip_names import ClipNames
from .field_values import NO_LABEL, FieldError
from .file_formats import FILE_FORMATS, detect_format, format_of_data
from .fixing import rename_repeated, rows_of_splits, tidy
from .label_files import LabelFile
from .notes import Notes, fix_command
from .opening import open_annotations
from .packed import META
from .parts import parts
from .splitting import read_names
from .store import clip_name, load_annotations, short_name


@dataclass
class Joined:
    """Clips that are joined into one file.

    Attributes:
        clips: the annotations, each field in its usual type.
        sources: a short name of where each clip comes from.
        files: the same as paths.
        rows: the places of the clips of each split.
        about: names of the classes, and the layout.
        notes: what was not read as it is written, and what was done.
        label_texts: the labels that are names of classes, by place; `name_labels` makes them
            numbers.
    """

    clips: list[dict[str, Any]] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    rows: dict[str, list[int]] = field(default_factory=dict)
    about: About = field(default_factory=About)
    notes: Notes = field(default_factory=Notes)
    label_texts: dict[int, str] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """frame_dir of each clip."""
        return [clip['frame_dir'] for clip in self.clips]

    def _rows(self) -> dict[str, int]:
        return {name: row for row, name in enumerate(self.names)}

    @property
    def highest_label(self) -> int:
        """The highest label of any clip; -1 where none has one."""
        return max((k for clip in self.clips for k in _labels(clip)), default=NO_LABEL)

    @property
    def split(self) -> dict[str, list[str]]:
        """The splits by name."""
        names = self.names
        return {name: [names[row] for row in rows] for name, rows in self.rows.items()}

    def add(self, path: Path, data: Any, source: str, split: str | None = None) -> None:
        """Add the clips of a file; all of them to `split` where that is given.

        Raises:
            DataError: no annotations, or a field that is wrong.
        """
        listed, annotations = parts(data, str(path), self.notes.add)
        names = [short_name(annotation, row) for row, annotation in enumerate(annotations)]
        rows = rows_of_splits(names, listed, str(path), self.notes.add)
        if split is not None:
            rows = {split: list(range(len(annotations)))}
        start = len(self.clips)
        for name, members in rows.items():
            self.rows.setdefault(name, []).extend(start + row for row in members)
        for row, annotation in enumerate(annotations):
            annotation = self._without_text(annotation, start + row)
            try:
                self.clips.append(tidy(annotation, partial(self.notes.add, name=names[row])))
            except FieldError as error:
                raise DataError(
                    f'{path}: {clip_name(annotation, row)}: {error} {fix_command(str(path))} mends '
                    'what can be mended.'
                ) from None
        self.sources += [source] * len(annotations)
        self.files += [str(path)] * len(annotations)
        self._add_about(About.of(data, str(path)), path)

    def _without_text(self, annotation: Any, row: int) -> Any:
        """Remember a label that is the name of a class, and remove it."""
        label = annotation.get('label') if isinstance(annotation, Mapping) else None
        text = ' '.join(label.split()) if isinstance(label, str) else ''
        if not text or text.lstrip('-').isdigit():
            return annotation
        self.label_texts[row] = text
        return {**annotation, 'label': None}

    def name_labels(self, label_names: Sequence[str] | None) -> None:
        """Number labels that are names, by the order of `label_names`, or sorted."""
        if not self.label_texts:
            return
        if self.numbered:
            raise DataError(
                f'labels are names ({next(iter(self.label_texts.values()))!r}) and numbers '
                f'({some(self.numbered)}). Expected one of them.'
            )
        order = label_names or self.about.label_names or sorted(set(self.label_texts.values()))
        number = {name: k for k, name in enumerate(order)}
        for row, text in self.label_texts.items():
            if text not in number:
                raise DataError(
                    f'clip {plain(self.clips[row]["frame_dir"])}: label {text!r} is none of the '
                    f'names of classes.{did_you_mean(text, order)}'
                )
            self.clips[row]['label'] = number[text]
        self.about = replace(self.about, label_names=tuple(order))
        self.notes.add(f'labels were names; their numbers are those in {some(order, 3)}')

    @property
    def numbered(self) -> list[str]:
        """Names of the clips that have a label that is a number."""
        return [clip['frame_dir'] for clip in self.clips if _labels(clip) != [NO_LABEL]]

    def _add_about(self, about: About, path: Path) -> None:
        for entry in ('label_names', 'layout'):
            value, known = getattr(about, entry), getattr(self.about, entry)
            if known is not None and value not in (None, known):
                raise DataError(
                    f'{path}: its {entry} is {brief(value)}, that of the files before '
                    f'{brief(known)}. Expected the same; do the files belong together?'
                )
            if value is not None:
                self.about = replace(self.about, **{entry: value})

    def name_apart(self) -> None:
        """Give clips of the same name different ones."""
        rename_repeated(self.clips, self.notes, self.sources)

    def put_labels(self, label_file: LabelFile, aliases: Sequence[str] | None = None) -> None:
        """Take labels from another file; a clip that it does not name keeps what it has.

        Args:
            label_file: the labels.
            aliases: what the file may call each clip; None: their names.
        """
        aliases = self.names if aliases is None else aliases
        labels, own_names = label_file.of(aliases), self.about.label_names
        kept = [
            clip['frame_dir']
            for clip, label in zip(self.clips, labels)
            if label is None and _labels(clip) != [NO_LABEL]
        ]
        # Names are numbered in the order of the labels that stay.
        if kept and label_file.label_names not in (None, own_names):
            if own_names is None:
                raise DataError(
                    f'{label_file.path}: labels are names of classes, and {some(kept)}, which it '
                    'does not name, have numbers. Expected labels of all clips.'
                )
            label_file = label_file.renumbered(own_names)
            labels = label_file.of(aliases)
        for clip, label in zip(self.clips, labels):
            if label is not None:
                clip['label'] = label
        without = [name for name, label in zip(self.names, labels) if label is None]
        if without:
            self.notes.add(f'not named in {label_file.path}: {counted(without, "clip")}')
        if label_file.label_names is not None:
            self.about = replace(self.about, label_names=label_file.label_names)

    def count_labels_from(self, first: int) -> None:
        """Make labels that count from `first` count from 0."""
        low = [c['frame_dir'] for c in self.clips if any(0 <= k < first for k in _labels(c))]
        if low:
            raise DataError(
                f'--first-label {first}: {some(low)} have labels below it. Leave it out: they '
                'count from 0.'
            )
        for clip in self.clips:
            labels = [k - first if k != NO_LABEL else k for k in _labels(clip)]
            clip['label'] = labels if isinstance(clip.get('label'), list) else labels[0]

    def set_size(self, img_shape: tuple[int, int]) -> None:
        """Give clips without a size of the picture this one, (height, width)."""
        lacking = [c for c in self.clips if not c.get('img_shape') and not c.get('original_shape')]
        for clip in lacking:
            clip.update(img_shape=img_shape, original_shape=img_shape)
        self.notes.add(f'img_shape set in {count(len(lacking), "clip")}, which had none')

    def put_splits(self, splits: Mapping[str, Sequence[str]]) -> None:
        """Replace the splits."""
        if self.rows:
            self.notes.add(f'splits {some(self.rows)} of the files are replaced')
        place = self._rows()
        self.rows = {split: [place[name] for name in names] for split, names in splits.items()}

    def add_split(self, split: str, names: Sequence[str], where: str) -> None:
        """Add the clips of a list to a split."""
        clips, place = ClipNames(self.names), self._rows()
        found = {name: clips.find(name) for name in names}
        rows = [place[name] for name in found.values() if name is not None]
        missing = [name for name, clip in found.items() if clip is None]
        if not rows:
            raise DataError(
                f'{where}: names none of the clips. It has {some(names, 3)}; the clips are called '
                f'{some(self.names, 3)}.'
            )
        if missing:
            self.notes.add(f'{where}: no clip is called {some(missing)} ({len(missing)} names)')
        members = self.rows.setdefault(split, [])
        members += [row for row in rows if row not in set(members)]

    def check_names(self) -> None:
        """Raise a DataError where several clips have the same name."""
        seen: dict[str, str] = {}
        for name, file in zip(self.names, self.files):
            if name in seen:
                where = 'twice' if seen[name] == file else f'in {seen[name]} and'
                raise DataError(
                    f'frame_dir {plain(name)} is {where} in {file}. Expected a different name for '
                    'every clip: --rename-repeated.'
                )
            seen[name] = file

    def check_label_names(self) -> None:
        """Raise a DataError where a label has no name."""
        names = self.about.label_names
        if names is not None and self.highest_label >= len(names):
            raise DataError(
                f'labels go up to {self.highest_label}, and there are {count(len(names), "name")} '
                'of classes. Expected a name for each class; labels that count from 1: '
                '--first-label 1.'
            )


def _labels(clip: Mapping[str, Any]) -> list[int]:
    label = clip.get('label')
    return label if isinstance(label, list) else [NO_LABEL if label is None else label]


def join_files(
    paths: Sequence[Path], splits: Sequence[tuple[str, Path]]
) -> tuple[Joined, list[Path]]:
    """Read files and folders into one.

    Args:
        paths: annotation pickles of any shape, annotations in JSON, packed folders, folders of
            pickles, and files of labels.
        splits: names of splits, each with an annotation file whose clips are all in it, or a list
            of names.

    Returns:
        The clips, and those of the paths that are labels.

    Raises:
        DataError: a file that cannot be read, or holds something else.
    """
    joined, label_files, lists = Joined(), [], []
    files: list[tuple[Path, str | None]] = [(file, None) for path in paths for file in _files(path)]
    for split, path in splits:
        if path.suffix.lower() in ('.pkl', '.pickle') or path.is_dir():
            files += [(file, split) for file in _files(path)]
        else:
            lists.append((split, path))
    sources = _short([file for file, _ in files])
    for (file, split), source in zip(tqdm(files, 'files', leave=False, disable=None), sources):
        data = read_source(file)
        if split is None and format_of_data(data) is FILE_FORMATS['labels']:
            label_files.append(file)
        else:
            joined.add(file, data, source, split)
    if not joined.clips:
        raise UserError('no annotations among the files. Expected at least one clip.')
    for split, path in lists:
        joined.add_split(split, read_names(path), str(path))
    return joined, label_files


def read_source(path: Path) -> Any:
    """Return what an annotation file, annotations in JSON or a packed folder hold.

    Raises:
        DataError: missing, or in another format; the message says which, and how to convert it.
    """
    if (path / META).exists():
        clips = open_annotations(path)
        split = {name: list(clips.split(name).ids) for name in clips.store.split_names}
        return {'split': split, 'annotations': list(clips), **clips.about.entries()}
    if path.suffix.lower() == '.json' and detect_format(path) in (
        FILE_FORMATS['annotation JSON'],
        FILE_FORMATS['labels'],
    ):
        return read_json(path)
    return load_annotations(path)


def read_all(path: Path) -> Any:
    """Return what a file holds, or what the files of a folder hold together."""
    files = _files(path)
    if len(files) == 1:
        return read_source(files[0])
    together: dict[str, Any] = {'split': {}, 'annotations': []}
    for file in files:
        split, annotations = parts(read_source(file), str(file))
        together['annotations'] += annotations
        for name, members in split.items():
            together['split'].setdefault(name, []).extend(members)
    return together


def _files(path: Path) -> list[Path]:
    """Return the annotation files of a folder, or the path itself."""
    if not path.is_dir() or (path / META).exists():
        return [path]
    files = sorted(file for file in path.rglob('*') if file.suffix.lower() in ('.pkl', '.pickle'))
    if not files:
        found = detect_format(path)
        reason = 'is a folder without pickles. Other formats: python tools/convert.py --help'
        raise DataError(f'{path}: {found.message(path) if found else reason}')
    return files


def _short(files: Sequence[Path]) -> list[str]:
    """Return a short name of where each file's clips come from: its own, or its folder's."""
    stems = [file.stem for file in files]
    by_folder = len(set(stems)) < len(stems) or len({file.parent for file in files}) > 1
    return [file.parent.name if by_folder else file.stem for file in files]
