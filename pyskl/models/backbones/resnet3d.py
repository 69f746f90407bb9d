"""3-D ResNets over clips of heatmaps or pictures.

Source: PoseConv3D, arXiv:2104.13586, section 3.3; SlowOnly is the slow path of SlowFast,
arXiv:1812.03982.

Settings and state-dict keys are PYSKL's.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Literal

from torch import nn

from ...registry import BACKBONES
from ..layers.conv_layers import BATCH_NORM3D, CONV3D, RELU, ConvLayers
from ..layers.initial import init_like_he
from ..layers.residual import (
    BOTTLENECKS_FROM,
    STAGE_BLOCKS,
    BasicBlock3d,
    Bottleneck3d,
    Depth,
    InflateStyle,
    ResidualBlock,
    Triple,
)
from ..layers.stages import check_positive, check_stages, per_stage
from .staged import StagedBackbone


@BACKBONES.register_module()
class ResNet3d(StagedBackbone):
    """A stem, then `num_stages` stages of residual blocks.

    Args:
        depth: 18 and 34 have basic blocks; 50, 101 and 152 bottlenecks.
        pretrained: a checkpoint file to start from, of a 3-D backbone or of a 2-D ResNet, whose
            kernels are then repeated over time (see load_backbone); None starts at random.
        stage_blocks: blocks per stage; None: as the depth says.
        in_channels: C of the input: joints, limbs or colours.
        base_channels: channels after the stem; stage i has inner width base_channels * 2**i.
        num_stages: the number of stages.
        out_indices: the stages, from 0, whose outputs are returned.
        spatial_strides, temporal_strides: of each stage's first block.
        conv1_kernel: (frames, y, x).
        conv1_stride, pool1_stride: (frames, pixels).
        advanced: average the shortcut over its stride instead of sampling it (ResNet-D,
            arXiv:1812.01187).
        frozen_stages: -1: none; 0: the stem; n: the stem and the first n stages keep their weights
            and BatchNorm statistics.
        inflate: per stage, or per block of a stage: whether it sees neighbouring frames.
        inflate_style: which convolution of a bottleneck is inflated.
        conv_cfg, norm_cfg, act_cfg: mmcv configs of the layers.
        norm_eval: keep BatchNorm's running statistics in training.
        with_cp: recompute the blocks in the backward pass: less memory, more time, same numbers.
        zero_init_residual: initialise every block so that it computes its shortcut.
        pretrained2d: whether `pretrained` may be a file of a 2-D network.

    Raises:
        ValueError: arguments contradict each other.
    """

    def __init__(
        self,
        depth: Depth = 50,
        pretrained: str | None = None,
        stage_blocks: Sequence[int] | None = None,
        in_channels: int = 3,
        base_channels: int = 64,
        num_stages: Literal[1, 2, 3, 4] = 4,
        out_indices: Sequence[int] = (3,),
        spatial_strides: Sequence[int] = (1, 2, 2, 2),
        temporal_strides: Sequence[int] = (1, 1, 1, 1),
        conv1_kernel: tuple[int, int, int] = (3, 7, 7),
        conv1_stride: tuple[int, int] = (1, 2),
        pool1_stride: tuple[int, int] = (1, 2),
        advanced: bool = False,
        frozen_stages: int = -1,
        inflate: int | Sequence[int | Sequence[int]] = (1, 1, 1, 1),
        inflate_style: InflateStyle = '3x1x1',
        conv_cfg: dict = CONV3D,
        norm_cfg: dict = BATCH_NORM3D,
        act_cfg: dict = RELU,
        norm_eval: bool = False,
        with_cp: bool = False,
        zero_init_residual: bool = True,
        pretrained2d: bool = True,
    ):
        super().__init__()

        # Check the arguments, and reduce them to one value per stage.
        self.stage_blocks = per_stage(
            'stage_blocks',
            stage_blocks or STAGE_BLOCKS[depth],
            num_stages,
            exact=stage_blocks is not None,
        )
        spatial_strides = per_stage('spatial_strides', spatial_strides, num_stages)
        temporal_strides = per_stage('temporal_strides', temporal_strides, num_stages)
        inflate = [inflate] * num_stages if isinstance(inflate, int) else inflate
        inflate = per_stage('inflate', inflate, num_stages)
        check_stages(num_stages, frozen_stages, out_indices)
        check_positive(
            in_channels=in_channels,
            base_channels=base_channels,
            stage_blocks=self.stage_blocks,
            spatial_strides=spatial_strides,
            temporal_strides=temporal_strides,
            conv1_kernel=conv1_kernel,
            conv1_stride=conv1_stride,
            pool1_stride=pool1_stride,
        )
        self.in_channels, self.num_stages = in_channels, num_stages
        self.out_indices = tuple(sorted(out_indices))
        self.frozen_stages, self.norm_eval, self.with_cp = frozen_stages, norm_eval, with_cp
        self.zero_init_residual, self.pretrained2d = zero_init_residual, pretrained2d

        # The stem.
        layers = ConvLayers(conv_cfg, norm_cfg, act_cfg)
        stride = _triple(*conv1_stride)
        self.conv1 = layers.conv(in_channels, base_channels, tuple(conv1_kernel), stride)
        self.maxpool = nn.MaxPool3d((1, 3, 3), _triple(*pool1_stride), (0, 1, 1))

        # The stages, layer1 to layer4.
        channels = base_channels
        block = Bottleneck3d if depth >= BOTTLENECKS_FROM else BasicBlock3d
        for i, num_blocks in enumerate(self.stage_blocks):
            planes = base_channels * 2**i
            out_channels = planes * block.expansion
            channels += self.joined_channels(i, channels)
            stride = _triple(temporal_strides[i], spatial_strides[i])
            downsample = _downsample(channels, out_channels, stride, advanced, layers)
            inflated = _per_block(inflate[i], num_blocks, f'inflate[{i}]')
            stage = nn.Sequential()
            for flag in inflated:
                stage.append(
                    block(channels, planes, stride, downsample, layers, flag, inflate_style)
                )
                channels, stride, downsample = out_channels, (1, 1, 1), None
            self.add_module(f'layer{i + 1}', stage)
            if i in self.out_indices:
                self.num_features = channels
        self.init_weights(pretrained)
        self._freeze()

    def init_weights(self, pretrained: str | os.PathLike | None = None) -> None:
        """Initialise at random, see init_like_he; then load a checkpoint, if one is given."""
        init_like_he(self)
        if self.zero_init_residual:
            for module in self.modules():
                if isinstance(module, ResidualBlock):
                    nn.init.zeros_(module.last_norm.weight)
        self.load_pretrained(pretrained, inflate=self.pretrained2d)

    def joined_channels(self, stage: int, channels: int) -> int:
        """Return how many channels of another network are appended to the input of a stage: none.

        Called while the stages are built.

        Args:
            stage: counted from 0.
            channels: C of the output of the stem or of the stage before.
        """
        return 0


@BACKBONES.register_module()
class ResNet3dSlowOnly(ResNet3d):
    """SlowOnly: the stem and the first two stages see each frame alone. Arguments as ResNet3d's.

    Published for micro-gestures: base_channels=32, 3 stages of (4, 6, 3) blocks, which map
    (B, 22, 48, 56, 56) to (B, 512, 24, 7, 7).
    """

    def __init__(
        self,
        conv1_kernel: tuple[int, int, int] = (1, 7, 7),
        inflate: int | Sequence[int | Sequence[int]] = (0, 0, 1, 1),
        **kwargs,
    ):
        super().__init__(conv1_kernel=conv1_kernel, inflate=inflate, **kwargs)


def _downsample(
    in_channels: int, out_channels: int, stride: Triple, advanced: bool, layers: ConvLayers
) -> nn.Module | None:
    """Build the layer on the shortcut of a stage's first block; None where the identity fits."""
    if stride == (1, 1, 1) and in_channels == out_channels:
        return None
    if not advanced:
        return layers.conv(in_channels, out_channels, (1, 1, 1), stride, activate=False)
    conv = layers.conv(in_channels, out_channels, (1, 1, 1), activate=False)
    pool = nn.AvgPool3d(stride, stride, ceil_mode=True, count_include_pad=False)
    return nn.Sequential(conv, pool)


def _triple(frames: int, pixels: int) -> Triple:
    return frames, pixels, pixels


def _per_block(flags: int | Sequence[int], num_blocks: int, name: str) -> list[bool]:
    if isinstance(flags, int):
        return [bool(flags)] * num_blocks
    if len(flags) != num_blocks:
        raise ValueError(
            f'{name} = {tuple(flags)} has {len(flags)} entries; the stage has {num_blocks} blocks.'
        )
    return [bool(flag) for flag in flags]
