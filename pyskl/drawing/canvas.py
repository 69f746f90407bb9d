"""Marks and words on a picture: (H, W, 3) uint8 RGB, changed in place. x right, y down; (0, 0) is the top-left pixel's centre."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType

import numpy as np

from ..files.libraries import opencv
from .colours import INK, WHITE, Colour

_BITS = 4  # marks are placed to a sixteenth of a pixel
_FAR = 30_000  # pixels; what is farther away can't be seen, and would overflow
_FONT, _FONT_HEIGHT = 0, 22  # FONT_HERSHEY_SIMPLEX; the height in pixels of a capital at scale 1

Point = Sequence[float]


def blank(height: int, width: int, colour: Colour = WHITE) -> np.ndarray:
    return np.full((height, width, 3), colour, np.uint8)


def line(
    canvas: np.ndarray, start: Point, end: Point, colour: Colour, width: int = 2, alpha: float = 1.0
) -> None:
    """A smooth line, `width` pixels wide; alpha 0..1 is its opacity."""
    _mark(
        canvas,
        [start, end],
        width,
        colour,
        alpha,
        lambda cv2, mask, points: cv2.line(mask, *points, 255, width, cv2.LINE_AA, _BITS),
    )


def dot(
    canvas: np.ndarray, at: Point, colour: Colour, radius: float = 3, alpha: float = 1.0
) -> None:
    """A smooth filled circle. (cv2.circle makes small ones angular, so a pixel's share is told by its distance.)"""

    def draw(cv2: ModuleType, mask: np.ndarray, points: list[tuple[int, int]]) -> None:
        x, y = (v / 2**_BITS for v in points[0])
        distance = np.hypot(np.arange(mask.shape[1]) - x, (np.arange(mask.shape[0]) - y)[:, None])
        mask[:] = np.rint(255 * np.clip(radius + 0.5 - distance, 0, 1))

    _mark(canvas, [at], radius, colour, alpha, draw)


def _mark(
    canvas: np.ndarray,
    points: Sequence[Point],
    reach: float,
    colour: Colour,
    alpha: float,
    draw: Callable,
) -> None:
    """Blend what `draw` draws on a mask into the canvas, in the box around the points."""
    points = np.asarray(points, dtype=np.float64)
    if not (np.abs(points) < _FAR).all():  # NaN too
        return
    least = np.clip(np.floor(points.min(0) - reach - 2), 0, None).astype(int)
    most = np.clip(np.ceil(points.max(0) + reach + 2).astype(int) + 1, 0, canvas.shape[1::-1])
    if (most <= least).any():
        return
    (left, top), (right, bottom) = least.tolist(), most.tolist()
    mask = np.zeros((bottom - top, right - left), np.uint8)
    draw(
        opencv(),
        mask,
        [tuple(p) for p in np.rint((points - least) * 2**_BITS).astype(int).tolist()],
    )
    region = canvas[top:bottom, left:right]
    share = mask[..., None] * np.float32(alpha / 255)
    region[:] = np.rint(region + (np.float32(colour) - region) * share)


def frame(
    canvas: np.ndarray, corner: Point, opposite: Point, colour: Colour, width: int = 1
) -> None:
    """The border of a rectangle."""
    corner, opposite = ([round(float(v)) for v in point] for point in (corner, opposite))
    opencv().rectangle(canvas, corner, opposite, colour, width)


def text(
    canvas: np.ndarray, words: str, at: Point, colour: Colour = INK, height: float = 10
) -> None:
    """Words in one line. at: where they begin, on the line that they stand on; height: of a capital, in pixels."""
    cv2 = opencv()
    cv2.putText(
        canvas,
        words,
        (round(at[0]), round(at[1])),
        _FONT,
        height / _FONT_HEIGHT,
        colour,
        1,
        cv2.LINE_AA,
    )


def text_width(words: str, height: float = 10) -> int:
    """Pixels."""
    return opencv().getTextSize(words, _FONT, height / _FONT_HEIGHT, 1)[0][0]


def wrap(words: str, width: int, height: float = 10, most: int = 99) -> list[str]:
    """The lines of a text that is at most `width` pixels wide; what does not fit into `most` lines ends in '...'.

    A word that is too long for a line is cut.
    """
    lines, rest = [], words.strip()
    while rest:
        if len(lines) == most:
            return lines[:-1] + [
                _fitting(lines[-1], width - text_width(' ...', height), height).rstrip(' ,')
                + ' ...'
            ]
        part = _fitting(rest, width, height)
        if len(part) < len(rest) and rest[len(part)] != ' ' and ' ' in part:
            part = part[: part.rindex(' ')]
        lines.append(part.rstrip())
        rest = rest[len(part) :].lstrip()
    return lines


def _fitting(words: str, width: int, height: float) -> str:
    """As many first letters as fit, one at least."""
    few, many = 1, len(words)
    while few < many:
        half = (few + many + 1) // 2
        few, many = (half, many) if text_width(words[:half], height) <= width else (few, half - 1)
    return words[:few]
