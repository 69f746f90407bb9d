"""Receives rows of a .log.json; hands on the curves of a training run by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

MOST_POINTS = 600  # a curve; more are averaged
GROUPS = ('loss', 'accuracy', 'lr', 'time')


def curves(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, list[list[float]]]]:
    """{group: {curve: [[epoch, value], ...]}} of the groups loss, accuracy, lr, time; {} without training rows.

    Epochs are counted from 0, as a run lives: a row of epoch 2, iteration 5 of 10 stands at 1.5, a validation of epoch 2 at 2.
    time   'waiting for data' = data_time, 'computing' = time - data_time, seconds a step
    """
    train = [row for row in rows if row['mode'] == 'train']
    if not train:
        return {}
    length = max(1, *(row['iter'] for row in train))
    found: dict[str, dict[str, list[list[float]]]] = {group: {} for group in GROUPS}
    for row in rows:
        training = row['mode'] == 'train'
        at = row['epoch'] - 1 + row['iter'] / length if training else float(row['epoch'])
        for name, value in _values(row):
            group = _group(name)
            if group is not None and (training or group != 'lr'):
                label = (
                    name
                    if group in ('lr', 'time')
                    else f'{name} ({"training" if training else "validation"})'
                )
                found[group].setdefault(label, []).append([round(at, 4), value])
    return {
        group: {name: _thinned(points) for name, points in lines.items()}
        for group, lines in found.items()
        if lines
    }


def _values(row: Mapping[str, Any]) -> list[tuple[str, float]]:
    numbers = {
        key: float(value)
        for key, value in row.items()
        if type(value) in (int, float) and abs(value) < 1e30
    }  # no NaN
    values = [
        (key, value)
        for key, value in numbers.items()
        if key not in ('epoch', 'iter', 'time', 'data_time', 'memory')
    ]
    if row['mode'] == 'train' and 'time' in numbers and 'data_time' in numbers:
        values += [
            ('waiting for data', numbers['data_time']),
            ('computing', numbers['time'] - numbers['data_time']),
        ]
    return values


def _group(name: str) -> str | None:
    if name in ('waiting for data', 'computing'):
        return 'time'
    if name == 'lr':
        return 'lr'
    if 'loss' in name:
        return 'loss'
    return 'accuracy' if 'acc' in name or 'f1' in name else None


def _thinned(points: list[list[float]]) -> list[list[float]]:
    """At most MOST_POINTS points: the means of as many neighbours as needed."""
    n = -(-len(points) // MOST_POINTS)
    parts = [points[i : i + n] for i in range(0, len(points), n)]
    return [
        [
            round(sum(p[0] for p in part) / len(part), 4),
            float(f'{sum(p[1] for p in part) / len(part):.6g}'),
        ]
        for part in parts
    ]
