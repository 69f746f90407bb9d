"""Lines, dots and text on a picture, (H, W, 3) uint8 RGB, which is changed in place.

x points right, y down; (0, 0) is the centre of the top-left pixel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType

import numpy as np

from ..files.libraries import opencv
from .colours import INK, WHITE, Colour

_BITS = 4  # places are rounded to a sixteenth of a pixel
_FAR = 30_000  # pixels; farther marks are not visible, and would overflow
_FONT, _FONT_HEIGHT = 0, 22  # FONT_HERSHEY_SIMPLEX, and a capital's height in pixels at scale 1

Point = Sequence[float] | np.ndarray


def blank(height: int, width: int, colour: Colour = WHITE) -> np.ndarray:
    """Return a picture of one colour."""
    return np.full((height, width, 3), colour, np.uint8)


def line(
    canvas: np.ndarray, start: Point, end: Point, colour: Colour, width: int = 2, alpha: float = 1.0
) -> None:
    """Draw a smooth line, `width` pixels wide; alpha 0..1 is its opacity."""

    def draw(cv2: ModuleType, mask: np.ndarray, points: list[tuple[int, int]]) -> None:
        cv2.line(mask, *points, 255, width, cv2.LINE_AA, _BITS)

    _mark(canvas, [start, end], width, colour, alpha, draw)


def dot(
    canvas: np.ndarray, at: Point, colour: Colour, radius: float = 3, alpha: float = 1.0
) -> None:
    """Draw a smooth filled circle. Coverage comes from distance: small cv2.circles are angular."""

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
    """Blend a mark into the canvas; `draw` draws it on a mask of the box around the points."""
    xy = np.asarray(points, dtype=np.float64)
    if not (np.abs(xy) < _FAR).all():  # NaN too
        return
    low = np.clip(np.floor(xy.min(0) - reach - 2), 0, None).astype(int)
    high = np.clip(np.ceil(xy.max(0) + reach + 2).astype(int) + 1, 0, canvas.shape[1::-1])
    if (high <= low).any():
        return
    (left, top), (right, bottom) = low.tolist(), high.tolist()
    mask = np.zeros((bottom - top, right - left), np.uint8)
    draw(opencv(), mask, list(map(tuple, np.rint((xy - low) * 2**_BITS).astype(int).tolist())))
    region = canvas[top:bottom, left:right]
    share = mask[..., None] * np.float32(alpha / 255)
    region[:] = np.rint(region + (np.array(colour, np.float32) - region) * share)


def frame(
    canvas: np.ndarray, corner: Point, opposite: Point, colour: Colour, width: int = 1
) -> None:
    """Draw the border of a rectangle."""
    corner, opposite = ([round(float(v)) for v in point] for point in (corner, opposite))
    opencv().rectangle(canvas, corner, opposite, colour, width)


def text(
    canvas: np.ndarray, words: str, at: Point, colour: Colour = INK, height: float = 10
) -> None:
    """Write a line of text from its baseline's left end; height: of a capital, in pixels."""
    cv2, place = opencv(), (round(at[0]), round(at[1]))
    scale = height / _FONT_HEIGHT
    cv2.putText(canvas, words, place, _FONT, scale, colour, 1, cv2.LINE_AA)


def text_width(words: str, height: float = 10) -> int:
    """Return the width of a text in pixels."""
    return opencv().getTextSize(words, _FONT, height / _FONT_HEIGHT, 1)[0][0]


def wrap(words: str, width: int, height: float = 10, most: int = 99) -> list[str]:
    """Break a text into lines.

    Args:
        words: the text; a word that is too long for a line is cut.
        width: width of a line in pixels.
        height: height of a capital in pixels.
        most: lines at most; a text that is cut ends in '...'.
    """
    lines: list[str] = []
    rest = words.strip()
    while rest:
        if len(lines) == most:
            last = _fitting(lines[-1], width - text_width(' ...', height), height)
            return [*lines[:-1], last.rstrip(' ,') + ' ...']
        part = _fitting(rest, width, height)
        if len(part) < len(rest) and rest[len(part)] != ' ' and ' ' in part:
            part = part[: part.rindex(' ')]
        lines.append(part.rstrip())
        rest = rest[len(part) :].lstrip()
    return lines


def _fitting(words: str, width: int, height: float) -> str:
    """Return as many first letters as fit, at least one."""
    few, many = 1, len(words)
    while few < many:
        half = (few + many + 1) // 2
        few, many = (half, many) if text_width(words[:half], height) <= width else (few, half - 1)
    return words[:few]
