"""Heatmaps of the network's input as pictures."""

from __future__ import annotations

import numpy as np

from ..inputs.heatmaps import HeatmapSpec
from ..skeletons import Layout
from .colours import (
    MIDDLE,
    ORANGE,
    SKY,
    Colour,
    channel_colours,
    joint_sides,
    side_of,
    sides_legend,
)

POSITIVE, NEGATIVE = ORANGE, SKY  # colours of a signed map


def colours_of(spec: HeatmapSpec, layout: Layout, num_channels: int) -> np.ndarray:
    """Return (C, 3) float32 colours of the channels in 0..1, by the side of joint or limb."""
    sides = joint_sides(layout)
    limbs = [side_of(pair, sides) for pair in spec.skeletons]
    channels = sides * spec.with_kp + limbs * spec.with_limb
    return channel_colours(channels if len(channels) == num_channels else [MIDDLE] * num_channels)


def paint(heatmaps: np.ndarray, colours: np.ndarray, full: float = 1.0) -> np.ndarray:
    """Paint a frame's heatmaps on black: the maximum over channels of value / full * colour.

    Args:
        heatmaps: (C, H, W).
        colours: (C, 3) in 0..1, see colours_of.
        full: value of full brightness.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    values = np.clip(np.nan_to_num(heatmaps / full), 0, 1)
    picture = np.zeros((*values.shape[1:], 3), np.float32)
    for value, colour in zip(values, colours):
        np.maximum(picture, value[..., None] * colour, out=picture)
    return np.rint(255 * picture).astype(np.uint8)


def paint_signed(heatmaps: np.ndarray, full: float) -> np.ndarray:
    """Paint a frame's motion on black: the maximum over channels, in a colour for each sign.

    Args:
        heatmaps: (C, H, W).
        full: absolute value of full brightness.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    both = np.stack([heatmaps.max(0), (-heatmaps).max(0)])
    return paint(both, np.array([POSITIVE, NEGATIVE], np.float32) / 255, full)


def enlarge(picture: np.ndarray, factor: int) -> np.ndarray:
    """Turn every pixel into factor x factor pixels."""
    return picture.repeat(factor, 0).repeat(factor, 1)


def heat_legend(layout: Layout) -> list[tuple[str, Colour]]:
    """Return the layout's sides, each with a typical colour of its channels."""
    return [
        (side, tuple((255 * channel_colours([side])[0]).astype(int).tolist()))
        for side, _ in sides_legend(layout)
    ]


def signs_legend() -> list[tuple[str, Colour]]:
    """Return the colours of motion."""
    return [('appears', POSITIVE), ('disappears', NEGATIVE)]
