"""Bring the rows of several streams into one order of clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..annotations.clip_names import without_ending
from ..errors import DataError
from ..wording import counted, plain
from .score_file import Scores


@dataclass(frozen=True)
class Aligned:
    """Streams whose rows are the same clips.

    Attributes:
        ids: names of the N clips.
        scores: (N, K) for each stream.
        warnings: to be shown to the user.
    """

    ids: tuple[str, ...]
    scores: list[np.ndarray]
    warnings: list[str] = field(default_factory=list)


def align(
    streams: Sequence[Scores],
    ids: Sequence[str] | None = None,
    ids_name: str = 'the list of ids',
    by_position: bool = False,
) -> Aligned:
    """Bring the rows of all streams into one order of clips.

    A stream with ids is matched by id, a bare list by position: row n is clip n. Bare lists are
    accepted only with `ids` or `by_position`. With `by_position` streams with ids are matched by
    position as well; their ids must then equal the order's, row for row.

    Args:
        streams: the scores.
        ids: the order; None: that of the first stream with ids.
        ids_name: where `ids` come from, for messages.
        by_position: match all streams by position.

    Raises:
        DataError: no ids at all, a bare list that may not be matched by position, missing or extra
            ids, another number of rows or classes, an id that appears twice where rows are matched
            by id (by position that is a warning, and all rows are kept).
    """
    if not streams:
        raise DataError('no scores were given: expected at least one scores.npz or result.pkl.')

    # The order of the clips, and what to advise if it is faulty.
    order, order_name = _order(streams, ids, ids_name, by_position)
    faulty_list = ids is not None and len(set(order)) < len(order) and _agree(streams)
    advice = f'The scores have their own ids and agree on them: leave {ids_name} out.'
    advice = advice if faulty_list else ''

    for stream in streams[1:]:
        if stream.scores.shape[1] != streams[0].scores.shape[1]:
            raise DataError(
                f'{stream.path}: scores over {stream.scores.shape[1]} classes, but '
                f'{streams[0].path} has {streams[0].scores.shape[1]}. Expected the same number: '
                'streams of one ensemble share their classes.'
            )
    scores = [
        _by_position(stream, order, order_name, advice)
        if by_position or stream.ids is None
        else _by_id(stream, stream.ids, order, order_name, advice)
        for stream in streams
    ]
    return Aligned(order, scores, [f'id {text}' for text in _repeats(order)])


def _order(
    streams: Sequence[Scores], ids: Sequence[str] | None, ids_name: str, by_position: bool
) -> tuple[tuple[str, ...], str]:
    """Return the order of the clips, and where it comes from."""
    bare = [stream for stream in streams if stream.ids is None]
    if ids is not None:
        return tuple(ids), ids_name
    if len(bare) == len(streams):
        raise DataError(
            f'{bare[0].path}: a bare list of scores, and nothing says which clips its rows are. '
            'Give the ids in the order of the rows (--ids FILE: text, JSON, or the annotation file '
            'as FILE.pkl:SPLIT), or scores.npz instead.'
        )
    if bare and not by_position:
        raise DataError(
            f'{bare[0].path}: a bare list of scores; nothing ties its rows to the ids of the other '
            'streams. Use the scores.npz beside it, or declare that its rows have their order: '
            '--ids FILE or --by-position.'
        )
    return next((stream.ids, stream.path) for stream in streams if stream.ids is not None)


def _agree(streams: Sequence[Scores]) -> bool:
    """Return whether all streams have the same ids, each id once."""
    known = [s.ids for s in streams if s.ids is not None]
    once = len(known) == len(streams) and all(len(set(ids)) == len(ids) for ids in known)
    return once and len(set(map(frozenset, known))) == 1


_ELSEWHERE = 'Is it from another data set or another split?'


def _by_position(
    stream: Scores, order: tuple[str, ...], order_name: str, advice: str
) -> np.ndarray:
    if len(stream.scores) != len(order):
        raise DataError(
            f'{stream.path}: {len(stream.scores)} rows for the {len(order)} ids of {order_name}; '
            f'matched by position they must be equal in number. {_ELSEWHERE}'
        )
    if stream.ids is not None and stream.ids != order:
        n = next(n for n, (name, expected) in enumerate(zip(stream.ids, order)) if name != expected)
        raise DataError(
            f'{stream.path}: row {n} is {plain(stream.ids[n])}, in {order_name} it is '
            f'{plain(order[n])}; by position they do not match. '
            f'{advice or "Leave --by-position out to match by id."}'
        )
    return stream.scores


def _by_id(
    stream: Scores, ids: tuple[str, ...], order: tuple[str, ...], order_name: str, advice: str
) -> np.ndarray:
    for names, source in ((ids, stream.path), (order, order_name)):
        repeats = _repeats(names)
        if repeats:
            repair = 'Repair the list, or, if all rows are in the same order, give --by-position.'
            raise DataError(
                f'{source}: id {repeats[0]}; matched by id that is ambiguous. {advice or repair}'
            )
    ids, order = _comparable(ids, order)
    row = {name: n for n, name in enumerate(ids)}
    missing = [name for name in order if name not in row]
    extra = sorted(set(ids) - set(order))
    if missing:
        raise DataError(
            f'{stream.path}: no row for {counted(missing, "id", 3)} of {order_name}. {_ELSEWHERE}'
        )
    if extra:
        raise DataError(
            f'{stream.path}: rows for {counted(extra, "id", 3)} that {order_name} does not hold. '
            f'{_ELSEWHERE}'
        )
    return stream.scores[[row[name] for name in order]]


def _comparable(
    ids: tuple[str, ...], order: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return both lists, without suffixes of videos if only these make them differ."""
    plain_ids, plain_order = (tuple(map(without_ending, names)) for names in (ids, order))
    differ_by_suffix = sorted(ids) != sorted(order) and sorted(plain_ids) == sorted(plain_order)
    is_unique = len(set(plain_ids)) == len(plain_ids)
    return (plain_ids, plain_order) if differ_by_suffix and is_unique else (ids, order)


def _repeats(ids: Sequence[str]) -> list[str]:
    """Return '0453_3 appears twice, rows 4533 and 4561' for each id with more than one row."""
    if len(set(ids)) == len(ids):
        return []
    rows: dict[str, list[int]] = {}
    for n, name in enumerate(ids):
        rows.setdefault(name, []).append(n)
    return [
        f'{plain(name)} appears {"twice" if len(at) == 2 else f"{len(at)} times"}, '
        f'rows {", ".join(map(str, at[:-1]))} and {at[-1]}'
        for name, at in rows.items()
        if len(at) > 1
    ]
