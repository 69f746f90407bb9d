"""How good fitted weights are on clips that they were not fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..errors import ConfigError
from ..evaluation import bootstrap_interval
from .fitting import Objective, fit_blend, judge, sign_of
from .probabilities import soften

RIVALS = ('fitted', 'equal', 'single')
_DRAWS = 500  # of the bootstrap


@dataclass(frozen=True)
class Gain:
    """What the fitted weights gain over others.

    Attributes:
        value: the gain on all clips together.
        low: lower end of its 95 % interval over clips.
        high: upper end of it.
        over_folds: standard deviation of the gain over the folds.
    """

    value: float
    low: float
    high: float
    over_folds: float


@dataclass(frozen=True)
class Estimate:
    """Blends of held-out clips, each with what was chosen on the folds without the clip.

    Values are of the objective over all N clips; for log_loss minus the log-loss, so that more is
    always better.

    Attributes:
        probs: (3, N, K) fitted: with weights and temperatures chosen on the other folds; equal:
            with equal weights and temperatures 1; single: the stream that is best on the other
            folds, unchanged.
        labels: (N,).
        folds: rows of each fold.
        objective: what the weights were fitted for.
        seed: of the bootstrap.
    """

    probs: np.ndarray
    labels: np.ndarray
    folds: list[np.ndarray]
    objective: Objective
    seed: int

    @cached_property
    def values(self) -> dict[str, float]:
        """The objective by name: fitted, equal, single."""
        return dict(zip(RIVALS, self._judge(slice(None)).tolist()))

    def gain(self, over: str) -> Gain:
        """Return what fitting gains over `equal` or `single`, with its bootstrap interval."""
        rival = RIVALS.index(over)

        def difference(rows: np.ndarray) -> float:
            values = self._judge(rows)
            return values[0] - values[rival]

        low, high = bootstrap_interval(
            difference, np.arange(len(self.labels)), num_draws=_DRAWS, seed=self.seed
        )
        by_fold = np.array([self._judge(fold) for fold in self.folds])
        over_folds = float((by_fold[:, 0] - by_fold[:, rival]).std(ddof=1))
        return Gain(self.values['fitted'] - self.values[over], low, high, over_folds)

    def _judge(self, rows: np.ndarray | slice) -> np.ndarray:
        """Return (3,) the objective on some clips."""
        return judge(
            self.probs[:, rows], self.labels[rows], np.eye(len(self.probs)), self.objective
        )[:, 0]


def cross_validate(
    streams: Sequence[np.ndarray],
    labels: np.ndarray,
    objective: Objective = 'top1',
    temperature: bool = True,
    num_folds: int = 5,
    seed: int = 0,
) -> Estimate:
    """Fit on all folds but one and blend that one, for each fold in turn.

    Args:
        streams: S arrays (N, K), see `fit_blend`.
        labels: (N,).
        objective: see `fit_blend`.
        temperature: see `fit_blend`.
        num_folds: 2 to N; every class is spread evenly over the folds.
        seed: of the folds and of the bootstrap.

    Raises:
        ConfigError: a number of folds outside 2..N; as `fit_blend`.
    """
    parts = deal_folds(labels, num_folds, seed)
    probs = np.empty((len(RIVALS), *streams[0].shape), np.float32)
    plain = np.stack([soften(scores) for scores in streams])
    for held_out in parts:
        rest = np.setdiff1d(np.arange(len(labels)), held_out)
        fit = fit_blend([scores[rest] for scores in streams], labels[rest], objective, temperature)
        alone = judge(plain[:, rest], labels[rest], np.eye(len(streams)), objective)[:, 0]
        fitted = [
            w * soften(scores[held_out], t)
            for w, t, scores in zip(fit.weights, fit.temperatures, streams)
        ]
        probs[:, held_out] = (
            sum(fitted),
            plain[:, held_out].mean(axis=0),
            plain[int(alone.argmax()), held_out],
        )
    return Estimate(probs, labels, parts, objective, seed)


def deal_folds(labels: np.ndarray, num_folds: int, seed: int) -> list[np.ndarray]:
    """Return the rows of each fold: clips in random order, distributed class by class."""
    if not 2 <= num_folds <= len(labels):
        raise ConfigError(
            f'{num_folds} folds for {len(labels)} labelled clips: expected 2..{len(labels)}.'
        )
    order = np.random.default_rng(seed).permutation(len(labels))
    order = order[np.argsort(labels[order], kind='stable')]
    return [np.sort(order[k::num_folds]) for k in range(num_folds)]


@dataclass(frozen=True)
class WithoutOne:
    """The objective when one stream is left out and the others' weights are fitted again.

    Attributes:
        fitted: on the clips of the fit.
        held_out: cross-validated.
    """

    fitted: float
    held_out: float


def leave_one_out(
    streams: Sequence[np.ndarray],
    labels: np.ndarray,
    objective: Objective = 'top1',
    temperature: bool = True,
    num_folds: int = 5,
    seed: int = 0,
) -> list[WithoutOne]:
    """Return, for each stream, what the others reach without it; of two streams the other alone.

    Arguments are as for `cross_validate`.
    """
    entries = []
    for s in range(len(streams)):
        others = [*streams[:s], *streams[s + 1 :]]
        if len(others) == 1:
            others = others * 2  # a fit needs two streams; with the same one twice any weights do
        fit = fit_blend(others, labels, objective, temperature)
        held_out = cross_validate(others, labels, objective, temperature, num_folds, seed).values[
            'fitted'
        ]
        entries.append(WithoutOne(fit.value, sign_of(objective) * held_out))
    return entries
