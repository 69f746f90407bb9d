"""The training loop: one plain loop for one process and for many, which can be stopped and continued at any iteration."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ..datasets import Batches
from ..datasets.loader import seed_everything
from ..errors import CheckpointError, UserError
from ..evaluation import evaluate, one_sided
from ..files.torch_files import check_dense
from ..recipe import Recipe
from ..wording import some
from .batch import compute_losses
from .checkpoint import CheckpointFolder, load_weights
from .distributed import Collectives, Ranks, on_all_ranks
from .ema import AveragedWeights
from .finite import LOWEST_SCALE, Buffers, first_broken
from .log import JsonLog, as_text, duration
from .loggers import Loggers
from .optimizer import MOST, build_optimizer, checked_number, load_optimizer
from .schedule import learning_rate
from .signals import Stopped, StopRequest
from .tester import collect_scores, joint_scores, judged_scores
from .window import Window

_PLACE = ('mode', 'epoch', 'iter')  # of a row: where its figures belong
_NAMED = 256  # clips of a bad batch that a message names
_DROPOUT_STREAM = 1  # (seed, 1, iteration, rank). Zeros at the end count for nothing, so on rank 0 that seeds as clip `iteration`
# of epoch 1 does; it does no harm, as a clip's draws and dropout's have nothing to do with each other


@dataclass
class Position:
    """Where training stands: whole epochs done, and batches done in the current one."""

    epoch: int = 0
    inner: int = 0


class Trainer:
    """Trains a model by a recipe.

    model      on ranks.device already; train, val: this rank's Batches (val None: no validation)
    work_dir   where checkpoints go; seed: of everything random. Randomness is a function of (seed, epoch, index) for samples
               and of (seed, iteration, rank) for dropout, so a checkpoint needs no generator states
    amp        None, 'bf16' or 'fp16'; on_nan: 'stop' or 'skip' a batch whose loss is not finite (fp16 always leaves it out)
    meta       goes into every checkpoint's meta (config text, settings, version ...)
    """

    def __init__(
        self,
        model: torch.nn.Module,
        recipe: Recipe,
        ranks: Ranks,
        collectives: Collectives,
        train: Batches,
        val: Batches | None,
        work_dir: Path,
        logger: logging.Logger,
        json_log: JsonLog,
        seed: int,
        amp: str | None = None,
        on_nan: str = 'stop',
        meta: Mapping[str, Any] | None = None,
    ):
        self.model, self.recipe, self.ranks, self.collectives = model, recipe, ranks, collectives
        self.train, self.val, self.seed, self.amp, self.on_nan = train, val, seed, amp, on_nan
        self.device = ranks.device
        self.folder = CheckpointFolder(work_dir, recipe.checkpoint_config.max_keep_ckpts)
        self.optimizer = build_optimizer(model, recipe.optimizer)
        self.scaler = torch.amp.GradScaler(ranks.device.type, enabled=amp == 'fp16')
        self.at, self.window = Position(), Window()
        self.best_score: float | None = None
        self.best_file: str | None = None
        self._unsettled: list[
            tuple[int, torch.Tensor, torch.Tensor]
        ] = []  # batch of the epoch, its clips, is its loss finite?
        self._left_out: dict[
            str, None
        ] = {}  # clips of batches whose loss was not finite in fp16, in the order they came up
        self._buffers = Buffers(model) if on_nan == 'skip' or self.scaler.is_enabled() else None
        self._start = time.perf_counter()
        self._iterations_here = 0
        self._said_one_sided = False
        self.wrapped = (
            on_all_ranks(model, ranks, recipe.find_unused_parameters) if ranks.world > 1 else model
        )
        self.ema = None if recipe.ema is None else AveragedWeights(model, recipe.ema)
        self.loggers = Loggers(recipe)
        self.log_to(logger, json_log, meta)

    def log_to(
        self, logger: logging.Logger, json_log: JsonLog, meta: Mapping[str, Any] | None = None
    ) -> None:
        """Where lines and rows go from now on, and what goes into every checkpoint's meta (config text, settings, version ...)."""
        self.logger, self.json_log, self.meta = logger, json_log, dict(meta or {})

    # -- the loop ------------------------------------------------------------------------------------------------------

    @property
    def iteration(self) -> int:
        """Iterations done over the whole run."""
        return self.at.epoch * len(self.train) + self.at.inner

    def fit(self) -> None:
        """Train from where it stands to the end. Raises Stopped on a polite signal, UserError on a loss that is not finite."""
        with StopRequest(self.collectives) as self.stop:
            if self.stop.ignores_ctrl_c:
                self.logger.warning(
                    'Started with SIGINT ignored, as in the background of a shell: '
                    'Ctrl-C does not stop this run; SIGTERM does (kill %d).',
                    os.getpid(),
                )
            while self.at.epoch < self.recipe.total_epochs:
                self._rest_of_epoch()
                metrics = self._validated()
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
            if self.at.inner % self.recipe.log_config.interval == 0 or self.at.inner == len(
                self.train
            ):
                self._log()
            if self._iteration_save_due():
                self._save(f'iter_{self.iteration}.pth')
            self._leave_if_asked()
            before = time.perf_counter()

    def step(self, batch: Mapping[str, Any]) -> dict[str, torch.Tensor]:
        """One iteration: forward, backward, update. Returns the losses and accuracies, on the device."""
        rate = learning_rate(
            self.recipe.lr_config,
            self.recipe.optimizer['lr'],
            self.iteration,
            len(self.train),
            self.recipe.total_epochs,
        )
        for group in self.optimizer.param_groups:
            group['lr'] = rate
        seed_everything(self.seed, _DROPOUT_STREAM, self.iteration, self.ranks.rank)
        if self._buffers is not None:
            self._buffers.remember()
        values = compute_losses(self.wrapped, batch, self.device, self.amp)
        self.optimizer.zero_grad(set_to_none=True)
        learnt = self._finite(values['loss'], batch['index'])
        if learnt:
            self._update(values['loss'])
            self.window.add(values)
        if self.scaler.is_enabled():  # not before: the backward pass reads the buffers
            self._buffers.take_back_unless(torch.isfinite(values['loss'].detach()))
        if learnt and self.ema is not None:
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

    # -- losses that are not finite ------------------------------------------------------------------------------------

    def _finite(self, loss: torch.Tensor, index: torch.Tensor) -> bool:
        """Is this batch to be learnt from? On the CPU, or to skip, that is known at once; a GPU is asked at the next log line."""
        fine = torch.isfinite(loss.detach())
        if self.on_nan == 'skip' and not self.scaler.is_enabled():
            return self._fine_or_left_out(fine, index)
        self._unsettled.append((self.at.inner + 1, index, fine))
        if self.ranks.device.type == 'cpu':
            self._settle()
        return True  # with fp16 too: the scaler leaves such a step out and lowers its scale

    def _fine_or_left_out(self, fine: torch.Tensor, index: torch.Tensor) -> bool:
        if not self.collectives.highest(int(not fine)):
            return True
        self._buffers.take_back_unless(torch.zeros_like(fine))
        clips = sum(self.collectives.share([] if fine else self._names(index)), [])
        self.logger.warning(
            'iteration %d: the loss is not finite; batch left out (%s)',
            self.iteration + 1,
            some(clips, _NAMED),
        )
        return False

    def _settle(self) -> None:
        """Raise, on every rank, if a loss of any rank since the last call was not finite; warn if that was in fp16."""
        unsettled, self._unsettled = self._unsettled, []
        bad = [(number, self._names(index)) for number, index, fine in unsettled if not fine]
        if self.collectives.highest(len(bad)):
            bad = sum(self.collectives.share(bad), [])
            for number in sorted({number for number, _ in bad}):
                self._meet_bad_batch(
                    number, [name for at, names in bad if at == number for name in names]
                )
        if self.scaler.is_enabled() and self.scaler.get_scale() < LOWEST_SCALE:
            culprits = (
                f' The loss itself was not finite in batches of these clips: {some(self._left_out, 16)}.'
                if self._left_out
                else ''
            )
            raise UserError(
                f'{self._here()}: the gradients overflow in float16 at every scale, so nothing is learnt any more.{culprits} '
                f'{self._last_checkpoint()} Try --amp bf16 or float32, a lower learning rate, or tools/check_data.py on '
                'the annotations.'
            )

    def _meet_bad_batch(self, number: int, clips: list[str]) -> None:
        """Only the first one tells of its clips: by its update the weights are NaN, and so is every loss after it. Not in fp16."""
        if self.scaler.is_enabled():
            self._left_out.update(dict.fromkeys(clips))
            self.logger.warning(
                'epoch %d, iteration %d: the loss is not finite; float16 leaves the batch out (%s)',
                self.at.epoch + 1,
                number,
                some(clips, _NAMED),
            )
            return
        raise UserError(
            f'epoch {self.at.epoch + 1}, iteration {number}: the loss is not finite (NaN or infinite). The clips of that '
            f'batch: {some(clips, _NAMED)}. {self._last_checkpoint()} Try a lower learning rate, optimizer_config.grad_clip, '
            'tools/check_data.py on the annotations, or --on-nan skip.'
        )

    def _here(self) -> str:
        return f'epoch {self.at.epoch + 1}, near iteration {self.at.inner + 1}'

    def _last_checkpoint(self) -> str:
        try:
            newest = self.folder.newest_whole()
        except CheckpointError:
            return 'None of the checkpoints from before is whole.'
        return (
            f'The last checkpoint from before is {newest[0]}.'
            if newest
            else 'No checkpoint was written before.'
        )

    def _names(self, index: torch.Tensor) -> list[str]:
        return [self.train.dataset.ids[i] for i in index.tolist()]

    # -- log, validate -------------------------------------------------------------------------------------------------

    def _log(self) -> None:
        self._settle()
        means = self.window.means(self.collectives)
        rate = self.optimizer.param_groups[0]['lr']
        timed = max(1, self.window.timed)
        seconds, data_seconds = self.window.time / timed, self.window.data_time / timed
        left = self.recipe.total_epochs * len(self.train) - self.iteration
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
        self._write_row(
            {
                'mode': 'train',
                'epoch': self.at.epoch + 1,
                'iter': self.at.inner,
                'lr': rate,
                **memory,
                'data_time': data_seconds,
                **means,
                'time': seconds,
            }
        )

    def _write_row(self, row: Mapping[str, Any]) -> None:
        self.json_log.write(row)
        mode = row['mode']
        figures = {f'{mode}/{name}': row[name] for name in row if name not in _PLACE}
        self.loggers.scalars(self.iteration, figures)

    def _validated(self) -> dict[str, float] | None:
        """As _validate. Where that fails, the epoch is kept, so that the same command validates again instead of training it again."""
        try:
            return self._validate()
        except Stopped:
            raise
        except Exception:
            if self.ranks.world == 1:  # among several, the others may not come to write it
                self._save(f'iter_{self.iteration}.pth')
            raise

    def _validate(self) -> dict[str, float] | None:
        """Metrics on the validation clips when this epoch is due for them (on rank 0; None otherwise)."""
        config, number = self.recipe.evaluation, self.at.epoch + 1
        since = number - (config.start or 0)
        if self.val is None or since < 0 or since % config.interval:
            return None
        with contextlib.nullcontext() if self.ema is None else self.ema.in_the_model():
            self._share_buffers()
            answers = collect_scores(
                self.model,
                self.val,
                self.ranks,
                self.collectives,
                self.amp,
                'val',
                lambda: bool(self.stop.agreed()),
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
        if not self._said_one_sided and (
            line := one_sided(joint_scores(answers), self.val.dataset.truth)
        ):
            self.logger.warning('Epoch(val) [%d]: %s', number, line)
            self._said_one_sided = True
        self._write_row(
            {
                'mode': 'val',
                'epoch': number,
                'iter': len(self.val),
                'lr': self.optimizer.param_groups[0]['lr'],
                **metrics,
            }
        )
        return metrics

    def _share_buffers(self) -> None:
        """Give every rank rank 0's BatchNorm statistics: those are what the checkpoint holds, so those are validated."""
        if self.ranks.world > 1:
            for buffer in self.model.buffers():
                torch.distributed.broadcast(buffer, 0)

    # -- checkpoints ---------------------------------------------------------------------------------------------------

    def _iteration_save_due(self) -> bool:
        config = self.recipe.checkpoint_config
        return (
            not config.by_epoch
            and config.interval > 0
            and self.iteration % config.interval == 0
            and self.at.inner < len(self.train)
        )

    def _keep(self, metrics: dict[str, float] | None) -> None:
        """At an epoch's end: the numbered checkpoint when due, and the best one when beaten."""
        config, epoch = self.recipe.checkpoint_config, self.at.epoch
        improved = self.collectives.tell(metrics is not None and self._beats_best(metrics))
        if improved:  # first: a run that is killed between the two repeats this epoch, and finds the best again
            data = self._snapshot()
            if self.ranks.is_main:
                path = self.folder.save_best(self.best_file, data)
                self.logger.info('The best so far: %s', path)
        due = config.interval > 0 and (not config.by_epoch or epoch % config.interval == 0)
        if due or epoch == self.recipe.total_epochs:
            self._save(f'epoch_{epoch}.pth')

    def _beats_best(self, metrics: Mapping[str, float]) -> bool:
        key, less = self.recipe.evaluation.best_figure, self.recipe.evaluation.rule == 'less'
        if key is None:
            return False
        score = metrics[key]
        if self.best_score is not None and (
            score >= self.best_score if less else score <= self.best_score
        ):
            return False
        self.best_score, self.best_file = score, f'best_{key}_epoch_{self.at.epoch}.pth'
        return True

    def _save(self, name: str) -> Path:
        data = self._snapshot()
        path = self.folder.folder / name
        if self.ranks.is_main:
            path = self.folder.save(name, data)
        self.collectives.barrier()
        return path

    def _snapshot(self) -> dict[str, Any]:
        self._settle()
        broken = first_broken(self.model)
        if broken is not None:
            raise UserError(
                f'{self._here()}: {broken} holds NaN or infinity, so this checkpoint is not written. '
                f'{self._last_checkpoint()} Try a lower learning rate or optimizer_config.grad_clip.'
            )
        windows = self.collectives.gather(self.window.state())
        meta = {
            **self.meta,
            'epoch': self.at.epoch,
            'iter': self.iteration,
            'seed': self.seed,
            'time': time.asctime(),
            'hook_msgs': {'best_score': self.best_score, 'best_ckpt': self.best_file},
        }
        resume = {
            'inner': self.at.inner,
            'total_batch': self.total_batch,
            'clips': len(self.train.dataset),
            'windows': windows,
            'scaler': self.scaler.state_dict(),
            'head': self.model.cls_head.training_state(),
        }
        weights = self.model.state_dict()
        if self.ema is not None:  # who tests or starts from this checkpoint finds the average
            resume.update(raw_state_dict=weights, ema_updates=self.ema.updates)
            weights = self.ema.state_dict()
        return {
            'meta': meta,
            'state_dict': weights,
            'optimizer': self.optimizer.state_dict(),
            'resume': resume,
        }

    @property
    def total_batch(self) -> int:
        return self.train.sampler.batch_size * self.ranks.world

    def resume(self, checkpoint: Mapping[str, Any], source: str) -> None:
        """Stand where the checkpoint was written: weights, optimiser, position, best score, the open log window."""
        load_weights(self.model, checkpoint['state_dict'], source)
        meta, resume = (
            checkpoint['meta'],
            {} if checkpoint.get('resume') is None else checkpoint['resume'],
        )
        if 'optimizer' not in checkpoint or 'epoch' not in meta:
            raise CheckpointError(
                f'{source}: holds weights only, no optimiser and no epoch to go on from. Use load_from = '
                f"'{source}' in the config to start a new run from these weights."
            )
        try:
            if not isinstance(resume, Mapping) or not isinstance(checkpoint['optimizer'], Mapping):
                raise TypeError("'resume' or 'optimizer' is no dict")
            self._take_over(checkpoint['optimizer'], meta, resume, source)
        except (
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            IndexError,
            OverflowError,
            RuntimeError,
            CheckpointError,
        ) as error:
            raise CheckpointError(
                f'{source}: what it says of its run does not fit this config, or is damaged ({error}). Take another '
                f"checkpoint, or start a new run from its weights: load_from = '{source}'."
            ) from error

    def _take_over(
        self,
        optimizer: Mapping[str, Any],
        meta: Mapping[str, Any],
        resume: Mapping[str, Any],
        source: str,
    ) -> None:
        if self.ema is not None:
            self.ema.restore(
                checked_number(resume.get('ema_updates', 0), 'ema_updates', whole=True)
            )
        if 'raw_state_dict' in resume:  # the checkpoint's state_dict is an average of these
            check_dense(resume['raw_state_dict'], 'raw_state_dict')
            load_weights(self.model, resume['raw_state_dict'], source)
        load_optimizer(self.optimizer, optimizer)
        epoch = checked_number(meta['epoch'], 'epoch', whole=True)
        self.at = Position(epoch, self._position_inside(resume, source))
        best = meta.get('hook_msgs') or {}
        score = best.get('best_score')
        if score is not None and score == score:  # NaN: the next one beats it
            self.best_score, self.best_file = (
                float(checked_number(score, 'best_score', low=-MOST)),
                best.get('best_ckpt'),
            )
        if self.scaler.is_enabled() and resume.get('scaler'):
            self.scaler.load_state_dict(_checked_scaler(resume['scaler']))
        if resume.get('head'):
            check_dense(resume['head'], 'head')
            self.model.cls_head.load_training_state(resume['head'])
        elif self.model.cls_head.training_state():
            self.logger.warning(
                '%s does not hold what the head remembers of the classes: that starts anew, and training will not '
                'equal an uninterrupted run',
                source,
            )
        windows = resume.get('windows') or []
        if len(windows) == self.ranks.world:
            self.window.restore(windows[self.ranks.rank], self.ranks.device)

    def _position_inside(self, resume: Mapping[str, Any], source: str) -> int:
        """Batches done in the epoch; in a run of other size as many as hold the same number of clips, with a warning."""
        inner = checked_number(resume.get('inner', 0), 'inner', whole=True)
        total = checked_number(
            resume.get('total_batch', self.total_batch), 'total_batch', whole=True, low=1
        )
        clips = resume.get('clips')
        clips = None if clips is None else checked_number(clips, 'clips', whole=True)
        if total != self.total_batch:
            inner = inner * total // self.total_batch
        if total != self.total_batch or clips not in (None, len(self.train.dataset)):
            self.logger.warning(
                '%s was written with a total batch of %d and %s clips, now it is %d and %d: training goes on from batch %d '
                'of the epoch, and will not equal an uninterrupted run',
                source,
                total,
                clips,
                self.total_batch,
                len(self.train.dataset),
                inner,
            )
        return min(inner, len(self.train))

    def _leave_if_asked(self) -> None:
        number = self.stop.agreed()
        if number:
            name = f'iter_{self.iteration}.pth' if self.at.inner else f'epoch_{self.at.epoch}.pth'
            raise Stopped(number, str(self._save(name)), quiet=not self.ranks.is_main)


def _checked_scaler(state: Mapping[str, Any]) -> dict[str, Any]:
    """What torch's GradScaler keeps: numbers above 0 and a count."""
    return {
        name: checked_number(
            value, f'scaler {name}', low=0 if name == '_growth_tracker' else 1e-30, high=1e38
        )
        for name, value in state.items()
    }
