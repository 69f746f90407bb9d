"""SlowFast: a slow pathway for appearance and a fast, narrow one for motion.

Source: SlowFast, arXiv:1812.03982, section 3.

Settings and state-dict keys are PYSKL's.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ...registry import BACKBONES
from .base import Backbone
from .pathway import Pathway, PathwaySettings, join

SLOW = {'depth': 50, 'lateral': True, 'conv1_kernel': (1, 7, 7), 'inflate': (0, 0, 1, 1)}
FAST = {'depth': 50, 'base_channels': 8, 'conv1_kernel': (5, 7, 7)}


@BACKBONES.register_module()
class ResNet3dSlowFast(Backbone):
    """Two 3-D ResNets over the same clip, with lateral connections from the fast to the slow one.

    Args:
        pretrained: a checkpoint file of the whole network; None starts at random.
        resample_rate: the slow pathway sees every resample_rate-th frame.
        speed_ratio: frames that the fast pathway sees per frame of the slow.
        channel_ratio: channels of the slow pathway per channel of the fast.
        slow_pathway, fast_pathway: settings of the two, see Pathway and ResNet3d. A dict replaces
            the default as a whole: a setting that it omits has ResNet3d's default.

    Raises:
        ValueError: arguments contradict each other.
    """

    in_channels: int
    num_features: int
    components = {'slow_pathway': PathwaySettings, 'fast_pathway': PathwaySettings}

    def __init__(
        self,
        pretrained: str | None = None,
        resample_rate: int = 8,
        speed_ratio: int = 8,
        channel_ratio: int = 8,
        slow_pathway: dict = SLOW,
        fast_pathway: dict = FAST,
    ):
        super().__init__()
        if min(resample_rate, speed_ratio, channel_ratio) < 1 or resample_rate % speed_ratio:
            raise ValueError(
                f'resample_rate = {resample_rate}, speed_ratio = {speed_ratio}, channel_ratio = '
                f'{channel_ratio}: expected whole numbers of at least 1, the first a multiple of '
                'the second.'
            )
        self.slow_step, self.fast_step = resample_rate, resample_rate // speed_ratio
        self.slow_path = Pathway(speed_ratio, channel_ratio, **slow_pathway)
        self.fast_path = Pathway(speed_ratio, channel_ratio, **fast_pathway)
        self._check_pathways()
        self.in_channels = self.slow_path.in_channels
        self.num_features = self.slow_path.num_features + self.fast_path.num_features
        self.load_pretrained(pretrained)

    def _check_pathways(self) -> None:
        slow, fast = self.slow_path, self.fast_path
        if slow.in_channels != fast.in_channels or len(slow.stages) != len(fast.stages):
            raise ValueError(
                f'slow_pathway and fast_pathway take {slow.in_channels} and {fast.in_channels} '
                f'channels and have {len(slow.stages)} and {len(fast.stages)} stages. Both run on '
                'the same clip stage by stage: set the same in_channels and num_stages.'
            )
        if fast.lateral.places or slow.lateral.inverse:
            raise ValueError(
                'lateral connections lead from fast_pathway into slow_pathway. Remove lateral from '
                'fast_pathway and lateral_inv from slow_pathway.'
            )
        for place in range(len(slow.stages)):
            slow.check_widths(fast, place, place)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the features of clips.

        Args:
            x: (B, C, T, H, W) pictures or heatmaps, of any number of frames.

        Returns:
            (B, D1, T1, H', W') of the slow pathway and (B, D2, T2, H', W') of the fast one, with T1
            = ceil(T / resample_rate).
        """
        slow = self.slow_path.run_stem(x[:, :, :: self.slow_step])  # (B, 64, T1, H / 4, W / 4)
        fast = self.fast_path.run_stem(x[:, :, :: self.fast_step])  # (B, 8, T2, H / 4, W / 4)
        for i in range(len(self.slow_path.stages)):
            slow = join(slow, self.slow_path.from_other(i, fast))
            slow = self.slow_path.run_stage(i, slow)
            fast = self.fast_path.run_stage(i, fast)
        return slow, fast

    def pool(self, features: tuple[Tensor, Tensor]) -> Tensor:
        """Average each pathway over frames and pixels: (B, D1 + D2), the slow one first."""
        return torch.cat([pathway.mean((2, 3, 4)) for pathway in features], 1)
