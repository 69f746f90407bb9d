"""The choice of a temperature per stream, by likelihood, and of weights, by a grid search."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from ..errors import ConfigError, DataError
from .probabilities import SMALLEST, log_probabilities, soften

Objective = Literal['top1', 'macro_f1', 'log_loss']
OBJECTIVES = get_args(Objective)
COLDEST, HOTTEST = 0.05, 20.0  # the range of temperatures
MOST_POINTS = 2000  # of the grid
_PARTS = (100, 50, 20, 10, 8, 5, 4, 3, 2, 1)  # grids of multiples of 1/parts, finest first
_FINEST = 0.001  # the last step of the refinement
_AT_ONCE = 4_000_000  # blended scores in memory at a time


@dataclass(frozen=True)
class Fit:
    """Chosen weights and temperatures.

    Attributes:
        weights: one per stream, with four digits; none is negative, and their sum is 1.
        temperatures: one per stream, with four digits.
        objective: what they were chosen for.
        value: the objective on the clips that they were chosen on. For log_loss lower is better.
    """

    weights: tuple[float, ...]
    temperatures: tuple[float, ...]
    objective: Objective
    value: float


def fit_blend(
    streams: Sequence[np.ndarray],
    labels: np.ndarray,
    objective: Objective = 'top1',
    temperature: bool = True,
) -> Fit:
    """Choose temperatures, then the weights that are best for the objective on these clips.

    The weights are the best point of a grid over the simplex, which includes every corner and equal
    weights, refined by moving weight from one stream to another, by smaller and smaller steps, as
    long as that gains. Of equally good points the one with the lowest log-loss is chosen.

    Args:
        streams: S arrays (N, K), rows aligned: probabilities or logits.
        labels: (N,) whole numbers 0..K-1.
        objective: top1, macro_f1 or log_loss.
        temperature: False leaves every stream at temperature 1.

    Raises:
        ConfigError: an unknown objective, or a single stream.
        DataError: no clips.
    """
    if objective not in OBJECTIVES:
        raise ConfigError(f'objective {objective!r} is unknown. Known: {", ".join(OBJECTIVES)}.')
    if len(streams) < 2:
        raise ConfigError('a single stream has no weights to choose. Give two or more.')
    if not len(labels):
        raise DataError('no labelled clips: there is nothing to choose weights by.')
    temperatures = tuple(
        fit_temperature(scores, labels) if temperature else 1.0 for scores in streams
    )
    probs = np.stack([soften(scores, t) for scores, t in zip(streams, temperatures)])
    weights = _rounded(choose_weights(probs, labels, objective))
    return _fit(probs, labels, weights, temperatures, objective)


def equal_weights(streams: Sequence[np.ndarray], labels: np.ndarray, objective: Objective) -> Fit:
    """Return equal weights at temperature 1, and how good they are."""
    weights = (1 / len(streams),) * len(streams)
    probs = np.stack([soften(scores) for scores in streams])
    return _fit(probs, labels, weights, (1.0,) * len(streams), objective)


def _fit(
    probs: np.ndarray,
    labels: np.ndarray,
    weights: tuple[float, ...],
    temperatures: tuple[float, ...],
    objective: Objective,
) -> Fit:
    value = judge(probs, labels, np.array([weights]), objective)[0, 0]
    return Fit(weights, temperatures, objective, sign_of(objective) * float(value))


def sign_of(objective: Objective) -> int:
    """Return -1 for an objective of which less is better, else 1."""
    return -1 if objective == 'log_loss' else 1


def fit_temperature(scores: np.ndarray, labels: np.ndarray) -> float:
    """Return the temperature (four digits) with the lowest log-loss; 1 if none is better than 1.

    Args:
        scores: (N, K).
        labels: (N,).

    Source: Guo et al. 2017, arXiv:1706.04599, section 4.2.
    """
    from scipy.optimize import minimize_scalar  # takes half a second to load
    from scipy.special import log_softmax

    logits, rows = log_probabilities(scores), np.arange(len(labels))

    def log_loss(log_temperature: float) -> float:
        of_label = log_softmax(logits / math.exp(log_temperature), axis=1)[rows, labels]
        return -float(of_label.mean())

    bounds = (math.log(COLDEST), math.log(HOTTEST))
    found = minimize_scalar(log_loss, bounds=bounds, method='bounded', options={'xatol': 1e-5})
    return float(f'{math.exp(found.x):.4g}') if found.fun < log_loss(0.0) - 1e-9 else 1.0


def simplex_grid(num_streams: int, parts: int) -> np.ndarray:
    """Return (P, S) all non-negative weights with sum 1 that are multiples of 1/parts.

    P = C(parts + S - 1, S - 1).
    """
    bars = itertools.combinations(range(parts + num_streams - 1), num_streams - 1)
    ends = np.array([(-1, *bar, parts + num_streams - 1) for bar in bars])
    return (np.diff(ends, axis=1) - 1) / parts


def choose_weights(probs: np.ndarray, labels: np.ndarray, objective: Objective) -> np.ndarray:
    """Return (S,) weights for probabilities (S, N, K); see `fit_blend`."""
    num_streams = len(probs)
    sizes = {n: math.comb(n + num_streams - 1, num_streams - 1) for n in _PARTS}
    parts = next((n for n, size in sizes.items() if size <= MOST_POINTS), 1)
    equal = np.full((1, num_streams), 1 / num_streams)
    grid = np.concatenate([simplex_grid(num_streams, parts), equal])
    values = judge(probs, labels, grid, objective)
    best = _best(values)
    return _refine(probs, labels, objective, grid[best], tuple(values[best]), 0.5 / parts)


def judge(
    probs: np.ndarray, labels: np.ndarray, weights: np.ndarray, objective: Objective
) -> np.ndarray:
    """Evaluate P choices of weights.

    Args:
        probs: (S, N, K).
        labels: (N,).
        weights: (P, S).
        objective: see `fit_blend`.

    Returns:
        (P, 2) the objective and minus the log-loss; more is better for both.
    """
    num_streams, num_clips, num_classes = probs.shape
    of_label = probs[:, np.arange(num_clips), labels].astype(np.float64)
    log_loss = -np.log(np.maximum(SMALLEST, weights @ of_label)).mean(axis=1)
    values = np.stack([-log_loss, -log_loss], axis=1)
    if objective != 'log_loss':
        flat = probs.reshape(num_streams, -1)
        at_once = max(1, _AT_ONCE // flat.shape[1])
        for start in range(0, len(weights), at_once):
            part = slice(start, start + at_once)
            blended = weights[part].astype(np.float32) @ flat
            pred = blended.reshape(-1, num_clips, num_classes).argmax(axis=2)
            values[part, 0] = (
                (pred == labels).mean(axis=1)
                if objective == 'top1'
                else _macro_f1(pred, labels, num_classes)
            )
    return values.round(12)


def _macro_f1(pred: np.ndarray, labels: np.ndarray, num_classes: int) -> np.ndarray:
    """Return (P,) the macro-F1 of predictions (P, N), as evaluation.macro_f1."""
    offset = np.arange(len(pred))[:, None] * num_classes

    def count(classes: np.ndarray) -> np.ndarray:
        return np.bincount(classes.ravel(), minlength=len(pred) * num_classes + 1)[:-1].reshape(
            len(pred), num_classes
        )

    support = np.bincount(labels, minlength=num_classes)
    right = count(np.where(pred == labels, pred + offset, len(pred) * num_classes))
    present = support > 0
    return (2 * right[:, present] / (support + count(pred + offset))[:, present]).mean(axis=1)


def _best(values: np.ndarray) -> int:
    """Return the row with the largest objective and, of equal ones, the smallest log-loss."""
    return int(np.lexsort((-values[:, 1], -values[:, 0]))[0])


def _refine(
    probs: np.ndarray,
    labels: np.ndarray,
    objective: Objective,
    weights: np.ndarray,
    value: tuple[float, float],
    step: float,
) -> np.ndarray:
    """Move weight from one stream to another as long as that gains, by ever smaller steps."""
    pairs = list(itertools.permutations(range(len(weights)), 2))
    while step >= _FINEST:
        moves = np.repeat(weights[None], len(pairs), axis=0)
        for move, (giver, taker) in zip(moves, pairs):
            amount = min(step, move[giver])
            move[giver] -= amount
            move[taker] += amount
        values = judge(probs, labels, moves, objective)
        best = _best(values)
        if tuple(values[best]) > value:
            weights, value = moves[best], tuple(values[best])
        else:
            step /= 2
    return weights


def _rounded(weights: np.ndarray) -> tuple[float, ...]:
    """Round to four digits, as they are printed; the largest weight makes the sum 1."""
    rounded = weights.round(4)
    largest = int(rounded.argmax())
    rounded[largest] = round(1 - np.delete(rounded, largest).sum(), 4)
    return tuple(rounded.tolist())
