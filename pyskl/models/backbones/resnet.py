"""2-D ResNets over single pictures; each frame of a clip passes on its own.

Source: Deep residual learning, arXiv:1512.03385; with the stride of a bottleneck on its second
convolution, as torchvision has it.

Settings and state-dict keys are PYSKL's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from ...registry import BACKBONES
from ..layers.conv_layers import BATCH_NORM2D, CONV2D, RELU, ConvLayers
from ..layers.initial import init_like_he
from ..layers.residual import BOTTLENECKS_FROM, STAGE_BLOCKS, BasicBlock, Bottleneck, Depth
from ..layers.stages import check_positive, check_stages, freeze, per_stage
from .staged import StagedBackbone


@BACKBONES.register_module()
class ResNet(StagedBackbone):
    """A stem, then `num_stages` stages of residual blocks.

    Args:
        depth: 18 and 34 have basic blocks; 50, 101 and 152 bottlenecks.
        pretrained: a checkpoint file to start from (see load_backbone); None starts at random.
        torchvision_pretrain: whether `pretrained` may name its weights as torchvision does
            (`layer1.0.bn1.weight`); with False only our names fit (`layer1.0.conv1.bn.weight`).
        in_channels: C of the input: colours or maps.
        num_stages: the number of stages.
        out_indices: the stages, from 0, whose outputs are returned.
        strides: of each stage's first block, in pixels.
        frozen_stages: -1: none; 0: the stem; n: the stem and the first n stages keep their weights
            and BatchNorm statistics.
        conv_cfg, norm_cfg, act_cfg: mmcv configs of the layers.
        norm_eval: keep BatchNorm's running statistics in training.
        partial_bn: train only the BatchNorm of the stem; all others keep their weights and
            statistics, as in temporal segment networks, arXiv:1608.00859, section 3.2.
        with_cp: recompute the blocks in the backward pass: less memory, more time, same numbers.

    Raises:
        ValueError: arguments contradict each other.
    """

    def __init__(
        self,
        depth: Depth = 50,
        pretrained: str | None = None,
        torchvision_pretrain: bool = True,
        in_channels: int = 3,
        num_stages: Literal[1, 2, 3, 4] = 4,
        out_indices: Sequence[int] = (3,),
        strides: Sequence[int] = (1, 2, 2, 2),
        frozen_stages: int = -1,
        conv_cfg: dict = CONV2D,
        norm_cfg: dict = BATCH_NORM2D,
        act_cfg: dict = RELU,
        norm_eval: bool = False,
        partial_bn: bool = False,
        with_cp: bool = False,
    ):
        super().__init__()
        strides = per_stage('strides', strides, num_stages)
        check_stages(num_stages, frozen_stages, out_indices)
        check_positive(in_channels=in_channels, strides=strides)
        self.in_channels, self.num_stages = in_channels, num_stages
        self.out_indices = tuple(sorted(out_indices))
        self.frozen_stages, self.norm_eval, self.with_cp = frozen_stages, norm_eval, with_cp
        self.partial_bn = partial_bn

        # The stem.
        layers = ConvLayers(conv_cfg, norm_cfg, act_cfg)
        channels = 64
        self.conv1 = layers.conv(in_channels, channels, 7, 2)
        self.maxpool = nn.MaxPool2d(3, 2, 1)

        # The stages, layer1 to layer4.
        block = Bottleneck if depth >= BOTTLENECKS_FROM else BasicBlock
        for i, (num_blocks, stride) in enumerate(zip(STAGE_BLOCKS[depth], strides)):
            planes = 64 * 2**i
            out_channels = planes * block.expansion
            downsample = None
            if stride != 1 or channels != out_channels:
                downsample = layers.conv(channels, out_channels, 1, stride, activate=False)
            stage = nn.Sequential()
            for _ in range(num_blocks):
                stage.append(block(channels, planes, stride, downsample, layers))
                channels, stride, downsample = out_channels, 1, None
            self.add_module(f'layer{i + 1}', stage)
            if i in self.out_indices:
                self.num_features = channels
        init_like_he(self)
        self.load_pretrained(pretrained, torchvision=torchvision_pretrain)
        self._freeze()

    def _freeze(self) -> None:
        super()._freeze()
        if self.partial_bn:
            stages = (module for stage in self.stages for module in stage.modules())
            freeze(module for module in stages if isinstance(module, _BatchNorm))
