"""The contract of a backbone, whatever it takes: heatmaps, key points or pictures."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor, nn


class Backbone(nn.Module, ABC):
    """A network from an input to features, before any head.

    Attributes:
        in_channels: C of the input; a tuple where there are several inputs.
        num_features: D of the pooled features, `in_channels` of the head; a tuple where `pool`
            returns several by name.
    """

    in_channels: int | tuple[int, ...]
    num_features: int | tuple[int, ...]

    @abstractmethod
    def forward(self, *inputs: Any, **named_inputs: Any) -> Any:
        """Compute features: a tensor or a tuple of tensors, whose shape each network defines."""

    @abstractmethod
    def pool(self, features: Any) -> Tensor | dict[str, Tensor]:
        """Average the output of `forward` over all axes but samples and channels.

        Args:
            features: the output of `forward`.

        Returns:
            (N, D) pooled features, D = num_features; a dict by name where a network gives several.
        """

    def check_input(self, shape: tuple[int, ...]) -> None:  # noqa: B027 (optional)
        """Check before training whether one view fits the network; by default any does.

        Args:
            shape: of a view without the axis of samples, e.g. (M, T, V, C) of key points.

        Raises:
            ConfigError: the view does not fit.
        """

    @property
    def out_channels(self) -> int | tuple[int, ...]:
        """`num_features` under PYSKL's name."""
        return self.num_features
