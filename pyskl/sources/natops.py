"""Read NATOPS, the archive's NATOPS_TRAIN.ts and NATOPS_TEST.ts, as annotations.

Six aircraft-handling gestures: 180 + 180 clips of 51 frames, x, y, z of 8 points of hands and arms
in the order of the layout natops8. The archive's values are standardised, so a picture of them is
not metric. x grows towards the person's right hand: the picture shows the person from behind.

A .ts file holds `#` comments, `@key value` lines, `@data`, then one line per clip: 24 series of
numbers and the label, separated by colons.

Source: Ghouaiel, Marteau and Dupont, 2017; UEA & UCR time series classification archive.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..annotations.store import make_annotation
from ..errors import DataError, UserError
from ..files.texts import read_bytes
from ..skeletons import get_layout
from ..wording import plain, some
from .natops_people import NUM_PEOPLE, guess_people
from .source import Annotation

CLASSES = ('I have command', 'all clear', 'not clear', 'spread wings', 'fold wings', 'lock wings')
PROJECTIONS = {'xy': (0, 1), 'xz': (0, 2), 'zy': (2, 1)}  # the axes that point right and up
SPACE = 'xyz'  # no projection: all three, for networks that take key points in space
PICTURE = 600  # px, height and width; nearly all values lie within -3..3
PIXELS_PER_UNIT = 100
NUM_JOINTS = get_layout('natops8').num_joints
MAX_BYTES = 256 << 20
MOST = 1e6


@dataclass(frozen=True)
class Series:
    """The content of a .ts file.

    Attributes:
        xyz: one (T, V, 3) float64 array per clip.
        labels: class of each clip, 0 to K - 1.
        names: the K labels as the file spells them.
    """

    xyz: list[np.ndarray]
    labels: list[int]
    names: tuple[str, ...]


def read_ts(path: Path) -> Series:
    """Read a .ts file of 24 series per clip.

    Raises:
        DataError: names file and line; unreadable, other counts, no number, unknown label.
    """
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
                f'{where}: {plain(line)} before @data. Expected # comments, @key value lines, '
                '@data, then the clips.'
            )
        else:
            *series, label = line.split(':')
            xyz.append(_clip(series, where))
            labels.append(_label(label.strip(), names, where))
    if not xyz:
        raise DataError(
            f'{path}: holds no clips. Expected a .ts file: @key value lines, @data, then one line '
            'per clip.'
        )
    return Series(xyz, labels, names)


def _lines(path: Path) -> list[tuple[int, str]]:
    """Return the lines that are neither blank nor comments, with their numbers from 1 on."""
    text = read_bytes(path, MAX_BYTES, 'NATOPS has 2 MiB. Is it the right file?')
    lines = enumerate(text.decode('latin-1').removeprefix('ï»¿').split('\n'), 1)
    return [
        (number, line.strip())
        for number, line in lines
        if line.strip() and not line.startswith('#')
    ]


def _names(header: dict[str, str], where: str) -> tuple[str, ...]:
    """Return the labels of @classLabel in order: class k is the k-th."""
    has, *names = header.get('classlabel', '').split() or ['']
    if has.lower() != 'true' or not names:
        raise DataError(
            f'{where}: names no classes before @data. Expected a line like '
            "'@classLabel true 1.0 2.0'."
        )
    if header.get('timestamps', 'false').lower() == 'true':
        raise DataError(
            f'{where}: has time stamps (@timeStamps true). Expected plain series, as the archive '
            'has them.'
        )
    return tuple(names)


def _clip(series: Sequence[str], where: str) -> np.ndarray:
    """Turn 3 V texts of T numbers, x y z of each joint, into (T, V, 3)."""
    if len(series) != 3 * NUM_JOINTS:
        raise DataError(
            f'{where}: {len(series)} series and a label. Expected {3 * NUM_JOINTS}: x, y, z of '
            f'{NUM_JOINTS} joints. Is it the file of another data set, or cut short?'
        )
    rows = [_numbers(text, f'{where}, series {i + 1}') for i, text in enumerate(series)]
    lengths = {len(row) for row in rows}
    if len(lengths) > 1:
        raise DataError(
            f'{where}: series of {some(sorted(lengths))} frames. Expected all of one length.'
        )
    return np.array(rows).reshape(NUM_JOINTS, 3, -1).transpose(2, 0, 1)


def _numbers(text: str, where: str) -> list[float]:
    row = []
    for cell in text.split(','):
        try:
            row.append(float(cell))
        except ValueError:
            raise DataError(
                f'{where}: {plain(cell.strip()) or "nothing"!r} is not a number. Expected numbers '
                'separated by commas.'
            ) from None
    if not (np.abs(row) < MOST).all():  # NaN neither
        raise DataError(
            f'{where}: holds NaN, infinity or a number beyond {MOST:g}. Expected standardised '
            'numbers, within a few units of 0.'
        )
    return row


def _label(text: str, names: Sequence[str], where: str) -> int:
    if text not in names:
        raise DataError(
            f'{where}: the label is {plain(text)!r}. Expected one of @classLabel: '
            f'{some(names, 10)}.'
        )
    return names.index(text)


def check_same_classes(files: Iterable[Series], where: Path) -> None:
    """Raise a DataError where the files' classes differ; `where` is the last file."""
    first, *others = files
    for series in others:
        if series.names != first.names:
            raise DataError(
                f'{where}: its classes are {some(series.names, 10)}; those of the other file are '
                f'{some(first.names, 10)}. Do the files belong together?'
            )


def label_names(series: Series) -> tuple[str, ...]:
    """Return the gestures' names for the archive's six labels; otherwise the labels themselves."""
    return CLASSES if len(series.names) == len(CLASSES) else series.names


def project(xyz: np.ndarray, projection: str) -> np.ndarray:
    """Project key points onto a picture of fixed size, seen along the third axis.

    Args:
        xyz: (T, V, 3) standardised values; 0 is the centre of the picture.
        projection: a key of PROJECTIONS.

    Returns:
        (T, V, 2) pixels.
    """
    right, up = PROJECTIONS[projection]
    return PICTURE / 2 + PIXELS_PER_UNIT * np.stack([xyz[..., right], -xyz[..., up]], -1)


def annotations_of(series: Series, prefix: str, projection: str) -> list[Annotation]:
    """Return the annotations of a file's clips, named prefix_0, prefix_1 ... in its order.

    Args:
        series: the file's content.
        prefix: of the clips' names.
        projection: a key of PROJECTIONS for keypoint (1, T, V, 2) in pixels, or SPACE for
            (1, T, V, 3), the archive's values, without a picture.
    """
    size = None if projection == SPACE else (PICTURE, PICTURE)
    places = series.xyz if size is None else [project(xyz, projection) for xyz in series.xyz]
    return [
        make_annotation(f'{prefix}_{i}', place, label=label, img_shape=size)
        for i, (place, label) in enumerate(zip(places, series.labels))
    ]


def check_folds(num_folds: int) -> None:
    """Raise a UserError unless the people of train can be divided into so many parts."""
    if not 2 <= num_folds <= NUM_PEOPLE:
        raise UserError(
            f'--folds {num_folds}: expected 2 to {NUM_PEOPLE} parts, since train shows '
            f'{NUM_PEOPLE} people.'
        )


def folds(people: Sequence[int] | np.ndarray, num_folds: int, seed: int) -> list[list[int]]:
    """Divide people into parts at random; nobody is in two of them.

    Args:
        people: (N,) the person in each clip.
        num_folds: number of parts.
        seed: of the random order.

    Returns:
        The clip indices of each part, ascending.
    """
    order = np.random.default_rng(seed).permutation(np.unique(people))
    return [np.flatnonzero(np.isin(people, order[i::num_folds])).tolist() for i in range(num_folds)]


def splits(train: Series, test: Series, num_folds: int, seed: int) -> dict[str, list[str]]:
    """Return train and test as published, and train divided for choosing settings.

    Each of val, val2, val3 ... is one part of train, and fit, fit2, fit3 ... the rest. The clips of
    a person stay together (a guess, see natops_people.py), since test shows other people than
    train. Everybody performs every gesture, so the classes are equally frequent in all parts.
    """
    names = [f'train_{i}' for i in range(len(train.xyz))]
    split = {'train': names, 'test': [f'test_{i}' for i in range(len(test.xyz))]}
    people = guess_people(train.xyz, train.labels, seed=seed)
    for i, part in enumerate(folds(people, num_folds, seed)):
        number, held_out = str(i + 1) if i else '', set(part)
        split[f'fit{number}'] = [name for j, name in enumerate(names) if j not in held_out]
        split[f'val{number}'] = [name for j, name in enumerate(names) if j in held_out]
    return split
