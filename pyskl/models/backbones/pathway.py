"""A 3-D ResNet that takes in features of another one beside it, through lateral connections.

Source: SlowFast, arXiv:1812.03982, section 3.3; in both directions: PoseConv3D, arXiv:2104.13586,
section 3.4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from mmcv.cnn import ConvModule
from torch import Tensor, nn

from ...errors import ConfigError
from ...signature import check_call
from ..pretrained import load_backbone
from .resnet3d import ResNet3d


@dataclass(frozen=True)
class Lateral:
    """The lateral connections of a pathway, from the other pathway into this one.

    Attributes:
        places: after which layers there is one: 0 the stem, i the stage layer<i>.
        inverse: whether the other pathway is the slower and wider one.
        inflation: how many times as many channels come out as go in (inverse: a share of them).
        kernel: frames that the convolution sees.
        speed_ratio: frames of the faster pathway for one of the slower.
        channel_ratio: channels of the slower pathway for one of the faster.
    """

    places: tuple[int, ...]
    inverse: bool
    inflation: int
    kernel: int
    speed_ratio: int
    channel_ratio: int

    def sizes(self, own_channels: int) -> tuple[int, int]:
        """Return channels in and out of the connection where the pathway has `own_channels`."""
        if self.inverse:
            channels = own_channels * self.channel_ratio
            return channels, channels // self.inflation
        channels = own_channels // self.channel_ratio
        return channels, channels * self.inflation

    def build(self, own_channels: int) -> nn.Module:
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
    """From a slow pathway into a fast one: every frame becomes `speed_ratio` frames.

    Args:
        in_channels: C of the slow pathway.
        out_channels: D.
        kernel: frames, an odd number.
        speed_ratio: frames out for one frame in.
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
    """A ResNet3d with lateral connections from another one.

    What comes in from there is appended to this pathway's channels. It runs stage by stage: see
    `stem`, `run_stage` and `join`. Laterals that feed a frozen stage are frozen too.

    Args:
        speed_ratio, channel_ratio: of the two pathways, see Lateral; the network gives them.
        pretrained: a checkpoint file to start from: of a pathway, or of a network of its own.
            Where that takes fewer channels, as it has no laterals, the weights of the channels that
            are appended here start at 0, and the laterals at random.
        in_channels: C of the input: 3 of pictures, or joints or limbs.
        num_stages, out_indices: as ResNet3d's; the last stage's output is the only one.
        lateral: whether there are lateral connections into this pathway.
        lateral_inv: whether they come from the slower and wider pathway.
        lateral_infl: times as many channels come out of a connection as go in; with lateral_inv,
            one for so many that go in.
        lateral_activate: whether there is one after the stem, layer1, layer2 ...
        fusion_kernel: frames that a connection sees, an odd number.
        **kwargs: as ResNet3d's.

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
                f'out_indices = {tuple(out_indices)}: a pathway gives its last stage, '
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
                'number of frames, and a whole number from 1 on.'
            )
        places = tuple(i for i in range(num_stages) if lateral and lateral_activate[i])
        # Read while the stages are built, so before them.
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
        return self.stages[place - 1][-1].last_norm.num_features

    def joined_channels(self, stage: int, channels: int) -> int:
        return self.lateral.sizes(channels)[1] if stage in self.lateral.places else 0

    def init_weights(self, pretrained: str | None = None) -> None:
        """Start at random, as ResNet3d does, then from a checkpoint, where one is given.

        Raises:
            CheckpointError: the file can't be read or does not fit.
        """
        super().init_weights()
        for module in self.modules():
            if isinstance(module, nn.ConvTranspose3d):
                module.reset_parameters()
        if pretrained is not None:
            places = self.lateral.places
            load_backbone(
                self,
                pretrained,
                inflate=self.pretrained2d,
                pad_inputs=tuple(f'layer{place + 1}.0.' for place in places),
                at_random=tuple(f'{lateral_name(place)}.' for place in places),
            )

    def _freeze(self) -> None:
        super()._freeze()
        for place in self.lateral.places:
            connection = getattr(self, lateral_name(place), None)  # built after the stages
            if place < self.frozen_stages and connection is not None:
                connection.eval()
                connection.requires_grad_(False)

    def from_other(self, place: int, other: Tensor) -> Tensor | None:
        """Compute what comes in after the stem (0) or layer<place>.

        Args:
            place: see Lateral.places.
            other: (B, C', T', H, W) features of the other pathway.

        Returns:
            (B, D, T, H, W), or None where there is no lateral connection.
        """
        if place not in self.lateral.places:
            return None
        return getattr(self, lateral_name(place))(other)

    def check_widths(self, other: Pathway, place: int, others_place: int) -> None:
        """Raise ValueError unless the lateral takes the channels that `other` has there."""
        if place not in self.lateral.places:
            return
        taken = self.lateral.sizes(self.channels_after(place))[0]
        given = other.channels_after(others_place)
        if taken != given:
            raise ValueError(
                f'{lateral_name(place)} takes {taken} channels, but the other pathway has {given} '
                'there. Its base_channels (and depth) and channel_ratio do not go together.'
            )


class PathwaySettings:
    """Checks the settings of a pathway before it is built, as a registry does those of a part."""

    @staticmethod
    def check(cfg: Mapping[str, Any], where: str) -> type[Pathway]:
        """Return the class that takes them; raise ConfigError for unknown and mis-typed ones."""
        if not isinstance(cfg, Mapping):
            raise ConfigError(f'{where} = {cfg!r}: expected a dict of settings.')
        both = [name for name in Pathway.given_by_us if name in cfg]
        if both:
            raise ConfigError(
                f'{where}.{both[0]}: belongs to the network. Set it beside the pathways.'
            )
        check_call(Pathway, cfg, where, given_by_us=Pathway.given_by_us)
        return Pathway


def lateral_name(place: int) -> str:
    """Return the name of the lateral connection after the stem (0) or layer<place>."""
    return f'layer{place}_lateral' if place else 'conv1_lateral'


def join(own: Tensor, incoming: Tensor | None) -> Tensor:
    """Append the channels that come in from the other pathway.

    Args:
        own: (B, C, T, H, W).
        incoming: (B, D, T, H, W), or None.

    Returns:
        (B, C + D, T, H, W).

    Raises:
        ConfigError: frames or pixels of the two differ.
    """
    if incoming is None:
        return own
    if incoming.shape[2:] != own.shape[2:]:
        raise ConfigError(
            'model.backbone: two pathways do not meet: one has (frames, height, width) '
            f'{tuple(own.shape[2:])} where {tuple(incoming.shape[2:])} come in from the other. '
            'Their strides, speed_ratio, and the sizes of the clips that the pipeline gives must '
            'go together.'
        )
    return torch.cat([own, incoming], 1)
