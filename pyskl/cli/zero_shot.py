"""Measure zero-shot recognition: train without some classes, and recognise them by their names.

    python tools/zero_shot.py            configs/zero_shot/joint.py on the data of tools/demo.py
    python tools/zero_shot.py --cfg-options model.cls_head.loss_emb.type=CosineLoss

Every fold is trained and tested, and a table printed. In fold k the classes k, k + folds, k + 2
folds ... have no training clip, so that each class is unseen once. The same command resumes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ConfigError
from ..evaluation import bootstrap_interval, mean_class_accuracy, top_k_accuracy
from ..files.atomic import atomic_write_text
from ..seeds import seed_number
from ..wording import plain, some
from .calling import Parser
from .places import configs_folder, find_config

ALL_CLIPS = 'data.test.only_classes=None'
SET_HERE = (
    'model.test_cfg.semantic_weight',
    'model.test_cfg.classes',
    'data.train.without_classes',
    'data.val.only_classes',
    'data.test.only_classes',
)


def parse_args(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(__doc__)
    add = parser.add_argument
    add(
        'config',
        nargs='?',
        default=str(configs_folder() / 'zero_shot' / 'joint.py'),
        help='config file (default: %(default)s)',
    )
    add(
        '--folds',
        type=int,
        default=4,
        help='number of folds; each class is unseen in one of them (default: 4)',
    )
    add(
        '--work-dir',
        default='work_dirs/zero_shot/folds',
        help='folder of the runs and table.md (default: %(default)s)',
    )
    add('--seed', type=seed_number, default=0, help='seed of every training (default: 0)')
    parser.add_device()
    parser.add_cfg_options()
    return parser.parse_args(argv)


@dataclass
class Fold:
    """A fold: classes without training clips, and scores of all N test clips.

    Attributes:
        unseen: classes without training clips.
        labels: (N,) labels.
        alone: (N, K) similarity to the names of the unseen classes alone.
        all: (N, K) similarity to the names of all classes.
        scores: (N, K) class scores, which know only the seen classes.
    """

    unseen: list[int]
    labels: np.ndarray
    alone: np.ndarray
    all: np.ndarray
    scores: np.ndarray

    @property
    def is_unseen(self) -> np.ndarray:
        """(N,) whether a clip is of an unseen class."""
        return np.isin(self.labels, self.unseen)


def run_fold(args: argparse.Namespace, unseen: list[int], work_dir: Path) -> Fold:
    """Train without the classes `unseen`, and test all clips in three ways."""
    from ..apis import TestOptions, TrainOptions, test, train
    from ..apis.setup import build_split, read_run

    options = [
        *args.cfg_options,
        f'data.train.without_classes={unseen}',
        f'data.test.only_classes={unseen}',
        'model.test_cfg.semantic_weight=1.0',
        f'model.test_cfg.classes={unseen}',
    ]
    if read_run(args.config, args.cfg_options).recipe.data.val is not None:
        options.append(f'data.val.only_classes={unseen}')
    how = TrainOptions(work_dir=str(work_dir), seed=args.seed, device=args.device)
    train(args.config, how, options)
    found = {}
    all_classes = 'model.test_cfg.classes=None'
    ways: dict[str, list[str]] = {
        'alone': [],
        'all': [all_classes],
        'scores': [all_classes, 'model.test_cfg.semantic_weight=0.0'],
    }
    for name, changes in ways.items():
        out = str(work_dir / f'{name}.pkl')
        testing = TestOptions(
            work_dir=str(work_dir), device=args.device, out=out, eval=['top_k_accuracy']
        )
        result = test(args.config, testing, [*options, *changes, ALL_CLIPS])
        assert result is not None  # this is the only process
        found[name] = result.scores
    dataset = build_split(read_run(args.config, [*options, ALL_CLIPS]).recipe, 'test')
    return Fold(unseen, np.asarray(dataset.labels), **found)


def class_names(args: argparse.Namespace) -> list[str] | None:
    """Return the class names, or None if they are unknown.

    Raises:
        ConfigError: they are not the names of the label vectors.
    """
    from ..apis.names import names_of_run
    from ..apis.setup import build_split, read_run
    from ..labels import IMIGUE_LABELS

    recipe = read_run(args.config, args.cfg_options).recipe
    dataset = build_split(recipe, 'test')
    names = names_of_run(recipe, _num_classes(recipe), dataset)
    if names is not None and tuple(names) != IMIGUE_LABELS and dataset.classes.vectors_file is None:
        raise ConfigError(
            f"{recipe.filename}: data.test names no label_embeddings, and the package's own are "
            f"of iMiGUE's names, not of {some(names, 3)}. Make a table of these: "
            'tools/embed_labels.py --labels FILE --out FILE.npy, and name it in label_embeddings '
            'of every data set.'
        )
    return names


def _num_classes(recipe: Any) -> int:
    return recipe.model['cls_head']['num_classes']


def row(name: str, folds: list[Fold]) -> list[str]:
    """Return a row of the table. Each clip counts once, and shares of classes are averaged."""
    unseen = [fold.is_unseen for fold in folds]
    alone = [fold.alone[chosen] for fold, chosen in zip(folds, unseen)]
    labels = [fold.labels[chosen] for fold, chosen in zip(folds, unseen)]
    scores, truth = np.concatenate(alone), np.concatenate(labels)
    low, high = bootstrap_interval(_top1, scores, truth)

    # among all classes: clips of unseen classes, of seen ones, and the harmonic mean of both
    right = np.concatenate([fold.all.argmax(1) == fold.labels for fold in folds])
    is_unseen = np.concatenate(unseen)
    of_unseen, of_seen = right[is_unseen].mean(), right[~is_unseen].mean()
    either = of_unseen + of_seen
    percent = [
        _top1(scores, truth),
        np.mean(list(map(mean_class_accuracy, alone, labels))),
        np.mean([1 / len(fold.unseen) for fold in folds]),
        np.mean([np.bincount(chosen).max() / len(chosen) for chosen in labels]),
        of_unseen,
        of_seen,
        2 * of_unseen * of_seen / either if either else 0.0,
        np.mean([_top1(fold.all, fold.labels) for fold in folds]),
        np.mean([_top1(fold.scores, fold.labels) for fold in folds]),
    ]
    cells = [f'{100 * value:.1f}' for value in percent]
    cells[0] += f' ({100 * low:.0f}-{100 * high:.0f})'
    return [name, str(len(truth)), *cells]


def _top1(scores: np.ndarray, labels: np.ndarray) -> float:
    return top_k_accuracy(scores, labels, 1)[0]


HEADER = [
    'unseen classes',
    'clips',
    'top-1 (95 %)',
    'mean-class',
    'chance',
    'commonest',
    'unseen',
    'seen',
    'harmonic',
    'all',
    'all, class scores',
]


def table(folds: list[Fold], names: Sequence[str] | None = None) -> str:
    """Return a Markdown table of the folds and of all together, in percent."""

    def name_of(k: int) -> str:
        return f'{k}' if names is None else f'{k} {plain(names[k])}'

    rows = [HEADER, ['---'] * len(HEADER)]
    rows += [row(', '.join(map(name_of, fold.unseen)), [fold]) for fold in folds]
    if len(folds) > 1:
        rows.append(row('each once', folds))
    return '\n'.join(f'| {" | ".join(cells)} |' for cells in rows) + '\n'


def main(argv: Sequence[str]) -> int:
    """Run the command and return its exit status."""
    args = parse_args(argv)
    args.config = find_config(args.config)
    # imported late: --help and wrong options answer at once, and Ctrl-C meets no loading PyTorch
    from ..apis.setup import read_run
    from ..engine.signals import Stopped

    set_here = [
        option for option in args.cfg_options if option.partition('=')[0].strip() in SET_HERE
    ]
    if set_here:
        raise ConfigError(
            f'--cfg-options {set_here[0]}: this command sets that key for every fold. Leave it out.'
        )
    num_classes = _num_classes(read_run(args.config, args.cfg_options).recipe)
    if not 2 <= args.folds <= num_classes // 2:
        raise ConfigError(
            f'--folds {args.folds}: expected 2 to {num_classes // 2}, so that each fold leaves '
            f'out two or more of the {num_classes} classes.'
        )
    work_dir, names = Path(args.work_dir), class_names(args)
    try:
        folds = [
            run_fold(args, list(range(k, num_classes, args.folds)), work_dir / f'fold_{k}')
            for k in range(args.folds)
        ]
    except Stopped as stopped:
        print(f'{stopped}. {stopped.advice}', file=sys.stderr)
        return stopped.status
    text = table(folds, names)
    print(
        '\nIn percent. Among the unseen classes alone: top-1, mean-class accuracy, chance, and the '
        'share of\nthe commonest class. Among all classes: top-1 of clips of unseen classes, of '
        'seen ones, their\nharmonic mean, and of all clips; and of all clips by class scores, '
        'which know no unseen class.\n'
    )
    print(text)
    atomic_write_text(work_dir / 'table.md', text)
    print(f'wrote {work_dir / "table.md"}')
    return 0
