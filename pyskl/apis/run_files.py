"""The files that a training writes into its work dir besides checkpoints: its config and logs."""

from __future__ import annotations

import logging
import shlex
import sys
import time
from dataclasses import asdict
from typing import Any

import torch

from .. import __version__
from ..engine.collectives import Collectives
from ..engine.log import JsonLog, get_logger, timestamp
from ..files.atomic import atomic_write, remove_parts
from ..recipe import dump_config
from .options import Given, TrainOptions
from .resume import Resume, result_flags
from .setup import Run


def meta_of_run(
    settings: str,
    options: TrainOptions,
    world: int,
    seed: int,
    counts: list[int] | None,
    resume: Resume | None,
) -> dict[str, Any]:
    """Return what every checkpoint says about the run that wrote it."""
    return {
        'pyskl_version': __version__,
        'torch_version': str(torch.__version__),
        'settings': settings,
        'seed': seed,
        **result_flags(options),
        'world': world,
        'class_counts': counts,
        'resumed_from': None if resume is None else resume.origin,
    }


def open_work_dir(
    run: Run, collectives: Collectives, meta: dict[str, Any], given: Given | None
) -> tuple[logging.Logger, JsonLog]:
    """Write the config, also into `meta`, and open the logs; `given` has a config of its own."""
    if given is not None:
        meta.update({**given.meta, **meta})
    else:
        meta.update(config=_as_run(run, meta['seed']), config_name=f'{run.name}.py')
        if collectives.ranks.is_main:
            remove_parts(run.work_dir)  # of a killed run
            with atomic_write(run.work_dir / meta['config_name'], 'w', encoding='utf-8') as f:
                f.write(meta['config'])
    stamp = given.timestamp if given is not None else None
    stamp = stamp or collectives.tell(timestamp())

    # The logs.
    quiet = not collectives.ranks.is_main
    logger = get_logger(run.recipe.log_level, run.work_dir / f'{stamp}.log', quiet)
    head = ('pyskl_version', 'torch_version', 'config_name', 'config', 'seed', 'amp', 'world')
    first_row = {key: meta[key] for key in head if key in meta}
    file = None if quiet else run.work_dir / f'{stamp}.log.json'
    first_row |= {'command': shlex.join(sys.argv), 'time': time.asctime()}
    return logger, JsonLog(file, first_row)


def _as_run(run: Run, seed: int) -> str:
    """Return the text of the config as it was run; it is enough to test or repeat the run."""
    recipe = run.recipe
    changed: dict[str, Any] = {'work_dir': recipe.work_dir, 'seed': seed}
    changed['optimizer'] = recipe.optimizer
    if recipe.auto_scale_lr is not None:  # the batch size that the rate, scaled or not, belongs to
        changed['auto_scale_lr'] = asdict(recipe.auto_scale_lr)
    return dump_config({**run.config._cfg_dict, **changed})
