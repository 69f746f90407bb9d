"""X3D: thin depthwise 3-D blocks over clips of heatmaps or pictures, widened and deepened by factors.

Source: X3D, arXiv:2004.04730, figure 1 and table 1; shallow, for heatmaps: PoseConv3D,
arXiv:2104.13586.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Literal

import torch
from mmcv.cnn import build_activation_layer
from torch import Tensor, nn

from ...registry import BACKBONES
from ..layers.initial import init_like_he
from ..layers.recompute import recomputed
from ..layers.stages import check_positive, check_stages, per_stage
from ..pretrained import load_backbone
from .blocks3d import BATCH_NORM, CONV, RELU, conv_bn
from .staged import StagedBackbone


class SEModule(nn.Module):
    """Weigh each channel by what all channels are on average: squeeze and excitation.

    Args:
        channels: C.
        ratio: how wide the bottleneck is, as a share of C; rounded to eights.

    Source: Squeeze-and-excitation networks, arXiv:1709.01507.
    """

    def __init__(self, channels: int, ratio: float):
        super().__init__()
        width = rounded_to_eights(channels, ratio)
        self.fc1 = nn.Conv3d(channels, width, 1)
        self.relu = nn.ReLU()
        self.fc2 = nn.Conv3d(width, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, T, H, W) to the same shape."""
        means = x.mean((2, 3, 4), keepdim=True)  # (B, C, 1, 1, 1)
        return x * torch.sigmoid(self.fc2(self.relu(self.fc1(means))))


class BlockX3D(nn.Module):
    """Widen, convolve each channel apart, weigh the channels, narrow: beside a shortcut.

    Args:
        in_channels: channels that come in.
        planes: channels inside.
        out_channels: channels that go out.
        spatial_stride: of the depthwise convolution, in pixels.
        se_ratio: see SEModule; None: the block has none.
        use_swish: whether Swish follows the depthwise convolution; else nothing does.
        conv_cfg, norm_cfg, act_cfg: mmcv configs of the layers.
    """

    def __init__(
        self,
        in_channels: int,
        planes: int,
        out_channels: int,
        spatial_stride: int,
        se_ratio: float | None,
        use_swish: bool,
        conv_cfg: dict,
        norm_cfg: dict,
        act_cfg: dict,
    ):
        super().__init__()
        conv = partial(conv_bn, conv_cfg=conv_cfg, norm_cfg=norm_cfg)
        one, stride = (1, 1, 1), (1, spatial_stride, spatial_stride)
        self.downsample = (
            None
            if spatial_stride == 1 and in_channels == out_channels
            else conv(in_channels, out_channels, one, stride, None)
        )
        self.conv1 = conv(in_channels, planes, one, one, act_cfg)
        self.conv2 = conv(planes, planes, (3, 3, 3), stride, None, groups=planes)
        self.swish = nn.SiLU() if use_swish else nn.Identity()
        self.conv3 = conv(planes, out_channels, one, one, None)
        self.se_module = nn.Identity() if se_ratio is None else SEModule(planes, se_ratio)
        self.relu = build_activation_layer(act_cfg)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, T, H, W) to (B, out_channels, T, H', W')."""
        out = self.conv2(self.conv1(x))
        out = self.conv3(self.swish(self.se_module(out)))
        shortcut = x if self.downsample is None else self.downsample(x)
        return self.relu(out + shortcut)


@BACKBONES.register_module()
class X3D(StagedBackbone):
    """A stem, `num_stages` stages of X3D blocks, and a last convolution. All frames stay.

    Args:
        gamma_w: factor of all widths.
        gamma_b: how much wider a block is inside than outside.
        gamma_d: factor of the numbers of blocks, rounded up.
        pretrained: a checkpoint file to start from (see load_backbone); None starts at random.
        in_channels: C of the input: joints, limbs or colours.
        base_channels: channels after the stem, before gamma_w; stage i has 2**i times as many.
        num_stages: how many stages there are.
        stage_blocks: blocks per stage, before gamma_d.
        spatial_strides: of each stage's first block, in pixels.
        frozen_stages: -1: none; 0: the stem; n: the stem and the first n stages keep their weights
            and BatchNorm statistics.
        se_style: which blocks have squeeze and excitation: every second from the first on, or all.
        se_ratio: see SEModule; None: no block has it.
        use_swish: whether blocks have Swish inside.
        conv_cfg, norm_cfg, act_cfg: mmcv configs of the layers.
        norm_eval: keep BatchNorm's running statistics in training.
        with_cp: recompute the blocks in the backward pass: less memory, more time, same numbers.
        zero_init_residual: start every block as its shortcut.

    Raises:
        ValueError: arguments contradict each other.
    """

    def __init__(
        self,
        gamma_w: float = 1.0,
        gamma_b: float = 2.25,
        gamma_d: float = 2.2,
        pretrained: str | None = None,
        in_channels: int = 3,
        base_channels: int = 24,
        num_stages: Literal[1, 2, 3, 4] = 4,
        stage_blocks: Sequence[int] = (1, 2, 5, 3),
        spatial_strides: Sequence[int] = (2, 2, 2, 2),
        frozen_stages: int = -1,
        se_style: Literal['half', 'all'] = 'half',
        se_ratio: float | None = 1 / 16,
        use_swish: bool = True,
        conv_cfg: dict = CONV,
        norm_cfg: dict = BATCH_NORM,
        act_cfg: dict = RELU,
        norm_eval: bool = False,
        with_cp: bool = False,
        zero_init_residual: bool = True,
    ):
        super().__init__()
        stage_blocks = per_stage('stage_blocks', stage_blocks, num_stages)
        spatial_strides = per_stage('spatial_strides', spatial_strides, num_stages)
        check_stages(num_stages, frozen_stages)
        check_positive(
            in_channels=in_channels,
            base_channels=base_channels,
            stage_blocks=stage_blocks,
            spatial_strides=spatial_strides,
        )
        for name, factor in {'gamma_w': gamma_w, 'gamma_b': gamma_b, 'gamma_d': gamma_d}.items():
            if not 0 < factor < math.inf:
                raise ValueError(f'{name} = {factor}: expected a factor above 0.')
        self.in_channels, self.num_stages = in_channels, num_stages
        self.frozen_stages, self.norm_eval, self.with_cp = frozen_stages, norm_eval, with_cp
        self.zero_init_residual = zero_init_residual

        # The stem: within each frame, then each channel over frames.
        layers = {'conv_cfg': conv_cfg, 'norm_cfg': norm_cfg, 'act_cfg': act_cfg}
        width = rounded_to_eights(base_channels, gamma_w)
        self.conv1_s = conv_bn(
            in_channels, width, (1, 3, 3), (1, 2, 2), None, conv_cfg, norm_cfg=None
        )
        self.conv1_t = conv_bn(width, width, (5, 1, 1), (1, 1, 1), groups=width, **layers)

        # The stages, layer1 to layer4.
        channels = width
        for i, (num_blocks, stride) in enumerate(zip(stage_blocks, spatial_strides)):
            out_channels = width * 2**i
            blocks = []
            for n in range(math.ceil(gamma_d * num_blocks)):
                blocks.append(
                    BlockX3D(
                        channels,
                        int(out_channels * gamma_b),
                        out_channels,
                        stride if n == 0 else 1,
                        se_ratio if se_style == 'all' or n % 2 == 0 else None,
                        use_swish,
                        **layers,
                    )
                )
                channels = out_channels
            self.add_module(f'layer{i + 1}', nn.Sequential(*blocks))

        self.num_features = int(channels * gamma_b)
        self.conv5 = conv_bn(channels, self.num_features, (1, 1, 1), (1, 1, 1), **layers)
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
                    nn.init.zeros_(block.conv3.norm.weight)
        if pretrained is not None:
            load_backbone(self, pretrained)

    @property
    def stem_layers(self) -> list[nn.Module]:
        return [self.conv1_s, self.conv1_t]

    def forward(self, x: Tensor) -> Tensor:
        """Compute the features of clips.

        Args:
            x: (B, C, T, H, W) heatmaps or pictures.

        Returns:
            (B, D, T, H', W'), D = gamma_b * gamma_w * base_channels * 2**(num_stages - 1).
        """
        x = self.conv1_t(self.conv1_s(x))  # (B, base_channels, T, H / 2, W / 2)
        for stage in self.stages:
            x = recomputed(stage, x) if self.with_cp else stage(x)
        return self.conv5(x)

    def pool(self, features: Tensor) -> Tensor:
        """Average over frames and pixels: (B, D, T, H', W') to (B, D)."""
        return features.mean((2, 3, 4))


def rounded_to_eights(width: int, factor: float) -> int:
    """Return width * factor as a multiple of eight, at least 8, and not below 0.9 of it."""
    wanted = width * factor
    rounded = max(8, int(wanted + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * wanted else rounded
