"""Read the label csv of a video; class = id - 1, and id 99 is the last class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...annotations.field_values import NO_LABEL
from ...errors import DataError
from ...labels import IMIGUE_LABELS
from ..tables import NO_NUMBERS, number, read_lines

NUM_CLASSES = len(IMIGUE_LABELS)
OTHER_ID = 99  # the id of class 31 (illustrative) in the release
CLASS_ORDER = f'class = id - 1, id {OTHER_ID} is class {NUM_CLASSES - 1} (illustrative)'
COLUMNS = 'Expected three columns: class id, first frame, last frame'

_IDS = ('id', 'class', 'class_id', 'label', 'category')
_FIRST = ('start', 'first', 'begin', 'start_frame', 'first_frame')
_LAST = ('end', 'last', 'stop', 'end_frame', 'last_frame')

# From so many clips on, a test split with a single class is taken to have no labels.
PLACEHOLDER_CLIPS = 3
PLACEHOLDER_CLIPS_BESIDE_TRAIN = 2
SEEN_CLIPS = (
    20  # labelled clips from which on the most frequent class tells the order of the classes
)


@dataclass(frozen=True)
class LabelRow:
    """One row of a label csv.

    Attributes:
        row: index of the row, from 0.
        line: its line in the file, from 1.
        class_id: NaN where the cell is not a number; None where the file has no such column.
        first: number of the first frame, or NaN.
        last: number of the last frame, or NaN.
    """

    row: int
    line: int
    class_id: float | None
    first: float
    last: float

    def fault(self) -> str:
        """Return what is wrong with the frame numbers; '' if they are fine."""
        if not all(abs(n) < 2**53 and n == int(n) for n in (self.first, self.last)):
            return f'first and last frame are {self.first:g} and {self.last:g}'
        return ''


def read_rows(path: Path) -> list[LabelRow]:
    """Read a label csv: id, first, last, with or without a header; further columns are ignored.

    Two columns are first and last frame of clips without labels. A header may name the columns in
    another order.

    Raises:
        DataError: fewer columns, no rows, or no numbers in any of them.
    """
    lines, at = read_lines(path)
    table = [line.split(',') for line in lines]
    if not table:
        raise DataError(f'{path.name}: holds no rows')
    if max(map(len, table)) < 2:
        raise DataError(f'{path.name}: has 1 columns')
    three = any(len(cells) > 2 and cells[2].strip() for cells in table)
    where: tuple[int | None, int, int] = (0, 1, 2) if three else (None, 0, 1)
    if _is_header(table):
        where = _columns(table[0], where)
        table, at = table[1:], at[1:]
    class_id, first, last = where
    rows = [
        LabelRow(
            i,
            line,
            None if class_id is None else _number(cells, class_id),
            _number(cells, first),
            _number(cells, last),
        )
        for i, (cells, line) in enumerate(zip(table, at))
    ]
    if not rows:
        raise DataError(f'{path.name}: holds no rows but a header')
    if all(np.isnan(row.first) and np.isnan(row.last) for row in rows):
        raise DataError(f'{path.name}: {NO_NUMBERS}')
    return rows


def _is_header(table: list[list[str]]) -> bool:
    """Return whether the first row holds words, or column numbers as pandas writes them."""
    numbers = [number(cell) for cell in table[0]]
    if None in numbers[:3]:
        return True
    counted = numbers[1:] if numbers[0] != numbers[0] else numbers
    others = {cells[0].strip() for cells in table[1:]}
    return counted == list(range(len(counted))) and len(counted) > 1 and bool(others - {'', '0'})


def _columns(cells: list[str], where: tuple[int | None, int, int]) -> tuple[int | None, int, int]:
    """Return the columns of id, first and last in a header; `where` if it has no known words."""
    words = [cell.strip().lower().replace(' ', '_') for cell in cells]

    def find(names: Sequence[str]) -> int | None:
        return next((i for i, word in enumerate(words) if word in names), None)

    first, last = find(_FIRST), find(_LAST)
    if first is not None and last is not None:
        return find(_IDS), first, last
    index = int(words[0] == '' and len(words) > 2)  # pandas leaves its row numbers nameless
    return (index, index + 1, index + 2) if len(words) - index > 2 else (None, index, index + 1)


def _number(cells: list[str], place: int) -> float:
    """Return the number in a cell; NaN where it is missing or not a number."""
    value = number(cells[place]) if place < len(cells) else None
    return np.nan if value is None else value


def class_of(class_id: float, where: str) -> int:
    """Return the class of an id: 0 to 31 for 1 to 32, and 31 for 99.

    Raises:
        DataError: another id; the message begins with `where`.
    """
    if not is_class_id(class_id):
        raise DataError(f'{where}: class id {class_id:g}. {EXPECTED_ID}.')
    return NUM_CLASSES - 1 if class_id == OTHER_ID else int(class_id) - 1


def id_of(label: int) -> int:
    """Return the id of a class, the inverse of `class_of`."""
    return OTHER_ID if label == NUM_CLASSES - 1 else label + 1


EXPECTED_ID = f'Expected 1 to {NUM_CLASSES}, or {OTHER_ID} for the last class'


def is_class_id(class_id: float) -> bool:
    """Return whether a number is the id of a class: 1 to 32, or 99."""
    return class_id == OTHER_ID or class_id in range(1, NUM_CLASSES + 1)


def check_ids(ids: Sequence[float], where: str) -> None:
    """Refuse ids of a training or validation split that are class numbers already.

    They would be read as one class too low.

    Raises:
        DataError: 0 occurs, and neither 32 nor 99, the most frequent class.
    """
    present = set(ids)
    enough = len(ids) >= SEEN_CLIPS and len(present) > 1
    if enough and 0 in present and not {NUM_CLASSES, OTHER_ID} & present:
        commonest = Counter(ids).most_common(1)[0][0]
        order = 'id % 99' if commonest == 0 else 'id - 1'
        raise DataError(
            f'{where}: the label csv files hold ids {min(ids):g} to {max(ids):g} and no '
            f'{OTHER_ID}: they look like class numbers, {order}, not like ids. Expected ids 1 to '
            f'31 and {OTHER_ID}: use the published label files.'
        )


def are_placeholders(labels: Sequence[int], train: Sequence[int] | None) -> bool:
    """Return whether the labels of a test split are placeholders: all equal.

    Args:
        labels: of the test split.
        train: of the train split beside it; None where there is none.
    """
    classes = set(labels) - {NO_LABEL}
    if train is not None and len(set(train) - {NO_LABEL}) < 2:
        return False
    least = PLACEHOLDER_CLIPS if train is None else PLACEHOLDER_CLIPS_BESIDE_TRAIN
    return len(classes) == 1 and len(labels) >= least


def looks_like_id_mod_99(labels: Sequence[int]) -> bool:
    """Return whether labels are id % 99: then the most frequent class by far is 0, not 31."""
    seen = Counter(label for label in labels if label != NO_LABEL)
    total = sum(seen.values())
    if total < SEEN_CLIPS or len(seen) < 3:
        return False
    (commonest, clips), *_ = seen.most_common()
    return commonest == 0 and clips > 0.15 * total


def from_id_mod_99(label: int | list[int]) -> int | list[int]:
    """Turn a class (or several) by id % 99 into one by id - 1."""
    if isinstance(label, list):
        return [(n - 1) % NUM_CLASSES for n in label]
    return label if label == NO_LABEL else (label - 1) % NUM_CLASSES
