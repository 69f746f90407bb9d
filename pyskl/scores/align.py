"""Bring the rows of several streams into one order, clip by clip."""

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
    """Streams whose rows speak of the same clips.

    Ids N names, scores one (N, K) a stream, warnings to be shown.
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
    own = f'The scores have ids of their own and agree on them: leave {ids_name} out.'
    way_out = own if faulty_list else ''
    for stream in streams[1:]:
        if stream.scores.shape[1] != streams[0].scores.shape[1]:
            raise DataError(
                f'{stream.path}: scores over {stream.scores.shape[1]} classes, but {streams[0].path} has {streams[0].scores.shape[1]}. '
                'Expected as many: streams of one ensemble share their classes.'
            )
    scores = [
        _by_position(stream, order, order_name, way_out)
        if by_position or stream.ids is None
        else _by_id(stream, stream.ids, order, order_name, way_out)
        for stream in streams
    ]
    return Aligned(order, scores, [f'id {text}' for text in _repeats(order)])


def _order(
    streams: Sequence[Scores], ids: Sequence[str] | None, ids_name: str, by_position: bool
) -> tuple[tuple[str, ...], str]:
    bare = [stream for stream in streams if stream.ids is None]
    if ids is not None:
        return tuple(ids), ids_name
    if len(bare) == len(streams):
        raise DataError(
            f'{bare[0].path}: a bare list of scores, and nothing says which clips its rows are. Give the ids in the order of the rows '
            '(--ids FILE: text, JSON, or the annotation file as FILE.pkl:SPLIT), or scores.npz instead.'
        )
    if bare and not by_position:
        raise DataError(
            f'{bare[0].path}: a bare list of scores; nothing ties its rows to the ids of the other streams. Use the scores.npz beside it, '
            'or say that its rows have their order: --ids FILE or --by-position.'
        )
    return next((stream.ids, stream.path) for stream in streams if stream.ids is not None)


def _agree(streams: Sequence[Scores]) -> bool:
    """Have all streams ids, each once, and the same ones?"""
    known = [s.ids for s in streams if s.ids is not None]
    once = len(known) == len(streams) and all(len(set(ids)) == len(ids) for ids in known)
    return once and len(set(map(frozenset, known))) == 1


_ELSEWHERE = 'Is it from another data set or another split?'


def _by_position(
    stream: Scores, order: tuple[str, ...], order_name: str, way_out: str
) -> np.ndarray:
    if len(stream.scores) != len(order):
        raise DataError(
            f'{stream.path}: {len(stream.scores)} rows for the {len(order)} ids of {order_name}; '
            f'matched by position they must be as many. {_ELSEWHERE}'
        )
    if stream.ids is not None and stream.ids != order:
        n = next(n for n, (ours, theirs) in enumerate(zip(stream.ids, order)) if ours != theirs)
        raise DataError(
            f'{stream.path}: row {n} is {plain(stream.ids[n])}, in {order_name} it is {plain(order[n])}; by position they do not match. '
            f'{way_out or "Leave --by-position out to match by id."}'
        )
    return stream.scores


def _by_id(
    stream: Scores, own: tuple[str, ...], order: tuple[str, ...], order_name: str, way_out: str
) -> np.ndarray:
    for ids, name in ((own, stream.path), (order, order_name)):
        repeats = _repeats(ids)
        if repeats:
            advice = 'Repair the list, or, if all rows are in the same order, give --by-position.'
            what = f'id {repeats[0]}; matched by id that is ambiguous'
            raise DataError(f'{name}: {what}. {way_out or advice}')
    ours, theirs = _comparable(own, order)
    row = {name: n for n, name in enumerate(ours)}
    missing = [name for name in theirs if name not in row]
    extra = sorted(set(ours) - set(theirs))
    if missing:
        raise DataError(
            f'{stream.path}: no row for {counted(missing, "id", 3)} of {order_name}. {_ELSEWHERE}'
        )
    if extra:
        raise DataError(
            f'{stream.path}: rows for {counted(extra, "id", 3)} that {order_name} does not hold. {_ELSEWHERE}'
        )
    return stream.scores[[row[name] for name in theirs]]


def _comparable(
    ids: tuple[str, ...], order: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Both lists, without a video's suffix where only that keeps them from being the same clips."""
    plain_ids, plain_order = (tuple(map(without_ending, names)) for names in (ids, order))
    same_but_for_it = sorted(ids) != sorted(order) and sorted(plain_ids) == sorted(plain_order)
    is_clear = len(set(plain_ids)) == len(plain_ids)
    return (plain_ids, plain_order) if same_but_for_it and is_clear else (ids, order)


def _repeats(ids: Sequence[str]) -> list[str]:
    """'0453_3 appears twice, rows 4533 and 4561' for each id that stands in more than one row."""
    if len(set(ids)) == len(ids):
        return []
    rows: dict[str, list[int]] = {}
    for n, name in enumerate(ids):
        rows.setdefault(name, []).append(n)
    return [
        f'{plain(name)} appears {"twice" if len(at) == 2 else f"{len(at)} times"}, rows {", ".join(map(str, at[:-1]))} and {at[-1]}'
        for name, at in rows.items()
        if len(at) > 1
    ]
