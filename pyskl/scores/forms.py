"""The forms of score files, each converted to ids and rows.

| form | from |
|---|---|
| list of arrays (K,), one array (N, K) | PYSKL, scripts |
| list of dicts {'rgb': (K,), 'pose': (K,)}, named as `FILE.pkl:pose` | PYSKL's RGBPoseConv3D |
| list of dicts with `pred_score`, a tensor | MMAction2 1.x, DumpResults |
| dict clip name -> (K,) | CTR-GCN and its relatives |
| `ids` and `scores`, perhaps with parts beside them: `scores.npz:rgb` | this toolbox |
| csv, rows `id,score,score...` | spreadsheets |
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError
from ..wording import brief, plain, some

EXPECTED = (
    'Known forms: a list of N arrays (K,) or one array (N, K); a dict clip name -> (K,); a list of '
    "dicts with pred_score, or with parts as rgb and pose (FILE:pose); arrays 'ids' and 'scores' "
    '(.npz, JSON); csv rows id,score,score...'
)
_NAMES = ('frame_dir', 'id', 'name', 'filename')  # entries of a row that name its clip
_PREDICTION = ('pred_score', 'pred_scores')  # MMAction2 from 1.2 on, and before
_FRACTION = re.compile(r'[-+]?(\d+\.\d*|\.\d+|\d+(?=[eE]))([eE][-+]?\d+)?')
_SEPARATORS = '\t;,'


def ids_and_rows(content: Any, part: str | None, path: Path) -> tuple[Any, Any]:
    """Find ids and rows in the content of a score file; neither is checked yet.

    Args:
        content: of the file.
        part: which of several scores to use, 'pose' in FILE.pkl:pose; None if none is named.
        path: for messages.

    Returns:
        Ids, or None for a bare list, and rows.

    Raises:
        DataError: several scores per clip and none of them is named, or no such part.
    """
    ids, rows = None, _array(content)
    if isinstance(rows, Mapping):
        ids, rows, part = _of_mapping(rows, part, path)
    if not _is_list(rows):
        return ids, rows
    if len(rows) and isinstance(rows[0], Mapping):
        names = [_name(row) for row in rows]
        ids = names if ids is None and None not in names else ids
        rows = [_chosen(row, part, f'{path}: row {n}', path) for n, row in enumerate(rows)]
    elif part is not None:
        raise DataError(f'{path}: has one score per clip and class, and no part {plain(part)}.')
    return ids, [_single_view(_array(row)) for row in rows]


def _of_mapping(
    content: Mapping, part: str | None, path: Path
) -> tuple[Sequence | None, Any, str | None]:
    """Return ids, rows, and the part that is still to be chosen in each row."""
    tables = [name for name, value in content.items() if _is_table(value)]
    if part in content:
        return content.get('ids'), _array(content[part]), None
    if 'scores' in content:
        return content.get('ids'), _array(content['scores']), part
    if part is None and len(tables) == 1 == len(content.keys() - {'ids'}):
        return content.get('ids'), _array(content[tables[0]]), None
    if tables:
        raise DataError(
            f"{path}: holds no array 'scores', only {some(content)}. Name the one to use: "
            f'{_choices(path, tables)}.'
        )
    names, first = list(content), _array(next(iter(content.values()), None))
    is_by_name = all(isinstance(name, str) for name in names)
    if not is_by_name or not (isinstance(first, Mapping) or _is_list(first)):
        return None, content, part
    return names, list(content.values()), part


def _chosen(row: Any, part: str | None, where: str, path: Path) -> Any:
    """Return the scores in a row that is a dict."""
    if not isinstance(row, Mapping):
        raise DataError(f'{where} is {what(row)}, and row 0 a dict. {EXPECTED}')
    value = next((row[key] for key in _PREDICTION if key in row), row)
    if not isinstance(value, Mapping):
        if part is not None:
            raise DataError(f'{where} has one score per class, and no part {plain(part)}.')
        return value
    parts = [key for key, scores in value.items() if _is_list(_array(scores))]
    if part is None and len(parts) == 1:
        part = parts[0]
    if part not in parts:
        raise DataError(
            f'{where} is a dict with scores of {some(parts) or "nothing"}. Name the one to use: '
            f'{_choices(path, parts)}.'
        )
    return value[part]


def _choices(path: Path, parts: Sequence[Any]) -> str:
    return ' or '.join(plain(f'{path}:{name}') for name in parts[:4]) or f'{path}:NAME'


def _name(row: Any) -> str | None:
    named = [row[key] for key in _NAMES if isinstance(row, Mapping) and key in row]
    return named[0] if named and isinstance(named[0], str) else None


def _array(value: Any) -> Any:
    """Return a torch tensor (of a file of torch.save) as an array, other values unchanged."""
    is_tensor = type(value).__module__.partition('.')[0] == 'torch' and hasattr(value, 'numpy')
    try:
        return value.detach().float().numpy() if is_tensor else value
    except (RuntimeError, TypeError):  # sparse, or without numbers
        return value


def _is_table(value: Any) -> bool:
    value = _array(value)
    if isinstance(value, np.ndarray):
        return value.ndim == 2 and value.dtype.kind in 'fiu'
    return _is_list(value) and len(value) > 0 and _is_list(_array(value[0]))


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple)) or isinstance(value, np.ndarray) and value.ndim > 0


def _single_view(row: Any) -> Any:
    """Return (K,) for scores (1, K), a clip tested in one view."""
    return row[0] if isinstance(row, np.ndarray) and row.ndim == 2 and len(row) == 1 else row


def what(value: Any) -> str:
    """Describe a value without its content: 'a list of 3'."""
    if isinstance(value, np.ndarray):
        return f'an array of shape {value.shape} and type {value.dtype}'
    size = f' of {len(value)}' if isinstance(value, (list, tuple, dict)) else ''
    return f'a {type(value).__name__}{size}'


def from_csv(text: str, path: Path) -> dict[str, Any]:
    """Read rows `id,score,score...`, separated by commas, semicolons or tabs.

    A header is optional. If every row begins with a number that has a fraction, there are no ids.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    sep = max(_SEPARATORS, key=lines[0].count) if lines else ','
    try:
        rows = [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=sep)]
    except csv.Error as error:
        raise DataError(f'{path}: cannot be read as csv ({error}). {EXPECTED}') from error
    if rows and _is_header(rows[0][1:]):
        del rows[0]
    if not rows or len(rows[0]) < 3:
        raise DataError(
            f'{path}: has {len(rows[0]) if rows else 0} columns, expected a clip and its scores '
            f'(is it a list of answers, as Submission.csv?). {EXPECTED}'
        )
    bare = all(_FRACTION.fullmatch(row[0]) for row in rows)
    wrong = next(
        (n for n, row in enumerate(rows) if not all(map(_is_number, row[not bare :]))), None
    )
    if wrong is not None:
        raise DataError(
            f'{path}: row {wrong} is {brief(rows[wrong])}, which is not id,score,score...'
        )
    scores = [[float(cell) for cell in row[not bare :]] for row in rows]
    return {'scores': scores} if bare else {'ids': [row[0] for row in rows], 'scores': scores}


def _is_header(cells: Sequence[str]) -> bool:
    """Return whether cells name the classes: by words, or by numbers from 0 or 1 on."""
    numbers = [[str(k + first) for k in range(len(cells))] for first in (0, 1)]
    return list(cells) in numbers or not any(map(_is_number, cells))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return '_' not in text
