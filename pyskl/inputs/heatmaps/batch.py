"""Heatmaps before they are drawn: the loader carries key points, 12.7 KB per clip, not 13.2 MB."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..base import Input, LazyArray, Target, check_alike
from .render import blank, draw_views
from .spec import HeatmapSpec

_NUMBERS = ('keypoint', 'keypoint_score')


@dataclass
class Heatmaps(Input):
    """Heatmaps of B samples of S clips each, as key points; the model's device draws them.

    Attributes:
        keypoint: (B, S, M, T, V, 2) float32, pixels; NaN for absent people.
        keypoint_score: (B, S, M, T, V) float32.
        size: (H, W) in pixels of the picture that the key points lie in, before spec.scaling.
        spec: what to draw.
        on_host: a copy on the CPU, where the numbers can be read without a synchronisation; None if
            they are on the CPU themselves.
    """

    keypoint: Tensor
    keypoint_score: Tensor
    size: tuple[int, int]
    spec: HeatmapSpec
    on_host: Heatmaps | None = None

    has_joints = True

    def __len__(self) -> int:
        return self.keypoint.shape[0]

    def _with(self, change: Callable[[Tensor], Tensor], **others: Any) -> Heatmaps:
        """Return a copy with both tensors changed, and other attributes replaced."""
        numbers: dict[str, Any] = {name: change(getattr(self, name)) for name in _NUMBERS}
        return replace(self, **numbers, **others)

    def __getitem__(self, samples: slice) -> Heatmaps:
        host = None if self.on_host is None else self.on_host[samples]
        return self._with(lambda numbers: numbers[samples], on_host=host)

    @property
    def host(self) -> Heatmaps:
        """The same key points on the CPU."""
        return self if self.on_host is None else self.on_host

    @property
    def num_views(self) -> int:
        """Views of each sample: S plain clips and, with spec.double, their S mirrored copies."""
        return self.keypoint.shape[1] * (2 if self.spec.double else 1)

    @property
    def shape(self) -> torch.Size:
        """(B, num_views, C, T, H, W): the shape of all views when they are drawn."""
        B, _, _, T, V, _ = self.keypoint.shape
        size = self.spec.picture_size(self.size)
        return torch.Size((B, self.num_views, self.spec.num_channels(V), T, *size))

    @property
    def device(self) -> torch.device:
        """The device of the key points."""
        return self.keypoint.device

    def draw(
        self,
        views: slice | None = None,
        dtype: torch.dtype = torch.float32,
        channels_last: bool = False,
        frames_first: bool = False,
    ) -> Tensor:
        """Draw views of every sample, on the device of the key points.

        Args:
            views: a slice of the num_views, without a step; None: all.
            dtype: of the result.
            channels_last: whether each view has the memory format channels_last_3d.
            frames_first: whether T comes before C in memory.

        Returns:
            (B, n, C, T, H, W).
        """
        first, last, step = (views or slice(None)).indices(self.num_views)
        assert step == 1, 'views are drawn without a step'
        S, n = self.keypoint.shape[1], max(last - first, 0)
        shape = (self.shape[0], n, *self.shape[2:])
        out = blank(shape, dtype, self.device, channels_last, frames_first)

        # Views from S on are the mirrored copies of clips from 0 on.
        plain, mirrored = range(first, last)[: max(S - first, 0)], range(max(first, S), last)
        for chosen, shift in ((plain, 0), (mirrored, S)):
            if len(chosen):
                clips = slice(chosen.start - shift, chosen.stop - shift)
                draw_views(
                    out[:, chosen.start - first : chosen.stop - first],
                    self.keypoint[:, clips],
                    self.keypoint_score[:, clips],
                    self.size,
                    self.spec,
                    mirrored=shift > 0,
                )
        return out

    def tensor(self, views: slice | None, target: Target) -> Tensor:
        """Draw views of every sample for a target: (B, n, C, T, H, W), see Input.tensor."""
        return self.to(target.device, non_blocking=True).draw(
            views, dtype=target.dtype, channels_last=target.channels_last
        )

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Heatmaps:
        """Move the key points to a device, and keep the copy on the host, if there is one."""
        device = torch.device(device)
        if device == self.device:
            return self
        keeps_host = device.type != 'cpu' and self.host.device.type == 'cpu'
        return self._with(
            lambda numbers: numbers.to(device, non_blocking=non_blocking),
            on_host=self.host if keeps_host else None,
        )

    def view(self, index: int) -> Heatmaps:
        """Return one of the S plain clips of each sample, without its mirrored copy."""
        return self._with(
            lambda numbers: numbers[:, index : index + 1],
            on_host=None,
            spec=replace(self.spec, double=False),
        )

    def without_joints(self, joints: Sequence[int]) -> Heatmaps:
        """Return the same clips without some joints."""
        keypoint, score = self.keypoint.clone(), self.keypoint_score.clone()
        keypoint[..., list(joints), :], score[..., list(joints)] = float('nan'), 0
        return replace(self, keypoint=keypoint, keypoint_score=score, on_host=None)

    def __getstate__(self) -> dict[str, Any]:
        """Send the numbers to other processes by value.

        They are few, and torch's shared memory takes a millisecond per tensor.
        """
        return vars(self) | {name: getattr(self, name).cpu().numpy() for name in _NUMBERS}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state | {name: torch.from_numpy(state[name]) for name in _NUMBERS})

    def pin_memory(self) -> Heatmaps:
        """Move the key points into page-locked memory."""
        return self._with(Tensor.pin_memory)

    @classmethod
    def collate(cls, samples: Sequence[Heatmaps]) -> Heatmaps:
        """Join samples, in order; clips with fewer people get absent ones (NaN, score 0).

        Args:
            samples: of one or more clips each.

        Raises:
            DataError: samples differ in picture size, settings, or numbers of clips, frames or
                joints.
        """
        check_alike([sample._facts() for sample in samples])
        people = max(sample.keypoint.shape[2] for sample in samples)
        return replace(
            samples[0],
            keypoint=torch.cat([_fill_up(s.keypoint, people, float('nan')) for s in samples]),
            keypoint_score=torch.cat([_fill_up(s.keypoint_score, people, 0.0) for s in samples]),
        )

    def _facts(self) -> dict[str, Any]:
        _, clips, _, frames, joints, _ = self.keypoint.shape
        return {
            'picture size': self.size,
            'heatmap settings': self.spec,
            '(clips, frames, joints)': (clips, frames, joints),
        }


def _fill_up(values: Tensor, people: int, value: float) -> Tensor:
    """Pad (B, S, M, ...) with `value` to (B, S, people, ...)."""
    missing = people - values.shape[2]
    if not missing:
        return values
    shape = (*values.shape[:2], missing, *values.shape[3:])
    return torch.cat([values, values.new_full(shape, value)], 2)


class LazyHeatmaps(LazyArray):
    """The heatmaps of one sample, drawn when their values are needed.

    By itself an array (S * T, C, H, W) float32, the output of PYSKL's GeneratePoseTarget; with
    `by_view`, (S, C, T, H, W), the output of FormatShape.

    Args:
        clips: the key points of one sample.
    """

    _by_view = False

    def __init__(self, clips: Heatmaps):
        self._clips = clips

    @property
    def shape(self) -> tuple[int, ...]:
        """(S * T, C, H, W), or by view (S, C, T, H, W)."""
        views, channels, frames, *size = self._clips.shape[1:]
        if self._by_view:
            return (views, channels, frames, *size)
        return (views * frames, channels, *size)

    @property
    def by_view(self) -> LazyHeatmaps:
        """The same heatmaps as (S, C, T, H, W), as networks take them."""
        made = copy(self)
        made._by_view = True
        if self._array is not None and not self._by_view:
            views, _, frames = self._clips.shape[1:4]
            by_frame = self._array.reshape(views, frames, *self._array.shape[1:])
            made._array = by_frame.swapaxes(1, 2)
        return made

    def _compute(self) -> np.ndarray:
        drawn = self._clips.draw(frames_first=True)[0]  # (S, C, T, H, W)
        return (drawn if self._by_view else drawn.transpose(1, 2).flatten(0, 1)).numpy()

    def input(self) -> Heatmaps | None:
        """Return the key points as an Input, if the heatmaps are not drawn; else None."""
        return self._clips if self._by_view and not self.is_computed else None
