"""Receives heatmaps as the network gets them; hands on a picture of them."""

from __future__ import annotations

import numpy as np

from ..files.libraries import opencv
from ..inputs.heatmaps import HeatmapSpec
from ..skeletons import Layout
from .colours import LEFT, MIDDLE, ORANGE, RIGHT, SKY, Colour, channel_colours, joint_sides, side_of

MORE, LESS = ORANGE, SKY  # a signed map's colours: above 0, below 0


def colours_of(spec: HeatmapSpec, layout: Layout, num_channels: int) -> np.ndarray:
    """(C, 3) float32, 0..1: each channel's colour, by the side of the joint or limb that it shows."""
    sides = joint_sides(layout)
    found = (
        sides * spec.with_kp + [side_of(pair, sides) for pair in spec.skeletons] * spec.with_limb
    )
    return channel_colours(found if len(found) == num_channels else [MIDDLE] * num_channels)


def paint(heatmaps: np.ndarray, colours: np.ndarray, full: float = 1.0) -> np.ndarray:
    """One frame's heatmaps in colour on black.

    heatmaps  (C, H, W); full: the value that is as bright as can be
    colours   (C, 3) 0..1, as colours_of gives them
    ->        (H, W, 3) uint8. Concretely: the maximum over channels of value / full * colour
    """
    return _brightest(heatmaps / full, colours)


def paint_signed(heatmaps: np.ndarray, full: float) -> np.ndarray:
    """One frame's motion on black: what comes in one colour, what goes in another, each the maximum over channels.

    heatmaps  (C, H, W), of both signs; full: the size of value that is as bright as can be
    ->        (H, W, 3) uint8
    """
    both = np.stack([heatmaps.max(0), (-heatmaps).max(0)]) / full
    return _brightest(both, np.array([MORE, LESS], np.float32) / 255)


def _brightest(values: np.ndarray, colours: np.ndarray) -> np.ndarray:
    values = np.clip(np.nan_to_num(values), 0, 1)
    picture = np.zeros((*values.shape[1:], 3), np.float32)
    for value, colour in zip(values, colours):
        np.maximum(picture, value[..., None] * colour, out=picture)
    return np.rint(255 * picture).astype(np.uint8)


def enlarge(picture: np.ndarray, factor: int) -> np.ndarray:
    """Every pixel becomes factor x factor pixels."""
    return opencv().resize(
        picture, None, fx=factor, fy=factor, interpolation=opencv().INTER_NEAREST
    )


def heat_legend(layout: Layout) -> list[tuple[str, Colour]]:
    """The sides that the layout has, each with the middle one of its channels' colours."""
    there = set(joint_sides(layout))
    return [
        (side, tuple(int(255 * v) for v in channel_colours([side])[0]))
        for side in (RIGHT, MIDDLE, LEFT)
        if side in there
    ]


def signs_legend() -> list[tuple[str, Colour]]:
    return [('appears', MORE), ('disappears', LESS)]
