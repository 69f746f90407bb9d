"""Pipeline steps from key points to a graph network's input, as operations on batches."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..datasets.pipelines import GenSkeFeat, PreNormalize2D


class NormalizePose(nn.Module):
    """The step PreNormalize2D(mode='fix'): pixels to -1..1.

    Args:
        step: its settings.
    """

    def __init__(self, step: PreNormalize2D):
        super().__init__()
        self.threshold = step.threshold

    def forward(self, keypoint: Tensor, img_shape: Tensor) -> Tensor:
        """Normalise x and y; joints whose score does not exceed the threshold get x = y = 0.

        Args:
            keypoint: (B, S, M, T, V, C) x, y and, if C is 3, score.
            img_shape: (B, 2) height and width in pixels.

        Returns:
            The same shape.
        """
        half = (img_shape.flip(1) / 2).to(keypoint.dtype)[:, None, None, None, None]
        xy = (keypoint[..., :2] - half) / half
        if keypoint.shape[-1] == 2:
            return xy
        score = keypoint[..., 2:]
        return torch.cat([torch.where(score > self.threshold, xy, 0), score], -1)


class MakeFeatures(nn.Module):
    """The step GenSkeFeat with features that each frame gives by itself: 'j', 'b' and 'k'.

    Args:
        step: its settings.
        channels: C of the key points.
        third_is_score: whether the third channel is a score.
    """

    def __init__(self, step: GenSkeFeat, channels: int, third_is_score: bool):
        super().__init__()
        self.feats = step.feats
        self.averages_score = {}
        for feat in sorted(set(step.feats) - {'j'}):
            partner, self.averages_score[feat] = step.bones(feat, channels, third_is_score)
            self.register_buffer(f'partner_{feat}', torch.from_numpy(partner), persistent=False)

    def forward(self, keypoint: Tensor) -> Tensor:
        """Concatenate the features of (B, S, M, T, V, C) along the last axis."""
        features = [self._feature(feat, keypoint) for feat in self.feats]
        return features[0] if len(features) == 1 else torch.cat(features, -1)

    def _feature(self, feat: str, keypoint: Tensor) -> Tensor:
        if feat == 'j':
            return keypoint
        partner = keypoint.index_select(4, getattr(self, f'partner_{feat}'))
        bones = keypoint - partner
        if not self.averages_score[feat]:
            return bones
        score = (keypoint[..., 2:] + partner[..., 2:]) / 2
        return torch.cat([bones[..., :2], score], -1)
