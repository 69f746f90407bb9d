"""Mixup and CutMix: two clips of a batch become one, inputs and labels alike, on the device.

All random numbers come from torch's CPU generator, which the training loop seeds for each iteration
and rank: nothing waits for a GPU, and a resumed run draws the same numbers again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributions import Beta

from ..errors import ConfigError

Box = tuple[slice, slice, slice]  # frames, rows, columns


@dataclass(frozen=True)
class TrainSettings:
    """The config's model.train_cfg: how clips are mixed in training.

    With both mixup and cutmix, each batch is mixed in one of the two ways, with equal probability.

    Attributes:
        mixup: alpha of arXiv:1710.09412; 0 is off. Inputs are blended, x * s + other * (1 - s),
            with s drawn from Beta(alpha, alpha).
        cutmix: alpha of arXiv:1905.04899; 0 is off. A box of frames, rows and columns is taken from
            the other clip; of key points, a span of frames.
        prob: probability that a batch is mixed at all.

    Raises:
        ConfigError: a number is out of range, or `prob` has no effect.
    """

    mixup: float = 0.0
    cutmix: float = 0.0
    prob: float = 1.0

    def __post_init__(self):
        for name in ('mixup', 'cutmix'):
            value = getattr(self, name)
            if not 0 <= value < float('inf'):
                raise ConfigError(
                    f'model.train_cfg.{name} = {value}: expected 0 (off) or more, e.g. 0.2.'
                )
        if not 0 < self.prob <= 1:
            raise ConfigError(
                f'model.train_cfg.prob = {self.prob}: expected a probability above 0, at most 1.'
            )
        if self.prob < 1 and not (self.mixup or self.cutmix):
            raise ConfigError(
                f'model.train_cfg.prob = {self.prob} without mixup and cutmix does nothing. Add '
                'mixup=0.2, or leave it out.'
            )


@dataclass(frozen=True)
class Mix:
    """How a batch is mixed: clip i keeps a share of itself, the rest comes from clip partner[i].

    Attributes:
        partner: (N,) index of the other clip.
        share: of the clip itself, in [0, 1].
        box: the part that comes from the other clip; None: clips are blended everywhere.
        size: (frames, rows, columns) that `box` is given in. Volumes of another size are cut at the
            corresponding place. None: the size of the volumes.
    """

    partner: Tensor
    share: float
    box: Box | None
    size: tuple[int, ...] | None = None

    def of_volumes(self, volume: Tensor) -> Tensor:
        """Mix volumes (N, C, T, H, W) or key points (N, M, T, V, C) into a new tensor."""
        other = volume[self.partner]
        if self.box is None:
            return volume.lerp(other, 1 - self.share)
        mixed = volume.clone()
        box = _scaled(self.box, self.size, volume.shape[2:])
        mixed[(..., *box)] = other[(..., *box)]
        return mixed

    def of_rows(self, rows: Tensor) -> Tensor:
        """Blend class shares (N, K) or label vectors (N, D) as the clips are."""
        return rows.lerp(rows[self.partner], 1 - self.share)


def draw_mix(
    settings: TrainSettings, shape: torch.Size, device: torch.device, cut_axes: int = 3
) -> Mix | None:
    """Draw how to mix a batch.

    Args:
        settings: of the config.
        shape: of the batch, (N, C, T, H, W) volumes or (N, M, T, V, C) key points.
        device: of `Mix.partner`.
        cut_axes: the number of axes, from T on, that CutMix cuts; the box spans the other axes.

    Returns:
        The mix, or None where the batch stays as it is.
    """
    ways = [name for name in ('mixup', 'cutmix') if getattr(settings, name)]
    if not ways or float(torch.rand(())) >= settings.prob:
        return None
    way = ways[int(torch.randint(len(ways), ()))]
    alpha = getattr(settings, way)
    share = float(Beta(alpha, alpha).sample())
    partner = torch.randperm(shape[0]).to(device, non_blocking=True)
    if way == 'mixup':
        return Mix(partner, share, None)

    # The box may be cut off at an edge: the share follows from its true size.
    size = shape[2:]
    box = draw_box(size, share, cut_axes)
    inside = math.prod(side.stop - side.start for side in box)
    return Mix(partner, 1 - inside / size.numel(), box, tuple(size))


def draw_box(size: torch.Size, share: float, cut_axes: int = 3) -> Box:
    """Draw a box of about (1 - share) of a volume, its centre anywhere, cut off at the edges.

    Args:
        size: (T, H, W) of the volume.
        share: of the volume outside the box, in [0, 1].
        cut_axes: the number of axes that are cut, all by the same proportion.
    """
    proportion = (1 - share) ** (1 / cut_axes)
    box = [slice(0, length) for length in size]
    for axis, length in enumerate(size[:cut_axes]):
        half = round(proportion * length) / 2
        centre = float(torch.rand(())) * length
        box[axis] = slice(max(0, round(centre - half)), min(length, round(centre + half)))
    return box[0], box[1], box[2]


def _scaled(box: Box, size: tuple[int, ...] | None, wanted: torch.Size) -> Box:
    """Return a box of a volume of `size` at the same place in a volume of `wanted` size."""
    if size is None or tuple(wanted) == size:
        return box
    scales = [new / old for new, old in zip(wanted, size)]
    t, h, w = (
        slice(round(side.start * scale), round(side.stop * scale))
        for side, scale in zip(box, scales)
    )
    return t, h, w
