"""Training from a config file: checks first, then a work dir that a stopped run continues from by itself."""
from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch

from .. import __version__
from ..annotations.wording import plain
from ..atomic import atomic_write
from ..datasets import Batches
from ..datasets.loader import worker_errors
from ..engine import distributed
from ..engine.checkpoint import CheckpointFolder, read_checkpoint
from ..engine.distributed import Council, Ranks
from ..engine.log import JsonLog, get_logger, timestamp
from ..engine.rollcall import together
from ..engine.trainer import Trainer
from ..errors import MAX_SEED, ConfigError
from ..recipe import Recipe, differences, dump_config, read_recipe
from .dry_run import dry_run
from .setup import Run, build_batches, build_network, check_match, log_setting, prepare_machine, read_run, teach_labels
from .test import TestOptions, test_run

PUBLISHED_BATCH = 32        # clips per step for which the published configs' learning rate was chosen (2 GPUs x 16)


@dataclass
class TrainOptions:
    """What the command line of tools/train.py can say; see its --help for each."""

    work_dir: str | None = None
    seed: int | None = None
    deterministic: bool = False
    validate: bool = True
    test_last: bool = False
    test_best: bool = False
    resume: str | None = None
    no_resume: bool = False
    launcher: Literal['none', 'pytorch', 'slurm'] | None = None
    amp: Literal['bf16', 'fp16'] | None = None
    compile: bool = False
    device: str | None = None
    autoscale_lr: bool = False
    on_nan: Literal['stop', 'skip'] = 'stop'
    dry_run: bool = False


def train(config: str | os.PathLike, options: TrainOptions | None = None,
          cfg_options: Mapping[str, Any] | Sequence[str] | None = None) -> Path:
    """Train as the config file says; returns the work dir.

    raises  UserError kinds for anything wrong in config, data or checkpoints, before the work dir is touched;
            Stopped when a polite signal came (a checkpoint is written first)
    """
    options = options or TrainOptions()
    run = read_run(config, cfg_options)
    if options.work_dir:
        run.recipe = replace(run.recipe, work_dir=options.work_dir)
    ranks = distributed.start(options.launcher, options.device, run.recipe.dist_params.backend)
    with together(ranks) as council, worker_errors():
        return _train(run, options, ranks, council)


def _train(run: Run, options: TrainOptions, ranks: Ranks, council: Council) -> Path:
    run.recipe.require('model', 'data.train', 'optimizer', 'lr_config', 'total_epochs')
    recipe, base_note = _with_scaled_rate(run.recipe, options, ranks)
    run = replace(run, recipe=recipe)
    resume = _checkpoint_to_resume(run, options)
    seed = _seed(recipe, options, resume)
    prepare_machine(recipe, ranks, options.deterministic)
    model = build_network(recipe, ranks, seed, get_logger(recipe.log_level, quiet=not ranks.is_main))
    train_batches = build_batches(recipe, 'train', ranks, seed)
    val_batches = build_batches(recipe, 'val', ranks) if options.validate and recipe.data.val is not None else None
    council.same(clips=_clips(train_batches), val_clips=_clips(val_batches), settings=[_settings(recipe), _flags(options), seed],
                 checkpoint=None if resume is None else _where(resume))
    check_match(model, train_batches, recipe, 'train')
    if val_batches is not None:
        check_match(model, val_batches, recipe, 'val')
    counts = teach_labels(model, train_batches.dataset, recipe)
    if options.compile:
        model.backbone.compile()
    if options.dry_run:
        dry_run(model, recipe, ranks, council, train_batches, val_batches, seed, options.amp)
        return run.work_dir

    trainer = Trainer(model, recipe, ranks, council, train_batches, val_batches, run.work_dir, logging.getLogger('pyskl'), JsonLog(None),
                      seed, options.amp, options.on_nan)
    if resume is not None:
        trainer.resume(resume.data, str(resume.path))
    logger, json_log, meta = _open_work_dir(run, options, ranks, council, seed, counts)     # nothing was written until here
    trainer.log_to(logger, json_log, meta)
    if resume is not None:
        logger.info('Going on from %s (epoch %s, iteration %s); --no-resume with another --work-dir starts anew.', resume.path,
                    *_where(resume))
        for note in resume.notes:
            logger.warning('%s', note)
    log_setting(logger, recipe, model, ranks, train_batches, options.amp)
    logger.log(*base_note)
    trainer.fit()
    logger.info('Trained %d epochs; everything is in %s', recipe.total_epochs, run.work_dir)
    _test_afterwards(run, options, ranks, council, logger)
    return run.work_dir


def _clips(batches: Batches | None) -> Any:
    """What tells whether two ranks have the same clips."""
    return None if batches is None else getattr(batches.dataset, 'fingerprint', None) or list(batches.dataset.ids)


def _where(resume: Resume) -> tuple[Any, Any]:
    """Epochs and iterations that a checkpoint has behind it."""
    return resume.data['meta'].get('epoch'), resume.data['meta'].get('iter')


# -- learning rate, seed -----------------------------------------------------------------------------------------------

def _with_scaled_rate(recipe: Recipe, options: TrainOptions, ranks: Ranks) -> tuple[Recipe, tuple[int, str]]:
    """The recipe with its rate scaled if asked for, and the log line about batch and rate."""
    base = recipe.auto_scale_lr.base_batch_size if recipe.auto_scale_lr else PUBLISHED_BATCH
    per_process = recipe.data.loader('train').videos_per_gpu
    total, rate = per_process * ranks.world, recipe.optimizer['lr']
    line = f'Total batch: {total} clips ({per_process} x {ranks.world} processes), learning rate {rate:.4g}'
    if total == base:
        return recipe, (logging.INFO, line)
    scaled = rate * total / base
    if options.autoscale_lr:
        recipe = replace(recipe, optimizer={**recipe.optimizer, 'lr': scaled})
        return recipe, (logging.INFO, f'{line} -> {scaled:.4g}, scaled from a batch of {base} (--autoscale-lr)')
    return recipe, (logging.WARNING, f'{line}. That rate was chosen for a total batch of {base}: consider --autoscale-lr, which '
                    f'gives {scaled:.4g}, or say auto_scale_lr = dict(base_batch_size={total}) in the config if it is meant so.')


def _seed(recipe: Recipe, options: TrainOptions, resume: Resume | None) -> int:
    asked = options.seed if options.seed is not None else recipe.seed
    if asked is not None and not 0 <= asked <= MAX_SEED:
        raise ConfigError(f'seed = {asked}: expected a whole number from 0 to {MAX_SEED}.')
    before = None if resume is None else resume.data['meta'].get('seed')
    if not isinstance(before, int) or not 0 <= before <= MAX_SEED:
        return asked or 0
    if asked not in (None, before):
        raise ConfigError(f'{resume.path}: was trained with seed {before}, now seed {asked} is asked for. Leave the seed out to '
                          'go on, or take another --work-dir to start anew.')
    return before


# -- going on from a checkpoint ----------------------------------------------------------------------------------------

@dataclass
class Resume:
    """A checkpoint to go on from, and what the user should know about it."""

    path: Path
    data: dict[str, Any]
    notes: list[str]


def _checkpoint_to_resume(run: Run, options: TrainOptions) -> Resume | None:
    folder = CheckpointFolder(run.work_dir)
    explicit = options.resume or run.recipe.resume_from
    if explicit:
        data = read_checkpoint(explicit)
        return Resume(Path(explicit), data, [f'other than when it was written: {line}' for line in _changes(data, run.recipe, options)])
    if options.dry_run:
        return None
    may_resume = run.recipe.auto_resume and not options.no_resume
    if not may_resume:
        held = folder.numbered()
        if held:
            raise ConfigError(f'{run.work_dir}: holds a run already ({held[-1].name}). Take another --work-dir, move that run away, '
                              'or go on from it (without --no-resume, and with auto_resume = True).')
        return None
    found = folder.newest_whole()
    if found is None:
        return None
    path, data, complaints = found
    changes = _changes(data, run.recipe, options)
    if changes:
        raise ConfigError(f'{path}: this run was started with other settings than it has now:\n  ' + '\n  '.join(changes) +
                          f'\nTake another --work-dir to start anew, or say --resume {path} to go on with the new settings.')
    return Resume(path, data, [f'A damaged checkpoint is passed over: {line}' for line in complaints])


def _changes(checkpoint: Mapping[str, Any], recipe: Recipe, options: TrainOptions) -> list[str]:
    """What decides the bits of a run and is other now than the checkpoint says, a line each; nothing where it does not say."""
    meta = checkpoint['meta']
    before = meta.get('settings')
    try:
        lines = differences(json.loads(before), json.loads(_settings(recipe))) if isinstance(before, str) else []
    except (ValueError, RecursionError):
        lines = [f'its settings are unreadable: {before[:80]!r}']
    flags = {name: (plain(meta[name]), plain(value)) for name, value in _flags(options).items() if name in meta}
    return lines + [f'--{name}: {old} -> {new}' for name, (old, new) in flags.items() if old != new]


def _flags(options: TrainOptions) -> dict[str, Any]:
    """The command line's part of what decides the bits of a run."""
    return {'amp': options.amp, 'deterministic': options.deterministic}


def _settings(recipe: Recipe) -> str:
    return json.dumps(recipe.results())


# -- the work dir ------------------------------------------------------------------------------------------------------

def _open_work_dir(run: Run, options: TrainOptions, ranks: Ranks, council: Council, seed: int, counts: list[int] | None) -> tuple[
        logging.Logger, JsonLog, dict[str, Any]]:
    stamp = council.tell(timestamp())
    text = dump_config(run.config)
    meta = {'pyskl_version': __version__, 'torch_version': str(torch.__version__), 'config': text, 'config_name': f'{run.name}.py',
            'settings': _settings(run.recipe), 'seed': seed, **_flags(options), 'world': ranks.world, 'class_counts': counts}
    if ranks.is_main:
        CheckpointFolder(run.work_dir).forget_unfinished()
        with atomic_write(run.work_dir / f'{run.name}.py', 'w', encoding='utf-8') as f:
            f.write(text)
    logger = get_logger(run.recipe.log_level, run.work_dir / f'{stamp}.log', quiet=not ranks.is_main)
    first_row = {key: meta[key] for key in ('pyskl_version', 'torch_version', 'config_name', 'config', 'seed', 'amp', 'world')}
    json_log = JsonLog(run.work_dir / f'{stamp}.log.json' if ranks.is_main else None, {**first_row, 'time': time.asctime()})
    return logger, json_log, meta


def _test_afterwards(run: Run, options: TrainOptions, ranks: Ranks, council: Council, logger: logging.Logger) -> None:
    folder = CheckpointFolder(run.work_dir)
    for wanted, name, path in ((options.test_last, 'last', run.work_dir / 'latest.pth'), (options.test_best, 'best', folder.best())):
        if wanted and path is None:
            logger.warning('--test-best: no best checkpoint was kept (validation was off, or evaluation.save_best is None)')
        elif wanted:
            test_run(run, TestOptions(checkpoint=str(path), out=str(run.work_dir / f'{name}_pred.pkl')), ranks, council)


def train_model(model: torch.nn.Module, dataset: Any, cfg: Any, validate: bool = False, test: Mapping[str, bool] | None = None,
                timestamp: str | None = None, meta: Mapping[str, Any] | None = None) -> None:
    """PYSKL's entry point: train a built model on a built dataset (or a list that holds one) by an mmcv-style config.

    validate   also judge cfg.data.val as cfg.evaluation says
    test       dict(test_last=..., test_best=...) is a matter of tools/train.py here and must be empty or false
    """
    if any((test or {}).values()):
        raise ConfigError('train_model(test=...): test afterwards with pyskl.apis.test or tools/test.py.')
    recipe = read_recipe(cfg)
    recipe.require('optimizer', 'lr_config', 'total_epochs')
    dataset = dataset[0] if isinstance(dataset, (list, tuple)) else dataset
    ranks = distributed.start()
    council = Council(ranks)
    seed = recipe.seed or 0
    prepare_machine(recipe, ranks)
    work_dir = Path(recipe.work_dir)
    work_dir.mkdir(parents=True, exist_ok=True)
    logger = get_logger(recipe.log_level, quiet=not ranks.is_main)
    batches = build_batches(recipe, 'train', ranks, seed, dataset=dataset)
    val = build_batches(recipe, 'val', ranks) if validate else None
    check_match(model, batches, recipe, 'train')
    meta = {**(meta or {}), 'class_counts': teach_labels(model, batches.dataset, recipe)}
    Trainer(model.to(ranks.device), recipe, ranks, council, batches, val, work_dir, logger,
            JsonLog(work_dir / f'{timestamp}.log.json' if timestamp else None), seed, meta=meta).fit()

