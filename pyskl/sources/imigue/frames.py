"""Match the points of a video's frames with the frame numbers that its label file uses.

The numbers are in the first column (pandas may have added its own row numbers before it), or
missing: then the first row is frame 0. Files begin at 0 or 1; a clip is what lies between the
numbers of its label row, wherever the file begins.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import DataError
from ..tables import Table

NUM_POINTS = 35
NUM_COLUMNS = 1 + 3 * NUM_POINTS

# Number of points in each release -> possible numbers of columns before them: the frame number, and
# pandas' row number.
COLUMNS_BEFORE = {35: (1, 2), 137: (0, 1, 2), 36: (0, 1, 2), 25: (1, 2)}
WANTED = (
    f'Expected {NUM_COLUMNS} columns: frame number, then x, y, score of {NUM_POINTS} points (or '
    '411: x, y, score of 137 points)'
)


@dataclass(frozen=True)
class Frames:
    """The frames in a video's file, in the order of their numbers.

    Attributes:
        number: (n,) int64, ascending.
        points: (n, V, 3) x px, y px, score; NaN where a cell is empty.
        doubtful: (n,) whether the file has different values under the same number.
        step: from one frame number to the next; 1 unless only every s-th frame was kept.
        counted: whether the file has no numbers, so that its rows count from 0.
        notes: what was odd and how it was read, and where: ('frame numbers fall ...', 'line 7').
    """

    number: np.ndarray
    points: np.ndarray
    doubtful: np.ndarray
    step: int
    counted: bool
    notes: tuple[tuple[str, str], ...]

    def cut(self, first: int, last: int, most: int) -> Stretch | None:
        """Return the frames numbered first to last, at most the last `most` of them; None for none.

        Frames that the file lacks in between are filled with NaN, so that the timing is preserved.
        """
        inside = np.flatnonzero((self.number >= first) & (self.number <= last))
        if not len(inside):
            return None
        start, step = int(self.number[0]), self.step
        end = (min(last, int(self.number[-1])) - start) // step
        begin = max(-((start - max(first, start)) // step), end - most + 1)
        wanted = start + step * np.arange(begin, end + 1)  # (k,)
        place = np.minimum(np.searchsorted(self.number, wanted), len(self.number) - 1)
        there = self.number[place] == wanted
        if there.all():
            points = self.points[place[0] : place[-1] + 1]  # a view: recordings are long
        else:
            points = np.full((len(wanted), *self.points.shape[1:]), np.nan, self.points.dtype)
            points[there] = self.points[place[there]]
        doubtful = wanted[there & self.doubtful[place]]
        return Stretch(points, wanted[~there].tolist(), doubtful.tolist(), last > self.number[-1])


@dataclass(frozen=True)
class Stretch:
    """The frames of a clip.

    Attributes:
        points: (k, V, 3); NaN where a frame or a cell is missing. Not to be written into.
        missing: numbers of the frames that the file lacks.
        doubtful: numbers of the frames that occur with different values.
        cut_short: whether the label row extends beyond the last frame.
    """

    points: np.ndarray
    missing: list[int]
    doubtful: list[int]
    cut_short: bool


def frames_of(path: Path, table: Table) -> Frames:
    """Find the frame numbers and the points in the columns of a file.

    Raises:
        DataError: columns of no release, infinite values, frame numbers that are missing or not
            whole.
    """
    values = table.values
    if values.shape[1] > 1 and np.isnan(values[:, -2:]).all(0).tolist() == [False, True]:
        values = values[:, :-1]  # a comma at the end of each line
    width = values.shape[1]
    num_points = next((n for n, before in COLUMNS_BEFORE.items() if width - 3 * n in before), None)
    if num_points is None:
        raise DataError(f'{path.name}: has {values.shape[1]} columns')
    infinite = np.flatnonzero(np.isinf(values).any(1))
    if len(infinite):
        raise DataError(f'{path.name}: line {table.lines[infinite[0]]} holds inf')
    points = values[:, -3 * num_points :].reshape(len(values), num_points, 3)
    counted = width == 3 * num_points
    numbers = (
        np.arange(len(values))
        if counted
        else _whole(path, table.exact_column(width - 3 * num_points - 1), table.lines)
    )
    return _in_order(numbers, points, table.lines, counted)


def _whole(path: Path, numbers: np.ndarray, lines: np.ndarray) -> np.ndarray:
    with np.errstate(invalid='ignore'):
        wrong = np.flatnonzero(~((numbers == np.floor(numbers)) & (np.abs(numbers) < 2**53)))
    if len(wrong):
        number = numbers[wrong[0]]
        what = 'no frame number' if np.isnan(number) else f'the frame number {number:g}'
        raise DataError(
            f'{path.name}: line {lines[wrong[0]]} has {what}; whole numbers are expected'
        )
    return numbers.astype(np.int64)


def _in_order(number: np.ndarray, points: np.ndarray, lines: np.ndarray, counted: bool) -> Frames:
    """Sort the rows by their numbers and drop repeated ones."""
    notes = []
    falls = np.flatnonzero(np.diff(number) < 0)
    if len(falls):
        notes.append(('frame numbers fall: read in ascending order', f'line {lines[falls[0] + 1]}'))
        order = np.argsort(number, kind='stable')
        number, points, lines = number[order], points[order], lines[order]

    # Of several rows under one number, keep the first and mark it where the others differ.
    again = np.flatnonzero(np.diff(number) == 0) + 1
    doubtful = np.zeros(len(number), bool)
    first = np.searchsorted(number, number[again])  # the row that each of them repeats
    equal = (points[again] == points[first]) | (np.isnan(points[again]) & np.isnan(points[first]))
    doubtful[first[~equal.all((1, 2))]] = True
    if len(again):
        where = f'frame {number[again[0]]} in line {lines[again[0]]}, {len(again)} in all'
        kind = 'with other values' if doubtful.any() else 'with the same values: read once'
        notes.append((f'frames that stand there again, {kind}', where))
        kept = np.setdiff1d(np.arange(len(number)), again)
        number, points, doubtful = number[kept], points[kept], doubtful[kept]

    step = int(np.gcd.reduce(np.diff(number))) if len(number) > 1 else 1
    if step > 1:
        notes.append(
            ('frame numbers go up in steps: read as neighbouring frames', f'steps of {step}')
        )
    return Frames(number, points, doubtful, step, counted, tuple(notes))
