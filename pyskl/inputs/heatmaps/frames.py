"""Find equal frames in a batch of heatmaps, so that each needs to be drawn only once.

Clips share frames in testing: ten clips of 48 frames out of 90 have at most 90 distinct ones. In
training, short clips are padded with empty frames or repeat their own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from .batch import Heatmaps
from .geometry import MIN_PEAK


@dataclass(frozen=True)
class DistinctFrames:
    """Clips as an index into their distinct frames. F frames, N views, P pairs.

    Attributes:
        heatmaps: the distinct frames as Heatmaps of one sample, as stills even for motion: cut into
            clips, the last one padded, or as one clip, sorted by how often they occur.
        index: (N, T) the places of the frames of each view among them; for motion, the places of
            its motion frames in `pairs`.
        pairs: for motion (P, 2): frame and next frame of each distinct motion frame; else None.
        counts: (F,) how often each frame occurs, ascending; None if it is not needed.
    """

    heatmaps: Heatmaps
    index: Tensor
    pairs: Tensor | None = None
    counts: Tensor | None = None


def num_clips_sharing(imgs: Any) -> int:
    """Return how many clips of each sample may share frames, 1 if `imgs` is no Heatmaps."""
    return imgs.keypoint.shape[1] if isinstance(imgs, Heatmaps) else 1


def frames_shared_by_clips(imgs: Any, max_share: float) -> DistinctFrames | None:
    """Find the frames that the clips of one sample share.

    Args:
        imgs: an entry of a batch; only Heatmaps of one sample with several clips can share.
        max_share: if the distinct frames are more than this share of all, sharing saves no time.

    Returns:
        None if there is nothing to share.
    """
    if num_clips_sharing(imgs) == 1 or len(imgs) != 1:
        return None

    # Find the distinct frames, or pairs of frames, on the host, without a synchronisation.
    clips = imgs.host
    _, S, M, T, V, _ = clips.keypoint.shape
    xy, score = _frames_of(clips)
    first, index = _distinct(xy, score)
    index = index.view(S, T)
    pairs, index = _distinct_pairs(index) if clips.spec.motion else (None, index)
    num_clips_to_pass = -(-len(first if pairs is None else pairs) // T)
    if num_clips_to_pass > max_share * S:
        return None

    # Arrange them as clips, so that they are drawn in the same way.
    filled = fill_up(first, T)
    shape = (1, len(filled) // T, T, M, V)
    heatmaps = replace(
        clips,
        spec=replace(clips.spec, motion=False),
        keypoint=xy[filled].view(*shape, 2).transpose(2, 3).contiguous(),
        keypoint_score=score[filled].view(shape).transpose(2, 3).contiguous(),
    )
    return DistinctFrames(heatmaps, index, pairs)


def frames_repeated_in_batch(imgs: Any, max_share: float) -> DistinctFrames | None:
    """Find the frames that occur several times in a training batch.

    Args:
        imgs: an entry of a batch.
        max_share: see frames_shared_by_clips.

    Returns:
        The distinct frames as one clip, sorted by their counts; None if too few are repeated, or if
        they are not stills.
    """
    if not isinstance(imgs, Heatmaps) or imgs.spec.motion or imgs.spec.double:
        return None

    # Joints without a score are not drawn, so their place makes no difference.
    clips = imgs.host
    xy, score = _frames_of(clips)
    unseen = score < MIN_PEAK
    xy, score = xy.masked_fill(unseen.unsqueeze(-1), 0), score.masked_fill(unseen, 0)
    first, index = _distinct(xy, score)
    if len(first) > max_share * len(index):
        return None

    # Sort them by how often they occur.
    counts, order = torch.bincount(index, minlength=len(first)).sort(stable=True)
    chosen = first[order]
    heatmaps = replace(
        clips,
        keypoint=xy[chosen].transpose(0, 1)[None, None],
        keypoint_score=score[chosen].transpose(0, 1)[None, None],
    )
    index = torch.argsort(order)[index].view(-1, clips.keypoint.shape[3])
    return DistinctFrames(heatmaps, index, counts=counts)


def fill_up(rows: Tensor, T: int) -> Tensor:
    """Repeat the last of (N, ...) rows until their number is a multiple of T."""
    return torch.cat([rows, rows[-1:].expand(-len(rows) % T, *rows.shape[1:])])


def _frames_of(clips: Heatmaps) -> tuple[Tensor, Tensor]:
    """Return all frames: (B * S * T, M, V, 2) key points and (B * S * T, M, V) scores."""
    xy, score = clips.keypoint.transpose(2, 3), clips.keypoint_score.transpose(2, 3)
    return xy.flatten(0, 2), score.flatten(0, 2)


def _distinct(xy: Tensor, score: Tensor) -> tuple[Tensor, Tensor]:
    """Find the distinct frames among those of `_frames_of`; NaN equals NaN.

    Returns:
        (F,) where each distinct frame occurs first; and (B * S * T,) which of them each frame is.
    """
    rows = torch.cat([xy, score.unsqueeze(-1)], 3).flatten(1)
    _, group = torch.unique(torch.nan_to_num(rows, nan=-1e30), dim=0, return_inverse=True)
    place = torch.arange(len(rows), device=rows.device)
    first = torch.full_like(place, len(rows)).scatter_reduce(0, group, place, 'amin')
    return first[first < len(rows)], group


def _distinct_pairs(index: Tensor) -> tuple[Tensor, Tensor]:
    """Find the distinct pairs of a frame and the next one in the same clip.

    The last frame of a clip has no next one, so it has no motion, as from a frame to itself.

    Args:
        index: (S, T) which distinct frame each frame of a clip is.

    Returns:
        (P, 2) the pairs; and (S, T) which of them each motion frame is.
    """
    following = torch.cat([index[:, 1:], index[:, -1:]], 1)
    count = int(index.max()) + 1
    codes = torch.where(following == index, 0, index * count + following)
    codes, place = torch.unique(codes, return_inverse=True)
    return torch.stack([codes // count, codes % count], 1), place
