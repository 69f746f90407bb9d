"""The runs of a plan: each has a folder named from its settings, and knows whether it is done."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..apis.setup import Run, build_split, read_run
from ..datasets.label_embeddings import find_table
from ..errors import ConfigError, DataError
from ..recipe import Recipe, dataset_configs
from ..scores.score_file import Scores, load_scores
from .plan import Entry, Plan
from .run import Files, Job

SCORES_OF = {'test': 'scores.npz', 'val': 'val_scores.npz'}  # as tools/test.py names them
_LONGEST_NAME = 80


@dataclass(frozen=True, eq=False)
class Truth:
    """What a run is evaluated against.

    Attributes:
        ids: names of the clips, in the order of the data set.
        labels: (N,) labels of the clips.
        class_counts: (K,) training clips of each class.
    """

    ids: tuple[str, ...]
    labels: np.ndarray
    class_counts: np.ndarray


@dataclass(frozen=True)
class Task(Files):
    """One run: an entry with a seed.

    Attributes:
        entry: the entry of the plan.
        seed: the seed.
        folder: folder of the run.
        split: split to evaluate on.
        truth: clips of the split.
        fit_truth: clips of val, where the weights of ensembles are fitted, if they are.
    """

    entry: Entry
    seed: int
    folder: Path
    split: Literal['test', 'val']
    truth: Truth
    fit_truth: Truth | None = None

    @property
    def title(self) -> str:
        """Entry and seed, for messages."""
        return f'{self.entry.name}, seed {self.seed}'

    @property
    def done(self) -> bool:
        """Whether the run has all scores that it needs."""
        has_fit = self.fit_truth is None or self.fit_scores() is not None
        return has_fit and self.scores() is not None

    def scores(self) -> Scores | None:
        """Return the scores, if the file is complete and holds exactly these clips; else None."""
        return self._scores(self.split, self.truth)

    def fit_scores(self) -> Scores | None:
        """Return the scores on val, where ensembles' weights are fitted, likewise."""
        return None if self.fit_truth is None else self._scores('val', self.fit_truth)

    def _scores(self, split: str, truth: Truth) -> Scores | None:
        path = self.folder / SCORES_OF[split]
        if not path.is_file():
            return None
        try:
            scores = load_scores(path)
        except DataError:
            return None
        return scores if scores.ids == truth.ids else None


@dataclass(frozen=True)
class Scripts:
    """How a run trains and tests.

    Attributes:
        start: returns the arguments that start `train` or `test`.
        device: --device of both; None for the default.
        amp: --amp of both; None for the default.
    """

    start: Callable[[str], list[str]]
    device: str | None = None
    amp: str | None = None

    def job(
        self,
        task: Task,
        environment: Mapping[str, str | None] | None = None,
        parent: int | None = None,
    ) -> Job:
        """Return the missing steps of a run as a callable; see Job."""
        about = {
            'name': task.entry.name,
            'config': task.entry.config,
            'options': task.entry.options,
            'seed': task.seed,
        }
        return Job(task.folder, about, self.commands(task), environment or {}, parent)

    def commands(self, task: Task) -> dict[str, list[str]]:
        """Return the steps that a run still needs, with their arguments; no shell reads them."""
        common = [task.entry.config, '--work-dir', str(task.folder)]
        common += ['--device', self.device] if self.device else []
        common += ['--amp', self.amp] if self.amp else []
        options = ['--cfg-options', *task.entry.words] if task.entry.options else []
        train, test = ([*self.start(name), *common] for name in ('train', 'test'))
        steps = {}
        if task.scores() is None:
            steps = {
                'train': [*train, '--seed', str(task.seed), *options],
                'test': [*test, '--split', task.split, *options],
            }
        if task.fit_truth is not None and task.fit_scores() is None:
            steps['fit'] = [*test, '--split', 'val', *options]
        return steps


def make_tasks(
    plan: Plan,
    work_dir: str | os.PathLike,
    split: Literal['test', 'val'] = 'test',
    amp: str | None = None,
) -> list[Task]:
    """Return the runs of a plan in order, the seeds of an entry side by side, all checked.

    A run's folder is WORK_DIR/NAME-HASH/seedN. The hash covers all settings that decide the result,
    and the data files: a changed config or file gets a new folder, and equal settings under two
    names are one run.

    Args:
        plan: the plan.
        work_dir: folder of all runs.
        split: split to evaluate on.
        amp: mixed precision of all runs.

    Raises:
        UserError: a config, an option or a data file is wrong, or clips have no labels.
    """
    if plan.fit_on == split:
        raise ConfigError(
            f'fit_on = {plan.fit_on!r}: the clips that weights are chosen on would be the ones '
            'reported. Judge by test.'
        )
    truths: dict[str, Truth] = {}
    digests: dict[str, str] = {}
    tasks = []
    blended = {part for parts in plan.ensembles.values() for part in parts}
    for entry in plan.entries:
        try:
            run = read_run(entry.config, entry.words)
            fit = [f'data.{plan.fit_on}'] if plan.fit_on and entry.name in blended else []
            needed = ['model', 'data.train', f'data.{split}', *fit]
            run.recipe.require(*needed, 'optimizer', 'lr_config', 'total_epochs')
        except ConfigError as error:
            raise ConfigError(f'run {entry.name!r}: {error}') from error
        truth = _truth(run.recipe, split, truths)
        fit_truth = _truth(run.recipe, 'val', truths) if fit else None
        folder = _folder(Path(work_dir), entry.name, _settings(run, amp, digests))
        tasks += [
            Task(entry, seed, folder / f'seed{seed}', split, truth, fit_truth)
            for seed in plan.seeds
        ]
    return tasks


def _folder(work_dir: Path, name: str, settings: str) -> Path:
    digest = hashlib.sha256(settings.encode()).hexdigest()[:8]
    existing = sorted(work_dir.glob(f'*-{digest}'))
    readable = re.sub(r'[^\w.=+-]+', '_', name)[:_LONGEST_NAME].strip('_.+-')
    return existing[0] if existing else work_dir / f'{readable}-{digest}'


def _settings(run: Run, amp: str | None, digests: dict[str, str]) -> str:
    recipe = run.recipe
    splits = (recipe.data.train, recipe.data.val, recipe.data.test)
    datasets = [dataset for split in splits for _, dataset in dataset_configs(split)]
    files = {file: Path(file) for file in _named_files(datasets, 'ann_file')}
    files |= {file: find_table(file) for file in _named_files(datasets, 'label_embeddings')}
    files |= {recipe.load_from: Path(recipe.load_from)} if recipe.load_from else {}
    files |= _own_modules(recipe)
    content = {
        'train': recipe.results(),
        'test': recipe.data.test,
        'val': recipe.data.val,
        'amp': amp,
        'files': {file: _digest(path, digests) for file, path in sorted(files.items())},
    }
    return json.dumps(content, sort_keys=True, default=str)


def _own_modules(recipe: Recipe) -> dict[str, Path]:
    """Return the files of custom_imports, which read_run has imported."""
    names = recipe.custom_imports.imports if recipe.custom_imports else ()
    files = {name: getattr(sys.modules.get(name), '__file__', None) for name in names}
    return {name: Path(file) for name, file in files.items() if file}


def _named_files(datasets: Sequence[Mapping[str, Any]], key: str) -> list[str]:
    """Return the files that data sets' configs name under a key."""
    return [str(cfg[key]) for cfg in datasets if isinstance(cfg.get(key), (str, os.PathLike))]


def _digest(path: Path, digests: dict[str, str]) -> str:
    """Return the hash of a file, or of a packed folder's meta.json, which holds a unique id."""
    path = path / 'meta.json' if path.is_dir() else path
    if str(path) not in digests:
        sha = hashlib.sha256()
        if path.is_file():
            with open(path, 'rb') as f:
                while block := f.read(1 << 20):
                    sha.update(block)
        digests[str(path)] = sha.hexdigest()
    return digests[str(path)]


def _truth(recipe: Recipe, split: Literal['test', 'val'], truths: dict[str, Truth]) -> Truth:
    clips = {name: _without_pipelines(getattr(recipe.data, name)) for name in ('train', split)}
    key = json.dumps(clips, sort_keys=True, default=str)
    if key not in truths:
        judged = build_split(recipe, split)
        if judged.targets is not None:
            raise DataError(
                f'{recipe.filename}: data.{split}: clips have several labels (multi_class), and a '
                'sweep compares runs by the accuracy of one class a clip. Train and test them one '
                'by one: tools/train.py, tools/test.py.'
            )
        labels = np.asarray(judged.labels)
        if (labels < 0).any():
            raise DataError(
                f'{recipe.filename}: data.{split}: {int((labels < 0).sum())} of {len(labels)} '
                'clips have no label, so runs cannot be compared on them. Give a split whose '
                'labels are known (--split val).'
            )
        trained = np.asarray(build_split(recipe, 'train').labels)
        truths[key] = Truth(
            tuple(judged.ids), labels, np.bincount(trained, minlength=int(labels.max()) + 1)
        )
    return truths[key]


def _without_pipelines(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_pipelines(inner) for key, inner in value.items() if key != 'pipeline'}
    if isinstance(value, (list, tuple)):
        return [_without_pipelines(inner) for inner in value]
    return value
