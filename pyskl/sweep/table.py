"""The table of a sweep: mean and standard deviation over seeds, as Markdown and as JSON."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..evaluation import ONE_LABEL_METRICS, evaluate, group_accuracy
from ..files.atomic import atomic_write_text
from ..scores import fit_blend, soften
from ..scores.align import align
from ..scores.blend import blend
from ..scores.score_file import Scores
from .plan import Plan
from .tasks import Task, Truth

COLUMNS = {
    'top1_acc': 'top-1',
    'top5_acc': 'top-5',
    'mean_class_accuracy': 'mean-class',
    'macro_f1': 'macro-F1',
    'head_acc': 'head',
    'middle_acc': 'middle',
    'tail_acc': 'tail',
}


@dataclass(frozen=True)
class Row:
    """A run or an ensemble.

    Attributes:
        name: name of the row.
        figures: figures by seed, in 0..1.
        seconds: seconds by seed, None if unknown.
        num_seeds: number of seeds when all are done.
        about: settings of the row, for JSON.
    """

    name: str
    figures: dict[int, dict[str, float]]
    seconds: dict[int, float | None]
    num_seeds: int
    about: dict[str, Any]


def gather(plan: Plan, tasks: Sequence[Task]) -> list[Row]:
    """Return the rows of all runs, then of all ensembles.

    A seed that is not done, or of an ensemble a part that is not done, has no figures.
    """
    done = {
        (task.entry.name, task.seed): (task, scores)
        for task in tasks
        if task.done and (scores := task.scores()) is not None
    }
    seconds = {key: sum(task.seconds.values()) or None for key, (task, _) in done.items()}
    rows = []
    for entry in plan.entries:
        of_seed = {s: done[entry.name, s] for s in plan.seeds if (entry.name, s) in done}
        folder = next(task.folder.parent for task in tasks if task.entry == entry)
        rows.append(
            Row(
                entry.name,
                {s: measure(scores.scores, task.truth) for s, (task, scores) in of_seed.items()},
                {s: seconds[entry.name, s] for s in of_seed},
                len(plan.seeds),
                {'config': entry.config, 'options': entry.options, 'folder': str(folder)},
            )
        )
    for name, parts in plan.ensembles.items():
        whole = [seed for seed in plan.seeds if all((part, seed) in done for part in parts)]
        spent = {seed: _sum([seconds[part, seed] for part in parts]) for seed in whole}
        for fit_on in dict.fromkeys([None, plan.fit_on]):
            figures = {
                seed: _blended([done[part, seed] for part in parts], fit_on is not None)
                for seed in whole
            }
            title = f'{name}, fitted on {fit_on}' if fit_on else name
            fitted = {'fit_on': fit_on} if fit_on else {}
            rows.append(
                Row(title, figures, spent, len(plan.seeds), {'ensemble': list(parts), **fitted})
            )
    return rows


def measure(scores: np.ndarray, truth: Truth) -> dict[str, float]:
    """Return the figures of scores (N, K), by the keys of COLUMNS."""
    counts = np.pad(truth.class_counts, (0, max(0, scores.shape[1] - len(truth.class_counts))))
    return {
        **evaluate(scores, truth.labels, ONE_LABEL_METRICS, (1, 5)),
        **group_accuracy(scores, truth.labels, counts),
    }


def _blended(parts: Sequence[tuple[Task, Scores]], fitted: bool) -> dict[str, float]:
    """Return figures of the mean of runs' probabilities, or with weights fitted on val."""
    first = parts[0][0]
    weights: Sequence[float] = [1 / len(parts)] * len(parts)
    temperatures: Sequence[float] = [1.0] * len(parts)
    if fitted and first.fit_truth is not None:
        fit_scores = [task.fit_scores() for task, _ in parts]
        fit = fit_blend(
            align([scores for scores in fit_scores if scores is not None]).scores,
            first.fit_truth.labels,
        )
        weights, temperatures = fit.weights, fit.temperatures
    streams = align([scores for _, scores in parts]).scores
    softened = [soften(scores, t) for scores, t in zip(streams, temperatures)]
    return measure(blend(softened, weights), first.truth)


def _sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(sum(known)) if len(known) == len(values) else None


def spread(values: Sequence[float]) -> tuple[float, float]:
    """Return mean and sample standard deviation over seeds; the latter is NaN for a single seed."""
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else math.nan


def as_markdown(rows: Sequence[Row]) -> str:
    """Return a Markdown table in percent: mean ± standard deviation over seeds, '-' without any."""
    lines = [['', *COLUMNS.values(), 'seconds', 'seeds']]
    for row in rows:
        cells = [_cell([figures[key] for figures in row.figures.values()]) for key in COLUMNS]
        known = [value for value in row.seconds.values() if value is not None]
        seconds = f'{np.mean(known):.0f}' if known else '-'
        seeds = str(len(row.figures))
        seeds += f' of {row.num_seeds}' if len(row.figures) < row.num_seeds else ''
        lines.append([row.name, *cells, seconds, seeds])
    lines = [[cell.replace('|', r'\|') for cell in line] for line in lines]
    widths = [max(len(line[n]) for line in lines) for n in range(len(lines[0]))]
    texts = []
    for name, *cells in lines:
        numbers = (cell.rjust(width) for cell, width in zip(cells, widths[1:]))
        texts.append(' | '.join([name.ljust(widths[0]), *numbers]))
    rule = ' | '.join(['-' * widths[0], *('-' * (width - 1) + ':' for width in widths[1:])])
    return '\n'.join(f'| {text} |' for text in [texts[0], rule, *texts[1:]]) + '\n'


def _cell(values: Sequence[float]) -> str:
    values = [100 * value for value in values if not math.isnan(value)]
    if not values:
        return '-'
    mean, deviation = spread(values)
    return f'{mean:.1f}' if math.isnan(deviation) else f'{mean:.1f} ± {deviation:.1f}'


def write_table(rows: Sequence[Row], work_dir: str | os.PathLike) -> list[Path]:
    """Write table.md and table.json, with every seed's figures in 0..1, into the sweep's folder."""
    content = [_as_json(row) for row in rows]
    paths = Path(work_dir) / 'table.md', Path(work_dir) / 'table.json'
    atomic_write_text(paths[0], as_markdown(rows))
    atomic_write_text(paths[1], json.dumps(content, indent=1) + '\n')
    return list(paths)


def _as_json(row: Row) -> dict[str, Any]:
    seeds = {
        str(seed): {**_without_nan(figures), 'seconds': row.seconds[seed]}
        for seed, figures in row.figures.items()
    }
    content = {'name': row.name, **row.about, 'wanted_seeds': row.num_seeds, 'seeds': seeds}
    if row.figures:
        spreads = {key: spread([f[key] for f in row.figures.values()]) for key in COLUMNS}
        for n, part in enumerate(('mean', 'std')):
            content[part] = _without_nan({key: both[n] for key, both in spreads.items()})
    return content


def _without_nan(figures: dict[str, float]) -> dict[str, float | None]:
    """Replace NaN, which JSON lacks, by None."""
    return {key: None if math.isnan(value) else value for key, value in figures.items()}
