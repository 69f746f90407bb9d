"""What networks of a stem and stages of blocks share: which of them are trained."""

from __future__ import annotations

from abc import ABC
from typing import TypeVar

from torch import nn

from ..layers.stages import freeze, freeze_statistics
from .base import Backbone

Self = TypeVar('Self', bound='StagedBackbone')


class StagedBackbone(Backbone, ABC):
    """A stem, then stages layer1, layer2 ...

    Attributes:
        num_stages: how many stages there are.
        frozen_stages: -1: none; 0: the stem; n: the stem and the first n stages keep their weights
            and BatchNorm statistics.
        norm_eval: whether every BatchNorm keeps its running statistics in training.
    """

    num_stages: int
    frozen_stages: int
    norm_eval: bool

    @property
    def stages(self) -> list[nn.Sequential]:
        """The stages in order: layer1, layer2 ..."""
        return [getattr(self, f'layer{i + 1}') for i in range(self.num_stages)]

    @property
    def stem_layers(self) -> list[nn.Module]:
        """The stem's layers that have weights."""
        return [self.conv1]

    def _freeze(self) -> None:
        if self.frozen_stages >= 0:
            freeze([*self.stem_layers, *self.stages[: self.frozen_stages]])

    def train(self: Self, mode: bool = True) -> Self:
        """As nn.Module's; what is frozen, and with norm_eval every BatchNorm, stays in testing."""
        super().train(mode)
        self._freeze()
        if mode and self.norm_eval:
            freeze_statistics(self)
        return self
