"""From the files that a user names to a fit, with checks against misleading results."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..annotations import open_annotations
from ..errors import DataError
from ..evaluation import check_labels
from ..wording import count
from .agreement import doubts
from .align import Aligned, align
from .cross_validation import cross_validate, leave_one_out
from .fit_report import apparent_gain, as_numbers, fit_lines, gain_lines, short_names, use_lines
from .fitting import Fit, Objective, equal_weights, fit_blend
from .id_list import find_rows
from .leakage import refuse_same_clips
from .probabilities import kind_of
from .score_file import Scores


def fit_on_clips(
    fit_streams: Sequence[Scores],
    test_streams: Sequence[Scores],
    test: Aligned,
    ann_file: str | os.PathLike,
    split: str,
    objective: Objective = 'top1',
    temperature: bool = True,
    num_folds: int = 5,
    seed: int = 0,
    by_position: bool = False,
) -> tuple[Fit, dict[str, Any], list[str]]:
    """Choose weights and temperatures on the clips of a split.

    Args:
        fit_streams: scores of the streams on the clips of the fit.
        test_streams: scores that the weights are for; used for checks, never to choose weights.
        test: the same, aligned.
        ann_file: annotations (pickle or packed) with the labels.
        split: of `ann_file`; all clips if it has no splits.
        objective: see `fit_blend`.
        temperature: see `fit_blend`.
        num_folds: of the cross-validation.
        seed: of folds and bootstrap.
        by_position: bare lists of fit scores have the rows of that split.

    Returns:
        The weights to use: the fit if it gains over equal weights on clips that it was not fitted
        on, otherwise equal weights without temperatures. How they were made, as plain numbers.
        Lines to print.

    Raises:
        DataError: streams that do not belong together, clips without labels, clips that are
            reported too.
    """
    # The clips and their labels.
    clips = open_annotations(ann_file)
    clips = clips.split(split) if clips.store.split_names else clips
    known = dict(zip(clips.ids, clips.labels.tolist()))
    where = f'{ann_file}: split {split}'
    fit = _aligned(fit_streams, test_streams, list(known), str(ann_file), split, by_position)
    refuse_same_clips(fit_streams, fit, test_streams, test, known.keys(), where)
    _check_kinds(fit_streams, test_streams)
    advice = 'Give a split whose labels are known.'
    all_labels = labels_by_name(fit.ids, known, fit.scores[0].shape[1], where, advice)
    streams = [scores[all_labels >= 0] for scores in fit.scores]
    labels = all_labels[all_labels >= 0]

    # The fit, and how good it is.
    names = short_names([stream.path for stream in test_streams])
    chosen = fit_blend(streams, labels, objective, temperature)
    estimate = cross_validate(streams, labels, objective, temperature, num_folds, seed)
    without = leave_one_out(streams, labels, objective, temperature, num_folds, seed)
    apparent = apparent_gain(chosen, streams, labels)
    kinds = ', '.join(f'{name} {kind_of(scores)}' for name, scores in zip(names, streams))
    used = chosen if estimate.gain('equal').low > 0 else equal_weights(streams, labels, objective)

    # The report.
    lines = [
        f'chosen by {objective} on {len(labels)} clips of {split} ({ann_file}); scores: {kinds}',
        *fit_lines(names, streams, labels, chosen, without),
        *gain_lines(chosen, estimate, apparent),
        *use_lines(chosen, used),
    ]
    paths = [stream.path for stream in fit_streams]
    lines += [f'warning: {doubt}' for doubt in doubts(paths, fit.scores, fit.ids, all_labels)]
    made = {
        'fit_on': split,
        'ann_file': str(ann_file),
        'fit_scores': paths,
        'clips': len(labels),
        'seed': seed,
        **as_numbers(chosen, used, estimate, apparent),
    }
    return used, made, lines


def _aligned(
    fit_streams: Sequence[Scores],
    test_streams: Sequence[Scores],
    split_ids: Sequence[str],
    ann_file: str,
    split: str,
    by_position: bool,
) -> Aligned:
    if len(fit_streams) != len(test_streams):
        raise DataError(
            f'--fit-scores: {count(len(fit_streams), "file")} for '
            f'{count(len(test_streams), "stream")}: expected one per stream, in the same order.'
        )
    bare = [stream for stream in fit_streams if stream.ids is None]
    if bare and not by_position:
        raise DataError(
            f'{bare[0].path}: a bare list of scores; nothing ties its rows to clips. Use the '
            'scores.npz that tools/test.py writes beside it, or declare that its rows are those of '
            f'split {split} of {ann_file}: --by-position.'
        )
    fit = align(fit_streams, split_ids if bare else None, ann_file, by_position)
    if fit.scores[0].shape[1] != test_streams[0].scores.shape[1]:
        raise DataError(
            f'{fit_streams[0].path}: {fit.scores[0].shape[1]} classes, but {test_streams[0].path} '
            f'has {test_streams[0].scores.shape[1]}. Give scores of the same streams.'
        )
    return fit


def _check_kinds(fit_streams: Sequence[Scores], test_streams: Sequence[Scores]) -> None:
    for fit, test in zip(fit_streams, test_streams):
        kinds = kind_of(fit.scores), kind_of(test.scores)
        if kinds[0] != kinds[1]:
            raise DataError(
                f'{fit.path}: holds {kinds[0]}, but {test.path} holds {kinds[1]}. Test both splits '
                'with the same --average-clips, and give the streams in the same order.'
            )


def labels_by_name(
    ids: Sequence[str], known: Mapping[str, int], num_classes: int, where: str, otherwise: str
) -> np.ndarray:
    """Return (N,) the label of each clip, -1 where it is unknown.

    Args:
        ids: names of the clips.
        known: labels by name.
        num_classes: K of the scores.
        where: the file (and split) of `known`, for messages.
        otherwise: what to do if no clip has a label, for messages.

    Raises:
        DataError: clips are missing, none has a label, or a label is not below num_classes.
    """
    advice = 'Give the annotation file that the scores were made from.'
    find_rows(list(known), ids, where, advice)  # all are there
    labels = check_labels([known[name] for name in ids], num_classes, f'{where}: labels')
    if (labels < 0).all():
        raise DataError(f'{where}: none of the {len(labels)} clips has a label. {otherwise}')
    return labels
