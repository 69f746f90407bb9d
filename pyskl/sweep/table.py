"""From the scores of runs to a table: mean and standard deviation over seeds, for reading and for programs."""

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
from ..files.atomic import atomic_write
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
    """A run or an ensemble: by seed its figures (shares of 1) and seconds (None: unknown); `wanted`: how many seeds there should be."""

    name: str
    figures: dict[int, dict[str, float]]
    seconds: dict[int, float | None]
    wanted: int
    about: dict[str, Any]


def gather(plan: Plan, tasks: Sequence[Task]) -> list[Row]:
    """The rows of all runs, then of all ensembles. A seed that is not done (of an ensemble: a part of it) has no figures."""
    done = {(task.entry.name, task.seed): (task, task.scores()) for task in tasks if task.done}
    seconds = {key: sum(task.seconds.values()) or None for key, (task, _) in done.items()}
    rows = []
    for entry in plan.entries:
        mine = {seed: done[entry.name, seed] for seed in plan.seeds if (entry.name, seed) in done}
        folder = next(task.folder.parent for task in tasks if task.entry == entry)
        rows.append(
            Row(
                entry.name,
                {seed: measure(scores.scores, task.truth) for seed, (task, scores) in mine.items()},
                {seed: seconds[entry.name, seed] for seed in mine},
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
            title, how = (
                (f'{name}, fitted on {fit_on}', {'fit_on': fit_on}) if fit_on else (name, {})
            )
            rows.append(
                Row(title, figures, spent, len(plan.seeds), {'ensemble': list(parts), **how})
            )
    return rows


def measure(scores: np.ndarray, truth: Truth) -> dict[str, float]:
    """Figures of scores (N, K), by the names of COLUMNS."""
    counts = np.pad(truth.class_counts, (0, max(0, scores.shape[1] - len(truth.class_counts))))
    return {
        **evaluate(scores, truth.labels, ONE_LABEL_METRICS, (1, 5)),
        **group_accuracy(scores, truth.labels, counts),
    }


def _blended(parts: Sequence[tuple[Task, Scores]], fitted: bool) -> dict[str, float]:
    """Figures of the mean of several runs' probabilities, clip by clip (by name); fitted: with weights and temperatures chosen on val."""
    first = parts[0][0]
    weights, temperatures = [1 / len(parts)] * len(parts), [1.0] * len(parts)
    if fitted:
        fit = fit_blend(
            align([task.fit_scores() for task, _ in parts]).scores, first.fit_truth.labels
        )
        weights, temperatures = fit.weights, fit.temperatures
    streams = align([scores for _, scores in parts]).scores
    return measure(
        blend([soften(scores, t) for scores, t in zip(streams, temperatures)], weights), first.truth
    )


def _sum(values: Sequence[float | None]) -> float | None:
    return None if None in values else float(sum(values))


def spread(values: Sequence[float]) -> tuple[float, float]:
    """Mean and standard deviation (n - 1) over seeds; NaN for that of a single one."""
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else math.nan


def as_markdown(rows: Sequence[Row]) -> str:
    """Percent, mean ± standard deviation over seeds; '-' where there is nothing."""
    lines = [['', *COLUMNS.values(), 'seconds', 'seeds']]
    for row in rows:
        cells = [_cell([figures[key] for figures in row.figures.values()]) for key in COLUMNS]
        known = [value for value in row.seconds.values() if value is not None]
        lines.append(
            [
                row.name,
                *cells,
                f'{np.mean(known):.0f}' if known else '-',
                str(len(row.figures))
                if len(row.figures) == row.wanted
                else f'{len(row.figures)} of {row.wanted}',
            ]
        )
    lines = [[cell.replace('|', r'\|') for cell in line] for line in lines]
    widths = [max(len(line[n]) for line in lines) for n in range(len(lines[0]))]
    texts = [
        ' | '.join(
            [
                line[0].ljust(widths[0]),
                *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:])),
            ]
        )
        for line in lines
    ]
    rule = ' | '.join(['-' * widths[0], *('-' * (width - 1) + ':' for width in widths[1:])])
    return '\n'.join(f'| {text} |' for text in [texts[0], rule, *texts[1:]]) + '\n'


def _cell(values: Sequence[float]) -> str:
    values = [100 * value for value in values if not math.isnan(value)]
    if not values:
        return '-'
    mean, deviation = spread(values)
    return f'{mean:.1f}' if math.isnan(deviation) else f'{mean:.1f} ± {deviation:.1f}'


def write_table(rows: Sequence[Row], work_dir: str | os.PathLike) -> list[Path]:
    """Write table.md and table.json (every seed's figures, shares of 1) into the sweep's folder."""
    content = [
        {
            'name': row.name,
            **row.about,
            'wanted_seeds': row.wanted,
            'seeds': {
                str(seed): {**_plain(figures), 'seconds': row.seconds[seed]}
                for seed, figures in row.figures.items()
            },
            **{
                part: _plain(
                    {
                        key: spread([figures[key] for figures in row.figures.values()])[n]
                        for key in COLUMNS
                    }
                )
                for n, part in enumerate(('mean', 'std'))
                if row.figures
            },
        }
        for row in rows
    ]
    paths = Path(work_dir) / 'table.md', Path(work_dir) / 'table.json'
    for path, text in zip(paths, (as_markdown(rows), json.dumps(content, indent=1) + '\n')):
        with atomic_write(path, 'w', encoding='utf-8') as f:
            f.write(text)
    return list(paths)


def _plain(figures: dict[str, float]) -> dict[str, float | None]:
    """JSON knows no NaN."""
    return {key: None if math.isnan(value) else value for key, value in figures.items()}
