"""A training as a checkpoint holds it, and how it goes on from there."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..errors import CheckpointError
from ..files.torch_files import check_dense
from .checkpoint import load_weights
from .optimizer import MOST, checked_number, load_optimizer
from .position import Position

if TYPE_CHECKING:
    from .trainer import Trainer


def capture(trainer: Trainer) -> dict[str, Any]:
    """Return a checkpoint of a training, see `checkpoint` for its layout. All ranks take part."""
    windows = trainer.collectives.gather(trainer.window.state())
    meta = {
        **trainer.meta,
        'epoch': trainer.at.epoch,
        'iter': trainer.iteration,
        'seed': trainer.seed,
        'time': time.asctime(),
        'hook_msgs': {'best_score': trainer.best_score, 'best_ckpt': trainer.best_file},
    }
    resume = {
        'inner': trainer.at.inner,
        'total_batch': trainer.total_batch,
        'clips': len(trainer.train.dataset),
        'windows': windows,
        'scaler': trainer.scaler.state_dict(),
        'head': trainer.model.cls_head.training_state(),
    }
    weights = trainer.model.state_dict()
    if trainer.ema is not None:  # whoever tests or starts from this checkpoint gets the average
        resume.update(raw_state_dict=weights, ema_updates=trainer.ema.updates)
        weights = trainer.ema.state_dict()
    return {
        'meta': meta,
        'state_dict': weights,
        'optimizer': trainer.optimizer.state_dict(),
        'resume': resume,
    }


def restore(trainer: Trainer, checkpoint: Mapping[str, Any], source: str) -> None:
    """Put a training where its checkpoint was written.

    Restores weights, optimiser, position, best score and the open log window.

    Args:
        trainer: a fresh one.
        checkpoint: what `read_checkpoint` gave.
        source: its file, for messages.

    Raises:
        CheckpointError: it holds weights only, is damaged, or does not fit the config.
    """
    load_weights(trainer.model, checkpoint['state_dict'], source)
    meta, resume = checkpoint['meta'], checkpoint.get('resume')
    resume = {} if resume is None else resume
    if 'optimizer' not in checkpoint or 'epoch' not in meta:
        raise CheckpointError(
            f'{source}: holds weights only, no optimiser and no epoch to go on from. Use '
            f"load_from = '{source}' in the config to start a new run from these weights."
        )
    try:
        if not isinstance(resume, Mapping) or not isinstance(checkpoint['optimizer'], Mapping):
            raise TypeError("'resume' or 'optimizer' is no dict")
        _restore_weights(trainer, resume, source)
        load_optimizer(trainer.optimizer, checkpoint['optimizer'])
        epoch = checked_number(meta['epoch'], 'epoch', whole=True)
        trainer.at = Position(epoch, _batches_done(trainer, resume, source))
        _restore_best(trainer, meta.get('hook_msgs') or {})
        _restore_rest(trainer, resume, source)
    except (
        ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError,
        CheckpointError,
    ) as error:  # fmt: skip
        raise CheckpointError(
            f'{source}: its training state does not fit this config, or is damaged ({error}). Use '
            'another checkpoint, or start a new run from its weights: '
            f"load_from = '{source}'."
        ) from error


def _restore_weights(trainer: Trainer, resume: Mapping[str, Any], source: str) -> None:
    """Restore the average of the weights, and the weights themselves if they are kept apart."""
    if trainer.ema is not None:
        updates = checked_number(resume.get('ema_updates', 0), 'ema_updates', whole=True)
        trainer.ema.restore(updates)
    if 'raw_state_dict' in resume:  # the checkpoint's state_dict is an average of these
        check_dense(resume['raw_state_dict'], 'raw_state_dict')
        load_weights(trainer.model, resume['raw_state_dict'], source)


def _restore_best(trainer: Trainer, best: Mapping[str, Any]) -> None:
    score = best.get('best_score')
    if score is not None and score == score:  # NaN is beaten by any score
        trainer.best_score = float(checked_number(score, 'best_score', low=-MOST))
        trainer.best_file = best.get('best_ckpt')


def _restore_rest(trainer: Trainer, resume: Mapping[str, Any], source: str) -> None:
    """Restore gradient scaler, head and log window."""
    if trainer.scaler.is_enabled() and resume.get('scaler'):
        trainer.scaler.load_state_dict(_checked_scaler(resume['scaler']))
    if resume.get('head'):
        check_dense(resume['head'], 'head')
        trainer.model.cls_head.load_training_state(resume['head'])
    elif trainer.model.cls_head.training_state():
        trainer.logger.warning(
            '%s lacks what the head has learnt about the classes: that starts from scratch, and '
            'training will not equal an uninterrupted run',
            source,
        )
    windows = resume.get('windows') or []
    if len(windows) == trainer.ranks.world:
        trainer.window.restore(windows[trainer.ranks.rank], trainer.ranks.device)


def _batches_done(trainer: Trainer, resume: Mapping[str, Any], source: str) -> int:
    """Return how many batches of the epoch are done.

    With another batch size as many as hold the same number of clips, with a warning.
    """
    inner = checked_number(resume.get('inner', 0), 'inner', whole=True)
    now = trainer.total_batch
    total = checked_number(resume.get('total_batch', now), 'total_batch', whole=True, low=1)
    clips = resume.get('clips')
    clips = None if clips is None else checked_number(clips, 'clips', whole=True)
    if total != now:
        inner = inner * total // now
    if total != now or clips not in (None, len(trainer.train.dataset)):
        trainer.logger.warning(
            '%s was written with a total batch of %d and %s clips, now it is %d and %d: training '
            'goes on from batch %d of the epoch, and will not equal an uninterrupted run',
            source,
            total,
            clips,
            now,
            len(trainer.train.dataset),
            inner,
        )
    return min(inner, len(trainer.train))


def _checked_scaler(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the state of torch's GradScaler: positive numbers and a count."""
    return {
        name: checked_number(
            value, f'scaler {name}', low=0 if name == '_growth_tracker' else 1e-30, high=1e38
        )
        for name, value in state.items()
    }
