"""RGBPoseConv3D: a pathway over pictures and one over heatmaps that exchange features.

Source: PoseConv3D, arXiv:2104.13586, section 3.4.

Settings and state-dict keys are PYSKL's.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ...registry import BACKBONES
from .base import Backbone
from .pathway import Pathway, PathwaySettings, join

RGB = {
    'num_stages': 4,
    'lateral': True,
    'lateral_infl': 1,
    'lateral_activate': (0, 0, 1, 1),
    'base_channels': 64,
    'conv1_kernel': (1, 7, 7),
    'inflate': (0, 0, 1, 1),
}
POSE = {
    'num_stages': 3,
    'stage_blocks': (4, 6, 3),
    'lateral': True,
    'lateral_inv': True,
    'lateral_infl': 16,
    'lateral_activate': (0, 1, 1),
    'in_channels': 17,
    'base_channels': 32,
    'out_indices': (2,),
    'conv1_kernel': (1, 7, 7),
    'conv1_stride': (1, 1),
    'pool1_stride': (1, 1),
    'inflate': (0, 1, 1),
    'spatial_strides': (2, 2, 2),
    'temporal_strides': (1, 1, 1),
}


@BACKBONES.register_module()
class RGBPoseConv3D(Backbone):
    """A slow 3-D ResNet over pictures and a fast one over heatmaps, with laterals both ways.

    To start from two separately trained networks, give each pathway its own checkpoint:
    `rgb_pathway=dict(..., pretrained=FILE)`, `pose_pathway=dict(..., pretrained=FILE)`.

    Args:
        pretrained: a checkpoint file of the whole network; None starts at random.
        speed_ratio: heatmaps per picture.
        channel_ratio: channels of the RGB pathway per channel of the pose pathway.
        rgb_detach, pose_detach: whether gradients of the RGB (pose) pathway do not flow back into
            the other one.
        rgb_drop_path, pose_drop_path: probability that, for a whole training batch, the RGB (pose)
            pathway receives zeros from the other one.
        rgb_pathway, pose_pathway: settings of the two, see Pathway and ResNet3d; the RGB pathway
            has one stage more. A dict replaces the default as a whole: a setting that it omits has
            ResNet3d's default.

    Attributes:
        in_channels, num_features: (of the RGB pathway, of the pose pathway).

    Raises:
        ValueError: arguments contradict each other.
    """

    in_channels: tuple[int, int]
    num_features: tuple[int, int]
    components = {'rgb_pathway': PathwaySettings, 'pose_pathway': PathwaySettings}

    def __init__(
        self,
        pretrained: str | None = None,
        speed_ratio: int = 4,
        channel_ratio: int = 4,
        rgb_detach: bool = False,
        pose_detach: bool = False,
        rgb_drop_path: float = 0.0,
        pose_drop_path: float = 0.0,
        rgb_pathway: dict = RGB,
        pose_pathway: dict = POSE,
    ):
        super().__init__()
        if min(speed_ratio, channel_ratio) < 1:
            raise ValueError(
                f'speed_ratio = {speed_ratio}, channel_ratio = {channel_ratio}: expected whole '
                'numbers of at least 1.'
            )
        if not (0 <= rgb_drop_path <= 1 and 0 <= pose_drop_path <= 1):
            raise ValueError(
                f'rgb_drop_path = {rgb_drop_path}, pose_drop_path = {pose_drop_path}: expected '
                'probabilities, from 0 to 1.'
            )
        self.rgb_detach, self.pose_detach = rgb_detach, pose_detach
        self.rgb_drop_path, self.pose_drop_path = rgb_drop_path, pose_drop_path
        self.rgb_path = Pathway(speed_ratio, channel_ratio, **rgb_pathway)
        self.pose_path = Pathway(speed_ratio, channel_ratio, **pose_pathway)
        self._check_pathways()
        self.in_channels = (self.rgb_path.in_channels, self.pose_path.in_channels)
        self.num_features = (self.rgb_path.num_features, self.pose_path.num_features)
        self.load_pretrained(pretrained)

    def _check_pathways(self) -> None:
        rgb, pose = self.rgb_path, self.pose_path
        if len(rgb.stages) != len(pose.stages) + 1:
            raise ValueError(
                f'rgb_pathway has {len(rgb.stages)} stages, pose_pathway {len(pose.stages)}: the '
                'former must have one more, since heatmaps are smaller than pictures.'
            )
        if {0, 1} & {*rgb.lateral.places} or 0 in pose.lateral.places:
            raise ValueError(
                'lateral_activate: the first laterals come after layer2 of rgb_pathway and layer1 '
                'of pose_pathway. Set the entries before these to 0.'
            )
        if rgb.lateral.inverse or (pose.lateral.places and not pose.lateral.inverse):
            raise ValueError(
                'lateral_inv: rgb_pathway is the slow and wide one. Set lateral_inv=True in '
                'pose_pathway and remove it from rgb_pathway.'
            )
        for i in range(1, len(pose.stages)):
            rgb.check_widths(pose, i + 1, i)
            pose.check_widths(rgb, i, i + 1)

    def forward(self, imgs: Tensor, heatmap_imgs: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the features of clips.

        Args:
            imgs: (B, 3, T, H, W) pictures.
            heatmap_imgs: (B, V, speed_ratio * T, H / 4, W / 4) heatmaps of the same clips.

        Returns:
            (B, D1, T, H', W') of the RGB pathway and (B, D2, speed_ratio * T, H', W') of the pose
            pathway.
        """
        drop_rgb = self._drawn(self.rgb_drop_path, imgs)
        drop_pose = self._drawn(self.pose_drop_path, imgs)
        rgb = self.rgb_path.run_stage(0, self.rgb_path.run_stem(imgs))  # (B, 256, T, H / 4, W / 4)
        pose = self.pose_path.run_stem(heatmap_imgs)  # (B, 32, speed_ratio * T, H / 4, W / 4)
        for i in range(len(self.pose_path.stages)):
            if i > 0:  # both laterals start from the features before the exchange
                to_rgb = self.rgb_path.from_other(i + 1, pose.detach() if self.rgb_detach else pose)
                to_pose = self.pose_path.from_other(i, rgb.detach() if self.pose_detach else rgb)
                rgb = join(rgb, _dropped(to_rgb, drop_rgb))
                pose = join(pose, _dropped(to_pose, drop_pose))
            rgb = self.rgb_path.run_stage(i + 1, rgb)
            pose = self.pose_path.run_stage(i, pose)
        return rgb, pose

    def _drawn(self, probability: float, like: Tensor) -> Tensor | None:
        """Draw on the device, without a synchronisation, whether a lateral is dropped."""
        if not self.training or probability == 0:
            return None
        return torch.rand((), device=like.device) < probability

    def pool(self, features: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        """Average each pathway over frames and pixels: {'rgb': (B, D1), 'pose': (B, D2)}."""
        rgb, pose = (pathway.mean((2, 3, 4)) for pathway in features)
        return {'rgb': rgb, 'pose': pose}


def _dropped(lateral: Tensor | None, drop: Tensor | None) -> Tensor | None:
    """Replace a lateral by zeros, which also get zero gradients, if `drop` is true."""
    return lateral if lateral is None or drop is None else lateral.masked_fill(drop, 0)
