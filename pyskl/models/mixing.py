"""Two clips of a batch become one, inputs and labels alike: mixup and CutMix, on the model's device.

Everything random comes from torch's CPU generator, which the training loop seeds for each iteration and rank: nothing waits for a
GPU, and a run that is continued draws the same again.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.distributions import Beta

from ..errors import ConfigError

Box = tuple[slice, slice, slice]  # frames, rows, columns


@dataclass(frozen=True)
class TrainSettings:
    """model.train_cfg: clips are mixed in training.

    mixup    alpha of Zhang et al. 2018, arXiv:1710.09412: inputs are blended, x * s + other * (1 - s), s from Beta(alpha, alpha)
    cutmix   alpha of Yun et al. 2019, arXiv:1905.04899: a box of frames, rows and columns is taken from the other clip; of
             key points a span of frames
    prob     the chance that a batch is mixed at all
    0 is off; with both, each batch is mixed one way or the other, as often.
    """

    mixup: float = 0.0
    cutmix: float = 0.0
    prob: float = 1.0

    def __post_init__(self):
        for name in ('mixup', 'cutmix'):
            if not 0 <= getattr(self, name) < float('inf'):
                raise ConfigError(
                    f'model.train_cfg.{name} = {getattr(self, name)}: expected a number from 0 (off) on, e.g. 0.2.'
                )
        if not 0 < self.prob <= 1:
            raise ConfigError(
                f'model.train_cfg.prob = {self.prob}: expected a chance above 0, at most 1.'
            )
        if self.prob < 1 and not (self.mixup or self.cutmix):
            raise ConfigError(
                f'model.train_cfg.prob = {self.prob} without mixup and cutmix does nothing. Add mixup=0.2, or leave it out.'
            )


@dataclass(frozen=True)
class Mix:
    """How a batch is mixed: clip i keeps `share` of itself, the rest is clip partner[i]; in a box, or everywhere (None).

    size   (frames, rows, columns) that the box is counted in; volumes of another size are cut in the same place. None: as the volumes'
    """

    partner: torch.Tensor
    share: float
    box: Box | None
    size: tuple[int, ...] | None = None

    def of_volumes(self, volume: torch.Tensor) -> torch.Tensor:
        """(N, C, T, H, W) volumes, or (N, M, T, V, C) key points -> the same shape, a new tensor."""
        other = volume[self.partner]
        if self.box is None:
            return volume.lerp(other, 1 - self.share)
        mixed = volume.clone()
        box = self._box_in(volume.shape[2:])
        mixed[(..., *box)] = other[(..., *box)]
        return mixed

    def _box_in(self, size: torch.Size) -> Box:
        """The box in a volume of this size."""
        if self.size is None or tuple(size) == self.size:
            return self.box
        scales = [length / counted for length, counted in zip(size, self.size)]
        return tuple(
            slice(round(s.start * by), round(s.stop * by)) for s, by in zip(self.box, scales)
        )

    def of_rows(self, rows: torch.Tensor) -> torch.Tensor:
        """(N, K) shares of classes, or (N, D) label vectors: blended as the clips are."""
        return rows.lerp(rows[self.partner], 1 - self.share)


def draw_mix(
    settings: TrainSettings, shape: torch.Size, device: torch.device, cut_axes: int = 3
) -> Mix | None:
    """How to mix a batch this time; None: not at all.

    Args:
        settings: of the config.
        shape: of the batch, (N, C, T, H, W) volumes or (N, M, T, V, C) key points.
        device: where `partner` is wanted.
        cut_axes: how many axes CutMix's box cuts, from T on; the others are whole in it.
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
    box = draw_box(shape[2:], share, cut_axes)
    inside = (
        (box[0].stop - box[0].start) * (box[1].stop - box[1].start) * (box[2].stop - box[2].start)
    )
    return Mix(partner, 1 - inside / shape[2:].numel(), box, tuple(shape[2:]))


def draw_box(size: torch.Size, share: float, cut_axes: int = 3) -> Box:
    """A box of about (1 - share) of a volume (T, H, W), alike in the sides of its first axes, its centre anywhere; cut off at the edges."""
    side = (1 - share) ** (1 / cut_axes)
    ends = [slice(0, length) for length in size]
    for axis, length in enumerate(size[:cut_axes]):
        half = round(side * length) / 2
        centre = float(torch.rand(())) * length
        ends[axis] = slice(max(0, round(centre - half)), min(length, round(centre + half)))
    return ends[0], ends[1], ends[2]
