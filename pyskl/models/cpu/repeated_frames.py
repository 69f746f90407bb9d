"""Training without doing a frame twice: short clips are filled up with empty frames, or with their own once more.

As long as the network looks at each frame alone (SlowOnly: the stem and the first stage, nearly half of its arithmetic), frames of
a batch that are alike pass once, and BatchNorm counts them as often as they occur: the same losses, gradients and statistics. This
takes a BatchNorm that can count, which ours can on the CPU. (In testing BatchNorm counts nothing: see shared_frames.)
"""
from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from ...inputs import Target
from ...inputs.heatmaps import Heatmaps
from ...inputs.heatmaps.geometry import MIN_PEAK
from ..backbones import ResNet3d
from ..input_stage import volumes
from .exact_batch_norm import ExactBatchNorm3d, Runs, counted
from .joined_conv import is_heard, is_recorded
from .shared_frames import distinct_frames, frames_of, put_together

WORTHWHILE = 0.95           # with more distinct frames than this share, gathering costs more than it saves


@dataclass
class RepeatedFrames:
    """A batch's clips as an index into its distinct frames.

    distinct   Heatmaps of one sample with one clip, the distinct frames: first those that occur once, then twice, and so on
    index      (N, T) for each view of the batch, the places of its frames in that clip
    runs       how often which of them occur
    stages     how many of the backbone's stages, after the stem, see single frames
    """

    backbone: ResNet3d
    distinct: Heatmaps
    index: torch.Tensor
    runs: Runs
    stages: int

    @classmethod
    def of(cls, clips: Heatmaps, backbone: torch.nn.Module, target: Target) -> RepeatedFrames | None:
        """A batch's form for training; None where BatchNorm can't count frames, or it would save nothing."""
        if clips.spec.motion or clips.spec.double or not _can_count(backbone, target):
            return None
        stages = backbone.num_frame_stages(counting=True)
        if stages is None:
            return None
        xy, score = frames_of(clips)
        unseen = score < MIN_PEAK
        xy, score = xy.masked_fill(unseen.unsqueeze(-1), 0), score.masked_fill(unseen, 0)   # wherever it is, nothing is drawn
        first, index = distinct_frames(xy, score)
        if len(first) > WORTHWHILE * len(index):
            return None
        times, order = torch.bincount(index, minlength=len(first)).sort(stable=True)
        chosen = first[order]
        distinct = replace(clips, keypoint=xy[chosen].transpose(0, 1)[None, None], keypoint_score=score[chosen].transpose(0, 1)[None, None])
        return cls(backbone, distinct, torch.argsort(order)[index].view(-1, clips.keypoint.shape[3]), _runs(times), stages)

    def features(self, target: Target) -> torch.Tensor:
        """Of all views: (N, D, T', H', W')."""
        with counted(self.backbone, self.runs):
            frames = self.backbone.forward_frames(volumes(self.distinct, target), self.stages)      # (1, D, F, H, W)
        frames_HWC = frames.permute(0, 2, 3, 4, 1).flatten(0, 1)
        return self.backbone.forward_clips(put_together(frames_HWC, self.index, target), self.stages)


def _can_count(backbone: torch.nn.Module, target: Target) -> bool:
    """Is it a training step, recorded by nobody, of a network whose BatchNorms all count frames for such an input?"""
    here = target.device.type == 'cpu' and target.dtype == torch.float32 and target.channels_last
    if not here or not isinstance(backbone, ResNet3d) or backbone.with_cp or backbone.is_compiled:
        return False
    if is_recorded() or not torch.is_grad_enabled() or any(map(is_heard, backbone.modules())):
        return False
    return all(layer.affine and layer.track_running_stats for layer in backbone.modules() if isinstance(layer, ExactBatchNorm3d))


def _runs(times: torch.Tensor) -> Runs:
    """How often each frame occurs (F,), ascending -> runs of as many."""
    values, lengths = torch.unique_consecutive(times, return_counts=True)
    rows = zip(values.tolist(), lengths.tolist(), lengths.cumsum(0).tolist())
    return tuple((slice(stop - length, stop), number) for number, length, stop in rows)
