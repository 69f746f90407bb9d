"""Reading and writing of score files: a stream's scores with the names of its clips.

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

from ..annotations.file_formats import FILE_FORMATS, detect_format
from ..errors import CheckpointError, DataError
from ..files import load_npy, load_npz, load_pickle
from ..files.atomic import atomic_write
from ..files.safe_pickle import open_regular
from ..files.texts import parse_json, read_text
from .forms import EXPECTED, from_csv, ids_and_rows, what
from .id_list import split_part


@dataclass(frozen=True)
class Scores:
    """One stream's scores, as read from a file.

    Attributes:
        ids: names of the N clips; None for a bare list.
        scores: (N, K) float32, finite.
        path: the file.
        checkpoint: name of the checkpoint that gave them, 'epoch_4.pth'; None if it is unknown.
    """

    ids: tuple[str, ...] | None
    scores: np.ndarray
    path: str
    checkpoint: str | None = None


def save_scores(
    path: str | os.PathLike,
    ids: Sequence[str],
    scores: Any,
    checkpoint: str | None = None,
    parts: Mapping[str, Any] | None = None,
) -> None:
    """Write scores.npz: `ids` (N,) strings, `scores` (N, K) float32, perhaps `checkpoint` ().

    Args:
        path: the file.
        ids: names of the clips.
        scores: (N, K), rows as in `ids`.
        checkpoint: name of the checkpoint that gave them.
        parts: several answers by name, (N, K) each, which `scores` joins; read as
            'scores.npz:NAME'.

    Raises:
        DataError: ids that are no strings, or not one per row.
        UserError: the file cannot be written.
    """
    arrays = {
        name: np.asarray(rows, dtype=np.float32)
        for name, rows in {**(parts or {}), 'scores': scores}.items()
    }
    are_strings = all(isinstance(name, str) for name in ids)
    for rows in arrays.values():
        if rows.ndim != 2 or len(ids) != len(rows) or not are_strings:
            raise DataError(
                f'{path}: {len(ids)} ids for scores of shape {rows.shape}: expected (N, K), and a '
                'string for each row.'
            )
    with atomic_write(path) as f:
        content: dict[str, Any] = {**arrays, 'ids': np.array(ids, dtype=np.str_)}
        if checkpoint is not None:
            content['checkpoint'] = np.str_(checkpoint)
        np.savez(f, **content)


def save_result_pkl(path: str | os.PathLike, scores: Any) -> None:
    """Write PYSKL's result.pkl: a bare list of N arrays, without the names of the clips.

    Args:
        path: the file.
        scores: (N, K), or (N, views, K) if views are kept apart. Or several such by name, which
            become a list of N dicts, as PYSKL's RGB and pose networks write them.

    Raises:
        DataError: scores of another shape.
        UserError: the file cannot be written.
    """
    rows: list[np.ndarray] | list[dict[str, np.ndarray]]
    if isinstance(scores, Mapping):
        named = {name: _rows(part, path) for name, part in scores.items()}
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


def load_scores(name: str | os.PathLike) -> Scores:
    """Read one stream's scores in any of the forms of `forms`. Nothing in the file is run.

    Args:
        name: scores.npz, PYSKL's result.pkl, other pickles, .npy, .json, .csv, a file of
            torch.save; 'FILE.pkl:pose' chooses one of several scores in a file.

    Raises:
        DataError: missing, unreadable, other content, rows of different length, no numbers, NaN or
            inf, or not one id per row.
    """
    path, part = split_part(name)
    content = _content(path)
    ids, rows = ids_and_rows(content, part, path)
    scores = _checked_rows(rows, path)
    checkpoint = content.get('checkpoint') if isinstance(content, dict) else None
    return Scores(
        None if ids is None else _checked_ids(ids, len(scores), path),
        scores,
        os.fspath(name),
        _checked_name(checkpoint, path) if isinstance(checkpoint, np.ndarray) else None,
    )


def _content(path: Path) -> Any:
    """Read a file, whose form its first bytes tell, or for text its suffix."""
    with open_regular(path) as f:
        start = f.read(6)
    if start.startswith((b'PK', b'\x80')) and detect_format(path) is FILE_FORMATS['torch']:
        return _tensors(path)
    if start.startswith(b'PK'):
        return load_npz(path)
    if start.startswith(b'\x93NUMPY'):
        return load_npy(path)
    if path.suffix in ('.csv', '.tsv', '.txt'):
        return from_csv(read_text(path, EXPECTED), path)
    if path.suffix == '.json' or start.lstrip()[:1] in (b'[', b'{'):
        return parse_json(read_text(path, EXPECTED), path, EXPECTED)
    return load_pickle(path)


def _tensors(path: Path) -> Any:
    # PyTorch takes seconds to load.
    from ..files.torch_files import check_dense, load_tensors, reason, tensors_in

    try:
        content = load_tensors(path)
    except Exception as error:  # for damaged or hostile files torch raises a dozen kinds of error
        raise DataError(
            f'{path}: cannot be read as a file of torch.save ({reason(error)}). Expected tensors '
            'and plain containers; get the file again or save numpy arrays.'
        ) from error
    try:
        check_dense(tensors_in(content), f'{path}:')
    except CheckpointError as error:
        raise DataError(str(error)) from None
    return content


def _checked_ids(ids: Any, num_rows: int, path: Path) -> tuple[str, ...]:
    is_array = isinstance(ids, np.ndarray) and ids.dtype.kind == 'U' and ids.ndim == 1
    names = _strings(ids, 'ids', path) if is_array else ids
    is_list = isinstance(names, list) and all(isinstance(name, str) for name in names)
    if not is_list or len(names) != num_rows:
        raise DataError(
            f'{path}: ids are {what(ids)}: expected {num_rows} strings, one for each row of scores.'
        )
    return tuple(names)


def _checked_name(checkpoint: np.ndarray, path: Path) -> str:
    if checkpoint.dtype.kind != 'U' or checkpoint.shape != ():
        raise DataError(
            f'{path}: checkpoint is {what(checkpoint)}: expected one string, the name of a '
            'checkpoint file.'
        )
    return _strings(checkpoint, 'checkpoint', path)


def _strings(array: np.ndarray, name: str, path: Path) -> Any:
    """Return the strings of an array: a list, or one str."""
    try:
        return array.tolist()
    except (ValueError, SystemError) as error:  # numbers that are no characters
        raise DataError(f'{path}: {name} cannot be read as text ({error}).') from error


def _checked_rows(rows: Any, path: Path) -> np.ndarray:
    """Return rows as (N, K) float32, or raise a DataError that names the file and the row."""
    is_list = isinstance(rows, (list, tuple, np.ndarray)) and getattr(rows, 'ndim', 1) > 0
    if not is_list or len(rows) == 0:
        raise DataError(
            f'{path}: holds {what(rows)}: expected a list of N score arrays (K,), one per clip. '
            f'{EXPECTED}'
        )
    for n, row in enumerate(rows):
        is_list = isinstance(row, (list, tuple)) and all(map(_is_number, row))
        is_array = isinstance(row, np.ndarray) and row.ndim == 1 and row.dtype.kind in 'fiu'
        if not is_list and not is_array:
            raise DataError(
                f'{path}: row {n} is {what(row)}: expected numbers (K,), one score per class. '
                "(Scores not averaged over a clip's views? Test with average_clips='prob'.)"
            )
        if len(row) != len(rows[0]) or not len(row):
            raise DataError(
                f'{path}: row {n} has {len(row)} scores and row 0 has {len(rows[0])}: expected one '
                'score per class.'
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
            'finite scores. Is the checkpoint or the data of that clip broken?'
        )
    return scores


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) or isinstance(value, (np.floating, np.integer))
