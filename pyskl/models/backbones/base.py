"""What every backbone offers, whatever it takes: clips of heatmaps, key points or frames."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor, nn


class Backbone(nn.Module, ABC):
    """A network from an input to features, before any head.

    Attributes:
        in_channels: C of the input.
        num_features: D of the pooled features; a head's `in_channels`.
    """

    in_channels: int
    num_features: int

    @abstractmethod
    def forward(self, *inputs: Tensor) -> Any:
        """Compute features: a tensor, or a tuple of them. Each network knows their shape."""

    @abstractmethod
    def pool(self, features: Any) -> Tensor:
        """Average what `forward` returns over all axes but samples and channels.

        Args:
            features: the output of `forward`.

        Returns:
            (N, D) pooled features, D = num_features.
        """

    def check_input(self, shape: tuple[int, ...]) -> None:  # noqa: B027 (anything fits by default)
        """Raise ConfigError unless one view of this shape fits the network, asked before training.

        Args:
            shape: of a view, without the axis of samples: (M, T, V, C) of key points.
        """

    @property
    def out_channels(self) -> int:
        """PYSKL's name of `num_features`."""
        return self.num_features
