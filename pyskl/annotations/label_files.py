"""Labels in a file of their own: csv, text, JSON or pickle of names and labels.

    csv, tsv        name,label a row, with a header that names the columns or without
    txt             `name label` a line (what lists of videos look like)
    JSON, pickle    {name: label}, [[name, label], ...], [{'file_name': ..., 'label': ...}, ...],
                    (names, labels), or an annotation file

A label is a class number from 0 on, or the name of a class.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from ..errors import DataError, did_you_mean
from ..files import load_pickle
from ..files.texts import csv_rows, read_json, read_text
from ..wording import brief, count, plain, some
from .clip_names import ClipNames
from .field_values import FieldError
from .fields import clean_label

HELP = (
    'labels of the clips: csv or text of `name label` a line, JSON or a pickle of {name: label}, '
    "[{'file_name', 'label'}] or (names, labels)"
)
NAME_KEYS = (
    *('frame_dir', 'file_name', 'filename', 'name', 'clip', 'clip_name', 'video', 'video_name'),
    *('video_id', 'sample_name', 'sample', 'vid', 'youtube_id', 'file', 'path', 'id'),
)
LABEL_KEYS = ('label', 'labels', 'class', 'class_id', 'category', 'category_id', 'action', 'target')


@dataclass(frozen=True)
class LabelFile:
    """The labels of a file.

    Attributes:
        labels: name of a clip as the file spells it -> class, or classes where a clip has several.
        label_names: the classes' names in class order, where the file has names instead of
            numbers.
        path: the file, for messages.
    """

    labels: dict[str, int | list[int]]
    label_names: tuple[str, ...] | None
    path: str

    def of(self, names: Sequence[str]) -> list[int | list[int] | None]:
        """Return each clip's label; None where the file does not name it (ClipNames finds names).

        Raises:
            DataError: the file names none of the clips, or one clip twice with different labels.
        """
        clips = ClipNames(names)
        labels: dict[str, int | list[int]] = {}
        for listed, label in self.labels.items():
            name = clips.find(listed)
            if name is not None and labels.setdefault(name, label) != label:
                raise DataError(
                    f'{self.path}: gives clip {plain(name)} the labels {labels[name]} and {label}.'
                )
        if not labels:
            raise DataError(
                f'{self.path}: names none of the clips. It has {some(self.labels, 3)}; the clips '
                f'are called {some(names, 3)}. Expected the same names (endings and folders aside).'
            )
        return [labels.get(name) for name in names]

    def renumbered(self, label_names: Sequence[str]) -> LabelFile:
        """Number labels that are names of classes by the order of `label_names`.

        Raises:
            DataError: a name that is not among them.
        """
        given = self.label_names or ()
        numbers = cast(Mapping[str, int], self.labels)  # labels that are names are one a clip
        texts = {name: given[label] for name, label in numbers.items()}
        return _of_texts(texts, sorted(set(texts.values())), label_names, Path(self.path))


def read_label_file(path: str | os.PathLike, label_names: Sequence[str] | None = None) -> LabelFile:
    """Read labels.

    Args:
        path: a file in one of the formats that the module's docstring lists.
        label_names: the classes' names in class order, for labels that are names. None: the names
            that are there, sorted.

    Raises:
        DataError: missing, unreadable, in another format, a label that is none, or a name twice
            with different labels.

    Examples:
        >>> read_label_file('labels.csv').labels['0054_0']
        3
    """
    path = Path(path)
    pairs = _pairs(path)
    labels: dict[str, Any] = {}
    for name, label in pairs:
        if labels.setdefault(name, label) != label:
            raise DataError(
                f'{path}: {plain(name)} has the labels {brief(labels[name])} and {brief(label)}. '
                'Expected one line for each clip.'
            )
    if not labels:
        raise DataError(f'{path}: holds no labels. Expected `name label` a line.')
    labels = {name: _number(label, name, path) for name, label in labels.items()}
    texts = sorted({label for label in labels.values() if isinstance(label, str)})
    if not texts:
        return LabelFile(labels, None, str(path))
    return _of_texts(labels, texts, label_names, path)


def _of_texts(
    labels: Mapping[str, Any], texts: Sequence[str], given: Sequence[str] | None, path: Path
) -> LabelFile:
    """Turn names of classes into numbers."""
    numbers = [name for name, label in labels.items() if not isinstance(label, str)]
    if numbers:
        raise DataError(
            f'{path}: labels are numbers ({plain(numbers[0])}) and names ({brief(texts[0])}). '
            'Expected one of them.'
        )
    names = tuple(texts if given is None else given)
    rows = {name: k for k, name in enumerate(names)}
    unknown = [text for text in texts if text not in rows]
    if unknown:
        raise DataError(
            f'{path}: {count(len(unknown), "label")} not among the names of the classes: '
            f'{some(unknown)}.{did_you_mean(unknown[0], names)}'
        )
    return LabelFile({name: rows[label] for name, label in labels.items()}, names, str(path))


def _pairs(path: Path) -> Iterable[tuple[str, Any]]:
    suffix = path.suffix.lower()
    if suffix == '.json':
        return _of_data(read_json(path), path)
    if suffix in ('.pkl', '.pickle'):
        return _of_data(load_pickle(path), path)
    return read_pairs(path, LABEL_KEYS, '`name label`, like `0054_0 3`')


def numbered_lines(path: Path) -> list[tuple[int, str]]:
    """Return the lines of a text file that are not blank, with their numbers from 1 on."""
    lines = read_text(path).splitlines()
    return [(n, line) for n, line in enumerate(lines, 1) if line.strip()]


def read_pairs(path: Path, titles: Sequence[str], example: str) -> list[tuple[str, str]]:
    """Read a name and a value a line: the first two columns, or those that a header names.

    Args:
        path: csv with commas, semicolons or tabs, or text with blanks between.
        titles: what a header calls the values.
        example: of a line, for messages.

    Raises:
        DataError: a line without both; more than two columns without such a header.
    """
    lines = numbered_lines(path)
    if not lines:
        return []
    comma = max(',;\t', key=lines[0][1].count)
    at = (0, 1)
    if comma not in lines[0][1]:
        rows = [(n, line.rsplit(maxsplit=1)) for n, line in lines]
    else:
        cells = csv_rows((line for _, line in lines), path, comma)
        rows = [(n, row) for (n, _), row in zip(lines, cells)]
        at = _columns(rows[0][1], titles, path)
    if len(rows[0][1]) > at[1] and rows[0][1][at[1]].lower() in titles:
        rows = rows[1:]
    for n, row in rows:
        if len(row) <= max(at):
            raise DataError(f'{path}, line {n}: {brief(" ".join(row))}. Expected {example}.')
    return [(row[at[0]], row[at[1]]) for _, row in rows]


def _columns(header: Sequence[str], wanted: Sequence[str], path: Path) -> tuple[int, int]:
    """Return the columns of names and labels: as the header says, else the first two."""
    titles = [title.lower() for title in header]
    name_at = next((titles.index(key) for key in NAME_KEYS if key in titles), None)
    label_at = next((titles.index(key) for key in wanted if key in titles), None)
    if name_at is not None and label_at is not None:
        return name_at, label_at
    if len(header) != 2:
        raise DataError(
            f'{path}: has {len(header)} columns, {some(header, 8)}. Expected two, or a header that '
            f"names them, like 'name' and {wanted[0]!r}."
        )
    return 0, 1


def _of_data(data: Any, path: Path) -> list[tuple[str, Any]]:
    """Return names and labels from the content of a JSON file or a pickle."""
    if isinstance(data, Mapping) and isinstance(data.get('annotations'), (list, tuple, Mapping)):
        data = data['annotations']
    if isinstance(data, Mapping):
        values = data.values()
        if all(isinstance(value, Mapping) for value in values):
            data = [{'name': name, **value} for name, value in data.items()]
        else:
            return [(str(name), label) for name, label in data.items()]
    if isinstance(data, (list, tuple)) and len(data) == 2 and are_columns(*data):
        return list(zip(map(str, data[0]), list(data[1])))
    if isinstance(data, (list, tuple)):
        return [_pair(item, i, path) for i, item in enumerate(data)]
    raise DataError(f'{path}: holds {brief(data)}. Expected labels: {HELP}.')


def is_row(value: Any) -> bool:
    """Return whether a value is a list, a tuple or an array with at least one axis."""
    return isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim > 0)


def are_columns(names: Any, labels: Any) -> bool:
    """Return whether two values are (names, labels), as in ST-GCN's label files."""
    if not is_row(names) or not is_row(labels) or len(names) != len(labels):
        return False
    are_labels = all(isinstance(label, (int, np.integer)) for label in labels)
    return are_labels and all(isinstance(name, str) for name in names)


def first_of(item: Mapping[str, Any], keys: Sequence[str]) -> Any:
    """Return the value of the first of these keys that has one; None without any."""
    return next((item[key] for key in keys if item.get(key) is not None), None)


def _pair(item: Any, index: int, path: Path) -> tuple[str, Any]:
    if isinstance(item, Mapping):
        name = next((item[key] for key in NAME_KEYS if isinstance(item.get(key), str)), None)
        label = first_of(item, LABEL_KEYS)
        if name is not None and label is not None:
            return name, label
    elif isinstance(item, (list, tuple)) and len(item) == 2 and isinstance(item[0], str):
        return item[0], item[1]
    raise DataError(f'{path}: entry {index} is {brief(item)}. Expected a name and a label.')


def _number(label: Any, name: str, path: Path) -> int | list[int] | str:
    """Return a class, several classes, or the text that names a class."""
    if isinstance(label, str) and not re.fullmatch(r'[+-]?\d+(\.0*)?', label.strip()):
        if not label.strip():
            raise DataError(f'{path}: {plain(name)} has an empty label.')
        return ' '.join(label.split())
    try:
        number = float(label) if isinstance(label, str) else label
        exact = isinstance(number, float) and number.is_integer()
        return clean_label({'label': int(number) if exact else number})
    except FieldError as error:
        raise DataError(f'{path}: {plain(name)}: {error}') from None
