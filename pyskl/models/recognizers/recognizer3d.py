"""Networks over volumes: from heatmaps or pictures to losses or scores.

Source: PoseConv3D, arXiv:2104.13586, with semantic label embeddings, arXiv:2307.10624.
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

    The features of the backbone are a tensor, or a tuple (SlowFast). `imgs` is a tensor, or an
    Input that is computed on the model's device.

    Args:
        backbone: config of a registered backbone.
        cls_head: config of a registered head.
        train_cfg: see mixing.TrainSettings.
        test_cfg: see TestSettings.

    Source: PoseConv3D, arXiv:2104.13586; the embedding: arXiv:2307.10624.
    """

    takes = ('imgs',)

    def check_batch(self, batch: Mapping[str, Any], training: bool) -> None:
        """Check entries, axes and channels, see Recognizer.check_batch."""
        super().check_batch(batch, training)
        check_volumes('imgs', batch['imgs'].shape, getattr(self.backbone, 'in_channels', None))

    def extract_feat(self, *volumes: torch.Tensor) -> Any:
        """Map volumes (N, C, T, H, W) to features (N, D, T', H', W'), or a tuple of them."""
        return self.backbone(*map(self.target.laid_out, volumes))

    def test_features(self, imgs: torch.Tensor | Input) -> Iterator[Any]:
        """Yield features (B * n, D, T', H', W') of n views of every sample at a time, in order."""
        for volume in input_stage.chunks(imgs, self.target, self.test_cfg.max_testing_views):
            yield self.extract_feat(volume)


def check_volumes(entry: str, shape: torch.Size, in_channels: int | None) -> None:
    """Check the axes and channels of volumes in a batch.

    Args:
        entry: name of the entry.
        shape: of the entry, expected to be (B, S, C, T, H, W).
        in_channels: C of the backbone; None: unknown, as for a user's own.

    Raises:
        ConfigError: the shape does not fit.
    """
    if in_channels is None:
        return
    if len(shape) != 6:
        raise ConfigError(
            f'{entry} in the batch has shape {tuple(shape)}; expected (samples, clips, channels, '
            "frames, y, x). Put FormatShape('NCTHW'), for heatmaps 'NCTHW_Heatmap', in front of "
            'Collect.'
        )
    if shape[2] != in_channels:
        raise ConfigError(
            f'model.backbone.in_channels = {in_channels}, but the pipeline gives {entry} with '
            f'{shape[2]} channels per frame (joints, limbs or colours). Set '
            f'in_channels={shape[2]}, or change the output of the pipeline: heatmaps '
            '(GeneratePoseTarget) or pictures.'
        )
