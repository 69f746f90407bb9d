"""What fitted weights are worth on clips that they were not fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..errors import ConfigError
from ..evaluation import bootstrap_interval
from .fitting import Objective, fit_blend, judge
from .probabilities import soften

RIVALS = ('fitted', 'equal', 'single')
_DRAWS = 500  # of the bootstrap


@dataclass(frozen=True)
class Gain:
    """What the fitted weights gain: on all clips together, its 95 % interval over clips, its standard deviation over folds."""

    value: float
    low: float
    high: float
    over_folds: float


@dataclass(frozen=True)
class Estimate:
    """Blends of held-out clips: each clip's is made by what was chosen on the folds that it is not in.

    probs      (3, N, K)  fitted: weights and temperatures chosen on the other folds; equal: equal weights, temperatures 1;
                          single: the stream that is best on the other folds, as it came
    labels     (N,)       folds (F) rows of each fold
    Values are of the objective over all N clips; for log_loss minus the log-loss, so that more is better throughout.
    """

    probs: np.ndarray
    labels: np.ndarray
    folds: list[np.ndarray]
    objective: Objective
    seed: int

    @cached_property
    def values(self) -> dict[str, float]:
        """By name: fitted, equal, single."""
        return dict(zip(RIVALS, self._judge(slice(None)).tolist()))

    def gain(self, over: str) -> Gain:
        """What fitting gains over `equal` or `single`. The interval is the bootstrap's: clips drawn anew, with replacement."""
        rival = RIVALS.index(over)

        def difference(rows: np.ndarray) -> float:
            figures = self._judge(rows)
            return figures[0] - figures[rival]

        low, high = bootstrap_interval(
            difference, np.arange(len(self.labels)), num_draws=_DRAWS, seed=self.seed
        )
        by_fold = np.array([self._judge(fold) for fold in self.folds])
        return Gain(
            self.values['fitted'] - self.values[over],
            low,
            high,
            float((by_fold[:, 0] - by_fold[:, rival]).std(ddof=1)),
        )

    def _judge(self, rows: np.ndarray | slice) -> np.ndarray:
        """(3,) the objective on some clips."""
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
    """Fit on all folds but one, blend that one, for each in turn.

    num_folds  2..N; every class is spread evenly over the folds      seed  of the folds and of the bootstrap
    raises     ConfigError: a number of folds outside 2..N; as fit_blend does
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
    """Row numbers of each fold: clips in random order, dealt out class by class."""
    if not 2 <= num_folds <= len(labels):
        raise ConfigError(
            f'{num_folds} folds for {len(labels)} labelled clips: expected 2..{len(labels)}.'
        )
    order = np.random.default_rng(seed).permutation(len(labels))
    order = order[np.argsort(labels[order], kind='stable')]
    return [np.sort(order[k::num_folds]) for k in range(num_folds)]


@dataclass(frozen=True)
class WithoutOne:
    """The objective (log_loss: as it is) when one stream is left out and the others' weights are fitted anew."""

    fitted: float  # on the clips of the fit
    held_out: float  # cross-validated


def leave_one_out(
    streams: Sequence[np.ndarray],
    labels: np.ndarray,
    objective: Objective = 'top1',
    temperature: bool = True,
    num_folds: int = 5,
    seed: int = 0,
) -> list[WithoutOne]:
    """One entry a stream: what the others reach without it. Of two streams, the other one alone."""
    sign = -1 if objective == 'log_loss' else 1
    entries = []
    for s in range(len(streams)):
        others = [*streams[:s], *streams[s + 1 :]]
        if len(others) == 1:
            others = others * 2  # one stream twice: any weights are as good
        fit = fit_blend(others, labels, objective, temperature)
        held_out = cross_validate(others, labels, objective, temperature, num_folds, seed).values[
            'fitted'
        ]
        entries.append(WithoutOne(fit.value, sign * held_out))
    return entries
