"""The plain way to feed a heatmap network: workers draw the heatmaps in numpy loops."""

from __future__ import annotations

from typing import Any

import torch

from ..datasets import PoseDataset
from ..inputs.heatmaps import Heatmaps
from ..inputs.heatmaps.reference import render_slowly

SLOW_CLIPS = 24  # clips to measure the plain way on: each takes a tenth of a second


def draw_slowly(clips: Heatmaps) -> torch.Tensor:
    """Draw the heatmaps of one clip by numpy loops, as (1, S, C, T, H, W)."""
    _, views, people, frames, joints, _ = clips.keypoint.shape
    xy = clips.keypoint[0].permute(1, 0, 2, 3, 4).reshape(people, views * frames, joints, 2)
    score = clips.keypoint_score[0].permute(1, 0, 2, 3).reshape(people, views * frames, joints)
    maps = render_slowly(xy.numpy(), score.numpy(), clips.size, clips.spec)
    shape = clips.shape
    return torch.from_numpy(maps).view(1, shape[1], shape[3], shape[2], *shape[4:]).transpose(2, 3)


class DrawnSlowly:
    """The first SLOW_CLIPS of a data set, with heatmaps that are drawn where the sample is made."""

    test_mode = False

    def __init__(self, dataset: PoseDataset):
        self.dataset, self.labels = dataset, dataset.labels[:SLOW_CLIPS]

    def __len__(self) -> int:
        return SLOW_CLIPS

    def __getitem__(self, index: int) -> dict[str, Any]:
        sample = self.dataset.sample(index)
        return {**sample, 'imgs': draw_slowly(sample['imgs'].input())[0]}
