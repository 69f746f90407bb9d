"""The learning rate as a function of where training stands, without a state to resume."""

from __future__ import annotations

import bisect
import math

from ..recipe import LrConfig


def learning_rate(
    config: LrConfig, base_lr: float, iteration: int, epoch_length: int, total_epochs: int
) -> float:
    """Return the learning rate of an iteration.

    CosineAnnealing: min + (base - min) (1 + cos(pi * progress)) / 2. step: base * gamma^(steps
    passed). With `by_epoch` progress is counted in whole epochs, otherwise in iterations. Warm-up
    is as in mmcv.

    Args:
        config: `lr_config`.
        base_lr: the optimiser's rate.
        iteration: from 0 on, over the whole run.
        epoch_length: iterations in an epoch.
        total_epochs: epochs in the run.

    Source: SGDR, arXiv:1608.03983, section 3.
    """
    epoch = iteration // epoch_length
    now, end = (
        (epoch, total_epochs) if config.by_epoch else (iteration, total_epochs * epoch_length)
    )
    regular = _regular(config, base_lr, now, end)
    if config.warmup is None:
        return regular
    length = config.warmup_iters * (epoch_length if config.warmup_by_epoch else 1)
    return regular * _warmup(config, iteration / length) if iteration < length else regular


def _regular(config: LrConfig, base_lr: float, now: int, end: int) -> float:
    lowest = (
        base_lr * config.min_lr_ratio if config.min_lr_ratio is not None else config.min_lr or 0.0
    )
    if config.policy == 'CosineAnnealing':
        return lowest + 0.5 * (base_lr - lowest) * (1 + math.cos(math.pi * now / end))
    assert config.step is not None and config.gamma is not None
    every = config.step
    steps = range(every, end + 1, every) if isinstance(every, int) else every
    return max(base_lr * config.gamma ** bisect.bisect_right(steps, now), lowest)


def _warmup(config: LrConfig, share: float) -> float:
    """Return the factor on the regular rate when a share (0..1) of the warm-up is done."""
    if config.warmup == 'constant':
        return config.warmup_ratio
    if config.warmup == 'exp':
        return config.warmup_ratio ** (1 - share)
    return 1 - (1 - share) * (1 - config.warmup_ratio)
