"""X3D: thin depthwise 3-D blocks over clips of heatmaps or pictures, scaled by factors.

Source: X3D, arXiv:2004.04730, figure 1 and table 1; the shallow one for heatmaps: PoseConv3D,
arXiv:2104.13586.

Settings and state-dict keys are PYSKL's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from ...registry import BACKBONES
from ..layers.conv_layers import BATCH_NORM3D, CONV3D, RELU, ConvLayers
from ..layers.initial import init_like_he
from ..layers.stages import check_positive, check_stages, per_stage
from .staged import StagedBackbone


class SEModule(nn.Module):
    """Squeeze and excitation: weigh each channel, given the averages of all channels.

    Args:
        channels: C.
        ratio: width of the bottleneck as a share of C; rounded to a multiple of 8.

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
    """Widen, convolve each channel on its own, weigh the channels, narrow: beside a shortcut.

    Args:
        in_channels: C of the input.
        planes: inner width.
        out_channels: C of the output.
        spatial_stride: of the depthwise convolution, in pixels.
        se_ratio: see SEModule; None: without.
        use_swish: whether Swish or nothing follows the depthwise convolution.
        layers: the kinds of layers.
    """

    def __init__(
        self,
        in_channels: int,
        planes: int,
        out_channels: int,
        spatial_stride: int,
        se_ratio: float | None,
        use_swish: bool,
        layers: ConvLayers,
    ):
        super().__init__()
        one, stride = (1, 1, 1), (1, spatial_stride, spatial_stride)
        self.downsample = None
        if spatial_stride != 1 or in_channels != out_channels:
            self.downsample = layers.conv(in_channels, out_channels, one, stride, activate=False)
        self.conv1 = layers.conv(in_channels, planes, one)
        self.conv2 = layers.conv(planes, planes, (3, 3, 3), stride, groups=planes, activate=False)
        self.swish = nn.SiLU() if use_swish else nn.Identity()
        self.conv3 = layers.conv(planes, out_channels, one, activate=False)
        self.se_module = nn.Identity() if se_ratio is None else SEModule(planes, se_ratio)
        self.relu = layers.activation()

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, T, H, W) to (B, out_channels, T, H', W')."""
        out = self.conv2(self.conv1(x))
        out = self.conv3(self.swish(self.se_module(out)))
        shortcut = x if self.downsample is None else self.downsample(x)
        return self.relu(out + shortcut)


@BACKBONES.register_module()
class X3D(StagedBackbone):
    """A stem, `num_stages` stages of X3D blocks and a last convolution; all frames stay.

    Args:
        gamma_w: factor of all widths.
        gamma_b: ratio of a block's inner to its outer width.
        gamma_d: factor of the numbers of blocks, rounded up.
        pretrained: a checkpoint file to start from (see load_backbone); None starts at random.
        in_channels: C of the input: joints, limbs or colours.
        base_channels: channels after the stem, before gamma_w; stage i has 2**i times as many.
        num_stages: the number of stages.
        stage_blocks: blocks per stage, before gamma_d.
        spatial_strides: of each stage's first block, in pixels.
        frozen_stages: -1: none; 0: the stem; n: the stem and the first n stages keep their weights
            and BatchNorm statistics.
        se_style: blocks with squeeze and excitation: 'half': every second one of a stage, or all.
        se_ratio: see SEModule; None: no block has it.
        use_swish: whether blocks contain Swish.
        conv_cfg, norm_cfg, act_cfg: mmcv configs of the layers.
        norm_eval: keep BatchNorm's running statistics in training.
        with_cp: recompute the blocks in the backward pass: less memory, more time, same numbers.
        zero_init_residual: initialise every block so that it computes its shortcut.

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
        conv_cfg: dict = CONV3D,
        norm_cfg: dict = BATCH_NORM3D,
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

        # The stem: within each frame, then each channel over frames.
        layers = ConvLayers(conv_cfg, norm_cfg, act_cfg)
        width = rounded_to_eights(base_channels, gamma_w)
        self.conv1_s = layers.conv(
            in_channels, width, (1, 3, 3), (1, 2, 2), norm=False, activate=False
        )
        self.conv1_t = layers.conv(width, width, (5, 1, 1), groups=width)

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
                        layers,
                    )
                )
                channels = out_channels
            self.add_module(f'layer{i + 1}', nn.Sequential(*blocks))

        self.num_features = int(channels * gamma_b)
        self.conv5 = layers.conv(channels, self.num_features, (1, 1, 1))
        init_like_he(self)
        if zero_init_residual:
            for module in self.modules():
                if isinstance(module, BlockX3D):
                    nn.init.zeros_(module.conv3.norm.weight)
        self.load_pretrained(pretrained)
        self._freeze()

    @property
    def stem_layers(self) -> list[nn.Module]:
        """The two convolutions of the stem."""
        return [self.conv1_s, self.conv1_t]

    def forward(self, x: Tensor) -> Tensor:
        """Compute the features of clips.

        Args:
            x: (B, C, T, H, W) heatmaps or pictures.

        Returns:
            (B, D, T, H', W'), D = gamma_b * gamma_w * base_channels * 2**(num_stages - 1).
        """
        x = self.conv1_t(self.conv1_s(x))  # (B, gamma_w * base_channels, T, H / 2, W / 2)
        for i in range(self.num_stages):
            x = self.run_stage(i, x)
        return self.conv5(x)


def rounded_to_eights(width: int, factor: float) -> int:
    """Round width * factor to a multiple of 8, at least 8 and not below 0.9 of the product."""
    wanted = width * factor
    rounded = max(8, int(wanted + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * wanted else rounded
