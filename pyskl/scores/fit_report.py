"""The chosen weights and how good they are, as text and as plain numbers for a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from .cross_validation import Estimate, WithoutOne
from .fitting import OBJECTIVES, Fit, equal_weights, judge, sign_of
from .probabilities import soften

_TITLES = {'top1': 'top-1', 'macro_f1': 'macro-F1', 'log_loss': 'log-loss'}


def short_names(paths: Sequence[str]) -> list[str]:
    """Return short names for score files: of their folders, of the files, or whole paths.

    The first that differ are used.
    """
    folders = [Path(path).absolute().parent.name for path in paths]
    files = [Path(path).name for path in paths]
    return next((n for n in (folders, files) if len(set(n)) == len(paths)), list(paths))


def fit_lines(
    names: Sequence[str],
    streams: Sequence[np.ndarray],
    labels: np.ndarray,
    fit: Fit,
    without: Sequence[WithoutOne],
) -> list[str]:
    """Return a table of the streams, of equal weights and of the fitted blend.

    A stream's row has its weight, its temperature, its own metrics unchanged, and what the others
    reach without it.
    """
    width = max(6, *map(len, names))
    title = _TITLES[fit.objective]
    lines = [
        f'{"":<{width}}  weight  temperature   top-1  macro-F1  log-loss  '
        f'{title} without it: fitted  held out'
    ]
    plain = np.stack([soften(scores) for scores in streams])
    softened = np.stack([soften(scores, t) for scores, t in zip(streams, fit.temperatures)])
    for s, name in enumerate(names):
        lines.append(
            f'{name:<{width}}  {fit.weights[s]:6.4f}  {fit.temperatures[s]:11.4g}'
            f'{_metrics(plain[s : s + 1], labels, [1.0])}'
            f'{without[s].fitted:{len(title) + 21}.4f}  {without[s].held_out:8.4f}'
        )
    share = 1 / len(names)
    equal = _metrics(plain, labels, [share] * len(names))
    lines.append(f'{"equal":<{width}}  {share:6.4f}  {1:11}{equal}')
    lines.append(f'{"fitted":<{width}}  {"":6}  {"":11}{_metrics(softened, labels, fit.weights)}')
    return lines


def _metrics(probs: np.ndarray, labels: np.ndarray, weights: Sequence[float]) -> str:
    point = np.array([weights])
    top1, macro_f1, log_loss = (judge(probs, labels, point, of)[0, 0] for of in OBJECTIVES)
    return f'  {top1:6.4f}  {macro_f1:8.4f}  {-log_loss:8.4f}'


def gain_lines(fit: Fit, estimate: Estimate, apparent: float) -> list[str]:
    """Return lines on the cross-validated gain, and on the one on the clips of the fit."""
    title, values = _TITLES[fit.objective], _values(estimate)
    lines = [
        f'held out: {title} in {len(estimate.folds)} folds, every clip evaluated with weights that '
        'were fitted on the other folds',
        f'  fitted weights          {values["fitted"]:.4f}',
    ]
    not_shown = []
    rivals = (('equal', '', 'equal weights'), ('single', 'the ', 'best single stream'))
    for name, article, what in rivals:
        gain = estimate.gain(name)
        if gain.low <= 0:
            not_shown.append(
                f'  not shown to be better than {article}{what}: that gain may be chance'
            )
        lines.append(
            f'  {what:<22}  {values[name]:.4f}; fitting gains {gain.value:+.4f} (95 %: '
            f'{gain.low:+.4f} to {gain.high:+.4f}; standard deviation over folds '
            f'{gain.over_folds:.4f})'
        )
    lines.append(
        '  on the clips that the weights were fitted on, the gain over equal weights looks like '
        f'{apparent:+.4f}'
    )
    return lines + not_shown


def _values(estimate: Estimate) -> dict[str, float]:
    sign = sign_of(estimate.objective)
    return {name: sign * value for name, value in estimate.values.items()}


def use_lines(fit: Fit, used: Fit) -> list[str]:
    """Return a line on what is used instead of the fit, if anything is."""
    if used is fit:
        return []
    weights, temperatures = (
        ' '.join(map(str, values)) for values in (fit.weights, fit.temperatures)
    )
    return [
        f'equal weights are kept; to use the fitted ones nevertheless: --weights {weights} '
        f'--temperatures {temperatures}'
    ]


def apparent_gain(fit: Fit, streams: Sequence[np.ndarray], labels: np.ndarray) -> float:
    """Return what the fit gains over equal weights on the clips it was fitted on."""
    gain = fit.value - equal_weights(streams, labels, fit.objective).value
    return sign_of(fit.objective) * gain


def as_numbers(fit: Fit, used: Fit, estimate: Estimate, apparent: float) -> dict[str, Any]:
    """Return the fit, whether it is used and how good it is, for the file of saved weights."""
    return {
        'objective': fit.objective,
        'used': 'fitted' if used is fit else 'equal',
        'fitted': fit.value,
        'fitted_weights': list(fit.weights),
        'fitted_temperatures': list(fit.temperatures),
        'apparent_gain_over_equal': apparent,
        'held_out': {
            'folds': len(estimate.folds),
            **_values(estimate),
            **{f'gain_over_{name}': asdict(estimate.gain(name)) for name in ('equal', 'single')},
        },
    }
