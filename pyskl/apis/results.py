"""Write the files of a test: scores with clip names, metrics, a table of classes, a submission."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..engine.tester import joint_scores
from ..errors import DataError
from ..evaluation import per_class_report
from ..files.atomic import atomic_write
from ..files.locks import RESULTS_LOCK, in_turn
from ..scores.score_file import save_result_pkl, save_scores
from ..scores.submission import FORMATS, answers_of, write_submission
from ..wording import cell


@dataclass(frozen=True)
class Results:
    """The result of a test.

    Attributes:
        ids: names of N clips.
        answers: (N, K) scores by name, or (N, views, K); some models give several.
        labels: (N,), or (N, K) for several labels per clip; -1 where unknown.
        metrics: by name; empty where they have no meaning.
        class_names: in class order, if they are known.
    """

    ids: list[str]
    answers: Mapping[str, np.ndarray]
    labels: np.ndarray
    metrics: Mapping[str, float]
    class_names: Sequence[str] | None


def write_results(
    result: Path,
    results: Results,
    checkpoint: str,
    split: str,
    form: str | None,
    coarse: np.ndarray | None = None,
) -> list[Path]:
    """Write `result`, a pickle, and the files beside it.

    Args:
        result: the file of --out, or its default.
        results: of the test.
        checkpoint: name of the checkpoint's file.
        split: of the clips.
        form: format of the submission, a name in FORMATS, written beside the result.pkl of the test
            split; None for no submission, since a clip has several classes.
        coarse: (K,) body part of each class, for the format that needs it.

    Returns:
        The files written.
    """
    scores, files = joint_scores(results.answers), [result]
    several = len(results.answers) > 1
    with in_turn(result.parent / RESULTS_LOCK):
        save_result_pkl(result, results.answers if several else scores)
        if scores.ndim == 2:
            # Each of several answers can be blended as a stream of its own, scores.npz:rgb.
            files.append(beside(result, 'scores.npz'))
            parts = results.answers if several else {}
            save_scores(files[-1], results.ids, scores, checkpoint, parts)
        if results.metrics:
            files += _write_metrics(result, results, scores, checkpoint, split)
        if scores.ndim == 2 and split == 'test' and result.name == 'result.pkl':
            files += _submit(result.parent, results.ids, scores, form, coarse)
    _name_old_files(result, files)
    return files


def write_features(result: Path, ids: Sequence[str], features: np.ndarray) -> list[Path]:
    """Write features (N, D) as a pickle and, with the clips' names, as .npz.

    Files of scores are untouched unless `result` names one.
    """
    named = result.with_name(f'{result.stem}.npz')
    with in_turn(result.parent / RESULTS_LOCK):
        save_result_pkl(result, features)
        with atomic_write(named) as f:
            np.savez(f, ids=np.array(ids, dtype=np.str_), features=features)
    return [result, named]


def beside(result: Path, name: str) -> Path:
    """Return scores.npz beside result.pkl, val_scores.npz beside val.pkl."""
    return result.with_name(name if result.name == 'result.pkl' else f'{result.stem}_{name}')


def _write_metrics(
    result: Path, results: Results, scores: np.ndarray, checkpoint: str, split: str
) -> list[Path]:
    """Write metrics.json and, for clips with one label each, per_class.csv."""
    metrics, table = beside(result, 'metrics.json'), beside(result, 'per_class.csv')
    content = {
        'checkpoint': checkpoint,
        'split': split,
        'clips': len(results.ids),
        'metrics': {name: _number(value) for name, value in results.metrics.items()},
    }
    with atomic_write(metrics, 'w', encoding='utf-8') as f:
        f.write(json.dumps(content, indent=2) + '\n')
    if results.labels.ndim > 1:
        return [metrics]
    report = per_class_report(scores, results.labels)
    names = dict(enumerate(results.class_names or ()))
    columns = (report.support, report.predicted, report.precision, report.recall, report.f1)
    with atomic_write(table, 'w', encoding='utf-8', newline='') as f:
        rows = csv.writer(f, lineterminator='\n')
        rows.writerow(['class', 'name', 'clips', 'predicted', 'precision', 'recall', 'f1'])
        for k, figures in enumerate(zip(*(column.tolist() for column in columns))):
            rows.writerow([k, cell(names.get(k, '')), *map(_number, figures)])
    return [metrics, table]


def _number(value: float) -> float | None:
    """Return a figure for a file; None, an empty cell, for NaN."""
    return None if math.isnan(value) else value


def _submit(
    folder: Path,
    ids: Sequence[str],
    scores: np.ndarray,
    form: str | None,
    coarse: np.ndarray | None,
) -> list[Path]:
    """Write the submission, or print why there is none."""
    if form is None:
        print(
            'no Submission.csv: it names one class per clip, and this model gives several '
            '(model.cls_head.multi_class)'
        )
        return []
    try:
        return list(write_submission(folder, ids, answers_of(scores, coarse), form))
    except DataError as error:  # clip names that a csv cannot hold
        print(f'no {FORMATS[form].csv}: {error}')
        return []


def _name_old_files(result: Path, files: Sequence[Path]) -> None:
    """Warn of files beside the result that are left over from an earlier test."""
    known = [beside(result, name) for name in ('scores.npz', 'metrics.json', 'per_class.csv')]
    if result.name == 'result.pkl':
        names = [name for form in FORMATS.values() for name in (form.csv, form.zip)]
        known += [result.with_name(name) for name in dict.fromkeys(names)]
    old = [file.name for file in known if file not in files and file.exists()]
    if old:
        print(f'warning: {", ".join(old)} beside {result} are left over from an earlier test')
