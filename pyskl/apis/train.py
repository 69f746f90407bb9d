"""Training from a config file.

Checks first, then a work dir that a stopped run continues from by itself.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .. import __version__
from ..datasets import Batches
from ..datasets.loader import worker_errors
from ..engine import distributed, log
from ..engine.checkpoint import CheckpointFolder
from ..engine.collectives import Collectives
from ..engine.distributed import Ranks
from ..engine.failures import together
from ..engine.log import JsonLog, get_logger
from ..engine.signals import Stopped
from ..engine.trainer import Trainer
from ..errors import ConfigError, DataError, UserError
from ..evaluation import check_metrics
from ..files.atomic import atomic_write
from ..models import speed_up
from ..models.compiled import compile_backbone
from ..recipe import Recipe, dump_config, read_recipe
from .claim import Claim
from .dry_run import dry_run
from .names import names_of_run
from .odd_data import look_before_training
from .options import TrainOptions
from .rate import with_scaled_rate
from .resume import (
    Resume,
    as_trained,
    checkpoint_to_resume,
    chosen_seed,
    flags,
    how_to_go_on,
    settings_text,
)
from .setup import (
    Run,
    build_batches,
    build_network,
    check_match,
    load_start,
    log_setting,
    naming,
    prepare_machine,
    read_run,
    teach_labels,
    warn_of_other_input,
    warn_of_shared_clips,
)
from .skeleton import input_of
from .test import TestOptions, test_run

_FACTS = ('pyskl_version', 'torch_version', 'seed', 'amp', 'deterministic', 'world')  # for loggers


def train(
    config: str | os.PathLike,
    options: TrainOptions | None = None,
    cfg_options: Mapping[str, Any] | Sequence[str] | None = None,
) -> Path:
    """Train as the config file says; returns the work dir.

    raises  UserError kinds for anything wrong in config, data or checkpoints, before the work dir is touched;
            Stopped when a polite signal came (a checkpoint is written first)
    """
    options = options or TrainOptions()
    run = read_run(config, cfg_options)
    if options.work_dir:
        run.recipe = replace(run.recipe, work_dir=options.work_dir)
    ranks = distributed.start(options.launcher, options.device, run.recipe.dist_params.backend)
    with (
        together(ranks) as collectives,
        worker_errors(),
        Claim(run.work_dir, ranks, collectives) as claim,
    ):
        return _train(run, options, ranks, collectives, claim)


@dataclass
class Given:
    """What a caller of `train_model` brings along.

    A built model and data set, and how logs are named and filled.
    """

    model: torch.nn.Module
    dataset: Any
    timestamp: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)


def _train(
    run: Run,
    options: TrainOptions,
    ranks: Ranks,
    collectives: Collectives,
    claim: Claim,
    given: Given | None = None,
) -> Path:
    """Check everything, put the run together, train.

    From a config file, or with what is given (train_model).
    """
    wanted = ('optimizer', 'lr_config', 'total_epochs')
    run.recipe.require(*(wanted if given else ('model', 'data.train', *wanted)))
    recipe, rate_notes = with_scaled_rate(run.recipe, options.autoscale_lr, ranks.world)
    run = replace(run, recipe=recipe)
    if not options.dry_run:
        claim.take()  # before a checkpoint is chosen that another training is about to follow up
    resume = checkpoint_to_resume(run, options) if given is None or recipe.resume_from else None
    seed = chosen_seed(recipe, options, resume)
    settings = settings_text(recipe)
    recipe = as_trained(recipe, resume) if given is None else recipe
    run = replace(run, recipe=recipe)
    prepare_machine(recipe, ranks, options.deterministic)

    # The model and the data, and whether they fit.
    logger = get_logger(recipe.log_level, quiet=not ranks.is_main)
    if given is None:
        model = build_network(recipe, ranks, seed, logger)
    else:
        load_start(given.model, recipe, logger)
        model = given.model.to(ranks.device)
    train_batches = build_batches(recipe, 'train', ranks, seed, dataset=given and given.dataset)
    judges = options.validate and recipe.data.val is not None
    val_batches = _val_batches(recipe, ranks) if judges else None
    data = train_batches.dataset, None if val_batches is None else val_batches.dataset
    allowed = options.allow_odd_data or recipe.allow_odd_data
    odd = look_before_training(recipe, model.cls_head, *data, allowed, collectives)
    collectives.same(
        clips=_clips(train_batches),
        val_clips=_clips(val_batches),
        settings=[settings, flags(options), seed],
        checkpoint=None if resume is None else resume.place,
    )
    try:
        check_match(model, train_batches, recipe, 'train')
        if val_batches is not None:
            check_match(model, val_batches, recipe, 'val')
    except UserError:  # what looks odd may be why
        _warn(logger, odd)
        raise
    _check_tests_to_come(model, recipe, options, ranks)
    counts = teach_labels(model, train_batches.dataset, recipe)
    if options.compile:
        compile_backbone(model)
    else:
        speed_up(model)
    if options.dry_run:
        _warn(logger, odd)
        dry_run(model, recipe, ranks, collectives, train_batches, val_batches, seed, options.amp)
        return run.work_dir

    # The loop. Nothing is written before _open_work_dir.
    trainer = Trainer(
        model,
        recipe,
        collectives,
        train_batches,
        val_batches,
        run.work_dir,
        seed,
        options.amp,
        options.on_nan,
    )
    if resume is not None:
        trainer.resume(resume.data, str(resume.path))
        trainer.folder.spared = resume.origin
    meta = _meta(settings, options, ranks, seed, counts, resume)
    meta |= input_of(model, recipe)
    meta['label_names'] = names_of_run(recipe, model.cls_head.num_classes, train_batches.dataset)
    claim.take(make=True)
    logger, json_log = _open_work_dir(run, ranks, collectives, meta, given)
    trainer.log_to(logger, json_log, meta)
    if resume is not None:
        _say_where_from(logger, resume, given)
        warn_of_other_input(logger, model, recipe, resume.data['meta'], str(resume.path))
    log_setting(logger, recipe, model, ranks, train_batches, options.amp)
    if val_batches is not None:
        warn_of_shared_clips(logger, train_batches.dataset, val_batches.dataset)
    for level, line in rate_notes:
        logger.log(level, '%s', line)
    _warn(logger, [*odd, *claim.notes])
    sent = contextlib.nullcontext()
    if ranks.is_main:
        facts = {key: meta[key] for key in _FACTS}
        sent = trainer.loggers.running(run.work_dir, trainer.iteration, facts, resume is not None)
    try:
        with sent:
            trainer.fit()
    except Stopped as stopped:
        stopped.advice = how_to_go_on(recipe, options, stopped.checkpoint)
        raise
    logger.info('Trained %d epochs; everything is in %s', recipe.total_epochs, run.work_dir)
    _test_afterwards(run, options, ranks, collectives, logger)
    return run.work_dir


def _warn(logger: logging.Logger, lines: Sequence[str]) -> None:
    for line in lines:
        logger.warning('%s', line)


def _val_batches(recipe: Recipe, ranks: Ranks) -> Batches:
    """The val split. A UserError kind when it can't be judged, before an epoch is spent on it."""
    if recipe.gives_features:
        raise ConfigError(
            f'{recipe.filename}: model.test_cfg.feat_ext: features are no class scores, so data.val cannot be judged. Leave feat_ext out '
            'while training, or train with --no-validate.'
        )
    if recipe.keeps_views_apart:
        raise ConfigError(
            f"{recipe.filename}: model.test_cfg.average_clips = None keeps a clip's views "
            "apart, so data.val cannot be judged. Take 'prob' while training, or train "
            'with --no-validate.'
        )
    batches = build_batches(recipe, 'val', ranks)
    truth = np.asarray(batches.dataset.truth)
    if truth.ndim == 2:
        with naming(recipe):
            check_metrics(recipe.evaluation.metrics, several_labels=True)
    if not (truth >= 0 if truth.ndim == 1 else truth > 0).any():
        raise DataError(
            f'{recipe.filename}: data.val: none of its {len(batches.dataset)} clips has a label, so nothing can be judged. Give them '
            'labels, or train with --no-validate.'
        )
    return batches


def _check_tests_to_come(
    model: torch.nn.Module, recipe: Recipe, options: TrainOptions, ranks: Ranks
) -> None:
    """Is there what --test-last and --test-best need? Better said now than after the training."""
    judged = options.validate and recipe.data.val is not None
    if options.test_best and not (judged and recipe.evaluation.best_metric is not None):
        raise ConfigError(
            f'{recipe.filename}: --test-best: no best checkpoint is kept without validation (--no-validate, no data.val, or '
            'evaluation.save_best = None). Validate, or take --test-last.'
        )
    if options.test_last or options.test_best:
        check_match(model, build_batches(recipe, 'test', ranks), recipe, 'test')


def _clips(batches: Batches | None) -> Any:
    """What tells whether two ranks have the same clips."""
    return None if batches is None else batches.dataset.fingerprint


# -- going on, the work dir -----------------------------------------------------------------------


def _say_where_from(logger: logging.Logger, resume: Resume, given: Given | None) -> None:
    without = '--no-resume with another --work-dir' if given is None else 'without resume_from, it'
    advice = f'{without} starts anew.'
    logger.info('Going on from %s (epoch %s, iteration %s); %s', resume.path, *resume.place, advice)
    for note in resume.notes:
        logger.warning('%s', note)


def _meta(
    settings: str,
    options: TrainOptions,
    ranks: Ranks,
    seed: int,
    counts: list[int] | None,
    resume: Resume | None,
) -> dict[str, Any]:
    """What every checkpoint says of the run that wrote it."""
    return {
        'pyskl_version': __version__,
        'torch_version': str(torch.__version__),
        'settings': settings,
        'seed': seed,
        **flags(options),
        'world': ranks.world,
        'class_counts': counts,
        'resumed_from': None if resume is None else resume.origin,
    }


def _open_work_dir(
    run: Run, ranks: Ranks, collectives: Collectives, meta: dict[str, Any], given: Given | None
) -> tuple[logging.Logger, JsonLog]:
    """Write the config, into `meta` too, and open the logs.

    What is given brings its own meta and its own config.
    """
    if given is not None:
        meta.update({**given.meta, **meta})
    else:
        meta.update(config=_as_run(run, meta['seed']), config_name=f'{run.name}.py')
        if ranks.is_main:
            CheckpointFolder(run.work_dir).forget_unfinished()
            with atomic_write(run.work_dir / meta['config_name'], 'w', encoding='utf-8') as f:
                f.write(meta['config'])
    stamp = given.timestamp if given is not None else None
    return _open_logs(run.recipe, ranks, stamp or collectives.tell(log.timestamp()), meta)


def _as_run(run: Run, seed: int) -> str:
    """The config with what the command line said instead.

    Its text alone tests the run, and trains it again.
    """
    recipe = run.recipe
    said = {'work_dir': recipe.work_dir, 'seed': seed, 'optimizer': recipe.optimizer}
    if recipe.auto_scale_lr is not None:  # the batch that the rate, scaled or not, belongs to
        said['auto_scale_lr'] = asdict(recipe.auto_scale_lr)
    return dump_config({**run.config._cfg_dict, **said})


def _open_logs(
    recipe: Recipe, ranks: Ranks, stamp: str, meta: Mapping[str, Any]
) -> tuple[logging.Logger, JsonLog]:
    work_dir = Path(recipe.work_dir)
    logger = get_logger(recipe.log_level, work_dir / f'{stamp}.log', quiet=not ranks.is_main)
    head = ('pyskl_version', 'torch_version', 'config_name', 'config', 'seed', 'amp', 'world')
    first_row = {key: meta[key] for key in head if key in meta}
    file = work_dir / f'{stamp}.log.json' if ranks.is_main else None
    return logger, JsonLog(
        file, {**first_row, 'command': shlex.join(sys.argv), 'time': time.asctime()}
    )


def _test_afterwards(
    run: Run, options: TrainOptions, ranks: Ranks, collectives: Collectives, logger: logging.Logger
) -> None:
    folder = CheckpointFolder(run.work_dir)
    for wanted, name, path in (
        (options.test_last, 'last', run.work_dir / 'latest.pth'),
        (options.test_best, 'best', folder.best()),
    ):
        if wanted and path is None:
            logger.warning(
                '--test-best: no best checkpoint was kept, as no epoch was judged (evaluation.start, evaluation.interval)'
            )
        elif wanted:
            out = str(run.work_dir / f'{name}_pred.pkl')
            test_run(run, TestOptions(checkpoint=str(path), out=out), ranks, collectives)


def train_model(
    model: torch.nn.Module,
    dataset: Any,
    cfg: Any,
    validate: bool = False,
    test: Mapping[str, bool] | None = None,
    timestamp: str | None = None,
    meta: Mapping[str, Any] | None = None,
) -> None:
    """PYSKL's entry point: train a built model on a built dataset (or a list that holds one) by an mmcv-style config.

    cfg        load_from and resume_from are honoured; auto_resume is a matter of tools/train.py, as in PYSKL
    validate   also judge cfg.data.val as cfg.evaluation says
    test       dict(test_last=..., test_best=...) is a matter of tools/train.py here and must be empty or false
    timestamp  names the logs in cfg.work_dir; None: now
    """
    if any((test or {}).values()):
        raise ConfigError(
            'train_model(test=...): test afterwards with pyskl.apis.test or tools/test.py.'
        )
    recipe = read_recipe(cfg)
    ranks = distributed.start()
    dataset = dataset[0] if isinstance(dataset, (list, tuple)) else dataset
    run, collectives = Run(cfg, recipe, recipe.filename), Collectives(ranks)
    options = TrainOptions(validate=validate)
    with Claim(run.work_dir, ranks, collectives) as claim:
        given = Given(model, dataset, timestamp, meta or {})
        _train(run, options, ranks, collectives, claim, given)
