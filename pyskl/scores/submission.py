"""Submissions to challenges: a csv inside a zip."""

from __future__ import annotations

import io
import os
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ConfigError, DataError
from ..files.atomic import atomic_write
from ..files.texts import read_text
from ..wording import brief, count
from .id_list import check_ids
from .probabilities import soften

ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # fixed, so that equal answers give equal bytes
# What a spreadsheet takes for a formula; '-0nhGNFJ0bE', a clip of Kinetics, is none.
_FORMULA = re.compile(r'[=@]|[+-].*[^\w.+-]')
TOP = 5  # MA-52 wants the five best answers per clip


@dataclass(frozen=True)
class Format:
    """The submission format of a challenge.

    Attributes:
        csv: name of the csv.
        zip: name of the zip that holds it.
        header: of the csv; '' for none.
    """

    csv: str
    zip: str
    header: str = ''


FORMATS = {
    'codalab': Format('Submission.csv', 'Submission.zip'),
    'kaggle': Format('prediction.csv', 'prediction.zip', 'Id,Target'),
    'mac': Format(
        'prediction.csv',
        'prediction.zip',
        ','.join(
            ['vid', *(f'{what}_pred_{n + 1}' for what in ('action', 'body') for n in range(TOP))]
        ),
    ),
}
FORMATS_HELP = (
    'codalab (default): Submission.zip with Submission.csv, no header (MiGA 2023); kaggle: '
    'prediction.zip with prediction.csv, header Id,Target (MiGA 2025); mac: vid and the five best '
    'actions and body parts, needs --coarse (MAC, Micro-Action-52)'
)
COARSE_HELP = (
    'for --format mac: a text file with the number of its body part, from 0 on, for each action, '
    'in class order'
)


def check_format(form: str, coarse: str | os.PathLike | None) -> np.ndarray | None:
    """Read the body part of each action if the format needs it.

    Args:
        form: a name in FORMATS.
        coarse: the file of --coarse, numbers with commas, blanks or line breaks between them.

    Returns:
        (K,) body part of each action, from 0 on; None for formats without.

    Raises:
        ConfigError: 'mac' without the file, or the file without 'mac'.
        DataError: not numbers from 0 on, gaps between them, or fewer than five parts.
    """
    if (form == 'mac') != (coarse is not None):
        raise ConfigError(
            '--format mac: asks for body parts too. Give --coarse FILE, the number of its body '
            'part for each action.'
            if coarse is None
            else f'--coarse {coarse}: only --format mac uses it. Add that, or leave it out.'
        )
    if coarse is None:
        return None
    expected = 'Expected a number from 0 on for each action, in class order.'
    words = re.split(r'[\s,;]+', read_text(coarse, expected=expected).strip(' \t\r\n,;'))
    wrong = next((word for word in words if not re.fullmatch(r'\d{1,4}', word)), None)
    if wrong is not None:
        raise DataError(f'{coarse}: holds {brief(wrong)}. {expected}')
    parts = np.array(words, dtype=int)
    if len(np.unique(parts)) != parts.max() + 1 or parts.max() + 1 < TOP:
        raise DataError(
            f'{coarse}: names {len(np.unique(parts))} body parts, numbers {parts.min()} to '
            f'{parts.max()}. Expected {TOP} or more, numbered from 0 without gaps.'
        )
    return parts


def answers_of(scores: np.ndarray, coarse: np.ndarray | None = None) -> np.ndarray:
    """Return the answers to submit.

    Args:
        scores: (N, K).
        coarse: (K,) the body part of each class.

    Returns:
        (N,) the best class of each clip. With `coarse` (N, 10): the five best classes, then the
        five best body parts, whose scores are the sums of their classes' probabilities. On a tie
        the lower class goes first.

    Raises:
        DataError: as `check_coarse`.
    """
    if coarse is None:
        return scores.argmax(axis=1)
    check_coarse(coarse, scores.shape[1])
    values = scores.astype(np.float64)
    if values.min() >= 0 and values.sum(axis=1).min() > 0:  # a blend's weights need not add up to 1
        probs = values / values.sum(axis=1, keepdims=True)
    else:
        probs = soften(scores).astype(np.float64)
    parts = probs @ np.eye(coarse.max() + 1)[coarse]
    best = [np.argsort(-of, axis=1, kind='stable')[:, :TOP] for of in (scores, parts)]
    return np.concatenate(best, axis=1)


def check_coarse(coarse: np.ndarray | None, num_classes: int) -> None:
    """Raise DataError unless there is a body part for each of five classes or more."""
    if coarse is not None and (len(coarse) != num_classes or num_classes < TOP):
        raise DataError(
            f'--coarse: names the body parts of {len(coarse)} actions, and the scores have '
            f'{count(num_classes, "class")}. Expected one for each, and {TOP} classes or more.'
        )


def write_submission(
    out_dir: str | os.PathLike, ids: Sequence[str], answers: Any, form: str = 'codalab'
) -> tuple[Path, Path]:
    """Write a csv with rows `0054_0,2`, and a zip that holds it. Equal answers give equal bytes.

    Args:
        out_dir: the folder of both.
        ids: N names; one that appears twice has two rows.
        answers: (N,) or (N, columns) whole numbers from 0 on, see answers_of.
        form: a name in FORMATS.

    Returns:
        The paths of csv and zip.

    Raises:
        DataError: lengths differ, or an id or class is wrong.
        UserError: a file cannot be written. Both then stay as they were.
    """
    names = FORMATS[form]
    columns = max(1, names.header.count(','))
    answers = np.asarray(answers)
    rows = answers if answers.ndim == 2 else answers[..., None]
    if rows.shape != (len(ids), columns) or rows.dtype.kind not in 'iu' or (rows < 0).any():
        raise DataError(
            f'{len(ids)} ids and classes of shape {answers.shape}, type {answers.dtype}: '
            f'expected {count(columns, "whole number")} from 0 on for each id.'
        )
    check_ids(ids, names.csv)
    formula = next((name for name in ids if _FORMULA.match(name)), None)
    if formula is not None:
        raise DataError(
            f'{names.csv}: id {brief(formula)} is a formula for a spreadsheet, and an answer needs '
            'the exact name. Expected a name like 0054_0; rename the clip.'
        )
    lines = [f'{name},{",".join(map(str, row))}' for name, row in zip(ids, rows.tolist())]
    csv = ''.join(f'{line}\n' for line in ([names.header] if names.header else []) + lines).encode()
    csv_path, zip_path = Path(out_dir) / names.csv, Path(out_dir) / names.zip
    before = csv_path.read_bytes() if csv_path.is_file() else None
    try:
        # Both are on the disk before either is renamed; the csv first, since it is the one that
        # other programs keep open.
        with atomic_write(zip_path) as whole, atomic_write(csv_path) as table:
            table.write(csv)
            whole.write(_zipped(csv, names.csv))
            whole.flush()
            os.fsync(whole.fileno())
    except BaseException:
        _put_back(csv_path, before, csv)
        raise
    return csv_path, zip_path


def _put_back(path: Path, before: bytes | None, written: bytes) -> None:
    """Undo the writing of a csv whose zip could not be written."""
    if not path.is_file() or path.read_bytes() != written or before == written:
        return
    if before is None:
        path.unlink()
    else:
        with atomic_write(path) as f:
            f.write(before)


def _zipped(csv: bytes, name: str) -> bytes:
    member = zipfile.ZipInfo(name, date_time=ZIP_TIME)
    member.create_system = 3  # the same bytes on Windows
    member.external_attr = 0o100644 << 16
    with io.BytesIO() as buffer:
        with zipfile.ZipFile(buffer, 'w', zipfile.ZIP_STORED) as archive:
            archive.writestr(member, csv)
        return buffer.getvalue()
