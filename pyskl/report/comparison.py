"""Two runs on the same clips: which clips each recognises, figures of both, and a paired test."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import DataError
from ..evaluation import compare_answers, per_class_report
from ..scores.id_list import find_rows
from . import figures
from .people import Groups
from .sources import Stream, read_stream


def comparison(
    scores: np.ndarray,
    labels: np.ndarray,
    ids: Sequence[str],
    path: str | os.PathLike,
    groups: Groups | None,
) -> dict[str, Any]:
    """Compare the run of the report with another one on the same clips.

    Args:
        scores: (N, K) probabilities of the report's run.
        labels: (N,) all known.
        ids: N names.
        path: work dir or score file of the other run.
        groups: groups of clips; the intervals draw whole groups.

    Returns:
        `name` and `headline` of the other run; the fields of `Paired` (first: the report's run);
        `classes`: [[class, recall of this run, recall of the other], ...]; `gained` and `lost`:
        clips that only this or only the other run recognises; `pred`: (N,) the other's predictions.

    Raises:
        DataError: the other run's scores cannot be read, lack clips, or have other classes.
    """
    other = read_stream(path)
    other_scores = _probabilities(other, ids, scores.shape[1])
    drawn = None if groups is None else groups.for_intervals
    right, other_right = (rows.argmax(1) == labels for rows in (scores, other_scores))
    paired = compare_answers(right, other_right, drawn)
    recall, other_recall = (per_class_report(s, labels).recall for s in (scores, other_scores))
    classes = [
        [k, figures.plain(recall[k]), figures.plain(other_recall[k])]
        for k in np.unique(labels).tolist()
    ]
    by_confidence = np.argsort(-scores.max(1), kind='stable')
    return {
        'name': other.name,
        'file': str(other.scores.path),
        'headline': figures.headline(other_scores, labels, groups=drawn),
        **{key: figures.plain(value) for key, value in vars(paired).items()},
        'p': float(f'{paired.p:.3g}'),
        'classes': sorted(classes, key=lambda row: -abs(row[1] - row[2])),
        'gained': by_confidence[(right & ~other_right)[by_confidence]].tolist(),
        'lost': by_confidence[(~right & other_right)[by_confidence]].tolist(),
        'pred': other_scores.argmax(1).tolist(),
    }


def better_alone(
    streams: Sequence[Stream], scores: Sequence[np.ndarray], blended: np.ndarray, labels: np.ndarray
) -> list[str]:
    """Return a sentence for each stream that beats its ensemble.

    Args:
        streams: streams of the ensemble.
        scores: (N, K) probabilities of each stream.
        blended: (N, K) probabilities of the ensemble.
        labels: (N,) labels; clips with -1 count as wrong.
    """
    notes = []
    for stream, rows in zip(streams, scores):
        paired = compare_answers(rows.argmax(1) == labels, blended.argmax(1) == labels)
        if paired.difference > 0:
            gain = f'{100 * paired.difference:.1f} percentage points'
            shown = f'p = {paired.p:.2g}, McNemar'
            shown += '' if paired.p < 0.05 else ', so it may be chance'
            notes.append(
                f'{stream.name} alone is {gain} better than the ensemble in top-1 ({shown}).'
            )
    return notes


def _probabilities(stream: Stream, ids: Sequence[str], num_classes: int) -> np.ndarray:
    """Return (N, K) probabilities of a stream, in the order of `ids`."""
    other = stream.scores
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
        advice = 'Runs are compared on the same clips: test both on the same data.'
        rows = rows[find_rows(other.ids, ids, other.path, advice)]
    return stream.probabilities(rows)
