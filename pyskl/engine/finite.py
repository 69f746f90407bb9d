"""Numbers that go wrong: what a batch whose loss is not finite must not leave behind, and how far float16 may sink."""

from __future__ import annotations

import torch

LOWEST_SCALE = (
    2.0**-4
)  # the scaler starts at 65536 and halves at every overflow; far below 1 nothing is learnt any more


class Buffers:
    """A model's buffers (BatchNorm's running statistics), remembered before a batch and taken back after a bad one.

    One infinite value in a batch would stay in a running mean for good.
    """

    def __init__(self, model: torch.nn.Module):
        kinds: dict[tuple, list[torch.Tensor]] = {}
        for buffer in model.buffers():
            kinds.setdefault((buffer.dtype, buffer.device), []).append(buffer)
        self._kinds = list(kinds.values())
        self.remember()

    def remember(self) -> None:
        self._before = [_in_a_row(buffers) for buffers in self._kinds]

    def take_back_unless(self, fine: torch.Tensor) -> None:
        """fine: a truth value on the device, which is not waited for."""
        for buffers, before in zip(self._kinds, self._before):
            kept = torch.where(fine, _in_a_row(buffers), before).split(
                [buffer.numel() for buffer in buffers]
            )
            torch._foreach_copy_(
                buffers, [part.view_as(buffer) for part, buffer in zip(kept, buffers)]
            )


def _in_a_row(buffers: list[torch.Tensor]) -> torch.Tensor:
    """All numbers of some buffers, in one tensor: a few kernels on a GPU for the 129 buffers of the published network, not 129."""
    return torch.cat([buffer.flatten() for buffer in buffers])


def first_broken(model: torch.nn.Module) -> str | None:
    """The first weight or buffer that holds NaN or infinity, by name; None when all are finite."""
    for name, value in model.state_dict().items():
        if value.is_floating_point() and not torch.isfinite(value).all():
            return name
    return None
