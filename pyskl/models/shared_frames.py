"""Testing without doing a frame twice: the clips of a sample are drawn from the same few frames.

Ten clips of 48 frames out of 90 hold at most 90 distinct frames. As long as the network looks at each frame alone (SlowOnly: the
stem and the first stage, nearly half of its arithmetic), each passes once; then the clips are put together from the results.
"""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch

from ..heatmaps import PoseClips
from . import input_stage
from .backbones import ResNet3d
from .input_stage import Target

WORTHWHILE = 0.75           # with more distinct frames than this share, gathering costs more than it saves


@dataclass
class SharedFrames:
    """One sample's clips as an index into its distinct frames.

    distinct   PoseClips of one sample whose clips, laid end to end, hold the distinct frames (the last clip is filled up)
    index      (S, T) for each clip, the places of its frames in that row
    stages     how many of the backbone's stages, after the stem, see single frames
    """

    backbone: ResNet3d
    distinct: PoseClips
    index: torch.Tensor
    stages: int

    @classmethod
    def of(cls, clips: PoseClips, backbone: torch.nn.Module) -> SharedFrames | None:
        """The shared form of one sample's clips; None where it would save nothing."""
        if not isinstance(backbone, ResNet3d) or len(clips) != 1 or clips.keypoint.shape[1] == 1:
            return None
        stages = backbone.num_frame_stages()
        if stages is None:
            return None
        _, S, M, T, V, _ = clips.keypoint.shape
        xy = clips.keypoint[0].transpose(1, 2).flatten(0, 1)                                # (S*T, M, V, 2)
        score = clips.keypoint_score[0].transpose(1, 2).flatten(0, 1)                       # (S*T, M, V)
        first, index = _distinct_rows(torch.cat([xy, score.unsqueeze(-1)], 3).flatten(1))
        num_clips = -(-len(first) // T)
        if num_clips > WORTHWHILE * S:
            return None
        filled = torch.cat([first, first[-1:].expand(num_clips * T - len(first))])
        distinct = replace(clips, keypoint=xy[filled].view(1, num_clips, T, M, V, 2).transpose(2, 3).contiguous(),
                           keypoint_score=score[filled].view(1, num_clips, T, M, V).transpose(2, 3).contiguous())
        return cls(backbone, distinct, index.view(S, T), stages)

    def features(self, target: Target, max_testing_views: int | None) -> Iterator[torch.Tensor]:
        """Features of some views at a time, in order: (n, D, T', H', W')."""
        frames = [self.backbone.forward_frames(volume, self.stages)
                  for volume in input_stage.chunks(self.distinct, target, max_testing_views)]
        frames_HWC = torch.cat([some.permute(0, 2, 3, 4, 1).flatten(0, 1) for some in frames])     # (distinct views * T, H, W, D)
        index = self.index.to(target.device)
        if self.distinct.spec.double:
            index = torch.cat([index, index + len(frames_HWC) // 2])                        # mirrored frames follow the plain
        for some in index.split(input_stage.volumes_at_once(self.distinct, target, max_testing_views)):
            clips = frames_HWC.index_select(0, some.flatten()).unflatten(0, some.shape)     # (n, T, H, W, D)
            yield self.backbone.forward_clips(input_stage.laid_out(clips.permute(0, 4, 1, 2, 3), target), self.stages)


def _distinct_rows(rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(N, D) -> (places of the distinct rows in their order, (N,) for each row, which of them it is). NaN equals NaN."""
    _, group = torch.unique(torch.nan_to_num(rows, nan=-1e30), dim=0, return_inverse=True)
    place = torch.arange(len(rows), device=rows.device)
    first = torch.full_like(place, len(rows)).scatter_reduce(0, group, place, 'amin')
    return first[first < len(rows)], group
