"""Testing a checkpoint.

Scores with their clips' names, metrics where labels are known, a single-stream submission.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from ..datasets.loader import worker_errors
from ..engine import distributed
from ..engine.checkpoint import CheckpointFolder, load_weights, read_checkpoint
from ..engine.collectives import Collectives
from ..engine.distributed import Ranks
from ..engine.failures import together
from ..engine.log import as_text
from ..engine.tester import collect_scores, joint_scores, judged_scores
from ..errors import CheckpointError, ConfigError
from ..evaluation import check_metrics, evaluate, group_accuracy, is_long_tailed, one_sided
from ..models import fuse_conv_bn, speed_up
from ..models.compiled import compile_backbone
from ..recipe import Recipe
from ..scores.submission import check_coarse, check_format
from .layouts import with_stored_layouts
from .names import names_of_run
from .odd_data import look, one_class
from .results import Results, write_features, write_results
from .setup import (
    Run,
    Split,
    build_batches,
    build_recognizer,
    build_split,
    check_match,
    prepare_machine,
    read_run,
)
from .skeleton import complaints

# Arguments of a data set.
WHICH_CLIPS = ('ann_file', 'split', 'valid_ratio', 'box_thr', 'only_classes', 'without_classes')


@dataclass
class TestOptions:
    """What the command line of tools/test.py can say; see its --help for each."""

    __test__ = False

    checkpoint: str | None = None
    work_dir: str | None = None
    out: str | None = None
    eval: Sequence[str] | None = None
    fuse_conv_bn: bool = True
    average_clips: Literal['prob', 'score', 'none'] | None = None
    compile: bool = False
    split: Split = 'test'
    launcher: Literal['none', 'pytorch', 'slurm'] | None = None
    amp: Literal['bf16', 'fp16'] | None = None
    device: str | None = None
    format: str | None = None
    coarse: str | None = None


@dataclass
class TestResult:
    """What a test gave: scores (N, K) for `ids` in dataset order, metrics by name (empty without
    labels), files written.
    """

    __test__ = False

    ids: list[str]
    scores: np.ndarray
    metrics: dict[str, float]
    files: list[Path]


def test(
    config: str | os.PathLike,
    options: TestOptions | None = None,
    cfg_options: Mapping[str, Any] | Sequence[str] | None = None,
) -> TestResult | None:
    """Test a checkpoint as the config file says; the result on rank 0, None on other ranks.

    raises  UserError kinds for anything wrong in config, data or checkpoint; then no output file was touched
    """
    options = options or TestOptions()
    run = read_run(config, cfg_options, splits=('test', options.split))
    if options.work_dir:
        run.recipe = replace(run.recipe, work_dir=options.work_dir)
    ranks = distributed.start(options.launcher, options.device, run.recipe.dist_params.backend)
    with together(ranks) as collectives, worker_errors():
        return test_run(run, options, ranks, collectives)


test.__test__ = False  # not a test function, whatever its name tells pytest


def test_run(
    run: Run, options: TestOptions, ranks: Ranks, collectives: Collectives
) -> TestResult | None:
    """As `test`, on processes that have met already."""
    coarse = _check(options)
    prepare_machine(run.recipe, ranks)
    run.recipe.require('model')
    checkpoint, data = _checkpoint(run, options)
    run, meta = _as_trained(run, data['meta'], checkpoint, ranks), data['meta']
    model = _model(run, options, ranks, checkpoint, data)
    batches = build_batches(
        run.recipe, options.split, ranks, dataset=_dataset(run.recipe, options.split)
    )
    if ranks.is_main:
        for oddity in look(batches.dataset, f'data.{options.split}'):
            print(f'warning: {oddity.text}')
    check_match(model, batches, run.recipe, options.split)
    check_coarse(coarse, model.cls_head.num_classes)
    counts = counts_of_checkpoint(meta, model.cls_head.num_classes)
    model.cls_head.learn_labels(counts, batches.dataset.classes.vectors)
    if options.compile:
        compile_backbone(model)
    else:
        speed_up(model)
    _check_metrics(run.recipe, options, batches.dataset.truth)
    collectives.same(clips=batches.dataset.fingerprint)
    answers = collect_scores(model, batches, collectives, options.amp, title=options.split)
    if answers is None:
        return None
    scores = joint_scores(answers)
    ids, labels = list(batches.dataset.ids), batches.dataset.truth
    why_not = _why_not(run.recipe, scores, labels)
    metrics = {} if why_not else _all_metrics(run.recipe, options, answers, labels, counts)
    if run.recipe.gives_features:
        files = write_features(_result_file(run, options, 'features'), ids, scores)
    else:
        names = names_of_run(run.recipe, model.cls_head.num_classes, batches.dataset)
        results = Results(ids, answers, labels, metrics, names)
        files = write_results(
            _result_file(run, options, 'result'),
            results,
            checkpoint.name,
            options.split,
            None if model.cls_head.multi_class else options.format or 'codalab',
            coarse,
        )
    print(as_text(metrics) if metrics else f'no metrics: {why_not}')
    if metrics:
        place = f'data.{options.split}'
        said = one_class(labels, model.cls_head.num_classes, place), one_sided(scores, labels)
        for line in filter(None, said):
            print(f'warning: {line}')
    for file in files:
        print(f'wrote {file} ({len(ids)} clips)')
    return TestResult(ids, scores, metrics, files)


test_run.__test__ = False


def _check(options: TestOptions) -> np.ndarray | None:
    """Refuse what would else be said only after the whole test; the body part of each action, where
    the submission needs them.
    """
    check_metrics(options.eval or ())
    if options.out and Path(options.out).suffix not in ('.pkl', '.pickle'):
        raise ConfigError(
            f'--out {options.out}: is written as a pickle. Expected a name that ends in .pkl; '
            "scores.npz beside it holds the numbers with the clips' names, metrics.json the metrics."
        )
    submits = options.split == 'test' and Path(options.out or 'result.pkl').name == 'result.pkl'
    if options.format and not submits:
        raise ConfigError(
            f'--format {options.format}: a submission is written beside result.pkl alone, the '
            'result of the test split. Leave --format out, or --split and --out.'
        )
    return check_format(options.format or 'codalab', options.coarse)


def _result_file(run: Run, options: TestOptions, name: str) -> Path:
    """--out, or result.pkl in the work dir, val.pkl for another split: nothing of the test's is
    touched. Features have names of their own.
    """
    if options.out:
        return Path(options.out)
    of_split = options.split if name == 'result' else f'{options.split}_{name}'
    return run.work_dir / f'{name if options.split == "test" else of_split}.pkl'


def _check_metrics(recipe: Recipe, options: TestOptions, labels: np.ndarray) -> None:
    """Are the metrics fit for clips with several labels, where those are to be judged?"""
    if labels.ndim == 2 and not recipe.gives_features and not (labels < 0).any():
        check_metrics(options.eval or recipe.evaluation.metrics, several_labels=True)


def _dataset(recipe: Recipe, split: Split) -> Any:
    """The clips of `split` under the test pipeline.

    Another split is tested exactly as the test split is.
    """
    if split == 'test':
        return build_split(recipe, 'test')
    recipe.require(f'data.{split}')
    clips, protocol = getattr(recipe.data, split), recipe.data.test
    if 'ann_file' not in clips:
        raise ConfigError(f'--split {split}: data.{split} names no ann_file of its own.')
    how = {key: value for key, value in (protocol or clips).items() if key not in WHICH_CLIPS}
    own = (*WHICH_CLIPS, 'label_embeddings', 'num_classes', 'multi_class')
    as_test = how | {key: clips[key] for key in own if key in clips}
    return build_split(replace(recipe, data=replace(recipe.data, test=as_test)), 'test')


def _as_trained(run: Run, meta: Mapping[str, Any], source: Path, ranks: Ranks) -> Run:
    """The run with the layouts that the checkpoint stores; what they change is said."""
    recipe, notes = with_stored_layouts(run.recipe, meta, str(source))
    for note in notes if ranks.is_main else ():
        print(f'warning: {note}')
    return replace(run, recipe=recipe)


def _model(
    run: Run, options: TestOptions, ranks: Ranks, path: Path, data: Mapping[str, Any]
) -> torch.nn.Module:
    """The model with the weights of the checkpoint, which `path` names and `data` holds."""
    cfg = dict(run.recipe.model)
    if options.average_clips is not None:
        how = None if options.average_clips == 'none' else options.average_clips
        cfg['test_cfg'] = {**(cfg.get('test_cfg') or {}), 'average_clips': how}
    model, note = build_recognizer(replace(run.recipe, model=cfg), data['state_dict'])
    if note and ranks.is_main:
        print(note)
    load_weights(model, data['state_dict'], str(path))
    if ranks.is_main:
        for note in data['notes']:
            print(f'{path}: {note}')
        for complaint in complaints(model, run.recipe, data['meta'], str(path)):
            print(f'warning: {complaint}')
    model.eval()
    if options.fuse_conv_bn:
        fuse_conv_bn(model)
    return model.to(ranks.device)


def _checkpoint(run: Run, options: TestOptions) -> tuple[Path, dict[str, Any]]:
    """The checkpoint asked for, or the work dir's newest, and its content.

    The file itself where a link as latest.pth was given.
    """
    if options.checkpoint:
        given = options.checkpoint  # a link once: a run that goes on may move it
        path = Path(os.path.realpath(given) if os.path.islink(given) else given)
        return path, read_checkpoint(path)
    found = CheckpointFolder(run.work_dir).newest_whole()
    if found is None:
        raise CheckpointError(
            f'{run.work_dir / "latest.pth"}: no such checkpoint. Name one with -C CHECKPOINT, or '
            'train first: python tools/train.py CONFIG'
        )
    path, data, complaints = found
    for line in complaints:
        print(f'warning: a damaged checkpoint is passed over: {line}')
    return path, data


def counts_of_checkpoint(meta: Mapping[str, Any], num_classes: int | None) -> np.ndarray | None:
    """The training clips of each class, where the checkpoint says so for as many classes as the
    model has.
    """
    counts = meta.get('class_counts')
    fine = (
        isinstance(counts, list)
        and len(counts) == num_classes
        and all(isinstance(n, int) and 0 <= n < 2**62 for n in counts)
    )
    return np.array(counts) if fine else None


def _all_metrics(
    recipe: Recipe,
    options: TestOptions,
    answers: Mapping[str, np.ndarray],
    labels: np.ndarray,
    counts: np.ndarray | None,
) -> dict[str, float]:
    """Metrics of the clips' scores and, where a recognizer gives several answers, of each of them
    and their blends: 'rgb_top1_acc' ...
    """
    names, topk = options.eval or recipe.evaluation.metrics, recipe.evaluation.topk
    figures: dict[str, float] = {}
    for prefix, scores in judged_scores(answers).items():
        own = dict(evaluate(scores, labels, metrics=names, topk=topk))
        fit = counts is not None and labels.ndim == 1 and scores.shape[1] == len(counts)
        if fit and is_long_tailed(counts):
            groups = group_accuracy(scores, labels, counts)
            own |= {key: value for key, value in groups.items() if not np.isnan(value)}
        figures |= {f'{prefix}{key}': value for key, value in own.items()}
    return figures


def _why_not(recipe: Recipe, scores: np.ndarray, labels: np.ndarray) -> str:
    """Why there can be no metrics; '' when there can."""
    if recipe.gives_features:
        return 'these are features, not class scores (model.test_cfg.feat_ext)'
    unknown = labels < 0 if labels.ndim == 1 else (labels < 0).any(1)
    if unknown.any():
        return f'{int(unknown.sum())} of {len(labels)} clips have no label'
    return 'the scores of each view are kept apart (average_clips none)' if scores.ndim > 2 else ''
