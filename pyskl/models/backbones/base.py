"""The contract of a backbone, whatever it takes: heatmaps, key points or pictures."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor, nn

from ..pretrained import load_backbone


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
    def pool(self, features: Any) -> Any:
        """Average the output of `forward` over all axes but samples and channels.

        Args:
            features: the output of `forward`.

        Returns:
            (N, D) pooled features, D = num_features; a dict by name where a network gives several.
        """

    def init_weights(self, pretrained: str | os.PathLike | None = None) -> None:
        """Load a checkpoint, if one is given: by default weights are drawn when a network is built.

        Args:
            pretrained: path of the checkpoint, or None.
        """
        self.load_pretrained(pretrained)

    def load_pretrained(self, path: str | os.PathLike | None, **options: Any) -> None:
        """Load a checkpoint file, if one is given; the last statement of a subclass's __init__.

        Args:
            path: of the file, or None.
            **options: see load_backbone.

        Raises:
            CheckpointError: the file can't be read or does not fit.
        """
        if path is not None:
            load_backbone(self, path, **options)

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


def average_last(features: Any) -> Tensor:
    """Average features (N, D, ...), or the last of several, over all axes but N and D."""
    last = features[-1] if isinstance(features, (tuple, list)) else features
    return last.mean(tuple(range(2, last.ndim)))
