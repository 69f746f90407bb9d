"""What every backbone offers, whatever it takes: clips of heatmaps, key points or frames."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor, nn


class Backbone(nn.Module, ABC):
    """A network from an input to features, before any head.

    Attributes:
        in_channels: C of the input; of several inputs a tuple.
        num_features: D of the pooled features, a head's `in_channels`; a tuple where `pool` gives
            several by name.
    """

    in_channels: int | tuple[int, ...]
    num_features: int | tuple[int, ...]

    @abstractmethod
    def forward(self, *inputs: Tensor) -> Any:
        """Compute features: a tensor, or a tuple of them. Each network knows their shape."""

    @abstractmethod
    def pool(self, features: Any) -> Tensor | dict[str, Tensor]:
        """Average what `forward` returns over all axes but samples and channels.

        Args:
            features: the output of `forward`.

        Returns:
            (N, D) pooled features, D = num_features; by name where a network answers several times.
        """

    def check_input(self, shape: tuple[int, ...]) -> None:  # noqa: B027 (anything fits by default)
        """Raise ConfigError unless one view of this shape fits the network, asked before training.

        Args:
            shape: of a view, without the axis of samples: (M, T, V, C) of key points.
        """

    @property
    def out_channels(self) -> int | tuple[int, ...]:
        """PYSKL's name of `num_features`."""
        return self.num_features
