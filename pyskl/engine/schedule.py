"""The learning rate as a function of where training stands; no state, so that a resumed run can't disagree."""

from __future__ import annotations

import bisect
import math

from ..recipe import LrConfig


def learning_rate(
    config: LrConfig, base_lr: float, iteration: int, epoch_length: int, total_epochs: int
) -> float:
    """The rate of iteration `iteration` (0-based, over the whole run).

    base_lr        the optimiser's rate, per step
    epoch_length   iterations in an epoch
    CosineAnnealing: min + (base - min) (1 + cos(pi * progress)) / 2 (Loshchilov & Hutter, arXiv:1608.03983, section 3).
    step: base * gamma^(steps passed). `by_epoch` counts whole epochs, else iterations. Warm-up as in mmcv.
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
    steps = (
        config.step
        if isinstance(config.step, (list, tuple))
        else range(config.step, end + 1, config.step)
    )
    return max(base_lr * config.gamma ** bisect.bisect_right(steps, now), lowest)


def _warmup(config: LrConfig, share: float) -> float:
    """The factor on the regular rate; share: how much of the warm-up is done, 0..1."""
    if config.warmup == 'constant':
        return config.warmup_ratio
    if config.warmup == 'exp':
        return config.warmup_ratio ** (1 - share)
    return 1 - (1 - share) * (1 - config.warmup_ratio)
