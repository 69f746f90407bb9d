"""NATOPS -> annotations. Receives the archive's NATOPS_TRAIN.ts and NATOPS_TEST.ts, hands on what write_annotations takes.

Six aircraft-handling gestures (Ghouaiel, Marteau and Dupont, 2017): 180 + 180 clips of 51 frames, x y z of 8 points of hands and arms,
in the order of the layout natops8. The archive's values are standardised, so a picture of them is not metric. x rises toward the
person's right hand: the picture shows the person from behind.

A .ts file: `#` comments, `@key value` lines, `@data`, then a line a clip: 24 series of numbers and the label, with colons between.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..annotations.fields import clean_fields
from ..annotations.store import make_annotation
from ..errors import DataError, UserError
from ..files.texts import read_bytes
from ..skeletons import get_layout
from ..wording import plain, some
from .natops_people import NUM_PEOPLE, guess_people

CLASSES = ('I have command', 'all clear', 'not clear', 'spread wings', 'fold wings', 'lock wings')
PROJECTIONS = {
    'xy': (0, 1),
    'xz': (0, 2),
    'zy': (2, 1),
}  # the axis that points right, the one that points up
SPACE = 'xyz'  # no projection: all three, for networks that take key points in space
PICTURE = 600  # px, height and width; nearly all values lie within -3..3
PIXELS_PER_UNIT = 100
NUM_JOINTS = get_layout('natops8').num_joints
MAX_BYTES = 256 << 20
MOST = 1e6


@dataclass(frozen=True)
class Series:
    """What a .ts file holds: xyz, one (T, V, 3) float64 array a clip; label 0..K-1 of each; the labels' names."""

    xyz: list[np.ndarray]
    labels: list[int]
    names: tuple[str, ...]


def read_ts(path: Path) -> Series:
    """A .ts file of 24 series a clip. DataError naming file and line: unreadable, other counts, no number, unknown label."""
    header: dict[str, str] = {}
    xyz: list[np.ndarray] = []
    labels: list[int] = []
    names: tuple[str, ...] = ()
    for number, line in _lines(path):
        where = f'{path}: line {number}'
        if line.startswith('@') and 'data' not in header:
            key, _, value = line[1:].partition(' ')
            header[key.lower()] = value.strip()
            if key.lower() == 'data':
                names = _names(header, str(path))
        elif 'data' not in header:
            raise DataError(
                f'{where}: {plain(line)} before @data. Expected # comments, @key value lines, @data, then the clips.'
            )
        else:
            *series, label = line.split(':')
            xyz.append(_clip(series, where))
            labels.append(_label(label.strip(), names, where))
    if not xyz:
        raise DataError(
            f'{path}: holds no clips. Expected a .ts file: @key value lines, @data, then a line a clip.'
        )
    return Series(xyz, labels, names)


def _lines(path: Path) -> list[tuple[int, str]]:
    """The lines that say something, with their numbers from 1 on."""
    text = read_bytes(path, MAX_BYTES, 'NATOPS has 2 MiB. Is it the right file?')
    lines = enumerate(text.decode('latin-1').removeprefix('ï»¿').split('\n'), 1)
    return [
        (number, line.strip())
        for number, line in lines
        if line.strip() and not line.startswith('#')
    ]


def _names(header: dict[str, str], where: str) -> tuple[str, ...]:
    """The labels of @classLabel, in order: class k is the k-th."""
    has, *names = header.get('classlabel', '').split() or ['']
    if has.lower() != 'true' or not names:
        raise DataError(
            f"{where}: names no classes before @data. Expected a line like '@classLabel true 1.0 2.0'."
        )
    if header.get('timestamps', 'false').lower() == 'true':
        raise DataError(
            f'{where}: has time stamps (@timeStamps true). Expected plain series, as the archive has them.'
        )
    return tuple(names)


def _clip(series: Sequence[str], where: str) -> np.ndarray:
    """3 V texts of T numbers, x y z of each joint -> (T, V, 3)."""
    if len(series) != 3 * NUM_JOINTS:
        raise DataError(
            f'{where}: {len(series)} series and a label. Expected {3 * NUM_JOINTS}: x, y, z of {NUM_JOINTS} joints. '
            'Is it the file of another data set, or cut short?'
        )
    rows = [_numbers(text, f'{where}, series {i + 1}') for i, text in enumerate(series)]
    lengths = {len(row) for row in rows}
    if len(lengths) > 1:
        raise DataError(
            f'{where}: series of {some(sorted(lengths))} frames. Expected all of one length.'
        )
    return np.array(rows).reshape(NUM_JOINTS, 3, -1).transpose(2, 0, 1)


def _numbers(text: str, where: str) -> list[float]:
    cells = text.split(',')
    try:
        row = [float(cell) for cell in cells]
    except ValueError:
        wrong = next(cell for cell in cells if not _is_number(cell))
        raise DataError(
            f'{where}: {plain(wrong.strip()) or "nothing"!r} is no number. Expected numbers with commas between.'
        ) from None
    if not (np.abs(row) < MOST).all():  # NaN neither
        raise DataError(
            f'{where}: holds NaN, infinity or a number beyond {MOST:g}. Expected standardised ones, within a few units of 0.'
        )
    return row


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _label(text: str, names: Sequence[str], where: str) -> int:
    if text not in names:
        raise DataError(
            f'{where}: the label is {plain(text)!r}. Expected one of @classLabel: {some(names, 10)}.'
        )
    return names.index(text)


def check_same_classes(files: Iterable[Series], where: Path) -> None:
    """DataError where the files' classes differ; `where` is the last one."""
    first, *others = files
    for series in others:
        if series.names != first.names:
            raise DataError(
                f'{where}: its classes are {some(series.names, 10)}; those of the other file are {some(first.names, 10)}. '
                'Do the files belong together?'
            )


def label_names(series: Series) -> tuple[str, ...]:
    """The gestures' names for the archive's six labels; else the labels as they stand."""
    return CLASSES if len(series.names) == len(CLASSES) else series.names


def project(xyz: np.ndarray, projection: str) -> np.ndarray:
    """(T, V, 3) -> (T, V, 2) pixels of a fixed picture, seen along the third axis; the value 0 is the picture's centre."""
    right, up = PROJECTIONS[projection]
    return PICTURE / 2 + PIXELS_PER_UNIT * np.stack([xyz[..., right], -xyz[..., up]], -1)


def annotations_of(series: Series, prefix: str, projection: str) -> list[dict[str, Any]]:
    """The annotations of a file's clips, named prefix_0, prefix_1 ... in the file's order.

    projection  one of PROJECTIONS: keypoint (1, T, V, 2) pixels; or SPACE: (1, T, V, 3), the archive's values, without a picture
    """
    if projection == SPACE:
        return [
            clean_fields({'frame_dir': f'{prefix}_{i}', 'label': label, 'keypoint': xyz[None]})
            for i, (xyz, label) in enumerate(zip(series.xyz, series.labels))
        ]
    return [
        make_annotation(
            f'{prefix}_{i}', project(xyz, projection), label=label, img_shape=(PICTURE, PICTURE)
        )
        for i, (xyz, label) in enumerate(zip(series.xyz, series.labels))
    ]


def check_folds(num_folds: int) -> None:
    """UserError unless train's people can be dealt out to so many parts."""
    if not 2 <= num_folds <= NUM_PEOPLE:
        raise UserError(
            f'--folds {num_folds}: expected 2 to {NUM_PEOPLE} parts, since {NUM_PEOPLE} people are dealt out to them.'
        )


def folds(people: Sequence[int] | np.ndarray, num_folds: int, seed: int) -> list[list[int]]:
    """People dealt out to num_folds parts in a random order: the clip indices of each part, rising. Nobody is in two parts.

    people  (N,) who each clip shows
    """
    dealt = np.random.default_rng(seed).permutation(np.unique(people))
    return [np.flatnonzero(np.isin(people, dealt[i::num_folds])).tolist() for i in range(num_folds)]


def splits(train: Series, test: Series, num_folds: int, seed: int) -> dict[str, list[str]]:
    """train and test as published; and for choosing without looking at test, train in parts: fit and val, fit2 and val2 ...

    Each val is one of the num_folds parts of train, its fit is the rest. A person's clips stay together (natops_people.py: a guess), since
    test shows other people than train; everybody makes every gesture, so the classes are as frequent in all parts.
    """
    names = [f'train_{i}' for i in range(len(train.xyz))]
    split = {'train': names, 'test': [f'test_{i}' for i in range(len(test.xyz))]}
    for i, part in enumerate(
        folds(guess_people(train.xyz, train.labels, seed=seed), num_folds, seed)
    ):
        number, held_out = str(i + 1) if i else '', set(part)
        split[f'fit{number}'] = [name for j, name in enumerate(names) if j not in held_out]
        split[f'val{number}'] = [name for j, name in enumerate(names) if j in held_out]
    return split
