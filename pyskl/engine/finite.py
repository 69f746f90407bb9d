"""Numbers that go wrong: what a batch whose loss is not finite must not leave behind, and how far float16 may sink."""
from __future__ import annotations

import torch

LOWEST_SCALE = 2.0 ** -4        # the scaler starts at 65536 and halves at every overflow; far below 1 nothing is learnt any more


class Buffers:
    """A model's buffers (BatchNorm's running statistics), remembered before a batch and taken back after a bad one.

    One infinite value in a batch would stay in a running mean for good.
    """

    def __init__(self, model: torch.nn.Module):
        self._buffers = list(model.buffers())
        self._before = [buffer.clone() for buffer in self._buffers]

    def remember(self) -> None:
        for before, buffer in zip(self._before, self._buffers):
            before.copy_(buffer)

    def take_back_unless(self, fine: torch.Tensor) -> None:
        """fine: a truth value on the device, which is not waited for."""
        for before, buffer in zip(self._before, self._buffers):
            buffer.copy_(torch.where(fine, buffer, before))


def first_broken(model: torch.nn.Module) -> str | None:
    """The first weight or buffer that holds NaN or infinity, by name; None when all are finite."""
    for name, value in model.state_dict().items():
        if value.is_floating_point() and not torch.isfinite(value).all():
            return name
    return None
