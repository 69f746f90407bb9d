"""The curves of a training run by epoch, from the rows of its .log.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

MAX_POINTS = 600  # of a curve; more are averaged
GROUPS = ('loss', 'accuracy', 'lr', 'time')


def curves(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, list[list[float]]]]:
    """Return {group: {curve: [[epoch, value], ...]}} of the groups loss, accuracy, lr and time.

    Epochs count from 0: a row of epoch 2, iteration 5 of 10 lies at 1.5, a validation after epoch 2
    at 2. The curves of `time`, in seconds a step, are 'waiting for data' (data_time) and
    'computing' (time - data_time). Without training rows there are no curves.
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
            if group is not None and (training or group in ('loss', 'accuracy')):
                mode = 'training' if training else 'validation'
                curve = name if group in ('lr', 'time') else f'{name} ({mode})'
                found[group].setdefault(curve, []).append([round(at, 4), value])
    return {
        group: {name: _thinned(points) for name, points in lines.items()}
        for group, lines in found.items()
        if lines
    }


def _values(row: Mapping[str, Any]) -> list[tuple[str, float]]:
    # NaN fails the comparison, too
    numbers = {
        key: float(value)
        for key, value in row.items()
        if type(value) in (int, float) and abs(value) < 1e30
    }
    if 'time' in numbers and 'data_time' in numbers:
        computing = numbers['time'] - numbers['data_time']
        numbers |= {'waiting for data': numbers['data_time'], 'computing': computing}
    return list(numbers.items())


def _group(name: str) -> str | None:
    if name in ('waiting for data', 'computing'):
        return 'time'
    if name == 'lr':
        return 'lr'
    if 'loss' in name:
        return 'loss'
    return 'accuracy' if 'acc' in name or 'f1' in name else None


def _thinned(points: list[list[float]]) -> list[list[float]]:
    """Return at most MAX_POINTS points: means of as many neighbours as needed."""
    n = -(-len(points) // MAX_POINTS)
    means = (np.mean(points[i : i + n], axis=0) for i in range(0, len(points), n))
    return [[round(float(epoch), 4), float(f'{value:.6g}')] for epoch, value in means]
