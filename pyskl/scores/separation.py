"""Weights must not be chosen on the clips whose answers are reported."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence

import numpy as np

from ..errors import DataError
from ..wording import counted
from .align import Aligned
from .score_file import Scores

_ADVICE = 'Weights are chosen on validation clips and applied to others: test the streams with --split val and name those scores.'


def refuse_same_clips(
    fit_streams: Sequence[Scores],
    fit: Aligned,
    test_streams: Sequence[Scores],
    test: Aligned,
    labelled: Collection[str],
    labels_name: str,
) -> None:
    """DataError when the clips that the weights are fitted on, or learn labels from, are those that are reported.

    fit, test   what was read and, aligned, what is used       labelled  all clips of the split that gives the labels
    Told by file, by clip name, by the labels' own list of clips, and by the scores themselves (the same clips under other names).
    """
    for one in fit_streams:
        for other in test_streams:
            if (
                os.path.exists(one.path)
                and os.path.exists(other.path)
                and os.path.samefile(one.path, other.path)
            ):
                raise DataError(f'{one.path}: is to be fitted on and to be reported. {_ADVICE}')
    shared = sorted(set(fit.ids) & set(test.ids))
    if shared:
        raise DataError(
            f'{fit_streams[0].path}: holds {counted(shared, "clip", 3)} of {test_streams[0].path} too: the weights would '
            f'be fitted on what is reported. {_ADVICE}'
        )
    shared = sorted(set(labelled) & set(test.ids))
    if shared:
        raise DataError(
            f'{labels_name}: lists {counted(shared, "clip", 3)} of {test_streams[0].path}, so these are no test clips. '
            f'{_ADVICE}'
        )
    rows, others = _distinct_rows(fit.scores), _distinct_rows(test.scores)
    smaller = min(len(rows), len(others))
    if smaller > 1 and len(rows & others) >= smaller / 2:
        raise DataError(
            f'{fit_streams[0].path}: {len(rows & others)} of its {len(fit.ids)} clips have exactly the scores of clips of '
            f'{test_streams[0].path}: the same clips under other names? {_ADVICE}'
        )


def _distinct_rows(scores: Sequence[np.ndarray]) -> set[bytes]:
    """Each clip's scores of all streams."""
    return {row.tobytes() for row in np.ascontiguousarray(np.concatenate(scores, axis=1))}
