"""A check that weights are not chosen on the clips whose results are reported."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence

import numpy as np

from ..errors import DataError
from ..wording import counted
from .align import Aligned
from .score_file import Scores

_ADVICE = (
    'Weights are chosen on validation clips and applied to others: test the streams with --split '
    'val and give those scores.'
)


def refuse_same_clips(
    fit_streams: Sequence[Scores],
    fit: Aligned,
    test_streams: Sequence[Scores],
    test: Aligned,
    labelled: Collection[str],
    labels_name: str,
) -> None:
    """Refuse to fit weights on clips that are reported.

    They are recognised by file, by clip name, by the list of labelled clips, and by the scores
    themselves (the same clips under other names).

    Args:
        fit_streams: scores that the weights are fitted on.
        fit: the same, aligned.
        test_streams: scores that are reported.
        test: the same, aligned.
        labelled: all clips of the split with the labels.
        labels_name: its file and split, for messages.

    Raises:
        DataError: naming the files and some of the clips.
    """
    for one in fit_streams:
        for other in test_streams:
            exist = os.path.exists(one.path) and os.path.exists(other.path)
            if exist and os.path.samefile(one.path, other.path):
                raise DataError(f'{one.path}: is used for the fit and reported, too. {_ADVICE}')
    shared = sorted(set(fit.ids) & set(test.ids))
    if shared:
        raise DataError(
            f'{fit_streams[0].path}: holds {counted(shared, "clip", 3)} of {test_streams[0].path} '
            f'too: the weights would be fitted on what is reported. {_ADVICE}'
        )
    shared = sorted(set(labelled) & set(test.ids))
    if shared:
        raise DataError(
            f'{labels_name}: lists {counted(shared, "clip", 3)} of {test_streams[0].path}, so '
            f'these are not test clips. {_ADVICE}'
        )
    rows, others = _distinct_rows(fit.scores), _distinct_rows(test.scores)
    smaller = min(len(rows), len(others))
    if smaller > 1 and len(rows & others) >= smaller / 2:
        raise DataError(
            f'{fit_streams[0].path}: {len(rows & others)} of its {len(fit.ids)} clips have exactly '
            f'the scores of clips of {test_streams[0].path}: the same clips under other names? '
            f'{_ADVICE}'
        )


def _distinct_rows(scores: Sequence[np.ndarray]) -> set[bytes]:
    """Return each clip's scores of all streams, as bytes."""
    return {row.tobytes() for row in np.ascontiguousarray(np.concatenate(scores, axis=1))}
