"""Frames of videos: the loader carries bytes, and the model's device normalises them."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .base import Input, LazyArray, Target, check_alike


@dataclass(frozen=True)
class PixelScale:
    """How pixel values become what a network takes: (value - mean) / std, channel by channel.

    Attributes:
        mean, std: one number for each channel of the result.
        to_bgr: whether the channels change from red, green, blue to blue, green, red first.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    to_bgr: bool = False

    def apply(self, pixels: Tensor, axis: int) -> Tensor:
        """Return pixels in float32, normalised, in the same memory layout.

        Args:
            pixels: whole numbers, of any shape.
            axis: where the channels are, counted from the front.
        """
        if self.to_bgr:
            pixels = pixels.flip(axis)
        shape = [1] * pixels.ndim
        shape[axis] = -1
        mean, std = (_filled(v, pixels.device).view(shape) for v in (self.mean, self.std))
        return pixels.to(torch.float32).sub_(mean).div_(std)


def _filled(values: Sequence[float], device: torch.device) -> Tensor:
    """Make a float32 vector on the device; unlike a copy from the host, nobody waits for it."""
    return torch.cat([torch.full((1,), v, dtype=torch.float32, device=device) for v in values])


@dataclass
class Frames(Input):
    """Frames of B samples of S views each, as bytes; the model's device normalises them.

    Between processes they travel in shared memory, as tensors do: of 10 MB that costs the process
    that trains 1 ms, where the pipe costs 11 ms.

    Attributes:
        pixels: (B, S, T, H, W, 3) uint8 for 3D networks, or (B, S, H, W, 3) for 2D ones, where
            each frame is a view.
        scale: how the values are normalised.
    """

    pixels: Tensor
    scale: PixelScale

    def __len__(self) -> int:
        return self.pixels.shape[0]

    def __getitem__(self, samples: slice) -> Frames:
        return replace(self, pixels=self.pixels[samples])

    @property
    def shape(self) -> torch.Size:
        """(B, S, 3, T, H, W), or (B, S, 3, H, W)."""
        samples, views, *rest, channels = self.pixels.shape
        return torch.Size((samples, views, channels, *rest))

    @property
    def device(self) -> torch.device:
        """Where the pixels are."""
        return self.pixels.device

    def tensor(self, views: slice | None, target: Target) -> Tensor:
        """Normalise some views (None: all) of every sample.

        Returns:
            (B, n, 3, T, H, W), or (B, n, 3, H, W), for the target.
        """
        chosen = self if views is None else replace(self, pixels=self.pixels[:, views])
        volumes = chosen.to(target.device, non_blocking=True).pixels.movedim(-1, 2)
        # Frames lie in memory with the channels last. Bytes are moved four times as fast as floats.
        volumes = volumes if target.channels_last else volumes.contiguous()
        return self.scale.apply(volumes, axis=2).to(target.dtype)

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Frames:
        """Return the frames on a device."""
        if torch.device(device) == self.device:
            return self
        return replace(self, pixels=self.pixels.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> Frames:
        """Return the frames in page-locked memory."""
        return replace(self, pixels=self.pixels.pin_memory())

    def view(self, index: int) -> Frames:
        """Return one view of each sample."""
        return replace(self, pixels=self.pixels[:, index : index + 1])

    @classmethod
    def collate(cls, samples: Sequence[Frames]) -> Frames:
        """Join batches into one, in order.

        Raises:
            DataError: when samples differ in the number of views or frames, in size, or in how
                they are normalised.
        """
        check_alike([sample._facts() for sample in samples])
        return replace(samples[0], pixels=torch.cat([sample.pixels for sample in samples]))

    def _facts(self) -> dict[str, Any]:
        size = _shape_words(tuple(self.pixels.shape[1:-1]))
        return {'pictures of': size, 'pictures normalised by': self.scale}


def _shape_words(shape: tuple[int, ...]) -> str:
    *counts, height, width = shape
    named = [f'{n} {name}' for n, name in zip(counts, ('views', 'frames'))]
    return f'{" x ".join(named)} of {width} x {height} pixels'


class LazyFrames(LazyArray):
    """The frames of one sample, normalised when they are used.

    As Normalize gives them, (N, H, W, 3) float32; behind FormatShape, with `by_view`,
    (S, 3, T, H, W), or, with `by_frame`, (N, 3, H, W).

    Args:
        frames: N arrays (H, W, 3) uint8 of one size.
        scale: how the values are normalised.
        clip_len: frames of each view; N is a multiple of it.
    """

    _order = 'NHWC'

    def __init__(self, frames: Sequence[np.ndarray], scale: PixelScale, clip_len: int):
        self.frames, self.scale, self.clip_len = frames, scale, clip_len

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array: (N, H, W, 3), (N, 3, H, W) or (S, 3, T, H, W)."""
        frames, (height, width, channels) = len(self.frames), self.frames[0].shape
        if self._order == 'NHWC':
            return (frames, height, width, channels)
        if self._order == 'NCHW':
            return (frames, channels, height, width)
        return (frames // self.clip_len, channels, self.clip_len, height, width)

    @property
    def by_view(self) -> LazyFrames:
        """The same as (S, 3, T, H, W), for a 3D network."""
        return self._in_order('NCTHW')

    @property
    def by_frame(self) -> LazyFrames:
        """The same as (N, 3, H, W), for a 2D network."""
        return self._in_order('NCHW')

    def _in_order(self, order: str) -> LazyFrames:
        made = copy(self)
        made._order = order
        if self._array is not None and self._order != order:
            assert self._order == 'NHWC', 'frames are brought into the order of a network once'
            made._array = np.moveaxis(made._split(self._array), -1, 1)
        return made

    def followed_by(self, frames: Sequence[np.ndarray]) -> LazyFrames:
        """Return these frames with others of the same size behind them, none computed yet."""
        made = copy(self)
        made.frames, made._array = [*self.frames, *frames], None
        return made

    def _compute(self) -> np.ndarray:
        channels = 1 if self._order != 'NHWC' else 3
        pixels = self._pixels().movedim(-1, channels).contiguous()
        return self.scale.apply(pixels, axis=channels).numpy()

    def input(self) -> Frames | None:
        """Return the frames as a batch of one sample; None if they are computed, or in no order."""
        if self._order == 'NHWC' or self.is_computed:
            return None
        return Frames(self._pixels()[None], self.scale)

    def _pixels(self) -> Tensor:
        """Return contiguous bytes, (N, H, W, 3) or (S, T, H, W, 3)."""
        return torch.from_numpy(self._split(np.stack(self.frames)))

    def _split(self, frames: np.ndarray) -> np.ndarray:
        """Give the frames of each view an axis of their own, where the order has one."""
        is_split = self._order == 'NCTHW'
        return frames.reshape(-1, self.clip_len, *frames.shape[1:]) if is_split else frames
