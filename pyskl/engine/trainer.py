"""The training loop.

One plain loop for one process and for many, which can be stopped and continued at any iteration.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ..datasets import Batches
from ..datasets.loader import seed_everything
from ..errors import UserError
from ..evaluation import evaluate, one_sided
from ..models.recognizers.base import Recognizer
from ..recipe import Recipe
from .batch import compute_losses
from .checkpoint import CheckpointFolder
from .collectives import Collectives
from .distributed import on_all_ranks
from .ema import AveragedWeights
from .log import JsonLog, as_text, duration
from .log_window import Window
from .loggers import Loggers
from .nonfinite import LossGuard, first_broken
from .optimizer import build_optimizer
from .position import Position
from .schedule import learning_rate
from .signals import Stopped, StopRequest
from .tester import collect_scores, joint_scores, judged_scores
from .training_state import capture, restore

# Dropout's random numbers are seeded by (seed, 1, iteration, rank). On rank 0 that is the seed of
# clip `iteration` in epoch 1, since zeros at the end count for nothing; this does no harm, as the
# draws of a clip and those of dropout have nothing to do with each other.
_DROPOUT_STREAM = 1
_PLACE = ('mode', 'epoch', 'iter')  # the keys of a row that are no metrics


class Trainer:
    """Trains a model by a recipe.

    Randomness is a function of (seed, epoch, index) for samples and of (seed, iteration, rank) for
    dropout, so a checkpoint needs no generator states.

    Args:
        model: on ranks.device already.
        recipe: with optimizer, lr_config and total_epochs.
        collectives: of all ranks.
        train: this rank's training batches.
        val: this rank's validation batches; None: no validation.
        work_dir: the folder of the checkpoints.
        seed: of everything random.
        amp: 'bf16', 'fp16', or None for float32.
        on_nan: 'stop' at a batch whose loss is not finite, or 'skip' it (fp16 always skips it).
    """

    def __init__(
        self,
        model: Recognizer,
        recipe: Recipe,
        collectives: Collectives,
        train: Batches,
        val: Batches | None,
        work_dir: Path,
        seed: int,
        amp: str | None = None,
        on_nan: str = 'stop',
    ):
        assert recipe.optimizer is not None and recipe.lr_config is not None
        assert recipe.total_epochs is not None
        ranks = collectives.ranks
        self.model, self.recipe, self.ranks, self.collectives = model, recipe, ranks, collectives
        self.train, self.val, self.seed, self.amp = train, val, seed, amp
        self.device, self.total_epochs = ranks.device, recipe.total_epochs
        self.base_lr, self.lr_config = recipe.optimizer['lr'], recipe.lr_config
        self.folder = CheckpointFolder(work_dir, recipe.checkpoint_config.max_keep_ckpts)
        self.optimizer = build_optimizer(model, recipe.optimizer)
        self.scaler = torch.amp.GradScaler(ranks.device.type, enabled=amp == 'fp16')
        self.losses = LossGuard(
            model, train.dataset.ids, collectives, self.scaler, on_nan == 'skip', self.folder
        )
        self.at, self.window = Position(), Window()
        self.best_score: float | None = None
        self.best_file: str | None = None
        self._start = time.perf_counter()
        self._iterations_here = 0
        self._one_sided_reported = False
        self.wrapped = (
            on_all_ranks(model, ranks, recipe.find_unused_parameters) if ranks.world > 1 else model
        )
        self.ema = None if recipe.ema is None else AveragedWeights(model, recipe.ema)
        self.loggers = Loggers(recipe)
        self.log_to(logging.getLogger('pyskl'), JsonLog(None))

    def log_to(
        self, logger: logging.Logger, json_log: JsonLog, meta: Mapping[str, Any] | None = None
    ) -> None:
        """Set where lines and rows go from now on.

        Args:
            logger: takes lines for people.
            json_log: takes rows for programs.
            meta: of every checkpoint (config text, settings, version ...).
        """
        self.logger, self.json_log, self.meta = logger, json_log, dict(meta or {})

    # -- the loop ---

    @property
    def iteration(self) -> int:
        """Iterations done over the whole run."""
        return self.at.epoch * len(self.train) + self.at.inner

    def fit(self) -> None:
        """Train from where it stands to the end.

        Raises:
            Stopped: a signal asked for it; a checkpoint was written first.
            UserError: the loss or the weights are not finite.
        """
        with StopRequest(self.collectives) as self.stop:
            if self.stop.ignores_ctrl_c:
                self.logger.warning(
                    'Started with SIGINT ignored, as in the background of a shell: '
                    'Ctrl-C does not stop this run; SIGTERM does (kill %d).',
                    os.getpid(),
                )
            while self.at.epoch < self.total_epochs:
                self._rest_of_epoch()
                metrics = self._validate_or_save()
                self.at = Position(self.at.epoch + 1)
                self._keep(metrics)
                self._leave_if_asked()

    def _rest_of_epoch(self) -> None:
        self.model.train()
        batches = self.train.epoch(self.at.epoch, start=self.at.inner)
        before = time.perf_counter()
        for batch in batches:
            data_seconds = time.perf_counter() - before
            self.step(batch)
            self.at.inner += 1
            self._iterations_here += 1
            self.window.add_time(time.perf_counter() - before, data_seconds)
            is_last = self.at.inner == len(self.train)
            if is_last or self.at.inner % self.recipe.log_config.interval == 0:
                self._log()
            if self._iteration_save_due():
                self._save(f'iter_{self.iteration}.pth')
            self._leave_if_asked()
            before = time.perf_counter()

    def step(self, batch: Mapping[str, Any]) -> dict[str, torch.Tensor]:
        """Do one iteration: forward, backward, update.

        Returns:
            Losses and accuracies by name, 0-dim, on the device.
        """
        rate = learning_rate(
            self.lr_config, self.base_lr, self.iteration, len(self.train), self.total_epochs
        )
        for group in self.optimizer.param_groups:
            group['lr'] = rate
        seed_everything(self.seed, _DROPOUT_STREAM, self.iteration, self.ranks.rank)

        self.losses.before_batch()
        values = compute_losses(self.wrapped, batch, self.device, self.amp)
        self.optimizer.zero_grad(set_to_none=True)
        accepted = self.losses.accepts(values['loss'], batch['index'], self.at)
        if accepted:
            self._update(values['loss'])
            self.window.add(values)
        self.losses.after_batch(values['loss'])
        if accepted and self.ema is not None:
            self.ema.update()
        return values

    def _update(self, loss: torch.Tensor) -> None:
        self.scaler.scale(loss).backward()
        clip = self.recipe.optimizer_config.grad_clip
        if clip is not None:
            self.scaler.unscale_(self.optimizer)
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), clip.max_norm, clip.norm_type)
        self.scaler.step(self.optimizer)
        self.scaler.update()

    # -- log, validate ---

    def _log(self) -> None:
        self.losses.settle(self.at)
        means = self.window.means(self.collectives)
        rate = self.optimizer.param_groups[0]['lr']
        timed = max(1, self.window.timed)
        seconds, data_seconds = self.window.time / timed, self.window.data_time / timed
        left = self.total_epochs * len(self.train) - self.iteration
        eta = (time.perf_counter() - self._start) / max(1, self._iterations_here) * left
        memory = {}
        if self.ranks.device.type == 'cuda':
            memory = {'memory': int(torch.cuda.max_memory_allocated(self.ranks.device) / 2**20)}
        self.window.clear()
        if not self.ranks.is_main or not means:
            return
        megabytes = ''.join(f'memory: {value}, ' for value in memory.values())
        self.logger.info(
            'Epoch [%d][%d/%d]\tlr: %.3e, eta: %s, time: %.3f, data_time: %.3f, %s%s',
            self.at.epoch + 1,
            self.at.inner,
            len(self.train),
            rate,
            duration(eta),
            seconds,
            data_seconds,
            megabytes,
            as_text(means),
        )
        place = {'mode': 'train', 'epoch': self.at.epoch + 1, 'iter': self.at.inner, 'lr': rate}
        times = {'data_time': data_seconds, **means, 'time': seconds}
        self._write_row({**place, **memory, **times})

    def _write_row(self, row: Mapping[str, Any]) -> None:
        self.json_log.write(row)
        mode = row['mode']
        figures = {f'{mode}/{name}': row[name] for name in row if name not in _PLACE}
        self.loggers.scalars(self.iteration, figures)

    def _validate_or_save(self) -> dict[str, float] | None:
        """Validate as `_validate`; if that fails, save the epoch first.

        The same command then validates again instead of training the epoch again.
        """
        try:
            return self._validate()
        except Stopped:
            raise
        except Exception:
            if self.ranks.world == 1:  # other ranks may not come to save with this one
                self._save(f'iter_{self.iteration}.pth')
            raise

    def _validate(self) -> dict[str, float] | None:
        """Return the metrics on the validation clips, on rank 0 if this epoch is due; else None."""
        config, number = self.recipe.evaluation, self.at.epoch + 1
        since = number - (config.start or 0)
        if self.val is None or since < 0 or since % config.interval:
            return None
        with contextlib.nullcontext() if self.ema is None else self.ema.in_the_model():
            self._share_buffers()
            answers = collect_scores(
                self.model, self.val, self.collectives, self.amp, 'val', self.stop.agreed
            )
        self._leave_if_asked()
        if answers is None:
            return None
        metrics = {
            f'{prefix}{name}': value
            for prefix, scores in judged_scores(answers).items()
            for name, value in evaluate(
                scores, self.val.dataset.truth, metrics=config.metrics, topk=config.topk
            ).items()
        }
        self.logger.info('Epoch(val) [%d][%d]\t%s', number, len(self.val), as_text(metrics))
        one_class = one_sided(joint_scores(answers), self.val.dataset.truth)
        if one_class and not self._one_sided_reported:
            self.logger.warning('Epoch(val) [%d]: %s', number, one_class)
            self._one_sided_reported = True
        rate = self.optimizer.param_groups[0]['lr']
        place = {'mode': 'val', 'epoch': number, 'iter': len(self.val), 'lr': rate}
        self._write_row({**place, **metrics})
        return metrics

    def _share_buffers(self) -> None:
        """Give every rank the BatchNorm statistics of rank 0, which the checkpoint will hold."""
        if self.ranks.world > 1:
            for buffer in self.model.buffers():
                torch.distributed.broadcast(buffer, 0)

    # -- checkpoints ---

    def _iteration_save_due(self) -> bool:
        config = self.recipe.checkpoint_config
        return (
            not config.by_epoch
            and config.interval > 0
            and self.iteration % config.interval == 0
            and self.at.inner < len(self.train)
        )

    def _keep(self, metrics: dict[str, float] | None) -> None:
        """Save the best checkpoint when it is beaten, and the numbered one when it is due.

        The best one comes first, so that a run killed between the two repeats the epoch and beats
        it again.
        """
        config, epoch = self.recipe.checkpoint_config, self.at.epoch
        improved = self.collectives.tell(metrics is not None and self._beats_best(metrics))
        if improved:
            data = self._checkpoint()
            if self.ranks.is_main:
                assert self.best_file is not None
                path = self.folder.save_best(self.best_file, data)
                self.logger.info('The best so far: %s', path)
        due = config.interval > 0 and (not config.by_epoch or epoch % config.interval == 0)
        if due or epoch == self.total_epochs:
            self._save(f'epoch_{epoch}.pth')

    def _beats_best(self, metrics: Mapping[str, float]) -> bool:
        key, best = self.recipe.evaluation.best_metric, self.best_score
        if key is None:
            return False
        score, less = metrics[key], self.recipe.evaluation.rule == 'less'
        if best is not None and (score >= best if less else score <= best):
            return False
        self.best_score, self.best_file = score, f'best_{key}_epoch_{self.at.epoch}.pth'
        return True

    def _save(self, name: str) -> Path:
        data = self._checkpoint()
        path = self.folder.folder / name
        if self.ranks.is_main:
            path = self.folder.save(name, data)
        self.collectives.barrier()
        return path

    def _checkpoint(self) -> dict[str, Any]:
        self.losses.settle(self.at)
        broken = first_broken(self.model)
        if broken is not None:
            raise UserError(
                f'epoch {self.at.epoch + 1}, near iteration {self.at.inner + 1}: {broken} holds '
                'NaN or infinity, so this checkpoint is not written. '
                f'{self.folder.describe_newest()} Try a lower learning rate or '
                'optimizer_config.grad_clip.'
            )
        return capture(self)

    @property
    def total_batch(self) -> int:
        """Clips in a batch of all ranks together."""
        return self.train.sampler.batch_size * self.ranks.world

    def resume(self, checkpoint: Mapping[str, Any], source: str) -> None:
        """Go on from where a checkpoint was written; see `training_state.restore`."""
        restore(self, checkpoint, source)

    def _leave_if_asked(self) -> None:
        number = self.stop.agreed()
        if number:
            name = f'iter_{self.iteration}.pth' if self.at.inner else f'epoch_{self.at.epoch}.pth'
            raise Stopped(number, str(self._save(name)), quiet=not self.ranks.is_main)
