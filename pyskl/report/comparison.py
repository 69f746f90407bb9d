"""Two runs side by side: which clips became right or wrong, figures of each, and a paired test."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import DataError
from ..evaluation import compare_answers, per_class_report
from ..scores import kind_of, soften
from ..wording import plain as quoted
from . import figures
from .people import Groups
from .sources import Stream, read_stream


def comparison(
    scores: np.ndarray,
    labels: np.ndarray,
    ids: Sequence[str],
    given: str | os.PathLike,
    groups: Groups | None,
) -> dict[str, Any]:
    """Compare the run of the report with another one on the same clips.

    Args:
        scores: (N, K) probabilities of the report's run.
        labels: (N,) all known.
        ids: N names.
        given: work dir or score file of the other run.
        groups: of the clips, whole ones of which the intervals draw.

    Returns:
        name, headline of the other run, the fields of `Paired` (first: the report's run), classes:
        [[class, recall here, recall there], ...], gained and lost: clips that only this or only the
        other run gets right, pred: (N,) the other's answers.

    Raises:
        DataError: the other run's scores cannot be read, lack clips, or have other classes.
    """
    other = read_stream(given)
    there = _rows_of(other.scores, ids, scores.shape[1])
    drawn = None if groups is None else groups.for_intervals
    right, right_there = scores.argmax(1) == labels, there.argmax(1) == labels
    paired = compare_answers(right, right_there, drawn)
    recall, recall_there = (per_class_report(own, labels).recall for own in (scores, there))
    classes = [
        [k, figures.plain(recall[k]), figures.plain(recall_there[k])]
        for k in range(scores.shape[1])
        if (labels == k).any()
    ]
    sure = np.argsort(-scores.max(1), kind='stable')
    return {
        'name': other.name,
        'file': str(other.scores.path),
        'headline': figures.headline(there, labels, groups=drawn),
        **{key: figures.plain(value) for key, value in vars(paired).items()},
        'p': float(f'{paired.p:.3g}'),
        'classes': sorted(classes, key=lambda row: -abs(row[1] - row[2])),
        'gained': sure[(right & ~right_there)[sure]].tolist(),
        'lost': sure[(~right & right_there)[sure]].tolist(),
        'pred': there.argmax(1).tolist(),
    }


def better_alone(
    streams: Sequence[Stream], scores: Sequence[np.ndarray], blended: np.ndarray, labels: np.ndarray
) -> list[str]:
    """Return a sentence for each stream that beats the ensemble it is part of.

    Args:
        streams: of the ensemble.
        scores: (N, K) probabilities of each stream.
        blended: (N, K) those of the ensemble.
        labels: (N,); clips with -1 are never right.
    """
    notes = []
    for stream, own in zip(streams, scores):
        paired = compare_answers(own.argmax(1) == labels, blended.argmax(1) == labels)
        if paired.difference > 0:
            gain = f'{100 * paired.difference:.1f} percentage points'
            shown = f'p = {paired.p:.2g}, McNemar'
            shown += '' if paired.p < 0.05 else ': that may be chance'
            notes.append(
                f'{stream.name} alone is {gain} better than the ensemble in top-1 ({shown}).'
            )
    return notes


def _rows_of(other: Any, ids: Sequence[str], num_classes: int) -> np.ndarray:
    """Return (N, K) probabilities of the other run, in the order of `ids`."""
    rows = other.scores
    if rows.shape[1] != num_classes:
        raise DataError(
            f'{other.path}: scores over {rows.shape[1]} classes. Expected {num_classes}, as in the '
            'run that it is compared with.'
        )
    if other.ids is None:
        if len(rows) != len(ids):
            raise DataError(
                f'{other.path}: {len(rows)} rows without ids. Expected {len(ids)}, or ids '
                '(scores.npz).'
            )
    else:
        place = {name: i for i, name in enumerate(other.ids)}
        missing = [name for name in ids if name not in place]
        if missing:
            raise DataError(
                f'{other.path}: holds no clip {quoted(missing[0])} ({len(missing)} of {len(ids)} '
                'are missing). Runs are compared on the same clips: test both on the same data.'
            )
        rows = rows[[place[name] for name in ids]]
    return soften(rows, 1.0) if kind_of(rows) == 'logits' else rows
