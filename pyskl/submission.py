"""Receives scores of one or more streams; hands on one blended answer a clip: Submission.csv inside Submission.zip.

    joint, limb = load_scores('joint/scores.npz'), load_scores('limb/result.pkl')
    aligned = align([joint, limb], ids=read_ids('test_id.txt'))
    write_submission('ensemble', aligned.ids, blend(aligned.scores, (0.4, 0.6)).argmax(axis=1))

Rows are counted from 0, in messages too.
"""
from __future__ import annotations

import io
import math
import os
import pickle
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .annotations import load_npz, load_pickle
from .annotations.safe_pickle import open_regular
from .annotations.wording import count, plain, some
from .atomic import atomic_write
from .errors import ConfigError, DataError

PUBLISHED_WEIGHTS = (0.4, 0.6)      # joint, limb
CSV_NAME, ZIP_NAME = 'Submission.csv', 'Submission.zip'
ZIP_TIME = (1980, 1, 1, 0, 0, 0)    # a fixed one, so that equal answers make equal bytes


@dataclass(frozen=True)
class Scores:
    """One stream's scores as read from `path`: scores (N, K) float32, finite; ids N names, or None for a bare list.

    checkpoint  the name of the checkpoint file that gave them, e.g. 'epoch_4.pth'; None where the file does not say
    """

    ids: tuple[str, ...] | None
    scores: np.ndarray
    path: str
    checkpoint: str | None = None


@dataclass(frozen=True)
class Aligned:
    """Streams whose rows speak of the same clips: ids N names, scores one (N, K) a stream, warnings to be shown."""

    ids: tuple[str, ...]
    scores: list[np.ndarray]
    warnings: list[str] = field(default_factory=list)


def save_scores(path: str | os.PathLike, ids: Sequence[str], scores: Any, checkpoint: str | None = None) -> None:
    """Write scores.npz: `ids` (N,) text and `scores` (N, K) float32, row for row; `checkpoint` () text, the file that gave them.

    raises  DataError: ids that are no text, or not one for each row; UserError: the file can't be written
    """
    scores = np.asarray(scores, dtype=np.float32)
    if scores.ndim != 2 or len(ids) != len(scores) or not all(isinstance(name, str) for name in ids):
        raise DataError(f'{path}: {len(ids)} ids for scores of shape {scores.shape}: expected (N, K) and one id, a text, a row.')
    with atomic_write(path) as f:
        np.savez(f, ids=np.array(ids, dtype=np.str_), scores=scores, **({} if checkpoint is None else {'checkpoint': np.str_(checkpoint)}))


def save_result_pkl(path: str | os.PathLike, scores: Any) -> None:
    """Write PYSKL's result.pkl: a bare list of N arrays (K,) float32, or (views, K) where views are kept apart.

    Nothing in it ties a row to a clip; keep scores.npz too.
    raises  DataError: scores that are neither (N, K) nor (N, views, K); UserError: the file can't be written
    """
    scores = np.asarray(scores, dtype=np.float32)
    if scores.ndim not in (2, 3):
        raise DataError(f'{path}: scores of shape {scores.shape}, expected (N, K) or (N, views, K).')
    with atomic_write(path) as f:
        pickle.dump([row.copy() for row in scores], f, protocol=4)


def load_scores(path: str | os.PathLike) -> Scores:
    """Read one stream: scores.npz (ids, scores, checkpoint), or PYSKL's result.pkl, a bare list. Nothing in the file is run.

    raises  DataError: missing, unreadable, no such content, rows of different length, no numbers, NaN or inf, not one id a row
    """
    path = Path(path)
    with open_regular(path) as f:
        zipped = f.read(2) == b'PK'
    ids, rows, checkpoint = _read_npz(path) if zipped else (None, load_pickle(path), None)
    scores = _checked_rows(rows, path)
    return Scores(None if ids is None else _checked_ids(ids, len(scores), path), scores, str(path),
                  None if checkpoint is None else _checked_name(checkpoint, path))


def _read_npz(path: Path) -> tuple[Any, Any, Any]:
    arrays = load_npz(path)
    if 'scores' not in arrays:
        raise DataError(f"{path}: holds no array 'scores', only {some(arrays, 8) or 'nothing'}. "
                        "Expected arrays 'ids' and 'scores', as tools/test.py writes them.")
    return arrays.get('ids'), arrays['scores'], arrays.get('checkpoint')


def _checked_ids(ids: np.ndarray, num_rows: int, path: Path) -> tuple[str, ...]:
    if ids.dtype.kind != 'U' or ids.shape != (num_rows,):
        raise DataError(f'{path}: ids are {_what(ids)}: expected {num_rows} texts, one for each row of scores.')
    return tuple(_texts(ids, 'ids', path))


def _checked_name(checkpoint: np.ndarray, path: Path) -> str:
    if checkpoint.dtype.kind != 'U' or checkpoint.shape != ():
        raise DataError(f'{path}: checkpoint is {_what(checkpoint)}: expected one text, the name of a checkpoint file.')
    return _texts(checkpoint, 'checkpoint', path)


def _texts(array: np.ndarray, name: str, path: Path) -> Any:
    """An array of text as Python's own: a list, or one str."""
    try:
        return array.tolist()
    except (ValueError, SystemError) as error:      # numbers that are no characters; numpy lets Python's own complaint through
        raise DataError(f'{path}: {name} cannot be read as text ({error}).') from error


def _checked_rows(rows: Any, path: Path) -> np.ndarray:
    """Rows as (N, K) float32, or a DataError that names the file and the row."""
    if not isinstance(rows, (list, tuple, np.ndarray)) or getattr(rows, 'ndim', 1) == 0 or len(rows) == 0:
        raise DataError(f'{path}: holds {_what(rows)}: expected a list of N score arrays (K,), one a clip.')
    for n, row in enumerate(rows):
        if isinstance(row, (list, tuple)) and all(type(value) in (int, float) for value in row):
            continue
        if not isinstance(row, np.ndarray) or row.ndim != 1 or row.dtype.kind not in 'fiu':
            raise DataError(f'{path}: row {n} is {_what(row)}: expected numbers (K,), one score a class. '
                            "(Scores not averaged over a clip's views? Test with average_clips='prob'.)")
    num_classes = len(rows[0])
    for n, row in enumerate(rows):
        if len(row) != num_classes or num_classes == 0:
            raise DataError(f'{path}: row {n} has {len(row)} scores and row 0 has {num_classes}: expected one score a class.')
    try:
        with np.errstate(over='ignore'):
            scores = np.array([np.asarray(row, dtype=np.float32) for row in rows])
    except OverflowError as error:
        raise DataError(f'{path}: a score is too large for a number ({error}).') from error
    bad = np.flatnonzero(~np.isfinite(scores).all(axis=1))
    if len(bad):
        raise DataError(f'{path}: NaN or inf in row {bad[0]} ({len(bad)} of {len(scores)} rows): expected finite scores. '
                        'Is the checkpoint or the data of that clip broken?')
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
        raise DataError(f'{path}: is no UTF-8 text (byte {error.start}). Expected one clip id a line, like 0054_0.') from error
    except (OSError, ValueError) as error:
        raise DataError(f'{path}: cannot be read ({getattr(error, "strerror", None) or error}). '
                        'Expected a text file of clip ids, one a line.') from error
    ids = tuple(line.strip() for line in text.splitlines() if line.strip())
    if not ids:
        raise DataError(f'{path}: holds no ids. Expected one clip id a line, like 0054_0.')
    check_ids(ids, str(path))
    return ids


def check_ids(ids: Sequence[str], where: str) -> None:
    """DataError naming the row unless every id can stand in a row `id,class`."""
    for n, name in enumerate(ids):
        if not name or name != name.strip() or not name.isprintable() or ',' in name or '"' in name:
            raise DataError(f'{where}: id {n} is {name!r}: expected a name like 0054_0, without commas, quotes or line breaks.')


def align(streams: Sequence[Scores], ids: Sequence[str] | None = None, ids_name: str = 'the list of ids',
          by_position: bool = False) -> Aligned:
    """Bring every stream's rows into one order of clips: that of `ids`, else of the first stream that has ids.

    A stream with ids is matched by id, a bare list by position: row n is clip n. Position is believed only when told so,
    by giving `ids` or by `by_position`. With `by_position` streams with ids are matched by position as well; their ids
    must then equal the order's, row for row.
    raises  DataError: no ids at all, a bare list without leave, missing or extra ids, another number of rows or classes,
            an id that appears twice where rows are matched by id (by position that is a warning, and all rows are kept)
    """
    if not streams:
        raise DataError('no scores were given: expected at least one scores.npz or result.pkl.')
    order, order_name = _order(streams, ids, ids_name, by_position)
    faulty_list = ids is not None and len(set(order)) < len(order) and _agree(streams)
    way_out = f'The scores have ids of their own and agree on them: leave {ids_name} out.' if faulty_list else ''
    for stream in streams[1:]:
        if stream.scores.shape[1] != streams[0].scores.shape[1]:
            raise DataError(f'{stream.path}: scores over {stream.scores.shape[1]} classes, but {streams[0].path} has '
                            f'{streams[0].scores.shape[1]}. Expected as many: streams of one ensemble share their classes.')
    scores = [(_by_position if by_position or stream.ids is None else _by_id)(stream, order, order_name, way_out) for stream in streams]
    return Aligned(order, scores, [f'id {text}' for text in _repeats(order)])


def _order(streams: Sequence[Scores], ids: Sequence[str] | None, ids_name: str, by_position: bool) -> tuple[tuple[str, ...], str]:
    bare = [stream for stream in streams if stream.ids is None]
    if ids is not None:
        return tuple(ids), ids_name
    if len(bare) == len(streams):
        raise DataError(f'{bare[0].path}: a bare list of scores, and nothing says which clips its rows are. '
                        'Give the ids in the order of the rows (--ids FILE), or scores.npz instead.')
    if bare and not by_position:
        raise DataError(f'{bare[0].path}: a bare list of scores; nothing ties its rows to the ids of the other streams. Use the '
                        'scores.npz beside it, or say that its rows have their order: --ids FILE or --by-position.')
    return next((stream.ids, stream.path) for stream in streams if stream.ids is not None)


def _agree(streams: Sequence[Scores]) -> bool:
    """Have all streams ids, each once, and the same ones?"""
    return all(stream.ids is not None and len(set(stream.ids)) == len(stream.ids) for stream in streams) and \
        len({frozenset(stream.ids) for stream in streams}) == 1


_ELSEWHERE = 'Is it from another data set or another split?'


def _by_position(stream: Scores, order: tuple[str, ...], order_name: str, way_out: str) -> np.ndarray:
    if len(stream.scores) != len(order):
        raise DataError(f'{stream.path}: {len(stream.scores)} rows for the {len(order)} ids of {order_name}; matched by '
                        f'position they must be as many. {_ELSEWHERE}')
    if stream.ids is not None and stream.ids != order:
        n = next(n for n, (ours, theirs) in enumerate(zip(stream.ids, order)) if ours != theirs)
        raise DataError(f'{stream.path}: row {n} is {plain(stream.ids[n])}, in {order_name} it is {plain(order[n])}; by '
                        f'position they do not match. {way_out or "Leave --by-position out to match by id."}')
    return stream.scores


def _by_id(stream: Scores, order: tuple[str, ...], order_name: str, way_out: str) -> np.ndarray:
    for ids, name in ((stream.ids, stream.path), (order, order_name)):
        repeats = _repeats(ids)
        if repeats:
            advice = way_out or 'Repair the list, or, if all rows are in the same order, give --by-position.'
            raise DataError(f'{name}: id {repeats[0]}; matched by id that is ambiguous. {advice}')
    row = {name: n for n, name in enumerate(stream.ids)}
    missing = [name for name in order if name not in row]
    extra = sorted(set(stream.ids) - set(order))
    if missing:
        raise DataError(f'{stream.path}: no row for {_some(missing)} of {order_name}. {_ELSEWHERE}')
    if extra:
        raise DataError(f'{stream.path}: rows for {_some(extra)} that {order_name} does not hold. {_ELSEWHERE}')
    return stream.scores[[row[name] for name in order]]


def _repeats(ids: Sequence[str]) -> list[str]:
    """'0453_3 appears twice, rows 4533 and 4561' for each id that stands in more than one row."""
    if len(set(ids)) == len(ids):
        return []
    rows: dict[str, list[int]] = {}
    for n, name in enumerate(ids):
        rows.setdefault(name, []).append(n)
    return [f'{plain(name)} appears {"twice" if len(at) == 2 else f"{len(at)} times"}, rows {", ".join(map(str, at[:-1]))} and {at[-1]}'
            for name, at in rows.items() if len(at) > 1]


def _some(names: Sequence[str]) -> str:
    more = ' ...' if len(names) > 3 else ''
    return f'{count(len(names), "id")} ({", ".join(map(plain, names[:3]))}{more})'


def check_weights(weights: Sequence[float] | None, num_streams: int) -> tuple[float, ...]:
    """One weight a stream. None: 1 for one stream, the published 0.4 and 0.6 for two; more must be given.

    raises  ConfigError: another number of weights, none given for three or more, not finite in float32, all zero
    """
    if weights is None:
        if num_streams > 2:
            raise ConfigError(f'--weights is missing: there are no published ones for {num_streams} streams. Give {num_streams}.')
        return PUBLISHED_WEIGHTS if num_streams == 2 else (1.0,)
    if len(weights) != num_streams:
        raise ConfigError(f'--weights: {len(weights)} weights for {num_streams} streams: expected one a stream, in their order.')
    with np.errstate(over='ignore'):
        used = [float(np.float32(w)) for w in weights]
    if not all(map(math.isfinite, used)) or not any(used):
        raise ConfigError(f'--weights {" ".join(map(str, weights))}: expected finite numbers, not all of them 0.')
    return tuple(float(w) for w in weights)


def blend(scores: Sequence[np.ndarray], weights: Sequence[float] | None = None) -> np.ndarray:
    """The weighted sum of aligned streams, added in their order in float32, as the published script does.

    scores   one (N, K) float32 a stream       weights  see check_weights       ->  (N, K) float32
    raises   ConfigError: as check_weights; DataError: the sum leaves float32's range
    """
    weights = check_weights(weights, len(scores))
    with np.errstate(over='ignore', invalid='ignore'):
        total = np.float32(weights[0]) * scores[0]
        for weight, stream in zip(weights[1:], scores[1:]):
            total = total + np.float32(weight) * stream
    if not np.isfinite(total).all():
        raise DataError(f'the blend with weights {weights} is not finite: scores or weights are too large. Try smaller weights.')
    return total


def write_submission(out_dir: str | os.PathLike, ids: Sequence[str], classes: Sequence[int]) -> tuple[Path, Path]:
    """Write Submission.csv, rows `0054_0,2` without a header, and Submission.zip that holds it. Equal answers give equal bytes.

    ids      N names; one that appears twice keeps both rows       classes  N whole numbers from 0 on
    ->       the paths of csv and zip
    raises   DataError: lengths differ, a bad id or class; UserError: can't be written. Both files then stay as they were.
    """
    classes = np.asarray(classes)
    if classes.shape != (len(ids),) or classes.dtype.kind not in 'iu' or (classes < 0).any():
        raise DataError(f'{len(ids)} ids and classes of shape {classes.shape}, type {classes.dtype}: '
                        'expected one whole number from 0 on for each id.')
    check_ids(ids, CSV_NAME)
    csv = ''.join(f'{name},{label}\n' for name, label in zip(ids, classes.tolist())).encode()
    csv_path, zip_path = Path(out_dir) / CSV_NAME, Path(out_dir) / ZIP_NAME
    before = csv_path.read_bytes() if csv_path.is_file() else None
    try:
        # Both are on the disk before either takes its place; the csv goes first, as it is the one that other programs keep open.
        with atomic_write(zip_path) as whole, atomic_write(csv_path) as table:
            table.write(csv)
            whole.write(_zipped(csv))
            whole.flush()
            os.fsync(whole.fileno())
    except BaseException:
        _put_back(csv_path, before, csv)
        raise
    return csv_path, zip_path


def _put_back(path: Path, before: bytes | None, written: bytes) -> None:
    """Undo a csv that took its place although its zip then could not."""
    if not path.is_file() or path.read_bytes() != written or before == written:
        return
    if before is None:
        path.unlink()
    else:
        with atomic_write(path) as f:
            f.write(before)


def _zipped(csv: bytes) -> bytes:
    member = zipfile.ZipInfo(CSV_NAME, date_time=ZIP_TIME)
    member.create_system = 3                # the same bytes on Windows
    member.external_attr = 0o100644 << 16
    with io.BytesIO() as buffer:
        with zipfile.ZipFile(buffer, 'w', zipfile.ZIP_STORED) as archive:
            archive.writestr(member, csv)
        return buffer.getvalue()
