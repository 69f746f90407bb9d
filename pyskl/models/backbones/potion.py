"""A plain 2-D network for PoTion: one picture of a whole clip, in which colour tells the time.

Source: PoTion: pose motion representation for action recognition, CVPR 2018, section 4.
"""

from __future__ import annotations

from collections.abc import Sequence

from mmcv.cnn import ConvModule
from torch import Tensor, nn

from ...registry import BACKBONES
from ..layers.initial import init_like_he
from ..layers.stages import check_positive, freeze_statistics
from ..pretrained import load_backbone
from .base import Backbone
from .resnet import BATCH_NORM, CONV, RELU


@BACKBONES.register_module()
class PoTion(Backbone):
    """Stages of 3x3 convolutions, of which the first of each halves the picture.

    Args:
        in_channels: C of the input: joints times what Heatmap2Potion gives of each.
        channels: of each stage.
        num_layers: convolutions of each stage.
        lw_dropout: probability of the dropout behind every convolution; with 0 there is none, and
            the convolutions are numbered one by one.
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
        conv_cfg: dict = CONV,
        norm_cfg: dict = BATCH_NORM,
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
        layer_cfg = {'conv_cfg': conv_cfg, 'norm_cfg': norm_cfg, 'act_cfg': act_cfg}
        for i, (width, depth) in enumerate(zip(channels, num_layers)):
            layers: list[nn.Module] = []
            for n in range(depth):
                stride = 2 if n == 0 else 1
                layers.append(ConvModule(in_channels, width, 3, stride, 1, bias=False, **layer_cfg))
                if lw_dropout:
                    layers.append(nn.Dropout(lw_dropout))
                in_channels = width
            self.add_module(f'layer{i + 1}', nn.Sequential(*layers))
        self.init_weights(pretrained)

    def init_weights(self, pretrained: str | None = None) -> None:
        """Start at random (He's normal for convolutions, BatchNorm 1 and 0), then from a checkpoint.

        Raises:
            CheckpointError: the file can't be read or does not fit.
        """
        init_like_he(self)
        if pretrained is not None:
            load_backbone(self, pretrained)

    def train(self, mode: bool = True) -> PoTion:
        """As nn.Module's; with norm_eval every BatchNorm stays in testing."""
        super().train(mode)
        if mode and self.norm_eval:
            freeze_statistics(self)
        return self

    def forward(self, x: Tensor) -> Tensor:
        """Map pictures of clips (N, C, H, W) to features (N, D, H', W')."""
        for i in range(self.num_stages):
            x = getattr(self, f'layer{i + 1}')(x)
        return x

    def pool(self, features: Tensor) -> Tensor:
        """Average over pixels: (N, D, H', W') to (N, D)."""
        return features.mean((2, 3))
