"""Training without doing a frame twice: short clips are filled up with empty frames, or with their own once more.

As long as the network looks at each frame alone (SlowOnly: the stem and the first stage, nearly half of its arithmetic), frames of
a batch that are alike pass once, and BatchNorm counts them as often as they occur: the same losses, gradients and statistics. This
takes a BatchNorm that can count, which ours can on the CPU. (In testing BatchNorm counts nothing: see shared_frames.)
"""
from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from ..heatmaps import PoseClips
from ..heatmaps.marks import MIN_PEAK
from .backbones import ResNet3d
from .backbones.exact_norm import ExactBatchNorm3d, Runs, counted
from .backbones.joined_conv import is_heard
from .input_stage import Target, laid_out, volumes
from .shared_frames import distinct_rows

WORTHWHILE = 0.95           # with more distinct frames than this share, gathering costs more than it saves


@dataclass
class RepeatedFrames:
    """A batch's clips as an index into its distinct frames.

    distinct   PoseClips of one sample with one clip, the distinct frames: first those that occur once, then twice, and so on
    index      (N, T) for each view of the batch, the places of its frames in that clip
    runs       how often which of them occur
    stages     how many of the backbone's stages, after the stem, see single frames
    """

    backbone: ResNet3d
    distinct: PoseClips
    index: torch.Tensor
    runs: Runs
    stages: int

    @classmethod
    def of(cls, clips: PoseClips, backbone: torch.nn.Module, target: Target) -> RepeatedFrames | None:
        """A batch's form for training; None where BatchNorm can't count frames, or it would save nothing."""
        if clips.spec.motion or clips.spec.double or not _can_count(backbone, target):
            return None
        stages = backbone.num_frame_stages(counting=True)
        if stages is None:
            return None
        B, S, M, T, V, _ = clips.keypoint.shape
        xy = clips.keypoint.transpose(2, 3).flatten(0, 2)                                   # (B*S*T, M, V, 2)
        score = clips.keypoint_score.transpose(2, 3).flatten(0, 2)                          # (B*S*T, M, V)
        unseen = score < MIN_PEAK
        xy, score = xy.masked_fill(unseen.unsqueeze(-1), 0), score.masked_fill(unseen, 0)   # wherever it is, nothing is drawn
        first, index = distinct_rows(torch.cat([xy, score.unsqueeze(-1)], 3).flatten(1))
        if len(first) > WORTHWHILE * len(index):
            return None
        times, order = torch.bincount(index, minlength=len(first)).sort(stable=True)
        chosen = first[order]
        distinct = replace(clips, keypoint=xy[chosen].transpose(0, 1)[None, None], keypoint_score=score[chosen].transpose(0, 1)[None, None])
        return cls(backbone, distinct, torch.argsort(order)[index].view(B * S, T), _runs(times.tolist()), stages)

    def features(self, target: Target) -> torch.Tensor:
        """Of all views: (N, D, T', H', W')."""
        with counted(self.backbone, self.runs):
            frames = self.backbone.forward_frames(volumes(self.distinct, target), self.stages)      # (1, D, F, H, W)
        frames_HWC = frames.permute(0, 2, 3, 4, 1).flatten(0, 1)
        clips = frames_HWC.index_select(0, self.index.flatten()).unflatten(0, self.index.shape)     # (N, T, H, W, D)
        return self.backbone.forward_clips(laid_out(clips.permute(0, 4, 1, 2, 3), target), self.stages)


def _can_count(backbone: torch.nn.Module, target: Target) -> bool:
    """Is it a training step, recorded by nobody, of a network whose BatchNorms all count frames for such an input?"""
    if not isinstance(backbone, ResNet3d) or backbone.with_cp or backbone.is_compiled or not torch.is_grad_enabled():
        return False
    if torch.compiler.is_compiling() or torch.jit.is_tracing() or any(map(is_heard, backbone.modules())):
        return False
    layers = [layer for layer in backbone.modules() if isinstance(layer, ExactBatchNorm3d)]
    ours = target.device.type == 'cpu' and target.dtype == torch.float32 and target.channels_last
    return ours and all(layer.affine and layer.track_running_stats for layer in layers)


def _runs(times: list[int]) -> Runs:
    """How often each frame occurs, ascending -> runs of as many."""
    starts = [i for i, number in enumerate(times) if i == 0 or number != times[i - 1]]
    return tuple((slice(start, stop), times[start]) for start, stop in zip(starts, [*starts[1:], len(times)]))
