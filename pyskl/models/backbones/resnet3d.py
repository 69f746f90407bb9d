"""3-D ResNets over clips of heatmaps or pictures.

Source: PoseConv3D, arXiv:2104.13586, section 3.3; SlowOnly is the slow path of SlowFast,
arXiv:1812.03982.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Literal

from torch import Tensor, nn

from ...registry import BACKBONES
from ..layers.initial import init_like_he
from ..layers.recompute import recomputed
from ..layers.stages import check_positive, check_stages, per_stage
from ..pretrained import load_backbone
from .blocks3d import BATCH_NORM, CONV, RELU, BasicBlock3d, Bottleneck3d, InflateStyle, conv_bn
from .staged import StagedBackbone

Block = type[BasicBlock3d] | type[Bottleneck3d]
ARCHITECTURES: dict[int, tuple[Block, tuple[int, ...]]] = {
    18: (BasicBlock3d, (2, 2, 2, 2)),
    34: (BasicBlock3d, (3, 4, 6, 3)),
    50: (Bottleneck3d, (3, 4, 6, 3)),
    101: (Bottleneck3d, (3, 4, 23, 3)),
    152: (Bottleneck3d, (3, 8, 36, 3)),
}


@BACKBONES.register_module()
class ResNet3d(StagedBackbone):
    """A stem, then `num_stages` stages of residual blocks.

    Args:
        depth: 18 and 34 have basic blocks; 50, 101 and 152 bottlenecks.
        pretrained: a checkpoint file to start from, of a 3-D backbone or of a 2-D ResNet, whose
            kernels are then repeated over time (see load_backbone); None starts at random.
        stage_blocks: blocks per stage; None takes the depth's own.
        in_channels: C of the input: joints, limbs or colours.
        base_channels: channels after the stem; stage i has inner width base_channels * 2**i.
        num_stages: how many stages there are.
        out_indices: the stages, from 0, whose outputs are returned.
        spatial_strides, temporal_strides: of each stage's first block.
        conv1_kernel: (frames, y, x).
        conv1_stride, pool1_stride: (frames, pixels).
        advanced: average the shortcut over its stride in place of sampling it (ResNet-D,
            arXiv:1812.01187).
        frozen_stages: -1: none; 0: the stem; n: the stem and the first n stages keep their weights
            and BatchNorm statistics.
        inflate: per stage, or per block of a stage: whether it sees neighbouring frames.
        inflate_style: which convolution of a bottleneck is inflated.
        conv_cfg, norm_cfg, act_cfg: mmcv configs of the layers.
        norm_eval: keep BatchNorm's running statistics in training.
        with_cp: recompute the blocks in the backward pass: less memory, more time, same numbers.
        zero_init_residual: start every block as its shortcut.
        pretrained2d: whether `pretrained` may be of a 2-D network; False refuses such a file.

    Raises:
        ValueError: arguments contradict each other.
    """

    def __init__(
        self,
        depth: Literal[18, 34, 50, 101, 152] = 50,
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
        conv_cfg: dict = CONV,
        norm_cfg: dict = BATCH_NORM,
        act_cfg: dict = RELU,
        norm_eval: bool = False,
        with_cp: bool = False,
        zero_init_residual: bool = True,
        pretrained2d: bool = True,
    ):
        super().__init__()
        block, blocks = ARCHITECTURES[depth]

        # One entry per stage, and nothing that contradicts anything else.
        self.stage_blocks = per_stage(
            'stage_blocks', stage_blocks or blocks, num_stages, exact=stage_blocks is not None
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
        layers = {'conv_cfg': conv_cfg, 'norm_cfg': norm_cfg, 'act_cfg': act_cfg}
        self.conv1 = conv_bn(
            in_channels,
            base_channels,
            tuple(conv1_kernel),
            (conv1_stride[0], conv1_stride[1], conv1_stride[1]),
            **layers,
        )
        self.maxpool = nn.MaxPool3d(
            (1, 3, 3), (pool1_stride[0], pool1_stride[1], pool1_stride[1]), (0, 1, 1)
        )

        # The stages, layer1 to layer4.
        channels = base_channels
        make_block = partial(block, inflate_style=inflate_style, **layers)
        for i, num_blocks in enumerate(self.stage_blocks):
            planes, stride = base_channels * 2**i, (temporal_strides[i], spatial_strides[i])
            channels += self.joined_channels(i, channels)
            inflated = _per_block(inflate[i], num_blocks, f'inflate[{i}]')
            out_channels = planes * block.expansion
            shortcut = _shortcut(channels, out_channels, stride, advanced, conv_cfg, norm_cfg)
            first = make_block(channels, planes, stride, shortcut, inflated[0])
            rest = [make_block(out_channels, planes, (1, 1), None, flag) for flag in inflated[1:]]
            self.add_module(f'layer{i + 1}', nn.Sequential(first, *rest))
            channels = out_channels
            if i in self.out_indices:
                self.num_features = channels
        self.init_weights(pretrained)
        self._freeze()

    def init_weights(self, pretrained: str | None = None) -> None:
        """Start at random (He's normal for convolutions, BatchNorm 1 and 0), then from a checkpoint.

        Raises:
            CheckpointError: the file can't be read or does not fit.
        """
        init_like_he(self)
        if self.zero_init_residual:
            for stage in self.stages:
                for block in stage:
                    nn.init.zeros_(block.last_norm.weight)
        if pretrained is not None:
            load_backbone(self, pretrained, inflate=self.pretrained2d)

    def joined_channels(self, stage: int, channels: int) -> int:
        """Return how many channels of another network join those that a stage takes: none here.

        It is asked while the stages are built.

        Args:
            stage: counted from 0.
            channels: C of what the stem or the stage before gives.
        """
        return 0

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Compute the features of clips.

        Args:
            x: (B, C, T, H, W) heatmaps or pictures.

        Returns:
            (B, D, T', H', W') of the stage in out_indices; a tuple where it names several.
        """
        x = self.stem(x)  # (B, base_channels, T, H, W)
        outs = []
        for i in range(len(self.stages)):
            x = self.run_stage(i, x)
            if i in self.out_indices:
                outs.append(x)
        return outs[0] if len(outs) == 1 else tuple(outs)

    def stem(self, x: Tensor) -> Tensor:
        """Map (B, C, T, H, W) to (B, base_channels, T', H', W')."""
        return self.maxpool(self.conv1(x))

    def run_stage(self, i: int, x: Tensor) -> Tensor:
        """Apply stage i, counted from 0; with `with_cp` its blocks run again going backward."""
        stage = self.stages[i]
        return recomputed(stage, x) if self.with_cp else stage(x)

    def pool(self, features: Tensor | tuple[Tensor, ...]) -> Tensor:
        """Average the last stage's features over frames and pixels: (B, D, T, H, W) to (B, D)."""
        last = features[-1] if isinstance(features, (tuple, list)) else features
        return last.mean((2, 3, 4))


@BACKBONES.register_module()
class ResNet3dSlowOnly(ResNet3d):
    """SlowOnly: frames stay apart in the stem and the first two stages. Arguments as ResNet3d's.

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


def _shortcut(
    in_channels: int,
    out_channels: int,
    stride: tuple[int, int],
    advanced: bool,
    conv_cfg: dict,
    norm_cfg: dict,
) -> nn.Module | None:
    """Build the layer that fits a stage's input to its output; None where it does already."""
    if stride == (1, 1) and in_channels == out_channels:
        return None
    stride3 = (stride[0], stride[1], stride[1])
    conv = partial(
        conv_bn,
        in_channels,
        out_channels,
        (1, 1, 1),
        act_cfg=None,
        conv_cfg=conv_cfg,
        norm_cfg=norm_cfg,
    )
    if not advanced:
        return conv(stride3)
    pool = nn.AvgPool3d(stride3, stride3, ceil_mode=True, count_include_pad=False)
    return nn.Sequential(conv((1, 1, 1)), pool)


def _per_block(flags: int | Sequence[int], num_blocks: int, name: str) -> list[bool]:
    if isinstance(flags, int):
        return [bool(flags)] * num_blocks
    if len(flags) != num_blocks:
        raise ValueError(
            f'{name} = {tuple(flags)} has {len(flags)} entries; the stage has {num_blocks} blocks.'
        )
    return [bool(flag) for flag in flags]
