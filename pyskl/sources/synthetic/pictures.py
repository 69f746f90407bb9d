"""Draw a body at a desk as a camera sees it: skin, clothes, a wall, a desk, what a hand holds."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...files.libraries import opencv
from .body import JOINT

_BITS = 4  # OpenCV's `shift`: positions to a sixteenth of a pixel
_NOISE = 3.0  # standard deviation of a pixel's noise from frame to frame

Colour = tuple[float, float, float]
Point = Sequence[float] | np.ndarray  # x, y px


@dataclass(frozen=True)
class Looks:
    """How a person and the room look, in all clips of that person; colours are RGB, 0..255."""

    skin: Colour
    hair: Colour
    clothes: Colour
    wall: Colour
    frame: Colour
    desk: Colour
    frame_at: tuple[float, float]


@dataclass(frozen=True)
class Clutter:
    """The things on the desk in one clip; they say nothing about its class.

    Attributes:
        cup: colour of the cup.
        phone_at: x of the phone as a fraction of the picture's width; None for no phone.
        cup_at: x of the cup likewise.
        light: brightness factor of the clip.
    """

    cup: Colour
    phone_at: float | None
    cup_at: float | None
    light: float


def draw_looks(rng: np.random.Generator) -> Looks:
    """Draw a person's looks and room."""
    tone = rng.random()
    pale, dark = (236, 196, 170), (112, 74, 52)
    red, green, blue = ((1 - tone) * a + tone * b for a, b in zip(pale, dark))
    return Looks(  # drawn in this order
        skin=(red, green, blue),
        hair=_hsv(rng, (0.03, 0.12), (0.2, 0.8), (0.1, 0.6)),
        clothes=_hsv(rng, (0.0, 1.0), (0.3, 0.9), (0.25, 0.85)),
        wall=_hsv(rng, (0.0, 1.0), (0.05, 0.3), (0.55, 0.9)),
        frame=_hsv(rng, (0.0, 1.0), (0.2, 0.7), (0.3, 0.8)),
        desk=_hsv(rng, (0.04, 0.13), (0.3, 0.7), (0.3, 0.65)),
        frame_at=(rng.uniform(0, 0.8), rng.uniform(0, 0.25)),
    )


def draw_clutter(rng: np.random.Generator) -> Clutter:
    """Draw what stands on the desk, the colour of the cup and the light of one clip."""
    phone, cup = (rng.uniform(0.05, 0.95) if rng.random() < 0.5 else None for _ in range(2))
    return Clutter(_hsv(rng, (0.0, 1.0), (0.6, 1.0), (0.7, 1.0)), phone, cup, rng.uniform(0.8, 1.2))


def _hsv(rng: np.random.Generator, *ranges: tuple[float, float]) -> Colour:
    red, green, blue = colorsys.hsv_to_rgb(*(rng.uniform(*r) for r in ranges))
    return 255 * red, 255 * green, 255 * blue


def draw_frames(
    rng: np.random.Generator,
    joints: np.ndarray,
    desk_top: float,
    size: tuple[int, int],
    looks: Looks,
    clutter: Clutter,
    holds: str = '',
    side: str = 'right',
) -> np.ndarray:
    """Draw a clip.

    Args:
        rng: of the noise.
        joints: (T, 22, 2) of the layout imigue22, pixels of this picture, x right, y down.
        desk_top: y of the desk's top, pixels; what is below it is hidden.
        size: (H, W) of the picture.
        looks: of the person and the room.
        clutter: things on the desk, and the light.
        holds: what one hand holds: 'phone', 'cup' or '' for nothing.
        side: that hand: the person's own 'right' or 'left'.

    Returns:
        (T, H, W, 3) uint8 RGB.
    """
    wall = _wall(size, looks)
    frames = np.empty((len(joints), *size, 3), np.uint8)
    for frame, body in zip(frames, joints):
        canvas = wall.copy()
        unit = float(abs(body[JOINT['left shoulder'], 0] - body[JOINT['right shoulder'], 0]))
        _draw_body(canvas, body, unit, looks)
        for arm in ('right', 'left'):
            _draw_arm(canvas, body, arm, unit, looks, clutter, holds if arm == side else '')
        _draw_desk(canvas, desk_top, unit, looks, clutter)
        noisy = canvas * clutter.light + _NOISE * rng.standard_normal(canvas.shape, np.float32)
        frame[:] = np.clip(np.rint(noisy), 0, 255)
    return frames


def _wall(size: tuple[int, int], looks: Looks) -> np.ndarray:
    """Return (H, W, 3) the wall, darker on one side, with a picture on it."""
    height, width = size
    shade = np.linspace(0.85, 1.05, width)[None, :, None]
    wall = np.clip(np.array(looks.wall) * shade * np.ones((height, 1, 1)), 0, 255).astype(np.uint8)
    corner = np.array(looks.frame_at) * (width, height)
    _box(wall, corner, corner + [0.18 * width, 0.25 * height], looks.frame)
    return wall


def _draw_body(canvas: np.ndarray, body: np.ndarray, unit: float, looks: Looks) -> None:
    """Draw the trunk, the neck, the head and its face."""
    neck, right, left = (
        body[JOINT['neck']],
        body[JOINT['right shoulder']],
        body[JOINT['left shoulder']],
    )
    below = np.array([0.0, 1.2 * unit])
    _polygon(canvas, [right, left, left + below, right + below], looks.clothes)
    _limb(canvas, right, left, 0.24 * unit, looks.clothes)
    centre = (body[JOINT['right ear']] + body[JOINT['left ear']]) / 2
    _limb(canvas, neck, centre, 0.22 * unit, looks.skin)
    _ellipse(canvas, centre - [0, 0.09 * unit], (0.25 * unit, 0.32 * unit), looks.hair)
    _ellipse(canvas, centre + [0, 0.03 * unit], (0.20 * unit, 0.27 * unit), looks.skin)
    for eye in ('right eye', 'left eye'):
        _disc(canvas, body[JOINT[eye]], 0.03 * unit, (40, 30, 30))
    mouth = body[JOINT['nose']] + [0, 0.15 * unit]
    across = np.array([0.06 * unit, 0])
    _limb(canvas, mouth - across, mouth + across, 0.04 * unit, (150, 60, 60))


def _draw_arm(
    canvas: np.ndarray,
    body: np.ndarray,
    side: str,
    unit: float,
    looks: Looks,
    clutter: Clutter,
    holds: str,
) -> None:
    """Draw a sleeve, a hand without fingers, and what it holds."""
    shoulder, elbow, wrist = (
        body[JOINT[f'{side} {part}']] for part in ('shoulder', 'elbow', 'wrist')
    )
    _limb(canvas, shoulder, elbow, 0.20 * unit, looks.clothes)
    _limb(canvas, elbow, wrist, 0.16 * unit, looks.clothes)
    hand = (wrist + body[JOINT[f'{side} middle tip']]) / 2
    _disc(canvas, hand, 0.12 * unit, looks.skin)
    if holds:
        _thing(canvas, holds, hand, unit, clutter)


def _draw_desk(canvas: np.ndarray, top: float, unit: float, looks: Looks, clutter: Clutter) -> None:
    """Draw the desk over everything below its top, and the things on it."""
    height, width = canvas.shape[:2]
    _box(canvas, (0, top), (width, height), looks.desk)
    _limb(canvas, (0, top), (width, top), 1.0, (60, 50, 40))
    for thing, at in (('phone', clutter.phone_at), ('cup', clutter.cup_at)):
        if at is not None:
            _thing(canvas, thing, np.array([at * width, top + 0.25 * unit]), unit, clutter)


def _thing(canvas: np.ndarray, kind: str, at: np.ndarray, unit: float, clutter: Clutter) -> None:
    """Draw a phone, dark with a bright edge, or a cup in the clip's colour."""
    if kind == 'phone':
        half = np.array([0.12, 0.22]) * unit
        _box(canvas, at - half, at + half, (225, 225, 230))
        _box(canvas, at - 0.75 * half, at + 0.75 * half, (15, 15, 25))
    else:
        half = np.array([0.17, 0.19]) * unit
        _box(canvas, at - half, at + half, clutter.cup)
        _limb(canvas, at - half, at + [half[0], -half[1]], 0.08 * unit, (250, 250, 250))


def _fixed(*points: Point) -> np.ndarray:
    """Return (N, 2) int32 points in sixteenths of a pixel."""
    return np.rint(np.array(points, float) * 2**_BITS).astype(np.int32)


def _polygon(canvas: np.ndarray, corners: Sequence[Point], colour: Colour) -> None:
    cv2 = opencv()
    cv2.fillPoly(canvas, [_fixed(*corners)], colour, cv2.LINE_AA, _BITS)


def _box(canvas: np.ndarray, low: Point, high: Point, colour: Colour) -> None:
    (x0, y0), (x1, y1) = low, high
    _polygon(canvas, [(x0, y0), (x1, y0), (x1, y1), (x0, y1)], colour)


def _limb(canvas: np.ndarray, start: Point, end: Point, width: float, colour: Colour) -> None:
    cv2 = opencv()
    ends = _fixed(start, end).tolist()
    cv2.line(canvas, *ends, colour, max(1, round(width)), cv2.LINE_AA, _BITS)


def _disc(canvas: np.ndarray, at: np.ndarray, radius: float, colour: Colour) -> None:
    _ellipse(canvas, at, (radius, radius), colour)


def _ellipse(
    canvas: np.ndarray, at: np.ndarray, radii: tuple[float, float], colour: Colour
) -> None:
    cv2 = opencv()
    centre, axes = _fixed(at, radii).tolist()
    cv2.ellipse(canvas, centre, axes, 0, 0, 360, colour, -1, cv2.LINE_AA, _BITS)
