"""From key points to a graph network's features, as operations on batches."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..datasets.pipelines import GenSkeFeat, PreNormalize2D


class NormalisePose(nn.Module):
    """The step PreNormalize2D(mode='fix'): pixels into -1..1.

    Args:
        step: the settings.
    """

    def __init__(self, step: PreNormalize2D):
        super().__init__()
        self.threshold = step.threshold

    def forward(self, keypoint: Tensor, img_shape: Tensor) -> Tensor:
        """Normalise x and y; of joints whose score is not above the threshold they become 0.

        Args:
            keypoint: (B, S, M, T, V, C) x, y and, where C is 3, score.
            img_shape: (B, 2) height and width in pixels.
        """
        half = (img_shape.flip(1) / 2).to(keypoint.dtype)[:, None, None, None, None]
        xy = (keypoint[..., :2] - half) / half
        if keypoint.shape[-1] == 2:
            return xy
        score = keypoint[..., 2:]
        return torch.cat([torch.where(score > self.threshold, xy, 0), score], -1)


class MakeFeatures(nn.Module):
    """The step GenSkeFeat, of features that each frame has by itself: 'j', 'b', 'k'.

    Args:
        step: the settings.
        channels: C of the key points.
        third_is_score: whether the third channel is a score.
    """

    def __init__(self, step: GenSkeFeat, channels: int, third_is_score: bool):
        super().__init__()
        self.feats = step.feats
        self.averages = {}
        for feat in sorted(set(step.feats) - {'j'}):
            partner, self.averages[feat] = step.bones(feat, channels, third_is_score)
            self.register_buffer(f'partner_{feat}', torch.from_numpy(partner), persistent=False)

    def forward(self, keypoint: Tensor) -> Tensor:
        """(B, S, M, T, V, C) -> the same with the features joined."""
        made = [self._feature(feat, keypoint) for feat in self.feats]
        return made[0] if len(made) == 1 else torch.cat(made, -1)

    def _feature(self, feat: str, keypoint: Tensor) -> Tensor:
        if feat == 'j':
            return keypoint
        other = keypoint.index_select(4, getattr(self, f'partner_{feat}'))
        bones = keypoint - other
        if not self.averages[feat]:
            return bones
        score = (keypoint[..., 2:] + other[..., 2:]) / 2
        return torch.cat([bones[..., :2], score], -1)
