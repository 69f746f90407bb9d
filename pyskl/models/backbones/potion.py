"""A plain 2-D network for PoTion: one picture of a whole clip, in which colour encodes time.

Source: PoTion: pose motion representation for action recognition, CVPR 2018, section 4.

Settings and state-dict keys are PYSKL's.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from ...registry import BACKBONES
from ..layers.conv_layers import BATCH_NORM2D, CONV2D, RELU, ConvLayers
from ..layers.initial import init_like_he
from ..layers.stages import check_positive
from .staged import StagedBackbone


@BACKBONES.register_module()
class PoTion(StagedBackbone):
    """Stages of 3x3 convolutions, the first of which halves the picture.

    Args:
        in_channels: C of the input: joints times the channels that Heatmap2Potion gives each.
        channels: width of each stage.
        num_layers: convolutions of each stage.
        lw_dropout: probability of the dropout after every convolution. With 0 there are no dropout
            layers, which also changes the keys of the state dict.
        pretrained: a checkpoint file to start from (see load_backbone); None starts at random.
        conv_cfg, norm_cfg, act_cfg: mmcv configs of the layers.
        norm_eval: keep BatchNorm's running statistics in training.

    Raises:
        ValueError: arguments contradict each other.
    """

    def __init__(
        self,
        in_channels: int,
        channels: Sequence[int] = (128, 256, 512),
        num_layers: Sequence[int] = (2, 2, 2),
        lw_dropout: float = 0,
        pretrained: str | None = None,
        conv_cfg: dict = CONV2D,
        norm_cfg: dict = BATCH_NORM2D,
        act_cfg: dict = RELU,
        norm_eval: bool = False,
    ):
        super().__init__()
        if not channels or len(channels) != len(num_layers):
            raise ValueError(
                f'channels = {tuple(channels)} and num_layers = {tuple(num_layers)}: expected one '
                'number each for every stage.'
            )
        check_positive(in_channels=in_channels, channels=channels, num_layers=num_layers)
        if not 0 <= lw_dropout < 1:
            raise ValueError(f'lw_dropout = {lw_dropout}: expected a probability below 1.')
        self.in_channels, self.num_features = in_channels, channels[-1]
        self.num_stages, self.norm_eval = len(channels), norm_eval
        layers = ConvLayers(conv_cfg, norm_cfg, act_cfg)
        for i, (width, depth) in enumerate(zip(channels, num_layers)):
            stage: list[nn.Module] = []
            for n in range(depth):
                stage.append(layers.conv(in_channels, width, 3, stride=2 if n == 0 else 1))
                if lw_dropout:
                    stage.append(nn.Dropout(lw_dropout))
                in_channels = width
            self.add_module(f'layer{i + 1}', nn.Sequential(*stage))
        self.out_indices = (self.num_stages - 1,)
        init_like_he(self)
        self.load_pretrained(pretrained)

    def run_stem(self, x: Tensor) -> Tensor:
        """Return pictures of clips (N, C, H, W) as they are: the first stage halves them."""
        return x
