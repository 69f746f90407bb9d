"""A running average of the weights, which is often better than the last weights.

Source: Mean teacher, arXiv:1703.01780, section 2.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch

from ..recipe.settings import Ema


class AveragedWeights:
    """The average of a model's weights and BatchNorm statistics over the iterations.

    Integer counters are copied, not averaged. The model itself is not changed. Nothing here
    synchronises with the device or draws random numbers.
    """

    def __init__(self, model: torch.nn.Module, settings: Ema):
        self.settings, self.updates = settings, 0
        self._live = model.state_dict()  # shares its memory with the model
        self._average = {name: value.clone() for name, value in self._live.items()}
        self._smooth = [name for name, value in self._live.items() if value.is_floating_point()]

    @torch.no_grad()
    def update(self) -> None:
        """Average with the current weights: average = decay * average + (1 - decay) * weights."""
        self.updates += 1
        decay = self.settings.decay
        if self.settings.warmup:
            decay = min(decay, (1 + self.updates) / (10 + self.updates))
        torch._foreach_lerp_(
            [self._average[name] for name in self._smooth],
            [self._live[name] for name in self._smooth],
            1 - decay,
        )
        for name in self._live.keys() - set(self._smooth):
            self._average[name].copy_(self._live[name])

    def state_dict(self) -> dict[str, torch.Tensor]:
        """Return the average, in the form of the model's state dict."""
        return dict(self._average)

    def restore(self, updates: int) -> None:
        """Go on from an average that was loaded into the model, after that many updates."""
        self.updates = updates
        _copy(self._live, self._average)

    @contextlib.contextmanager
    def in_the_model(self) -> Iterator[None]:
        """Put the average into the model; afterwards its own weights are back, bit by bit."""
        weights = {name: value.clone() for name, value in self._live.items()}
        _copy(self._average, self._live)
        try:
            yield
        finally:
            _copy(weights, self._live)


@torch.no_grad()
def _copy(source: dict[str, torch.Tensor], target: dict[str, torch.Tensor]) -> None:
    for name, value in source.items():
        target[name].copy_(value)
