"""Test a checkpoint: scores with clip names, metrics if labels are known, a submission."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..datasets.loader import worker_errors
from ..engine import distributed
from ..engine.checkpoint import CheckpointFolder, load_weights, read_checkpoint
from ..engine.collectives import Collectives
from ..engine.failures import together
from ..engine.log import as_text
from ..engine.tester import collect_scores, joint_scores, judged_scores
from ..errors import CheckpointError, ConfigError
from ..evaluation import check_metrics, evaluate, group_accuracy, is_long_tailed, one_sided
from ..models import Recognizer, fuse_conv_bn, speed_up
from ..models.compiled import compile_backbone
from ..recipe import Recipe
from ..scores.submission import check_coarse, check_format
from .layouts import with_stored_layouts
from .names import names_of_run
from .odd_data import issues_of_dataset, same_label_warning
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

# Arguments of a data set that choose its clips.
WHICH_CLIPS = ('ann_file', 'split', 'valid_ratio', 'box_thr', 'only_classes', 'without_classes')


@dataclass
class TestOptions:
    """The options of tools/test.py; see its --help."""

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
    """The result of a test.

    Attributes:
        ids: names of the clips, in the order of the data set.
        scores: (N, K) of the clips.
        metrics: by name; empty without labels.
        files: files written.
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
    """Test a checkpoint as a config file says.

    Args:
        config: path of the config file.
        options: what the command line can say.
        cfg_options: settings that replace the config's, by their dotted keys.

    Returns:
        The result on rank 0, None on other ranks.

    Raises:
        UserError: anything is wrong in config, data or checkpoint; no output file is touched.
    """
    options = options or TestOptions()
    run = read_run(config, cfg_options, splits=('test', options.split))
    if options.work_dir:
        run.recipe = replace(run.recipe, work_dir=options.work_dir)
    ranks = distributed.start(options.launcher, options.device, run.recipe.dist_params.backend)
    with together(ranks) as collectives, worker_errors():
        return test_run(run, options, collectives)


test.__test__ = False  # type: ignore[attr-defined]  # for pytest: not a test, despite its name


def test_run(run: Run, options: TestOptions, collectives: Collectives) -> TestResult | None:
    """Test as `test` does, on processes that are connected already."""
    # Settings, checkpoint and model.
    coarse, ranks = _check(options), collectives.ranks
    prepare_machine(run.recipe, ranks)
    run.recipe.require('model')
    checkpoint, data = _checkpoint(run, options)
    recipe, notes = with_stored_layouts(run.recipe, data['meta'], str(checkpoint))
    for note in notes if ranks.is_main else ():
        print(f'warning: {note}')
    model = _model(recipe, options, checkpoint, data, ranks.is_main).to(ranks.device)
    head = model.cls_head

    # The clips, and whether they fit.
    split = options.split
    batches = build_batches(recipe, split, ranks, dataset=_dataset(recipe, split))
    dataset = batches.dataset
    ids, labels = list(dataset.ids), dataset.truth
    if ranks.is_main:
        for issue in issues_of_dataset(dataset, f'data.{split}'):
            print(f'warning: {issue.text}')
    check_match(model, batches, recipe, split)
    check_coarse(coarse, head.num_classes)
    counts = counts_of_checkpoint(data['meta'], head.num_classes)
    head.learn_labels(counts, dataset.classes.vectors)
    if options.compile:
        compile_backbone(model)
    else:
        speed_up(model)
    if labels.ndim == 2 and not recipe.gives_features and not (labels < 0).any():
        check_metrics(options.eval or recipe.evaluation.metrics, several_labels=True)
    collectives.same(clips=dataset.fingerprint)

    # Scores and metrics, on rank 0 from here on.
    answers = collect_scores(model, batches, collectives, options.amp, title=split)
    if answers is None:
        return None
    scores = joint_scores(answers)
    why_not = _why_not(recipe, scores, labels)
    metrics = {} if why_not else _all_metrics(recipe, options, answers, labels, counts)

    # Files.
    if recipe.gives_features:
        files = write_features(_result_file(run, options, 'features'), ids, scores)
    else:
        names = names_of_run(recipe, head.num_classes, dataset)
        results = Results(ids, answers, labels, metrics, names)
        form = None if head.multi_class else options.format or 'codalab'
        file = _result_file(run, options, 'result')
        files = write_results(file, results, checkpoint.name, split, form, coarse)

    # What to tell the user.
    print(as_text(metrics) if metrics else f'no metrics: {why_not}')
    if metrics:
        same = same_label_warning(labels, head.num_classes, f'data.{split}')
        for line in filter(None, (same, one_sided(scores, labels))):
            print(f'warning: {line}')
    for file in files:
        print(f'wrote {file} ({len(ids)} clips)')
    return TestResult(ids, scores, metrics, files)


test_run.__test__ = False  # type: ignore[attr-defined]


def _check(options: TestOptions) -> np.ndarray | None:
    """Check before the test what its end will need.

    Returns:
        (K,) the body part of each action where the submission needs it, else None.
    """
    check_metrics(options.eval or ())
    if options.out and Path(options.out).suffix not in ('.pkl', '.pickle'):
        raise ConfigError(
            f'--out {options.out}: is written as a pickle. Expected a name that ends in .pkl; '
            "scores.npz beside it holds the scores with the clips' names, metrics.json the metrics."
        )
    submits = options.split == 'test' and Path(options.out or 'result.pkl').name == 'result.pkl'
    if options.format and not submits:
        raise ConfigError(
            f'--format {options.format}: a submission is written only beside result.pkl, the '
            'result of the test split. Remove --format, or --split and --out.'
        )
    return check_format(options.format or 'codalab', options.coarse)


def _result_file(run: Run, options: TestOptions, name: str) -> Path:
    """Return --out, or result.pkl in the work dir, or val.pkl for the val split.

    Features have other names than scores.
    """
    if options.out:
        return Path(options.out)
    of_split = options.split if name == 'result' else f'{options.split}_{name}'
    return run.work_dir / f'{name if options.split == "test" else of_split}.pkl'


def _dataset(recipe: Recipe, split: Split) -> Any:
    """Build the clips of a split with the pipeline and settings of the test split."""
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


def _model(
    recipe: Recipe, options: TestOptions, path: Path, data: Mapping[str, Any], is_main: bool
) -> Recognizer:
    """Build the model with the weights of the checkpoint, the content `data` of the file `path`."""
    cfg = dict(recipe.model or {})
    if options.average_clips is not None:
        average = None if options.average_clips == 'none' else options.average_clips
        cfg['test_cfg'] = {**(cfg.get('test_cfg') or {}), 'average_clips': average}
    model, note = build_recognizer(replace(recipe, model=cfg), data['state_dict'])
    if note and is_main:
        print(note)
    load_weights(model, data['state_dict'], str(path))
    notes = [f'{path}: {line}' for line in data['notes']]
    notes += [f'warning: {line}' for line in complaints(model, recipe, data['meta'], str(path))]
    for line in notes if is_main else ():
        print(line)
    model.eval()
    if options.fuse_conv_bn:
        fuse_conv_bn(model)
    return model


def _checkpoint(run: Run, options: TestOptions) -> tuple[Path, dict[str, Any]]:
    """Return the path and content of the checkpoint asked for, or of the newest in the work dir."""
    if options.checkpoint:
        given = options.checkpoint
        # A link such as latest.pth is followed once, since a running training may change it.
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
        print(f'warning: a damaged checkpoint is skipped: {line}')
    return path, data


def counts_of_checkpoint(meta: Mapping[str, Any], num_classes: int | None) -> np.ndarray | None:
    """Return (K,) the training clips of each class from a checkpoint's meta; None without them."""
    counts = meta.get('class_counts')
    if not isinstance(counts, list) or len(counts) != num_classes:
        return None
    valid = all(isinstance(n, int) and 0 <= n < 2**62 for n in counts)
    return np.array(counts) if valid else None


def _all_metrics(
    recipe: Recipe,
    options: TestOptions,
    answers: Mapping[str, np.ndarray],
    labels: np.ndarray,
    counts: np.ndarray | None,
) -> dict[str, float]:
    """Return the metrics of the scores.

    For recognizers with several answers also those of each answer and of blends: 'rgb_top1_acc' ...
    """
    names, topk = options.eval or recipe.evaluation.metrics, recipe.evaluation.topk
    grouped = counts is not None and labels.ndim == 1 and is_long_tailed(counts)
    figures: dict[str, float] = {}
    for prefix, scores in judged_scores(answers).items():
        values = dict(evaluate(scores, labels, metrics=names, topk=topk))
        if grouped and counts is not None and scores.shape[1] == len(counts):
            groups = group_accuracy(scores, labels, counts)
            values |= {key: value for key, value in groups.items() if not np.isnan(value)}
        figures |= {f'{prefix}{key}': value for key, value in values.items()}
    return figures


def _why_not(recipe: Recipe, scores: np.ndarray, labels: np.ndarray) -> str:
    """Return why there are no metrics; '' if there are."""
    if recipe.gives_features:
        return 'these are features, not class scores (model.test_cfg.feat_ext)'
    unknown = labels < 0 if labels.ndim == 1 else (labels < 0).any(1)
    if unknown.any():
        return f'{int(unknown.sum())} of {len(labels)} clips have no label'
    return 'the scores of each view are kept apart (average_clips none)' if scores.ndim > 2 else ''
