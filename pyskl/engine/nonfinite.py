"""Losses, weights and buffers that are not finite."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..errors import UserError
from ..wording import some
from .checkpoint import CheckpointFolder
from .collectives import Collectives
from .position import Position

# The gradient scaler starts at 65536 and halves at every overflow. Far below 1 nothing is learnt.
LOWEST_SCALE = 2.0**-4
_LOGGER = logging.getLogger('pyskl')
_MOST_NAMES = 256  # clips of a bad batch that a message names


class LossGuard:
    """Decides what happens to batches whose loss is not finite (NaN or infinite).

    Training stops with an error that names the clips of the first such batch, or goes on without
    the batch (`skip`). In float16 the gradient scaler skips such batches by itself; training stops
    only when the gradients overflow at every scale.

    Args:
        model: its buffers are restored after a batch that is skipped.
        clip_ids: names of the training clips.
        collectives: a bad batch on one rank counts on all.
        scaler: enabled in float16.
        skip: skip bad batches instead of stopping.
        folder: where messages look for the last checkpoint.

    Attributes:
        waits: whether losses are checked by `settle` only, so that a GPU need not synchronise.
    """

    def __init__(
        self,
        model: nn.Module,
        clip_ids: Sequence[str],
        collectives: Collectives,
        scaler: torch.amp.GradScaler,
        skip: bool,
        folder: CheckpointFolder,
    ):
        self._clip_ids, self._collectives, self._scaler = clip_ids, collectives, scaler
        self._skips_at_once = skip and not scaler.is_enabled()
        self._folder = folder
        self.waits = collectives.ranks.device.type != 'cpu'
        self._buffers = Buffers(model) if skip or scaler.is_enabled() else None
        # Batches not checked yet: number in the epoch, clips, whether the loss is finite.
        self._unchecked: list[tuple[int, Tensor, Tensor]] = []
        # Clips of batches that float16 skipped, in order.
        self._skipped: dict[str, None] = {}

    def before_batch(self) -> None:
        """Remember the model's buffers."""
        if self._buffers is not None:
            self._buffers.remember()

    def accepts(self, loss: Tensor, index: Tensor, at: Position) -> bool:
        """Return whether to train on this batch.

        Checked at once on the CPU and where bad batches are skipped; on a GPU the check waits for
        `settle`, so that it costs no synchronisation.

        Args:
            loss: () of this rank's batch.
            index: (B,) its clips.
            at: the place of the batch.

        Raises:
            UserError: as `settle`.
        """
        fine = torch.isfinite(loss.detach())
        if self._skips_at_once:
            return self._accepts_now(fine, index, at)
        self._unchecked.append((at.inner + 1, index, fine))
        if not self.waits:
            self.settle(at)
        return True  # in float16, too: the scaler skips the step and lowers its scale

    def after_batch(self, loss: Tensor) -> None:
        """Restore the buffers after a bad batch in float16, when the backward pass is done."""
        if self._scaler.is_enabled() and self._buffers is not None:
            self._buffers.restore_unless(torch.isfinite(loss.detach()))

    def _accepts_now(self, fine: Tensor, index: Tensor, at: Position) -> bool:
        if not self._collectives.highest(int(not fine)):
            return True
        assert self._buffers is not None
        self._buffers.restore_unless(torch.zeros_like(fine))
        clips = self._collectives.share([] if fine else self._names(index))
        _LOGGER.warning(
            'epoch %d, iteration %d: the loss is not finite; batch left out (%s)',
            at.epoch + 1,
            at.inner + 1,
            some(sum(clips, []), _MOST_NAMES),
        )
        return False

    def settle(self, at: Position) -> None:
        """Check the losses that were not checked yet.

        Args:
            at: where training stands.

        Raises:
            UserError: on every rank, if a loss of any rank was not finite; in float16 only if the
                gradients overflow at every scale, otherwise there is a warning.
        """
        unchecked, self._unchecked = self._unchecked, []
        bad = [(number, self._names(index)) for number, index, fine in unchecked if not fine]
        if self._collectives.highest(len(bad)):
            shared = self._collectives.share(bad)
            by_number: dict[int, list[str]] = {}
            for number, clips in sorted(sum(shared, []), key=lambda batch: batch[0]):
                by_number.setdefault(number, []).extend(clips)
            for number, clips in by_number.items():
                self._report(number, clips, at)
        if self._scaler.is_enabled() and self._scaler.get_scale() < LOWEST_SCALE:
            self._stop_at_overflow(at)

    def _report(self, number: int, clips: Sequence[str], at: Position) -> None:
        """Warn of a bad batch in float16. Otherwise stop: after it, weights and losses are NaN."""
        if self._scaler.is_enabled():
            self._skipped.update(dict.fromkeys(clips))
            _LOGGER.warning(
                'epoch %d, iteration %d: the loss is not finite; float16 leaves the batch out (%s)',
                at.epoch + 1,
                number,
                some(clips, _MOST_NAMES),
            )
            return
        raise UserError(
            f'epoch {at.epoch + 1}, iteration {number}: the loss is not finite (NaN or infinite). '
            f'The clips of that batch: {some(clips, _MOST_NAMES)}. '
            f'{self._folder.describe_newest()} Try a lower learning rate, '
            'optimizer_config.grad_clip, tools/check_data.py on the annotations, or --on-nan skip.'
        )

    def _stop_at_overflow(self, at: Position) -> None:
        culprits = ''
        if self._skipped:
            clips = some(self._skipped, 16)
            culprits = f' The loss itself was not finite in batches of these clips: {clips}.'
        raise UserError(
            f'epoch {at.epoch + 1}, near iteration {at.inner + 1}: the gradients overflow in '
            f'float16 at every scale, so nothing is learnt any more.{culprits} '
            f'{self._folder.describe_newest()} Try --amp bf16 or float32, a lower learning rate, '
            'or tools/check_data.py on the annotations.'
        )

    def _names(self, index: Tensor) -> list[str]:
        return [self._clip_ids[i] for i in index.tolist()]


class Buffers:
    """A model's buffers (BatchNorm's running statistics), remembered before a batch.

    One infinite value in a batch would stay in a running mean for good.
    """

    def __init__(self, model: nn.Module):
        kinds: dict[tuple, list[Tensor]] = {}
        for buffer in model.buffers():
            kinds.setdefault((buffer.dtype, buffer.device), []).append(buffer)
        self._kinds = list(kinds.values())
        self.remember()

    def remember(self) -> None:
        """Copy the buffers as they are now."""
        self._before = [_concatenated(buffers) for buffers in self._kinds]

    def restore_unless(self, fine: Tensor) -> None:
        """Put the remembered values back unless `fine`, a bool on the device, is true.

        It is not read on the host, so this costs no synchronisation.
        """
        for buffers, before in zip(self._kinds, self._before):
            kept = torch.where(fine, _concatenated(buffers), before)
            parts = kept.split([buffer.numel() for buffer in buffers])
            torch._foreach_copy_(
                buffers, [part.view_as(buffer) for part, buffer in zip(parts, buffers)]
            )


def _concatenated(buffers: list[Tensor]) -> Tensor:
    """Return all numbers in one tensor: a few kernels for the 129 buffers of PoseC3D, not 129."""
    return torch.cat([buffer.flatten() for buffer in buffers])


def first_broken(model: nn.Module) -> str | None:
    """Return the name of the first weight or buffer with NaN or infinity; None without one."""
    for name, value in model.state_dict().items():
        if value.is_floating_point() and not torch.isfinite(value).all():
            return name
    return None
