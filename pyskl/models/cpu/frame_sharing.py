"""Pass frames that occur several times through the first layers of a network once.

The first layers of SlowOnly (the stem and the first stage, nearly half of its arithmetic) see each
frame on its own. So the network is split after them. The distinct frames of all clips pass the
first part once; then each clip is gathered from the results by an index and passes the second part
as usual. The results are those of complete clips.

Frames occur several times
- in testing (`SharedFrames`), where the clips of a sample share frames: ten clips of 48 frames out
  of 90 have at most 90 distinct ones. A motion frame is the difference of two frames; each distinct
  pair passes once. BatchNorm is fixed, so this works on every device.
- in training (`RepeatedFrames`), where short clips are padded with empty frames or repeat their
  own. There BatchNorm must count each distinct frame as often as it occurs, which ExactBatchNorm3d
  does on the CPU, so that losses, gradients and statistics are the same.

Letters in shapes: F distinct frames, N views; B, S, M, T, V, C, D, H, W as everywhere. A name that
ends in _FHWC holds frames (F, H, W, C).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from mmcv.cnn import ConvModule
from mmcv.cnn.bricks.wrappers import Conv3d as MmcvConv3d
from torch import Tensor, nn

from ...inputs import Target
from ...inputs.heatmaps.frames import (
    DistinctFrames,
    fill_up,
    frames_repeated_in_batch,
    frames_shared_by_clips,
    num_clips_sharing,
)
from .. import input_stage
from ..backbones import ResNet3d
from ..input_stage import Imgs
from ..layers.residual import BasicBlock3d, Bottleneck3d
from .conv3d_as_2d import Conv3dAs2d
from .exact_batch_norm import ExactBatchNorm3d, FrameCounts, counting_frames, frame_counts
from .joined_conv import FastBasicBlock3d, FastBottleneck3d, JoinedConv
from .observers import has_hooks, is_recorded
from .pool3d_as_2d import MaxPool3dAs2d
from .sparse_conv import SparseConv3d

# If the distinct frames are more than these shares of all frames, gathering takes more time than
# it saves.
MAX_SHARE_IN_TESTING = 0.75
MAX_SHARE_IN_TRAINING = 0.95

Features = Tensor | tuple[Tensor, ...]


# -- the network in two parts ---------------------------------------------------------------------

BLOCKS = (BasicBlock3d, FastBasicBlock3d, Bottleneck3d, FastBottleneck3d)
CONTAINERS = (nn.Sequential, ConvModule, JoinedConv, *BLOCKS)
CONVOLUTIONS = (nn.Conv3d, MmcvConv3d, Conv3dAs2d, SparseConv3d)
POOLINGS = (nn.MaxPool3d, MaxPool3dAs2d, nn.AvgPool3d)
BATCH_NORMS = (nn.BatchNorm3d, ExactBatchNorm3d, nn.SyncBatchNorm)
RECTIFIERS = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.GELU, nn.SiLU)
ELEMENTWISE = (*RECTIFIERS, nn.Sigmoid, nn.Tanh, nn.Hardswish, nn.Identity)


@dataclass(frozen=True)
class SplitResNet3d:
    """A ResNet3d in two parts, the first of which sees each frame on its own.

    Attributes:
        backbone: the whole network.
        num_stages: the number of stages that belong to the first part, after the stem.
    """

    backbone: ResNet3d
    num_stages: int

    @classmethod
    def of(cls, backbone: nn.Module, counting: bool = False) -> SplitResNet3d | None:
        """Split a network by its current layers.

        The first part ends before a layer that sees neighbouring frames, and before a stage that is
        an output of the network.

        Args:
            backbone: the network.
            counting: whether BatchNorms in training count each frame as often as it occurs.

        Returns:
            None if the stem sees neighbouring frames, or if running the network in two parts would
            bypass something: another forward than ResNet3d's, a compiled one, or hooks.
        """
        if not isinstance(backbone, ResNet3d) or not _runs_as_built(backbone):
            return None
        if not keeps_frames_apart(nn.Sequential(backbone.conv1, backbone.maxpool), counting):
            return None
        num_stages = 0
        for stage in backbone.stages[: backbone.out_indices[0]]:
            if not keeps_frames_apart(stage, counting):
                break
            num_stages += 1
        split = cls(backbone, num_stages)
        return None if any(map(has_hooks, split._first_layers())) else split

    def _first_layers(self) -> list[nn.Module]:
        return [
            self.backbone.conv1,
            self.backbone.maxpool,
            *self.backbone.stages[: self.num_stages],
        ]

    def first_part(self, x: Tensor) -> Tensor:
        """Run the layers that see each frame on its own: (N, C, T, H, W) to (N, D, T, H', W')."""
        for layer in self._first_layers():
            x = layer(x)
        return x

    def second_part(self, x: Tensor) -> Features:
        """Run the other layers: from the output of `first_part` to that of the backbone."""
        outs = []
        for i, stage in enumerate(self.backbone.stages):
            if i >= self.num_stages:
                x = stage(x)
            if i in self.backbone.out_indices:
                outs.append(x)
        return outs[0] if len(outs) == 1 else tuple(outs)


def _runs_as_built(backbone: ResNet3d) -> bool:
    """Return whether calling a backbone runs ResNet3d's forward and nothing else."""
    own_forward = type(backbone).forward is not ResNet3d.forward or 'forward' in vars(backbone)
    is_compiled = backbone._compiled_call_impl is not None
    return not (own_forward or is_compiled or is_recorded() or has_hooks(backbone, recurse=False))


def keeps_frames_apart(module: nn.Module, counting: bool = False) -> bool:
    """Return whether each frame of the output depends on the same frame of the input only.

    BatchNorm in training mixes frames, except for ExactBatchNorm3d with `counting`, which knows how
    often each frame occurs. Layers of unknown classes, including subclasses, count as mixing.
    """
    return all(_layer_keeps_frames_apart(layer, counting) for layer in module.modules())


def _layer_keeps_frames_apart(layer: Any, counting: bool) -> bool:
    kind = type(layer)
    if kind in CONVOLUTIONS:
        return (
            _is_one_frame(layer.kernel_size)
            and _is_one_frame(layer.stride)
            and layer.padding[0] == 0
        )
    if kind in POOLINGS:
        return _is_one_frame(layer.kernel_size) and _is_one_frame(layer.stride)
    if kind in BATCH_NORMS:
        counts = counting and kind is ExactBatchNorm3d
        return layer.track_running_stats and (counts or not layer.training)
    return kind in CONTAINERS or kind in ELEMENTWISE


def _is_one_frame(size: int | tuple[int, ...]) -> bool:
    return (size if isinstance(size, int) else size[0]) == 1


# -- testing: clips share frames ------------------------------------------------------------------


@dataclass
class SharedFrames:
    """The clips of a sample, whose distinct frames pass the first part of the network once.

    Attributes:
        network: the backbone in two parts.
        frames: the clips as an index into their distinct frames.
    """

    network: SplitResNet3d
    frames: DistinctFrames

    @classmethod
    def of(cls, imgs: Imgs, backbone: nn.Module) -> SharedFrames | None:
        """Find the frames that the clips of a sample share; None if that saves no time."""
        if num_clips_sharing(imgs) == 1:
            return None
        network = SplitResNet3d.of(backbone)
        if network is None:
            return None
        frames = frames_shared_by_clips(imgs, MAX_SHARE_IN_TESTING)
        return cls(network, frames) if frames else None

    def features(self, target: Target, max_testing_views: int | None) -> Iterator[Features]:
        """Yield the features of some views at a time, in order: (n, D, T', H', W')."""
        results = map(self.network.first_part, self._volumes(target, max_testing_views))
        frames_FHWC = _frames_in_a_row(results)
        index = self.frames.index.to(target.device, non_blocking=True)
        if self.frames.heatmaps.spec.double:  # mirrored frames follow the plain ones
            index = torch.cat([index, index + len(frames_FHWC) // 2])
        views_at_once = input_stage.volumes_at_once(self.frames.heatmaps, target, max_testing_views)
        for part in index.split(views_at_once):
            yield self.network.second_part(gather_clips(frames_FHWC, part, target))

    def _volumes(self, target: Target, max_testing_views: int | None) -> Iterator[Tensor]:
        """Yield the distinct frames, plain, then mirrored ones, as volumes (n, C, T, H, W)."""
        distinct, pairs = self.frames.heatmaps, self.frames.pairs
        if pairs is None:
            yield from input_stage.chunks(distinct, target, max_testing_views)
            return

        # For motion, draw each frame in float32, then subtract it from the next one.
        exact = replace(target, dtype=torch.float32)
        frames_FHWC = _frames_in_a_row(input_stage.chunks(distinct, exact, max_testing_views))
        T = distinct.keypoint.shape[3]
        pairs = fill_up(pairs, T).to(target.device, non_blocking=True)
        if distinct.spec.double:
            pairs = torch.cat([pairs, pairs + len(frames_FHWC) // 2])
        views_at_once = input_stage.volumes_at_once(distinct, target, max_testing_views)
        for part in pairs.split(T * views_at_once):
            now, following = part.unbind(1)
            motion = frames_FHWC.index_select(0, following).sub_(frames_FHWC.index_select(0, now))
            volume = motion.to(target.dtype).unflatten(0, (-1, T)).permute(0, 4, 1, 2, 3)
            yield target.laid_out(volume)


# -- training: frames repeat ----------------------------------------------------------------------


@dataclass
class RepeatedFrames:
    """The clips of a training batch, whose distinct frames pass the first part once.

    Attributes:
        network: the backbone in two parts.
        frames: the clips as an index into their distinct frames.
        frame_counts: how often each of the distinct frames occurs.
    """

    network: SplitResNet3d
    frames: DistinctFrames
    frame_counts: FrameCounts

    @classmethod
    def of(cls, imgs: Imgs, backbone: nn.Module, target: Target) -> RepeatedFrames | None:
        """Find repeated frames; None if that saves no time or BatchNorm cannot count them."""
        if not _can_count(backbone, target):
            return None
        network = SplitResNet3d.of(backbone, counting=True)
        if network is None:
            return None
        frames = frames_repeated_in_batch(imgs, MAX_SHARE_IN_TRAINING)
        if frames is None or frames.counts is None:
            return None
        return cls(network, frames, frame_counts(frames.counts.tolist()))

    def features(self, target: Target) -> Features:
        """Compute the features of all views: (N, D, T', H', W')."""
        volume = input_stage.volumes(self.frames.heatmaps, target)  # (1, C, F, H, W)
        with counting_frames(self.network.backbone, self.frame_counts):
            results = self.network.first_part(volume)  # (1, D, F, H', W')
        frames_FHWC = results.permute(0, 2, 3, 4, 1).flatten(0, 1)
        return self.network.second_part(gather_clips(frames_FHWC, self.frames.index, target))


def _can_count(backbone: nn.Module, target: Target) -> bool:
    """Return whether this is a training step without hooks whose BatchNorms all count frames."""
    on_cpu = target.device.type == 'cpu' and target.dtype == torch.float32 and target.channels_last
    if not on_cpu or not torch.is_grad_enabled() or has_hooks(backbone):
        return False
    if getattr(backbone, 'with_cp', False):
        return False
    norms = [layer for layer in backbone.modules() if isinstance(layer, ExactBatchNorm3d)]
    return all(norm.affine and norm.track_running_stats for norm in norms)


# -- clips gathered from frames -------------------------------------------------------------------


def gather_clips(frames_FHWC: Tensor, index: Tensor, target: Target) -> Tensor:
    """Gather clips from frames.

    Args:
        frames_FHWC: all frames.
        index: (N, T) the places of each clip's frames among them.
        target: gives the memory layout of the clips.

    Returns:
        (N, C, T, H, W).
    """
    chosen = frames_FHWC.index_select(0, index.flatten())
    clips = chosen.unflatten(0, index.shape)  # (N, T, H, W, C)
    return target.laid_out(clips.permute(0, 4, 1, 2, 3))


def _frames_in_a_row(volumes: Iterable[Tensor]) -> Tensor:
    """Concatenate the frames of volumes (n, C, T, H, W): (F, H, W, C)."""
    return torch.cat([volume.permute(0, 2, 3, 4, 1).flatten(0, 1) for volume in volumes])
