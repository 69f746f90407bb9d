"""Testing without doing a frame twice: the clips of a sample are drawn from the same few frames.

Ten clips of 48 frames out of 90 hold at most 90 distinct frames. As long as the network looks at each frame alone (SlowOnly: the
stem and the first stage, nearly half of its arithmetic), each passes once; then the clips are put together from the results.
A motion frame is the difference of two frames: there each distinct pair passes once.
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import torch

from ...inputs import Target
from ...inputs.heatmaps import Heatmaps
from .. import input_stage
from ..backbones import ResNet3d

WORTHWHILE = 0.75           # with more distinct frames than this share, gathering costs more than it saves


@dataclass
class SharedFrames:
    """One sample's clips as an index into its distinct frames.

    distinct   Heatmaps of one sample whose clips, laid end to end, hold the distinct frames (the last clip is filled up)
    index      (S, T) for each clip, the places of its frames in that row; of its motion frames among the pairs
    pairs      None, or for motion (P, 2): the frames in that row that each distinct motion frame is the difference of, now and next
    stages     how many of the backbone's stages, after the stem, see single frames
    """

    backbone: ResNet3d
    distinct: Heatmaps
    index: torch.Tensor
    pairs: torch.Tensor | None
    stages: int

    @classmethod
    def of(cls, clips: Heatmaps, backbone: torch.nn.Module) -> SharedFrames | None:
        """The shared form of one sample's clips; None where it would save nothing."""
        if not isinstance(backbone, ResNet3d) or len(clips) != 1 or clips.keypoint.shape[1] == 1:
            return None
        stages = backbone.num_frame_stages()
        if stages is None:
            return None
        _, S, M, T, V, _ = clips.keypoint.shape
        xy, score = frames_of(clips)
        first, index = distinct_frames(xy, score)
        index = index.view(S, T)
        pairs, index = _distinct_pairs(index) if clips.spec.motion else (None, index)
        if -(-len(first if pairs is None else pairs) // T) > WORTHWHILE * S:
            return None
        filled = _fill_up(first, T)
        num_clips = len(filled) // T
        distinct = replace(clips, spec=replace(clips.spec, motion=False),
                           keypoint=xy[filled].view(1, num_clips, T, M, V, 2).transpose(2, 3).contiguous(),
                           keypoint_score=score[filled].view(1, num_clips, T, M, V).transpose(2, 3).contiguous())
        return cls(backbone, distinct, index, pairs, stages)

    def features(self, target: Target, max_testing_views: int | None) -> Iterator[torch.Tensor]:
        """Features of some views at a time, in order: (n, D, T', H', W')."""
        frames_HWC = _in_a_row(self.backbone.forward_frames(volume, self.stages)               # (distinct views * T, H, W, D)
                               for volume in self._volumes(target, max_testing_views))
        index = self.index.to(target.device, non_blocking=True)
        if self.distinct.spec.double:
            index = torch.cat([index, index + len(frames_HWC) // 2])                        # mirrored frames follow the plain
        for some in index.split(input_stage.volumes_at_once(self.distinct, target, max_testing_views)):
            yield self.backbone.forward_clips(put_together(frames_HWC, some, target), self.stages)

    def _volumes(self, target: Target, max_testing_views: int | None) -> Iterator[torch.Tensor]:
        """The distinct frames, plain ones, then mirrored ones, drawn as volumes (n, C, T, H, W)."""
        if self.pairs is None:
            yield from input_stage.chunks(self.distinct, target, max_testing_views)
            return
        exact = replace(target, dtype=torch.float32)
        stills_HWC = _in_a_row(input_stage.chunks(self.distinct, exact, max_testing_views))
        T = self.distinct.keypoint.shape[3]
        pairs = _fill_up(self.pairs, T).to(target.device, non_blocking=True)
        if self.distinct.spec.double:
            pairs = torch.cat([pairs, pairs + len(stills_HWC) // 2])
        for some in pairs.split(T * input_stage.volumes_at_once(self.distinct, target, max_testing_views)):
            now, following = some.unbind(1)
            motion = stills_HWC.index_select(0, following).sub_(stills_HWC.index_select(0, now)).to(target.dtype)
            yield input_stage.laid_out(motion.unflatten(0, (-1, T)).permute(0, 4, 1, 2, 3), target)


def frames_of(clips: Heatmaps) -> tuple[torch.Tensor, torch.Tensor]:
    """All frames of all clips one behind the other: key points (B*S*T, M, V, 2) and their scores (B*S*T, M, V)."""
    return clips.keypoint.transpose(2, 3).flatten(0, 2), clips.keypoint_score.transpose(2, 3).flatten(0, 2)


def distinct_frames(xy: torch.Tensor, score: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Frames as from frames_of -> places of the distinct ones in their order; for each frame, which of them it is. NaN equals NaN."""
    rows = torch.cat([xy, score.unsqueeze(-1)], 3).flatten(1)
    _, group = torch.unique(torch.nan_to_num(rows, nan=-1e30), dim=0, return_inverse=True)
    place = torch.arange(len(rows), device=rows.device)
    first = torch.full_like(place, len(rows)).scatter_reduce(0, group, place, 'amin')
    return first[first < len(rows)], group


def put_together(frames_HWC: torch.Tensor, index: torch.Tensor, target: Target) -> torch.Tensor:
    """Frames (F, H, W, D) and the places of each clip's frames among them (N, T) -> volumes (N, D, T, H, W)."""
    clips = frames_HWC.index_select(0, index.flatten()).unflatten(0, index.shape)           # (N, T, H, W, D)
    return input_stage.laid_out(clips.permute(0, 4, 1, 2, 3), target)


def _in_a_row(volumes: Iterable[torch.Tensor]) -> torch.Tensor:
    """(n, C, T, H, W), several -> all their frames, (sum of n * T, H, W, C)"""
    return torch.cat([some.permute(0, 2, 3, 4, 1).flatten(0, 1) for some in volumes])


def _fill_up(rows: torch.Tensor, T: int) -> torch.Tensor:
    """(N, ...) -> as many rows as whole clips of T have, the last one repeated."""
    return torch.cat([rows, rows[-1:].expand(-len(rows) % T, *rows.shape[1:])])


def _distinct_pairs(index: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(S, T) frames of each clip -> (P, 2) distinct frames and their successors; (S, T) which of them each motion frame is.

    The last frame of a clip has no successor: there is no motion, as from any frame to itself.
    """
    following = torch.cat([index[:, 1:], index[:, -1:]], 1)
    count = int(index.max()) + 1
    codes, place = torch.unique(torch.where(following == index, 0, index * count + following), return_inverse=True)
    return torch.stack([codes // count, codes % count], 1), place
