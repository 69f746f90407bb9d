"""Score files: a stream's scores with its clips' names; reading and writing them, and lists of names.

Rows are counted from 0, in messages too.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError
from ..files import load_npz, load_pickle
from ..files.atomic import atomic_write
from ..files.safe_pickle import open_regular
from ..wording import some


@dataclass(frozen=True)
class Scores:
    """One stream's scores as read from `path`: scores (N, K) float32, finite; ids N names, or None for a bare list.

    checkpoint  the name of the checkpoint file that gave them, e.g. 'epoch_4.pth'; None where the file does not say
    """

    ids: tuple[str, ...] | None
    scores: np.ndarray
    path: str
    checkpoint: str | None = None


def save_scores(
    path: str | os.PathLike, ids: Sequence[str], scores: Any, checkpoint: str | None = None
) -> None:
    """Write scores.npz: `ids` (N,) text and `scores` (N, K) float32, row for row; `checkpoint` () text, the file that gave them.

    raises  DataError: ids that are no text, or not one for each row; UserError: the file can't be written
    """
    scores = np.asarray(scores, dtype=np.float32)
    if (
        scores.ndim != 2
        or len(ids) != len(scores)
        or not all(isinstance(name, str) for name in ids)
    ):
        raise DataError(
            f'{path}: {len(ids)} ids for scores of shape {scores.shape}: expected (N, K) and one '
            'id, a text, a row.'
        )
    with atomic_write(path) as f:
        np.savez(
            f,
            ids=np.array(ids, dtype=np.str_),
            scores=scores,
            **({} if checkpoint is None else {'checkpoint': np.str_(checkpoint)}),
        )


def save_result_pkl(path: str | os.PathLike, scores: Any) -> None:
    """Write PYSKL's result.pkl: a bare list of N arrays (K,) float32, or (views, K) where views are kept apart.

    Several answers by name, a dict of such scores, become a list of N dicts, as PYSKL's RGB and pose networks write them.

    Nothing in it ties a row to a clip; keep scores.npz too.
    raises  DataError: scores that are neither (N, K) nor (N, views, K); UserError: the file can't be written
    """
    if isinstance(scores, Mapping):
        named = {name: _rows(own, path) for name, own in scores.items()}
        rows = [dict(zip(named, row)) for row in zip(*named.values())]
    else:
        rows = _rows(scores, path)
    with atomic_write(path) as f:
        pickle.dump(rows, f, protocol=4)


def _rows(scores: Any, path: str | os.PathLike) -> list[np.ndarray]:
    scores = np.asarray(scores, dtype=np.float32)
    if scores.ndim not in (2, 3):
        raise DataError(
            f'{path}: scores of shape {scores.shape}, expected (N, K) or (N, views, K).'
        )
    return [row.copy() for row in scores]


def load_scores(path: str | os.PathLike) -> Scores:
    """Read one stream: scores.npz (ids, scores, checkpoint), or PYSKL's result.pkl, a bare list. Nothing in the file is run.

    raises  DataError: missing, unreadable, no such content, rows of different length, no numbers, NaN or inf, not one id a row
    """
    path = Path(path)
    with open_regular(path) as f:
        zipped = f.read(2) == b'PK'
    ids, rows, checkpoint = _read_npz(path) if zipped else (None, load_pickle(path), None)
    scores = _checked_rows(rows, path)
    return Scores(
        None if ids is None else _checked_ids(ids, len(scores), path),
        scores,
        str(path),
        None if checkpoint is None else _checked_name(checkpoint, path),
    )


def _read_npz(path: Path) -> tuple[Any, Any, Any]:
    arrays = load_npz(path)
    if 'scores' not in arrays:
        raise DataError(
            f"{path}: holds no array 'scores', only {some(arrays, 8) or 'nothing'}. "
            "Expected arrays 'ids' and 'scores', as tools/test.py writes them."
        )
    return arrays.get('ids'), arrays['scores'], arrays.get('checkpoint')


def _checked_ids(ids: np.ndarray, num_rows: int, path: Path) -> tuple[str, ...]:
    if ids.dtype.kind != 'U' or ids.shape != (num_rows,):
        raise DataError(
            f'{path}: ids are {_what(ids)}: expected {num_rows} texts, one for each row of scores.'
        )
    return tuple(_texts(ids, 'ids', path))


def _checked_name(checkpoint: np.ndarray, path: Path) -> str:
    if checkpoint.dtype.kind != 'U' or checkpoint.shape != ():
        raise DataError(
            f'{path}: checkpoint is {_what(checkpoint)}: expected one text, the name of a '
            'checkpoint file.'
        )
    return _texts(checkpoint, 'checkpoint', path)


def _texts(array: np.ndarray, name: str, path: Path) -> Any:
    """An array of text as Python's own: a list, or one str."""
    try:
        return array.tolist()
    except (
        ValueError,
        SystemError,
    ) as error:  # numbers that are no characters; numpy lets Python's own complaint through
        raise DataError(f'{path}: {name} cannot be read as text ({error}).') from error


def _checked_rows(rows: Any, path: Path) -> np.ndarray:
    """Rows as (N, K) float32, or a DataError that names the file and the row."""
    if (
        not isinstance(rows, (list, tuple, np.ndarray))
        or getattr(rows, 'ndim', 1) == 0
        or len(rows) == 0
    ):
        raise DataError(
            f'{path}: holds {_what(rows)}: expected a list of N score arrays (K,), one a clip.'
        )
    for n, row in enumerate(rows):
        if isinstance(row, (list, tuple)) and all(type(value) in (int, float) for value in row):
            continue
        if not isinstance(row, np.ndarray) or row.ndim != 1 or row.dtype.kind not in 'fiu':
            raise DataError(
                f'{path}: row {n} is {_what(row)}: expected numbers (K,), one score a class. '
                "(Scores not averaged over a clip's views? Test with average_clips='prob'.)"
            )
    num_classes = len(rows[0])
    for n, row in enumerate(rows):
        if len(row) != num_classes or num_classes == 0:
            raise DataError(
                f'{path}: row {n} has {len(row)} scores and row 0 has {num_classes}: expected one '
                'score a class.'
            )
    try:
        with np.errstate(over='ignore'):
            scores = np.array([np.asarray(row, dtype=np.float32) for row in rows])
    except OverflowError as error:
        raise DataError(f'{path}: a score is too large for a number ({error}).') from error
    bad = np.flatnonzero(~np.isfinite(scores).all(axis=1))
    if len(bad):
        raise DataError(
            f'{path}: NaN or inf in row {bad[0]} ({len(bad)} of {len(scores)} rows): expected '
            'finite scores. '
            'Is the checkpoint or the data of that clip broken?'
        )
    return scores


def _what(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f'an array of shape {value.shape} and type {value.dtype}'
    size = f' of {len(value)}' if isinstance(value, (list, tuple, dict)) else ''
    return f'a {type(value).__name__}{size}'


def read_ids(path: str | os.PathLike) -> tuple[str, ...]:
    """Clip ids from a text file, one a line. Blank lines, Windows line ends and a byte-order mark do no harm.

    raises  DataError: missing, no UTF-8 text, no ids, an id that could not stand in a csv row
    """
    try:
        text = Path(path).read_text(encoding='utf-8-sig')
    except UnicodeDecodeError as error:
        raise DataError(
            f'{path}: is no UTF-8 text (byte {error.start}). Expected one clip id a line, like '
            '0054_0.'
        ) from error
    except (OSError, ValueError) as error:
        raise DataError(
            f'{path}: cannot be read ({getattr(error, "strerror", None) or error}). '
            'Expected a text file of clip ids, one a line.'
        ) from error
    ids = tuple(line.strip() for line in text.splitlines() if line.strip())
    if not ids:
        raise DataError(f'{path}: holds no ids. Expected one clip id a line, like 0054_0.')
    check_ids(ids, str(path))
    return ids


def check_ids(ids: Sequence[str], where: str) -> None:
    """DataError naming the row unless every id can stand in a row `id,class`."""
    for n, name in enumerate(ids):
        if not name or name != name.strip() or not name.isprintable() or ',' in name or '"' in name:
            raise DataError(
                f'{where}: id {n} is {name!r}: expected a name like 0054_0, without commas, quotes '
                'or line breaks.'
            )
