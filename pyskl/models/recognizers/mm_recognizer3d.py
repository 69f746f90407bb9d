"""Networks over pictures and heatmaps of the same clips, with an answer from each.

Source: PoseConv3D, arXiv:2104.13586, section 3.4.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from ...errors import ConfigError
from ...inputs import Input
from ...registry import RECOGNIZERS
from .. import input_stage
from ..heads.rgbpose_head import MODALITIES
from ..mixing import Mix
from .recognizer3d import check_volumes
from .views import ViewRecognizer


@dataclass(frozen=True)
class Pair:
    """The pictures and the heatmaps of a batch, (B, S, C, T, H, W) each: tensors or Inputs."""

    imgs: torch.Tensor | Input
    heatmap_imgs: torch.Tensor | Input

    @property
    def both(self) -> tuple[torch.Tensor | Input, torch.Tensor | Input]:
        """Pictures and heatmaps."""
        return self.imgs, self.heatmap_imgs

    @property
    def shape(self) -> torch.Size:
        """The (B, S) that both shapes start with."""
        return self.imgs.shape[:2]

    def __getitem__(self, samples: slice) -> Pair:
        return Pair(self.imgs[samples], self.heatmap_imgs[samples])


@RECOGNIZERS.register_module()
class MMRecognizer3D(ViewRecognizer):
    """Backbone and head over `imgs` and `heatmap_imgs`: B samples of S views of the same clips.

    `imgs` are pictures (B, S, 3, T, H, W); `heatmap_imgs` (B, S, V, T', H', W') cover the same time
    and image region. The answers are 'rgb' and 'pose'; test_cfg applies to both. With train_cfg's
    mixup and cutmix, both are mixed with the same clip, by the same share and box.

    Args:
        backbone: config of a network over both, such as RGBPoseConv3D.
        cls_head: config of a head with both answers, such as RGBPoseHead.
        train_cfg: see mixing.TrainSettings.
        test_cfg: see TestSettings.

    Source: PoseConv3D, arXiv:2104.13586, section 3.4.
    """

    takes = ('imgs', 'heatmap_imgs')
    answers = MODALITIES

    def check_batch(self, batch: Mapping[str, Any], training: bool) -> None:
        """Check entries, axes, channels and numbers of views, see Recognizer.check_batch."""
        super().check_batch(batch, training)
        for entry, wanted in zip(self.takes, getattr(self.backbone, 'in_channels', ())):
            check_volumes(entry, batch[entry].shape, wanted)
        views = {entry: batch[entry].shape[1] for entry in self.takes}
        if len(set(views.values())) > 1:
            raise ConfigError(
                f'MMRecognizer3D: a sample has {views["imgs"]} views of imgs and '
                f'{views["heatmap_imgs"]} of heatmap_imgs. Expected equal numbers: use the same '
                'num_clips for both, and remove double=True from GeneratePoseTarget.'
            )

    def views_of(self, batch: Mapping[str, Any]) -> Pair:
        """Return the pictures and heatmaps of a batch."""
        return Pair(*(batch[entry] for entry in self.takes))

    def volume_shape(self, views: Pair) -> torch.Size:
        """Return (B * S, C, T, H, W) with the smaller size of the two on each axis.

        If the larger size is a multiple of it, CutMix's box is the same share of both.
        """
        sizes = zip(*(given.shape[2:] for given in views.both))
        return torch.Size((views.shape.numel(), *(min(lengths) for lengths in sizes)))

    def extract_feat(self, *volumes: torch.Tensor) -> Any:
        """Map volumes (N, C, T, H, W) of imgs and heatmap_imgs to features (rgb, pose)."""
        return self.backbone(*map(self.target.laid_out, volumes))

    def train_features(self, views: Pair, mix: Mix | None) -> Any:
        """Compute the features of all B * S views of a training batch, mixed according to `mix`."""
        volumes = [input_stage.volumes(given, self.target) for given in views.both]
        if mix is not None:
            volumes = [mix.of_volumes(volume) for volume in volumes]
        return self.extract_feat(*volumes)

    # -- testing -----------------------------------------------------------------------------------

    def test_features(self, views: Pair) -> Iterator[Any]:
        """Yield features (rgb, pose), B * n rows each, of n views of every sample, in order."""
        for chosen in input_stage.view_slices(views.shape, self.views_at_once(views)):
            yield self.extract_feat(
                *(input_stage.volumes(given, self.target, chosen) for given in views.both)
            )

    def views_at_once(self, views: Pair) -> int:
        """Return how many views of both inputs pass the network at once."""
        imgs, heatmaps = views.both
        limit = self.test_cfg.max_testing_views
        return input_stage.volumes_at_once(imgs, self.target, limit, heatmaps)
