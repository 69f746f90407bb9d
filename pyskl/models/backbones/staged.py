"""Networks made of a stem and stages, and which of these parts are trained."""

from __future__ import annotations

from abc import ABC
from typing import Any, TypeVar

from mmcv.cnn import ConvModule
from torch import Tensor, nn

from ..layers.recompute import recomputed
from ..layers.stages import freeze, freeze_statistics
from .base import Backbone, average_last

Self = TypeVar('Self', bound='StagedBackbone')


class StagedBackbone(Backbone, ABC):
    """A network of a stem, then stages layer1, layer2 ...

    Attributes:
        conv1: the stem, unless `stem_layers` says otherwise.
        num_stages: the number of stages.
        frozen_stages: -1: none; 0: the stem; n: the stem and the first n stages keep their weights
            and BatchNorm statistics.
        norm_eval: whether every BatchNorm keeps its running statistics in training.
        with_cp: whether blocks are recomputed in the backward pass.
        out_indices: the stages, from 0, whose outputs are returned.
    """

    in_channels: int
    num_features: int
    conv1: ConvModule
    maxpool: nn.Module
    num_stages: int
    frozen_stages: int = -1
    norm_eval: bool
    with_cp: bool = False
    out_indices: tuple[int, ...]

    @property
    def stages(self) -> list[nn.Sequential]:
        """The stages in order: layer1, layer2 ..."""
        return [getattr(self, f'layer{i + 1}') for i in range(self.num_stages)]

    @property
    def stem_layers(self) -> list[nn.Module]:
        """The layers of the stem that have weights."""
        return [self.conv1]

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Compute the features of clips or pictures.

        Args:
            x: (N, C, ..., H, W).

        Returns:
            (N, D, ..., H', W') of the stage in out_indices; a tuple if there are several.
        """
        x = self.run_stem(x)
        outs = []
        for i in range(self.num_stages):
            x = self.run_stage(i, x)
            if i in self.out_indices:
                outs.append(x)
        return outs[0] if len(outs) == 1 else tuple(outs)

    def pool(self, features: Any) -> Tensor:
        """Average the last stage's features over all axes but samples and channels."""
        return average_last(features)

    def run_stem(self, x: Tensor) -> Tensor:
        """Map (N, C, ..., H, W) to (N, C', ..., H', W')."""
        return self.maxpool(self.conv1(x))

    def run_stage(self, i: int, x: Tensor) -> Tensor:
        """Apply stage i, counted from 0; `with_cp` recomputes its blocks in the backward pass."""
        stage = self.stages[i]
        return recomputed(stage, x) if self.with_cp else stage(x)

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
