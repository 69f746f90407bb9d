"""PoseConv3D, arXiv:2104.13586, with semantic label embeddings, arXiv:2307.10624.

From heatmaps to losses or scores.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch

from ...errors import ConfigError
from ...inputs import Input
from ...registry import RECOGNIZERS
from .. import input_stage
from .views import ViewRecognizer


@RECOGNIZERS.register_module()
class Recognizer3D(ViewRecognizer):
    """Backbone and head over `imgs` (B, S, C, T, H, W): B samples of S views, heatmaps or pictures.

    `imgs` is a tensor, or an Input that is computed on the model's device.

    Args:
        backbone: config of a registered backbone.
        cls_head: config of a registered head.
        train_cfg: see mixing.TrainSettings.
        test_cfg: see TestSettings.

    Source: PoseConv3D, arXiv:2104.13586; the embedding: arXiv:2307.10624.
    """

    takes = ('imgs',)

    def check_batch(self, batch: Mapping[str, Any], training: bool) -> None:
        super().check_batch(batch, training)
        wanted, shape = getattr(self.backbone, 'in_channels', None), batch['imgs'].shape
        if wanted is not None and len(shape) == 6 and shape[2] != wanted:
            raise ConfigError(
                f'model.backbone.in_channels = {wanted}, but the pipeline gives {shape[2]} '
                'heatmaps a frame. '
                f'Set in_channels={shape[2]}, or change what GeneratePoseTarget draws (joints, '
                'limbs).'
            )

    def extract_feat(self, imgs: torch.Tensor) -> torch.Tensor:
        """Volumes (N, C, T, H, W) -> features (N, D, T', H', W')."""
        return self.backbone(self.target.laid_out(imgs))

    def samples_at_once(self, imgs: torch.Tensor | Input) -> int:
        """Return how many samples pass the network together; only a GPU and a user limit it."""
        limit = self.test_cfg.max_testing_views
        if limit is None and self.target.device.type != 'cuda':
            return imgs.shape[0]
        return input_stage.volumes_at_once(imgs, self.target, limit)

    def test_features(self, imgs: torch.Tensor | Input) -> Iterator[torch.Tensor]:
        """Give features (B * n, D, T', H', W') of n views of every sample at a time, in order."""
        for volume in input_stage.chunks(imgs, self.target, self.test_cfg.max_testing_views):
            yield self.extract_feat(volume)
