"""Heatmaps that are not drawn yet: the loader carries key points (12.7 KB a clip, not 13.2 MB)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...errors import DataError
from ..base import Input, LazyArray, Target
from .render import blank, draw_views
from .spec import HeatmapSpec


@dataclass
class Heatmaps(Input):
    """Heatmaps of B samples of S clips each, as key points; the model's device draws them.

    Attributes:
        keypoint: (B, S, M, T, V, 2) float32, pixels; NaN where there is nobody.
        keypoint_score: (B, S, M, T, V) float32.
        size: (H, W) pixels of the picture that the key points lie in, before spec.scaling.
        spec: what to draw.
        on_host: the same on the CPU, where somebody can look at the numbers without waiting for
            another device; None where they are on the CPU themselves.
    """

    keypoint: Tensor
    keypoint_score: Tensor
    size: tuple[int, int]
    spec: HeatmapSpec
    on_host: Heatmaps | None = None

    has_joints = True

    def __len__(self) -> int:
        return self.keypoint.shape[0]

    def __getitem__(self, samples: slice) -> Heatmaps:
        host = None if self.on_host is None else self.on_host[samples]
        return replace(
            self,
            keypoint=self.keypoint[samples],
            keypoint_score=self.keypoint_score[samples],
            on_host=host,
        )

    @property
    def host(self) -> Heatmaps:
        """The same key points on the CPU."""
        return self if self.on_host is None else self.on_host

    @property
    def num_views(self) -> int:
        """Views of each sample: S plain clips, then, with spec.double, their S mirrored copies."""
        return self.keypoint.shape[1] * (2 if self.spec.double else 1)

    @property
    def shape(self) -> torch.Size:
        """(B, num_views, C, T, H, W), the shape that drawing all views gives."""
        B, _, _, T, V, _ = self.keypoint.shape
        return torch.Size(
            (B, self.num_views, self.spec.num_channels(V), T, *self.spec.picture_size(self.size))
        )

    @property
    def device(self) -> torch.device:
        return self.keypoint.device

    def draw(
        self,
        views: slice | None = None,
        dtype: torch.dtype = torch.float32,
        channels_last: bool = False,
        frames_first: bool = False,
    ) -> Tensor:
        """Draw some views of every sample, on the device where the key points are.

        views          which of the num_views, without a step; None is all
        channels_last  each view laid out as channels_last_3d; frames_first: with T before C in memory
        ->             (B, n, C, T, H, W) dtype
        """
        first, last, step = (views or slice(None)).indices(self.num_views)
        assert step == 1, 'views are drawn in a row'
        S, n = self.keypoint.shape[1], max(last - first, 0)
        out = blank(
            (self.shape[0], n, *self.shape[2:]), dtype, self.device, channels_last, frames_first
        )
        plain, mirrored = range(first, last)[: max(S - first, 0)], range(max(first, S), last)
        for some, shift in ((plain, 0), (mirrored, S)):
            if len(some):
                clips = slice(some.start - shift, some.stop - shift)
                draw_views(
                    out[:, some.start - first : some.stop - first],
                    self.keypoint[:, clips],
                    self.keypoint_score[:, clips],
                    self.size,
                    self.spec,
                    mirrored=shift > 0,
                )
        return out

    def tensor(self, views: slice | None, target: Target) -> Tensor:
        """Draw some views (None: all) of every sample: (B, n, C, T, H, W) for the target."""
        return self.to(target.device, non_blocking=True).draw(
            views, dtype=target.dtype, channels_last=target.channels_last
        )

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Heatmaps:
        device = torch.device(device)
        if device == self.device:
            return self
        leaves_host = device.type != 'cpu' and self.host.device.type == 'cpu'
        return replace(
            self,
            keypoint=self.keypoint.to(device, non_blocking=non_blocking),
            keypoint_score=self.keypoint_score.to(device, non_blocking=non_blocking),
            on_host=self.host if leaves_host else None,
        )

    def middle_view(self) -> Heatmaps:
        """Of each sample the clip in the middle, not mirrored."""
        middle = self.keypoint.shape[1] // 2
        return replace(
            self,
            keypoint=self.keypoint[:, middle : middle + 1],
            on_host=None,
            keypoint_score=self.keypoint_score[:, middle : middle + 1],
            spec=replace(self.spec, double=False),
        )

    def without_joints(self, joints: Sequence[int]) -> Heatmaps:
        """The same clips, in which nobody has these joints."""
        keypoint, score = self.keypoint.clone(), self.keypoint_score.clone()
        keypoint[..., list(joints), :], score[..., list(joints)] = float('nan'), 0
        return replace(self, keypoint=keypoint, keypoint_score=score, on_host=None)

    def __getstate__(self) -> dict[str, Any]:
        """Between processes the numbers travel by value.

        They are few, and torch's shared memory costs a millisecond a tensor.
        """
        return {
            **vars(self),
            'keypoint': self.keypoint.cpu().numpy(),
            'keypoint_score': self.keypoint_score.cpu().numpy(),
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(
            state,
            keypoint=torch.from_numpy(state['keypoint']),
            keypoint_score=torch.from_numpy(state['keypoint_score']),
        )

    def pin_memory(self) -> Heatmaps:
        return replace(
            self,
            keypoint=self.keypoint.pin_memory(),
            keypoint_score=self.keypoint_score.pin_memory(),
        )

    @classmethod
    def collate(cls, samples: Sequence[Heatmaps]) -> Heatmaps:
        """One Heatmaps of all samples in order. Clips with fewer people are filled up with nobody (NaN, score 0).

        raises  DataError when samples differ in size, in what to draw, or in the number of clips, frames or joints
        """
        first = samples[0]
        for i, sample in enumerate(samples):
            for what, ours, theirs in (
                ('picture size', first.size, sample.size),
                ('heatmap settings', first.spec, sample.spec),
                ('(clips, frames, joints)', _counts(first), _counts(sample)),
            ):
                if ours != theirs:
                    raise DataError(
                        f'batch: sample {i} has {what} {theirs}, sample 0 has {ours}; one batch '
                        'needs the same. '
                        'Resize to a fixed size (keep_ratio=False), or use a batch of 1.'
                    )
        people = max(sample.keypoint.shape[2] for sample in samples)
        return replace(
            first,
            keypoint=torch.cat([_fill_up(s.keypoint, people, float('nan')) for s in samples]),
            keypoint_score=torch.cat([_fill_up(s.keypoint_score, people, 0.0) for s in samples]),
        )


def _counts(clips: Heatmaps) -> tuple[int, int, int]:
    return clips.keypoint.shape[1], clips.keypoint.shape[3], clips.keypoint.shape[4]


def _fill_up(values: Tensor, people: int, value: float) -> Tensor:
    """(B, S, M, ...) -> (B, S, people, ...)"""
    missing = people - values.shape[2]
    if not missing:
        return values
    shape = (*values.shape[:2], missing, *values.shape[3:])
    return torch.cat([values, values.new_full(shape, value)], 2)


class LazyHeatmaps(LazyArray):
    """The heatmaps of one sample, drawn when somebody looks at them.

    As PYSKL's GeneratePoseTarget gives them, (S * T, C, H, W) float32; behind FormatShape, with
    `by_view`, (S, C, T, H, W). Once drawn they are that array, since somebody may write into it.

    Args:
        clips: the key points of one sample.
        by_view: whether views lie apart.
        is_tensor: whether it becomes a tensor.
        drawn: the array, where somebody has looked already.
    """

    def __init__(
        self,
        clips: Heatmaps,
        by_view: bool = False,
        is_tensor: bool = False,
        drawn: np.ndarray | None = None,
    ):
        self._clips, self._by_view, self.is_tensor, self._drawn = clips, by_view, is_tensor, drawn

    @property
    def shape(self) -> tuple[int, ...]:
        views, channels, frames, *size = self._clips.shape[1:]
        if self._by_view:
            return (views, channels, frames, *size)
        return (views * frames, channels, *size)

    @property
    def by_view(self) -> LazyHeatmaps:
        """The same as (S, C, T, H, W), the network's order."""
        drawn = self._drawn
        if drawn is not None and not self._by_view:
            views, _, frames = self._clips.shape[1:4]
            drawn = drawn.reshape(views, frames, *drawn.shape[1:]).swapaxes(1, 2)
        return LazyHeatmaps(self._clips, True, self.is_tensor, drawn)

    def as_tensor(self) -> LazyHeatmaps:
        return LazyHeatmaps(self._clips, self._by_view, True, self._drawn)

    def array(self) -> np.ndarray:
        if self._drawn is None:
            drawn = self._clips.draw(frames_first=True)[0]  # (S, C, T, H, W)
            self._drawn = (drawn if self._by_view else drawn.transpose(1, 2).flatten(0, 1)).numpy()
        return self._drawn

    def input(self) -> Heatmaps | None:
        return self._clips if self._by_view and self._drawn is None else None
