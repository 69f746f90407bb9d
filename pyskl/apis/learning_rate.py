"""The learning rate and the number of clips a step, which belong together."""

from __future__ import annotations

import logging
from dataclasses import replace

from ..errors import ConfigError
from ..recipe import AutoScaleLr, Recipe

GPUS = 8  # on which most rates were published
LogLine = tuple[int, str]  # level and text


def with_scaled_rate(recipe: Recipe, scale: bool, world: int) -> tuple[Recipe, list[LogLine]]:
    """Return the recipe with its rate scaled if that is asked for, and what to log of batch and rate.

    Args:
        recipe: the config's.
        scale: --autoscale-lr.
        world: number of processes.

    Raises:
        ConfigError: the config does not say which batch its rate belongs to.
    """
    per_process = recipe.data.loader('train').videos_per_gpu
    total, rate = per_process * world, recipe.optimizer['lr']
    line = (
        f'Total batch: {total} clips ({per_process} x {world} processes), learning rate {rate:.4g}'
    )
    if recipe.auto_scale_lr is None:
        if scale:
            raise ConfigError(
                f'{recipe.filename}: --autoscale-lr: the config does not say for which total batch '
                f'optimizer.lr = {rate:g} was chosen. Add auto_scale_lr = dict(base_batch_size=...), '
                'the number of clips per step.'
            )
        return recipe, [(logging.INFO, line), *_published(recipe, per_process, world)]
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
    return recipe, [
        (
            logging.WARNING,
            f'{line}. That rate was chosen for a total batch of {base}: consider --autoscale-lr, which '
            f'gives {scaled:.4g}, or say auto_scale_lr = dict(base_batch_size={total}) in the config '
            'if it is meant so.',
        )
    ]


def _published(recipe: Recipe, per_process: int, world: int) -> list[LogLine]:
    """Say what a rate of 8 GPUs becomes, where fewer train and the config does not say its batch."""
    if world >= GPUS or recipe.optimizer['type'] != 'SGD':  # the rule of proportion is SGD's
        return []
    base, total, rate = per_process * GPUS, per_process * world, recipe.optimizer['lr']
    return [
        (
            logging.INFO,
            f'If that rate was published for {GPUS} GPUs ({base} clips a step), {total} clips take '
            f'{rate * total / base:.4g}: auto_scale_lr = dict(base_batch_size={base}) and --autoscale-lr. If it '
            f'is meant for {total}, auto_scale_lr = dict(base_batch_size={total}) says so.',
        )
    ]
