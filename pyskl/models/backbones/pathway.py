"""A 3-D ResNet that receives features of another one through lateral connections.

Source: SlowFast, arXiv:1812.03982, section 3.3; in both directions: PoseConv3D, arXiv:2104.13586,
section 3.4.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from mmcv.cnn import ConvModule
from torch import Tensor, nn

from ...errors import ConfigError
from ...signature import check_call
from ..layers.stages import freeze
from .resnet3d import ResNet3d


@dataclass(frozen=True)
class Lateral:
    """Settings of the lateral connections from the other pathway into this one.

    Attributes:
        places: the layers that are followed by one: 0 is the stem, i the stage layer<i>.
        inverse: whether the other pathway is the slower and wider one.
        inflation: ratio of output to input channels; with `inverse`, of input to output channels.
        kernel: frames that the convolution sees.
        speed_ratio: frames of the faster pathway per frame of the slower.
        channel_ratio: channels of the slower pathway per channel of the faster.
    """

    places: tuple[int, ...]
    inverse: bool
    inflation: int
    kernel: int
    speed_ratio: int
    channel_ratio: int

    def sizes(self, own_channels: int) -> tuple[int, int]:
        """Return the input and output channels of a connection into `own_channels` channels."""
        if self.inverse:
            channels = own_channels * self.channel_ratio
            return channels, channels // self.inflation
        channels = own_channels // self.channel_ratio
        return channels, channels * self.inflation

    def build(self, own_channels: int) -> nn.Module:
        """Build a connection into a layer with `own_channels` channels."""
        channels, out_channels = self.sizes(own_channels)
        if self.inverse:
            return InverseLateral(channels, out_channels, self.kernel, self.speed_ratio)
        return ConvModule(
            channels,
            out_channels,
            (self.kernel, 1, 1),
            (self.speed_ratio, 1, 1),
            (self.kernel // 2, 0, 0),
            bias=False,
            conv_cfg={'type': 'Conv3d'},
            act_cfg=None,
        )


class InverseLateral(nn.Module):
    """A lateral connection from a slow pathway into a fast one.

    Args:
        in_channels: C of the slow pathway.
        out_channels: D.
        kernel: frames, an odd number.
        speed_ratio: output frames per input frame.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel: int, speed_ratio: int):
        super().__init__()
        self.conv = nn.ConvTranspose3d(
            in_channels,
            out_channels,
            (kernel, 1, 1),
            (speed_ratio, 1, 1),
            (kernel // 2, 0, 0),
            output_padding=(speed_ratio - 1, 0, 0),
            bias=False,
        )
        self.bn = nn.BatchNorm3d(out_channels)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, T, H, W) to (B, D, speed_ratio * T, H, W)."""
        return self.relu(self.bn(self.conv(x)))


class Pathway(ResNet3d):
    """A ResNet3d with lateral connections from another one, whose features it appends to its own.

    The network that owns the pathways runs them stage by stage: see `stem`, `run_stage` and `join`.
    Laterals that feed a frozen stage are frozen too.

    Args:
        speed_ratio, channel_ratio: of the two pathways, see Lateral; set by the network.
        pretrained: a checkpoint file to start from, of a pathway or of a network without laterals.
            From the latter, weights of the appended channels start at 0 and laterals at random.
        in_channels: C of the input: 3 for pictures, else the number of joints or limbs.
        num_stages, out_indices: as in ResNet3d; only the last stage is an output.
        lateral: whether there are lateral connections into this pathway.
        lateral_inv: whether they come from the slower and wider pathway.
        lateral_infl: ratio of a connection's output to its input channels; with lateral_inv, of its
            input to its output channels.
        lateral_activate: whether there is one after the stem, layer1, layer2 ...
        fusion_kernel: frames that a connection sees, an odd number.
        **kwargs: as in ResNet3d.

    Raises:
        ValueError: arguments contradict each other.
    """

    given_by_us = ('speed_ratio', 'channel_ratio')

    def __init__(
        self,
        speed_ratio: int,
        channel_ratio: int,
        pretrained: str | None = None,
        num_stages: Literal[1, 2, 3, 4] = 4,
        out_indices: Sequence[int] | None = None,
        lateral: bool = False,
        lateral_inv: bool = False,
        lateral_infl: int = 2,
        lateral_activate: Sequence[int] = (1, 1, 1, 1),
        fusion_kernel: int = 7,
        **kwargs: Any,
    ):
        if out_indices is not None and tuple(out_indices) != (num_stages - 1,):
            raise ValueError(
                f'out_indices = {tuple(out_indices)}: the output of a pathway is its last stage, '
                f'({num_stages - 1},). Leave it out.'
            )
        if lateral and len(lateral_activate) < num_stages:
            raise ValueError(
                f'lateral_activate = {tuple(lateral_activate)} has {len(lateral_activate)} '
                f'entries; the stem and {num_stages - 1} stages need one each.'
            )
        if fusion_kernel % 2 == 0 or lateral_infl < 1:
            raise ValueError(
                f'fusion_kernel = {fusion_kernel}, lateral_infl = {lateral_infl}: expected an odd '
                'number of frames, and a whole number of at least 1.'
            )
        places = tuple(i for i in range(num_stages) if lateral and lateral_activate[i])
        # ResNet3d reads it, in `joined_channels`, while it builds the stages.
        self.lateral = Lateral(
            places, lateral_inv, lateral_infl, fusion_kernel, speed_ratio, channel_ratio
        )
        super().__init__(num_stages=num_stages, out_indices=(num_stages - 1,), **kwargs)
        for place in places:
            own_channels = self.channels_after(place)
            self.add_module(lateral_name(place), self.lateral.build(own_channels))
        self.init_weights(pretrained)
        self._freeze()

    def channels_after(self, place: int) -> int:
        """Return this pathway's own channels after the stem (0) or layer<place>."""
        if place == 0:
            return self.conv1.out_channels
        last_block: Any = self.stages[place - 1][-1]
        return last_block.last_norm.num_features

    def joined_channels(self, stage: int, channels: int) -> int:
        """Return how many channels the lateral connection appends to the input of a stage."""
        return self.lateral.sizes(channels)[1] if stage in self.lateral.places else 0

    def init_weights(self, pretrained: str | os.PathLike | None = None) -> None:
        """Initialise as ResNet3d does, with torch's own values for laterals."""
        super().init_weights()
        for module in self.modules():
            if isinstance(module, nn.ConvTranspose3d):
                module.reset_parameters()
        self.load_pretrained(
            pretrained,
            inflate=self.pretrained2d,
            pad_inputs=tuple(f'layer{place + 1}.0.' for place in self.lateral.places),
            at_random=tuple(f'{lateral_name(place)}.' for place in self.lateral.places),
        )

    def _freeze(self) -> None:
        super()._freeze()
        for place in self.lateral.places:
            connection = getattr(self, lateral_name(place), None)  # built after the stages
            if place < self.frozen_stages and connection is not None:
                freeze([connection])

    def from_other(self, place: int, other: Tensor) -> Tensor | None:
        """Apply the lateral connection after the stem (0) or layer<place>.

        Args:
            place: see Lateral.places.
            other: (B, C', T', H, W) features of the other pathway.

        Returns:
            (B, D, T, H, W), or None where there is no connection.
        """
        if place not in self.lateral.places:
            return None
        return getattr(self, lateral_name(place))(other)

    def check_widths(self, other: Pathway, place: int, others_place: int) -> None:
        """Check that a lateral connection takes as many channels as the other pathway has.

        Args:
            other: the other pathway.
            place: of the connection, see Lateral.places.
            others_place: the layer of the other pathway that it starts from.

        Raises:
            ValueError: they differ.
        """
        if place not in self.lateral.places:
            return
        taken = self.lateral.sizes(self.channels_after(place))[0]
        given = other.channels_after(others_place)
        if taken != given:
            raise ValueError(
                f'{lateral_name(place)} takes {taken} channels, but the other pathway has {given} '
                'there. Make its base_channels, its depth and channel_ratio match.'
            )


class PathwaySettings:
    """Checks the settings of a pathway before it is built, as a registry does for a component."""

    @staticmethod
    def check(cfg: Mapping[str, Any], where: str) -> type[Pathway]:
        """Return the class that takes the settings.

        Args:
            cfg: settings of a pathway.
            where: the place in the config, for messages.

        Raises:
            ConfigError: settings that are unknown or of the wrong type.
        """
        if not isinstance(cfg, Mapping):
            raise ConfigError(f'{where} = {cfg!r}: expected a dict of settings.')
        for name in Pathway.given_by_us:
            if name in cfg:
                raise ConfigError(
                    f'{where}.{name} is a setting of the network. Set it beside the pathways.'
                )
        check_call(Pathway, cfg, where, given_by_us=Pathway.given_by_us)
        return Pathway


def lateral_name(place: int) -> str:
    """Return the name of the lateral connection after the stem (0) or layer<place>."""
    return f'layer{place}_lateral' if place else 'conv1_lateral'


def join(own: Tensor, incoming: Tensor | None) -> Tensor:
    """Append the output of a lateral connection to the features of a pathway.

    Args:
        own: (B, C, T, H, W) features.
        incoming: (B, D, T, H, W) output of the connection, or None.

    Returns:
        (B, C + D, T, H, W), or (B, C, T, H, W) without a connection.

    Raises:
        ConfigError: their numbers of frames or pixels differ.
    """
    if incoming is None:
        return own
    if incoming.shape[2:] != own.shape[2:]:
        raise ConfigError(
            'model.backbone: the pathways do not fit together: one has (frames, height, width) = '
            f'{tuple(own.shape[2:])} where the other gives {tuple(incoming.shape[2:])}. Make their '
            'strides, speed_ratio and the clip sizes of the pipeline match.'
        )
    return torch.cat([own, incoming], 1)
