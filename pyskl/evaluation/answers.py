"""Metrics of networks with several answers per clip, by PYSKL's names."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import DataError
from .metrics import evaluate

RGB_AND_POSE = {'rgb', 'pose'}
RATIOS = ((1, 1), (2, 1), (1, 2))  # of rgb and pose


def prefixes(names: Sequence[str]) -> tuple[str, ...]:
    """Return the prefixes of metrics' names: 'rgb_', 'pose_', 'RGBPose_2:1_' for a blend.

    Args:
        names: of the answers; rgb and pose are also blended.
    """
    blends = [f'RGBPose_{a}:{b}_' for a, b in RATIOS] if set(names) == RGB_AND_POSE else []
    return (*(f'{name}_' for name in names), *blends)


def by_prefix(answers: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the scores (N, K) of each prefix."""
    parts = list(answers.values())
    if set(answers) == RGB_AND_POSE:
        parts += [a * answers['rgb'] + b * answers['pose'] for a, b in RATIOS]
    return dict(zip(prefixes(list(answers)), parts))


def evaluate_results(
    results: Sequence[Any],
    labels: Any,
    metrics: Sequence[str] = ('top_k_accuracy', 'mean_class_accuracy'),
    topk: int | Sequence[int] = (1, 5),
) -> OrderedDict[str, float]:
    """Compute the metrics of results in PYSKL's forms.

    Args:
        results: for each clip its scores (K,); or a list of such, whose metrics are called
            'top1_acc_0', 'top1_acc_1' ...; or a dict of such by name: 'rgb_top1_acc' ...
        labels: see `evaluate`.
        metrics: see `evaluate`.
        topk: see `evaluate`.

    Raises:
        DataError: a clip has other answers than the first; as `evaluate`.
        ConfigError: as `evaluate`.
    """
    first = results[0] if len(results) else None
    if isinstance(first, Mapping):
        if any(not isinstance(row, Mapping) or row.keys() != first.keys() for row in results):
            raise DataError(f'results: a clip has other answers than {", ".join(first)} of clip 0.')
        answers = {name: np.stack([row[name] for row in results]) for name in first}
        named = {f'{prefix}{{}}': scores for prefix, scores in by_prefix(answers).items()}
    elif isinstance(first, (list, tuple)) and np.ndim(first[0] if first else 0):
        if any(len(row) != len(first) for row in results):
            raise DataError(
                f'results: a clip has another number of answers than clip 0, {len(first)}.'
            )
        named = {f'{{}}_{i}': np.stack(scores) for i, scores in enumerate(zip(*results))}
    else:
        named = {'{}': np.stack(list(results)) if len(results) else np.zeros((0, 0))}
    values: OrderedDict[str, float] = OrderedDict()
    for form, scores in named.items():
        of_answer = evaluate(scores, labels, metrics=metrics, topk=topk)
        values.update((form.format(name), value) for name, value in of_answer.items())
    return values
