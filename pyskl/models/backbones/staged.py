"""Networks made of a stem and stages, and which of these parts are trained."""

from __future__ import annotations

from abc import ABC
from typing import TypeVar

from mmcv.cnn import ConvModule
from torch import nn

from ..layers.stages import freeze, freeze_statistics
from .base import Backbone

Self = TypeVar('Self', bound='StagedBackbone')


class StagedBackbone(Backbone, ABC):
    """A network of a stem, then stages layer1, layer2 ...

    Attributes:
        conv1: the stem, unless `stem_layers` says otherwise.
        num_stages: the number of stages.
        frozen_stages: -1: none; 0: the stem; n: the stem and the first n stages keep their weights
            and BatchNorm statistics.
        norm_eval: whether every BatchNorm keeps its running statistics in training.
    """

    in_channels: int
    num_features: int
    conv1: ConvModule
    num_stages: int
    frozen_stages: int
    norm_eval: bool

    @property
    def stages(self) -> list[nn.Sequential]:
        """The stages in order: layer1, layer2 ..."""
        return [getattr(self, f'layer{i + 1}') for i in range(self.num_stages)]

    @property
    def stem_layers(self) -> list[nn.Module]:
        """The layers of the stem that have weights."""
        return [self.conv1]

    def _freeze(self) -> None:
        if self.frozen_stages >= 0:
            freeze([*self.stem_layers, *self.stages[: self.frozen_stages]])

    def train(self: Self, mode: bool = True) -> Self:
        """Set the mode as nn.Module does, but keep frozen parts and statistics in testing mode."""
        super().train(mode)
        self._freeze()
        if mode and self.norm_eval:
            freeze_statistics(self)
        return self
