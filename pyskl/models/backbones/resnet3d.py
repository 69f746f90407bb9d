"""3-D ResNets over volumes of heatmaps: PoseConv3D, arXiv:2104.13586, section 3.3 (its SlowOnly: SlowFast, arXiv:1812.03982)."""
from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Literal

import torch
from mmcv.cnn import ConvModule
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from ...registry import BACKBONES
from ..cpu.conv3d_as_2d import Conv3dAs2d
from ..cpu.exact_batch_norm import ExactBatchNorm3d
from ..cpu.frames import keeps_frames_apart
from ..cpu.joined_conv import JoinedConv
from ..cpu.pool3d_as_2d import MaxPool3dAs2d
from ..cpu.sparse_conv import SparseConv3d
from ..layers.recompute import without_and_with_frozen_statistics
from ..pretrained import load_backbone
from .blocks3d import BasicBlock3d, Bottleneck3d, InflateStyle, ResidualBlock3d

ARCHITECTURES: dict[int, tuple[type[ResidualBlock3d], tuple[int, ...]]] = {
    18: (BasicBlock3d, (2, 2, 2, 2)),
    34: (BasicBlock3d, (3, 4, 6, 3)),
    50: (Bottleneck3d, (3, 4, 6, 3)),
    101: (Bottleneck3d, (3, 4, 23, 3)),
    152: (Bottleneck3d, (3, 8, 36, 3)),
}
CONV = {'type': 'Conv3d'}
BATCH_NORM = {'type': 'BN3d', 'requires_grad': True}
RELU = {'type': 'ReLU', 'inplace': True}


@BACKBONES.register_module()
class ResNet3d(nn.Module):
    """Stem, then `num_stages` stages of residual blocks.

    depth             18 and 34 have basic blocks, 50, 101 and 152 bottlenecks
    pretrained        a checkpoint file of a 3-D backbone to start from; None starts at random
    stage_blocks      blocks per stage; None takes the depth's own
    in_channels       C of the input: joints or limbs
    base_channels     channels after the stem; stage i has inner width base_channels * 2**i
    out_indices       the stages (from 0) whose outputs are returned: one gives a tensor, several a tuple
    spatial_strides, temporal_strides   of each stage's first block
    conv1_kernel      (frames, y, x);  conv1_stride, pool1_stride   (frames, pixels)
    advanced          the shortcut is averaged over its stride instead of sampled (ResNet-D, arXiv:1812.01187)
    frozen_stages     -1: none; 0: the stem; n: the stem and the first n stages stay as they are, BatchNorm too
    inflate           per stage, or per block of a stage: does it see neighbouring frames?
    norm_eval         keep BatchNorm's running statistics in training
    with_cp           recompute the blocks in the backward pass: less memory, more time, the same numbers
    zero_init_residual   every block starts as its shortcut
    """

    def __init__(self,
                 depth: Literal[18, 34, 50, 101, 152] = 50,
                 pretrained: str | None = None,
                 stage_blocks: Sequence[int] | None = None,
                 in_channels: int = 3,
                 base_channels: int = 64,
                 num_stages: Literal[1, 2, 3, 4] = 4,
                 out_indices: Sequence[int] = (3, ),
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
                 zero_init_residual: bool = True):
        super().__init__()
        block, blocks = ARCHITECTURES[depth]
        self.stage_blocks = _per_stage('stage_blocks', stage_blocks or blocks, num_stages, exact=stage_blocks is not None)
        spatial_strides = _per_stage('spatial_strides', spatial_strides, num_stages)
        temporal_strides = _per_stage('temporal_strides', temporal_strides, num_stages)
        inflate = _per_stage('inflate', [inflate] * num_stages if isinstance(inflate, int) else inflate, num_stages)
        if not out_indices or not all(0 <= i < num_stages for i in out_indices):
            raise ValueError(f'out_indices = {tuple(out_indices)}: expected stages within 0..{num_stages - 1} '
                             f'(num_stages = {num_stages}).')
        if not -1 <= frozen_stages <= num_stages:
            raise ValueError(f'frozen_stages = {frozen_stages}: expected -1 (none) to {num_stages} (num_stages).')
        _positive(in_channels=in_channels, base_channels=base_channels, stage_blocks=self.stage_blocks, spatial_strides=spatial_strides,
                  temporal_strides=temporal_strides, conv1_kernel=conv1_kernel, conv1_stride=conv1_stride, pool1_stride=pool1_stride)
        self.in_channels, self.out_indices = in_channels, tuple(sorted(out_indices))
        self.advanced, self.frozen_stages, self.norm_eval = advanced, frozen_stages, norm_eval
        self.with_cp, self.zero_init_residual = with_cp, zero_init_residual
        if conv_cfg['type'] == 'Conv3d':
            conv_cfg = {**conv_cfg, 'type': Conv3dAs2d}
        if norm_cfg['type'] == 'BN3d':
            norm_cfg = {**norm_cfg, 'type': ExactBatchNorm3d}
        self.parts = {'conv_cfg': conv_cfg, 'norm_cfg': norm_cfg, 'act_cfg': act_cfg}

        stem = {**self.parts, 'conv_cfg': {**conv_cfg, 'type': SparseConv3d}} if conv_cfg['type'] is Conv3dAs2d else self.parts
        self.conv1 = ConvModule(in_channels, base_channels, tuple(conv1_kernel), (conv1_stride[0], *[conv1_stride[1]] * 2),
                                tuple(k // 2 for k in conv1_kernel), bias=False, **stem)
        self.maxpool = MaxPool3dAs2d((1, 3, 3), (pool1_stride[0], *[pool1_stride[1]] * 2), (0, 1, 1))
        channels = base_channels
        for i, num_blocks in enumerate(self.stage_blocks):
            planes = base_channels * 2 ** i
            inflated = _per_block(inflate[i], num_blocks, f'inflate[{i}]')
            stride = (temporal_strides[i], spatial_strides[i])
            self.add_module(f'layer{i + 1}', self._stage(block, channels, planes, stride, inflated, inflate_style))
            channels = planes * block.expansion
            if i in self.out_indices:
                self.out_channels = channels
        self.init_weights(pretrained)
        self._freeze()

    def _stage(self, block: type[ResidualBlock3d], in_channels: int, planes: int, stride: tuple[int, int],
               inflate: list[bool], inflate_style: InflateStyle) -> nn.Sequential:
        make = partial(block, planes=planes, inflate_style=inflate_style, **self.parts)
        out_channels = planes * block.expansion
        shortcut = self._shortcut(in_channels, out_channels, stride)
        first = make(in_channels, stride=stride, downsample=shortcut, inflate=inflate[0])
        rest = [make(out_channels, stride=(1, 1), downsample=None, inflate=flag) for flag in inflate[1:]]
        return nn.Sequential(first, *rest)

    def _shortcut(self, in_channels: int, out_channels: int, stride: tuple[int, int]) -> nn.Module | None:
        if stride == (1, 1) and in_channels == out_channels:
            return None
        stride3 = (stride[0], stride[1], stride[1])
        conv = partial(JoinedConv, in_channels, out_channels, 1, bias=False, **{**self.parts, 'act_cfg': None})
        if self.advanced:
            return nn.Sequential(conv(stride=1), nn.AvgPool3d(stride3, stride3, ceil_mode=True, count_include_pad=False))
        return conv(stride=stride3)

    def init_weights(self, pretrained: str | None = None) -> None:
        """Start at random (He's normal for convolutions, BatchNorm 1 and 0), or from a checkpoint file.

        raises  CheckpointError when the file can't be read or does not fit
        """
        if pretrained is not None:
            load_backbone(self, pretrained)
            return
        for module in self.modules():
            if isinstance(module, nn.Conv3d):
                nn.init.kaiming_normal_(module.weight, mode='fan_out', nonlinearity='relu')
            elif isinstance(module, _BatchNorm):
                module.reset_parameters()                   # weight 1, bias 0, statistics of nothing seen
        for module in self.modules():                       # after the loop above, which reaches a block before its norms
            if isinstance(module, ResidualBlock3d) and self.zero_init_residual:
                nn.init.zeros_(module.last_norm.weight)

    def _stages(self) -> list[nn.Sequential]:
        return [getattr(self, f'layer{i + 1}') for i in range(len(self.stage_blocks))]

    def _freeze(self) -> None:
        frozen = [self.conv1, *self._stages()[:self.frozen_stages]] if self.frozen_stages >= 0 else []
        for part in frozen:
            part.eval()
            part.requires_grad_(False)

    def train(self, mode: bool = True) -> ResNet3d:
        super().train(mode)
        self._freeze()
        if mode and self.norm_eval:
            for module in self.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
        return self

    def forward(self, x: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor, ...]:
        """(B, C, T, H, W) -> (B, channels of the stage, T', H', W'), a tuple of them where out_indices names several."""
        return self.forward_clips(self.forward_frames(x, 0), 0)

    def compile(self, *args, **kwargs) -> None:
        """As nn.Module's, for the two parts that `forward` is made of: testing several clips calls them apart."""
        self.forward_frames = torch.compile(self.forward_frames, *args, **kwargs)
        self.forward_clips = torch.compile(self.forward_clips, *args, **kwargs)

    @property
    def is_compiled(self) -> bool:
        return 'forward_frames' in vars(self)

    def num_frame_stages(self, counting: bool = False) -> int | None:
        """How far frames stay apart: through the stem and this many stages; None: the stem mixes them.

        Counted up to the first stage whose output is asked for, and by the layers as they are now: BatchNorm in training mixes, but
        for `counting`, where frames that stand for several are asked about (see exact_norm.counted).
        """
        if not keeps_frames_apart(nn.Sequential(self.conv1, self.maxpool), counting):
            return None
        mixing = (i for i, stage in enumerate(self._stages()) if i == self.out_indices[0] or not keeps_frames_apart(stage, counting))
        return next(mixing)

    def forward_frames(self, x: torch.Tensor, num_stages: int) -> torch.Tensor:
        """The stem and the first stages: (B, C, T, H, W) -> (B, D, T', H', W')."""
        x = self.maxpool(self.conv1(x))
        for stage in self._stages()[:num_stages]:
            x = self._through(stage, x)
        return x

    def forward_clips(self, x: torch.Tensor, num_stages: int) -> torch.Tensor | tuple[torch.Tensor, ...]:
        """The other stages, on what forward_frames gives; `forward` is the two after each other."""
        outs = []
        for i, stage in list(enumerate(self._stages()))[num_stages:]:
            x = self._through(stage, x)
            if i in self.out_indices:
                outs.append(x)
        return outs[0] if len(outs) == 1 else tuple(outs)

    def _through(self, stage: nn.Sequential, x: torch.Tensor) -> torch.Tensor:
        for block in stage:
            x = self._recomputed(block, x) if self.with_cp and x.requires_grad else block(x)
        return x

    @staticmethod
    def _recomputed(block: ResidualBlock3d, x: torch.Tensor) -> torch.Tensor:
        return checkpoint(block, x, use_reentrant=False, context_fn=partial(without_and_with_frozen_statistics, block))


@BACKBONES.register_module()
class ResNet3dSlowOnly(ResNet3d):
    """SlowOnly: frames stay apart in the stem and the first two stages. Arguments as ResNet3d's.

    Published for micro-gestures: base_channels=32, 3 stages of (4, 6, 3) blocks, (B, 22, 48, 56, 56) -> (B, 512, 24, 7, 7).
    """

    def __init__(self, conv1_kernel: tuple[int, int, int] = (1, 7, 7),
                 inflate: int | Sequence[int | Sequence[int]] = (0, 0, 1, 1), **kwargs):
        super().__init__(conv1_kernel=conv1_kernel, inflate=inflate, **kwargs)


def _per_stage(name: str, values: Sequence, num_stages: int, exact: bool = False) -> tuple:
    """The first num_stages values; ValueError when there are too few (or, when exact, too many)."""
    if len(values) < num_stages or (exact and len(values) != num_stages):
        raise ValueError(f'{name} = {tuple(values)} has {len(values)} entries; num_stages = {num_stages} stages need one each.')
    return tuple(values[:num_stages])


def _positive(**values: int | Sequence[int]) -> None:
    for name, value in values.items():
        if min(value if isinstance(value, Sequence) else [value]) < 1:
            raise ValueError(f'{name} = {value}: expected whole numbers from 1 on.')


def _per_block(flags: int | Sequence[int], num_blocks: int, name: str) -> list[bool]:
    if isinstance(flags, int):
        return [bool(flags)] * num_blocks
    if len(flags) != num_blocks:
        raise ValueError(f'{name} = {tuple(flags)} has {len(flags)} entries; the stage has {num_blocks} blocks.')
    return [bool(flag) for flag in flags]
