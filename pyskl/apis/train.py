"""Train from a config file: check everything, then train in a work dir or continue a run."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..datasets import Batches
from ..datasets.loader import seed_everything, worker_errors
from ..engine import distributed
from ..engine.checkpoint import CheckpointFolder
from ..engine.collectives import Collectives
from ..engine.distributed import Ranks
from ..engine.failures import together
from ..engine.log import get_logger
from ..engine.signals import Stopped
from ..engine.trainer import Trainer
from ..errors import ConfigError, DataError, UserError
from ..evaluation import check_metrics
from ..models import Recognizer, speed_up
from ..models.compiled import compile_backbone
from ..recipe import Recipe, read_recipe
from .dry_run import dry_run
from .layouts import with_stored_layouts
from .learning_rate import with_scaled_rate
from .names import names_of_run
from .odd_data import check_before_training
from .options import Given, TrainOptions
from .resume import (
    Resume,
    checkpoint_to_resume,
    chosen_seed,
    how_to_go_on,
    result_flags,
    settings_text,
)
from .run_files import meta_of_run, open_work_dir
from .setup import (
    Run,
    build_batches,
    build_recognizer,
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
from .work_dir_lock import WorkDirLock

_FACTS = ('pyskl_version', 'torch_version', 'seed', 'amp', 'deterministic', 'world')  # for loggers


def train(
    config: str | os.PathLike,
    options: TrainOptions | None = None,
    cfg_options: Mapping[str, Any] | Sequence[str] | None = None,
) -> Path:
    """Train as a config file says.

    Args:
        config: path of the config file.
        options: what the command line can say.
        cfg_options: settings that replace the config's, by their dotted keys.

    Returns:
        The work dir.

    Raises:
        UserError: anything is wrong in config, data or checkpoints; the work dir is untouched.
        Stopped: a signal asked the training to stop; a checkpoint was written before.
    """
    options = options or TrainOptions()
    run = read_run(config, cfg_options)
    if options.work_dir:
        run.recipe = replace(run.recipe, work_dir=options.work_dir)
    ranks = distributed.start(options.launcher, options.device, run.recipe.dist_params.backend)
    with (
        together(ranks) as collectives,
        worker_errors(),
        WorkDirLock(run.work_dir, collectives) as lock,
    ):
        return _train(run, options, collectives, lock)


def _train(
    run: Run,
    options: TrainOptions,
    collectives: Collectives,
    lock: WorkDirLock,
    given: Given | None = None,
) -> Path:
    """Check everything, build the run, and train; with `given` as train_model does."""
    ranks = collectives.ranks
    wanted = ('optimizer', 'lr_config', 'total_epochs')
    run.recipe.require(*(wanted if given else ('model', 'data.train', *wanted)))
    recipe, rate_notes = with_scaled_rate(run.recipe, options.autoscale_lr, ranks.world)
    run = replace(run, recipe=recipe)
    if not options.dry_run:
        lock.take()  # before choosing a checkpoint, which another training might be about to follow
    resume = checkpoint_to_resume(run, options) if given is None or recipe.resume_from else None
    seed = chosen_seed(recipe, options, resume)
    settings = settings_text(recipe)
    if resume is not None and given is None:
        recipe, notes = with_stored_layouts(recipe, resume.data['meta'], str(resume.path))
        resume.notes += notes
        run = replace(run, recipe=recipe)
    prepare_machine(recipe, ranks, options.deterministic)
    same = {
        'settings': [settings, result_flags(options), seed],
        'checkpoint': None if resume is None else resume.progress,
    }
    trainer, counts, warnings = _build(run, options, collectives, seed, same, given)
    model = trainer.model
    if options.dry_run:
        _warn(trainer.logger, warnings)
        dry_run(trainer)
        return run.work_dir

    # The loop. Nothing is written before open_work_dir.
    if resume is not None:
        trainer.resume(resume.data, str(resume.path))
        trainer.folder.spared = resume.origin
    meta = meta_of_run(settings, options, ranks.world, seed, counts, resume)
    meta |= input_of(model, recipe)
    train_data = trainer.train.dataset
    meta['label_names'] = names_of_run(recipe, model.cls_head.num_classes, train_data)
    lock.take(make=True)
    logger, json_log = open_work_dir(run, collectives, meta, given)
    trainer.log_to(logger, json_log, meta)
    if resume is not None:
        _log_resume(logger, resume, given)
        warn_of_other_input(logger, model, recipe, resume.data['meta'], str(resume.path))
    log_setting(logger, trainer)
    if trainer.val is not None:
        warn_of_shared_clips(logger, train_data, trainer.val.dataset)
    for level, line in rate_notes:
        logger.log(level, '%s', line)
    _warn(logger, [*warnings, *lock.notes])
    sent: contextlib.AbstractContextManager[None] = contextlib.nullcontext()
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
    _test_afterwards(run, options, collectives, logger)
    return run.work_dir


def _build(
    run: Run,
    options: TrainOptions,
    collectives: Collectives,
    seed: int,
    same: Mapping[str, Any],
    given: Given | None,
) -> tuple[Trainer, list[int] | None, list[str]]:
    """Build model, data and trainer; check that they fit each other and the tests to come.

    Args:
        run: with the recipe.
        options: the command line's.
        collectives: of all processes.
        seed: of the run.
        same: what must be equal on all ranks, beside the clips.
        given: a model and a data set that are built already.

    Returns:
        The trainer, the training clips of each class (None without labels), and what looks odd in
        the data.
    """
    recipe, ranks = run.recipe, collectives.ranks
    logger = get_logger(recipe.log_level, quiet=not ranks.is_main)
    if given is None:
        seed_everything(seed)
        model, _ = build_recognizer(recipe)
    else:
        model = given.model
    load_start(model, recipe, logger)
    model = model.to(ranks.device)
    dataset = None if given is None else given.dataset
    train = build_batches(recipe, 'train', ranks, seed, dataset=dataset)
    validates = options.validate and recipe.data.val is not None
    val = _val_batches(recipe, ranks) if validates else None

    # What looks odd may be the reason why parts do not fit, so it is looked for first.
    val_data = None if val is None else val.dataset
    allowed = options.allow_odd_data or recipe.allow_odd_data
    warnings = check_before_training(
        recipe, model.cls_head, train.dataset, val_data, allowed, collectives
    )
    val_clips = None if val is None else val.dataset.fingerprint
    collectives.same(clips=train.dataset.fingerprint, val_clips=val_clips, **same)
    try:
        check_match(model, train, recipe, 'train')
        if val is not None:
            check_match(model, val, recipe, 'val')
    except UserError:
        _warn(logger, warnings)
        raise
    _check_tests_to_come(model, recipe, options, ranks, validates)

    counts = teach_labels(model, train.dataset, recipe)
    if options.compile:
        compile_backbone(model)
    else:
        speed_up(model)
    trainer = Trainer(
        model, recipe, collectives, train, val, run.work_dir, seed, options.amp, options.on_nan
    )
    return trainer, counts, warnings


def _warn(logger: logging.Logger, lines: Sequence[str]) -> None:
    for line in lines:
        logger.warning('%s', line)


def _val_batches(recipe: Recipe, ranks: Ranks) -> Batches:
    """Return the batches of the val split.

    Raises:
        UserError: the split cannot be evaluated; checked before the first epoch.
    """
    if recipe.gives_features:
        raise ConfigError(
            f'{recipe.filename}: model.test_cfg.feat_ext: features are not class scores, so '
            'data.val cannot be evaluated. Remove feat_ext while training, or train with '
            '--no-validate.'
        )
    if recipe.keeps_views_apart:
        raise ConfigError(
            f"{recipe.filename}: model.test_cfg.average_clips = None keeps a clip's views "
            "apart, so data.val cannot be evaluated. Use 'prob' while training, or train with "
            '--no-validate.'
        )
    batches = build_batches(recipe, 'val', ranks)
    truth = np.asarray(batches.dataset.truth)
    if truth.ndim == 2:
        with naming(recipe):
            check_metrics(recipe.evaluation.metrics, several_labels=True)
    if not (truth >= 0 if truth.ndim == 1 else truth > 0).any():
        raise DataError(
            f'{recipe.filename}: data.val: none of its {len(batches.dataset)} clips has a label, '
            'so nothing can be evaluated. Give them labels, or train with --no-validate.'
        )
    return batches


def _check_tests_to_come(
    model: Recognizer, recipe: Recipe, options: TrainOptions, ranks: Ranks, validates: bool
) -> None:
    """Check before the training what --test-last and --test-best will need after it."""
    if options.test_best and not (validates and recipe.evaluation.best_metric is not None):
        raise ConfigError(
            f'{recipe.filename}: --test-best: no best checkpoint is kept without validation '
            '(--no-validate, no data.val, or evaluation.save_best = None). Validate, or use '
            '--test-last.'
        )
    if options.test_last or options.test_best:
        check_match(model, build_batches(recipe, 'test', ranks), recipe, 'test')


def _log_resume(logger: logging.Logger, resume: Resume, given: Given | None) -> None:
    without = '--no-resume with another --work-dir' if given is None else 'without resume_from, it'
    line = 'Going on from %s (epoch %s, iteration %s); %s starts anew.'
    logger.info(line, resume.path, *resume.progress, without)
    _warn(logger, resume.notes)


def _test_afterwards(
    run: Run, options: TrainOptions, collectives: Collectives, logger: logging.Logger
) -> None:
    """Test the last and the best checkpoint where asked for."""
    folder = CheckpointFolder(run.work_dir)
    for wanted, name, path in (
        (options.test_last, 'last', run.work_dir / 'latest.pth'),
        (options.test_best, 'best', folder.best()),
    ):
        if wanted and path is None:
            logger.warning(
                '--test-best: no best checkpoint was kept, since no epoch was evaluated '
                '(evaluation.start, evaluation.interval)'
            )
        elif wanted:
            out = str(run.work_dir / f'{name}_pred.pkl')
            test_run(run, TestOptions(checkpoint=str(path), out=out), collectives)


def train_model(
    model: Recognizer,
    dataset: Any,
    cfg: Any,
    validate: bool = False,
    test: Mapping[str, bool] | None = None,
    timestamp: str | None = None,
    meta: Mapping[str, Any] | None = None,
) -> None:
    """Train a built model on a built data set, as PYSKL's function of this name does.

    Args:
        model: a recognizer.
        dataset: a data set, or a list that holds one.
        cfg: an mmcv-style config. load_from and resume_from are honoured; auto_resume belongs to
            tools/train.py, as in PYSKL.
        validate: whether to evaluate cfg.data.val as cfg.evaluation says.
        test: must be empty or false; testing afterwards belongs to tools/train.py.
        timestamp: names the logs in cfg.work_dir; by default the present time.
        meta: goes into the checkpoints.
    """
    if any((test or {}).values()):
        raise ConfigError(
            'train_model(test=...): test afterwards with pyskl.apis.test or tools/test.py.'
        )
    recipe = read_recipe(cfg)
    run, collectives = Run(cfg, recipe, recipe.filename), Collectives(distributed.start())
    dataset = dataset[0] if isinstance(dataset, (list, tuple)) else dataset
    given = Given(model, dataset, timestamp, meta or {})
    with WorkDirLock(run.work_dir, collectives) as lock:
        _train(run, TrainOptions(validate=validate), collectives, lock, given)
