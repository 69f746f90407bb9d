"""The choice of weights and temperatures: one temperature a stream by likelihood, then weights by a grid and refinement."""

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
COLDEST, HOTTEST = 0.05, 20.0  # temperatures
MOST_POINTS = 2000  # of the grid
_PARTS = (100, 50, 20, 10, 8, 5, 4, 3, 2, 1)
_FINEST = 0.001  # the last step of the refinement
_AT_ONCE = 4_000_000  # blended scores held in memory


@dataclass(frozen=True)
class Fit:
    """What was chosen: one weight a stream (none negative, sum 1, four digits) and one temperature a stream (four digits)."""

    weights: tuple[float, ...]
    temperatures: tuple[float, ...]
    objective: Objective
    value: float  # the objective on the clips of the choice; log_loss as it is: lower is better


def fit_blend(
    streams: Sequence[np.ndarray],
    labels: np.ndarray,
    objective: Objective = 'top1',
    temperature: bool = True,
) -> Fit:
    """Temperatures, then weights, that serve the objective best on these clips.

    streams      S arrays (N, K), rows aligned: probabilities or logits       labels   (N,) whole numbers 0..K-1
    temperature  False: every stream keeps its own sharpness (temperature 1)
    raises       ConfigError: an unknown objective, a single stream; DataError: no clips
    Concretely: the best point of a grid over the simplex (every corner and equal weights belong to it), then moves of weight from
    one stream to another, by smaller and smaller steps, as long as they gain. Of equally good points the one with the lowest log-loss.
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
    value = judge(probs, labels, np.array([weights]), objective)[0, 0]
    return Fit(
        weights, temperatures, objective, float(-value if objective == 'log_loss' else value)
    )


def equal_weights(streams: Sequence[np.ndarray], labels: np.ndarray, objective: Objective) -> Fit:
    """What nobody had to choose: each stream's probabilities as they are, weighing the same."""
    share = 1 / len(streams)
    value = judge(
        np.stack([soften(scores) for scores in streams]),
        labels,
        np.full((1, len(streams)), share),
        objective,
    )[0, 0]
    return Fit(
        (share,) * len(streams),
        (1.0,) * len(streams),
        objective,
        float(-value if objective == 'log_loss' else value),
    )


def fit_temperature(scores: np.ndarray, labels: np.ndarray) -> float:
    """The temperature (four digits) that makes the labels most likely; 1 where none is better than 1. Guo et al. 2017."""
    logits, rows = log_probabilities(scores), np.arange(len(labels))

    def surprise(log_temperature: float) -> float:
        z = logits / math.exp(log_temperature)
        top = z.max(axis=1)
        return float((top + np.log(np.exp(z - top[:, None]).sum(axis=1)) - z[rows, labels]).mean())

    from scipy.optimize import (
        minimize_scalar,
    )  # takes half a second, which scripts that only name this module need not wait

    found = minimize_scalar(
        surprise,
        bounds=(math.log(COLDEST), math.log(HOTTEST)),
        method='bounded',
        options={'xatol': 1e-5},
    )
    return float(f'{math.exp(found.x):.4g}') if found.fun < surprise(0.0) - 1e-9 else 1.0


def simplex_grid(num_streams: int, parts: int) -> np.ndarray:
    """(P, S) all weights that are multiples of 1/parts, none negative, sum 1; P = C(parts + S - 1, S - 1)."""
    bars = itertools.combinations(range(parts + num_streams - 1), num_streams - 1)
    ends = np.array([(-1, *bar, parts + num_streams - 1) for bar in bars])
    return (np.diff(ends, axis=1) - 1) / parts


def choose_weights(probs: np.ndarray, labels: np.ndarray, objective: Objective) -> np.ndarray:
    """(S,) weights for probabilities (S, N, K); see fit_blend."""
    num_streams = len(probs)
    parts = next(
        n
        for n in _PARTS
        if n == 1 or math.comb(n + num_streams - 1, num_streams - 1) <= MOST_POINTS
    )
    grid = np.concatenate(
        [simplex_grid(num_streams, parts), np.full((1, num_streams), 1 / num_streams)]
    )
    values = judge(probs, labels, grid, objective)
    best = _best(values)
    return _refine(probs, labels, objective, grid[best], tuple(values[best]), 0.5 / parts)


def judge(
    probs: np.ndarray, labels: np.ndarray, weights: np.ndarray, objective: Objective
) -> np.ndarray:
    """(P, 2) for each of the weights (P, S): the objective and then minus the log-loss, both the more the better."""
    num_streams, num_clips, num_classes = probs.shape
    own = probs[:, np.arange(num_clips), labels].astype(np.float64)
    likely = -np.log(np.maximum(SMALLEST, weights @ own)).mean(axis=1)
    values = np.stack([-likely, -likely], axis=1)
    if objective != 'log_loss':
        flat = probs.reshape(num_streams, -1)
        at_once = max(1, _AT_ONCE // flat.shape[1])
        for start in range(0, len(weights), at_once):
            some = slice(start, start + at_once)
            pred = (
                (weights[some].astype(np.float32) @ flat)
                .reshape(-1, num_clips, num_classes)
                .argmax(axis=2)
            )
            values[some, 0] = (
                (pred == labels).mean(axis=1)
                if objective == 'top1'
                else _macro_f1(pred, labels, num_classes)
            )
    return values.round(12)


def _macro_f1(pred: np.ndarray, labels: np.ndarray, num_classes: int) -> np.ndarray:
    """(P,) as evaluation.macro_f1, for predictions (P, N)."""
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
    return int(np.lexsort((-values[:, 1], -values[:, 0]))[0])


def _refine(
    probs: np.ndarray,
    labels: np.ndarray,
    objective: Objective,
    weights: np.ndarray,
    value: tuple[float, float],
    step: float,
) -> np.ndarray:
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
    """Four digits, so that what is printed is what is used; the largest takes up what is left to 1."""
    rounded = weights.round(4)
    largest = int(rounded.argmax())
    rounded[largest] = round(1 - np.delete(rounded, largest).sum(), 4)
    return tuple(rounded.tolist())
