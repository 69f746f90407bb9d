"""Scale the learning rate with the number of clips per step."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..errors import ConfigError
from ..recipe import AutoScaleLr, Recipe

GPUS = 8  # for which most learning rates were published
LogLine = tuple[int, str]  # level and text


def with_scaled_rate(recipe: Recipe, scale: bool, world: int) -> tuple[Recipe, list[LogLine]]:
    """Scale the learning rate, if asked for, and report batch size and rate.

    Args:
        recipe: the config's.
        scale: --autoscale-lr.
        world: number of processes.

    Returns:
        The recipe, and lines for the log.

    Raises:
        ConfigError: the config does not say which batch size its rate belongs to.
    """
    assert recipe.optimizer is not None
    per_process = recipe.data.loader('train').videos_per_gpu
    total, rate = per_process * world, recipe.optimizer['lr']
    line = (
        f'Total batch: {total} clips ({per_process} x {world} processes), learning rate {rate:.4g}'
    )
    if recipe.auto_scale_lr is None:
        if scale:
            raise ConfigError(
                f'{recipe.filename}: --autoscale-lr: the config does not say for which total batch '
                f'optimizer.lr = {rate:g} was chosen. Add auto_scale_lr = '
                'dict(base_batch_size=...), the number of clips per step.'
            )
        hint = _hint_on_published(recipe.optimizer, per_process, world)
        return recipe, [(logging.INFO, line), *hint]
    base = recipe.auto_scale_lr.base_batch_size
    if total == base:
        return recipe, [(logging.INFO, line)]
    scaled = rate * total / base
    if scale:
        recipe = replace(
            recipe, optimizer={**recipe.optimizer, 'lr': scaled}, auto_scale_lr=AutoScaleLr(total)
        )
        line = f'{line} -> {scaled:.4g}, scaled from a batch of {base} (--autoscale-lr)'
        return recipe, [(logging.INFO, line)]
    warning = (
        f'{line}. That rate was chosen for a total batch of {base}: consider --autoscale-lr, which '
        f'gives {scaled:.4g}, or, if it is intended, write auto_scale_lr = '
        f'dict(base_batch_size={total}) in the config.'
    )
    return recipe, [(logging.WARNING, warning)]


def _hint_on_published(optimizer: Mapping[str, Any], per_process: int, world: int) -> list[LogLine]:
    """Return a line on the rate for fewer than 8 GPUs, where the config does not say its batch."""
    if world >= GPUS or optimizer['type'] != 'SGD':  # the linear rule is for SGD
        return []
    base, total, rate = per_process * GPUS, per_process * world, optimizer['lr']
    hint = (
        f'If that rate was published for {GPUS} GPUs ({base} clips per step), {total} clips need '
        f'{rate * total / base:.4g}: auto_scale_lr = dict(base_batch_size={base}) and '
        f'--autoscale-lr. If it is meant for {total}, write auto_scale_lr = '
        f'dict(base_batch_size={total}).'
    )
    return [(logging.INFO, hint)]
