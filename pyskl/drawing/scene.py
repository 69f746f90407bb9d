"""A scene: panels over time, written as a sheet of some of them, or as a film of all."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from .canvas import blank, dot, text, text_width, wrap
from .colours import FAINT, INK, Colour
from .writing import MOVING, check_suffix, write_moving, write_png

GAP = 12  # pixels between panels, and around
LINE = 18  # pixels from one line of a caption to the next


@dataclass(frozen=True)
class Scene:
    """Panels of a clip.

    Attributes:
        title: text above.
        count: number of panels.
        panel: returns a panel by its number, (H, W, 3) uint8 RGB, all of the same size.
        caption: returns a panel's caption by its number.
        fps: panels a second, as a film.
        legend: colours and their meaning.
    """

    title: str
    count: int
    panel: Callable[[int], np.ndarray]
    caption: Callable[[int], str]
    fps: float = 25.0
    legend: Sequence[tuple[str, Colour]] = ()


def write_scene(
    scene: Scene, path: str | os.PathLike, panels: int, fps: float | None = None
) -> None:
    """Write a sheet of panels (.png), or a film of all (.gif, .mp4).

    Args:
        scene: what to write.
        path: file to write; its suffix decides.
        panels: panels of a sheet, evenly spaced.
        fps: panels a second of a film; None for the scene's own.

    Raises:
        UserError: another suffix, or the file cannot be written.
    """
    if check_suffix(path) in MOVING:
        write_moving(path, film(scene), fps or scene.fps)
    else:
        write_png(path, sheet(scene, panels))


def sheet(scene: Scene, panels: int) -> np.ndarray:
    """Return evenly spaced panels, from the first to the last, in a grid under the title."""
    chosen = spread(scene.count, panels)
    drawn = [scene.panel(i) for i in tqdm(chosen, 'drawing', disable=None, leave=False)]
    return with_title(grid(drawn, [[scene.caption(i)] for i in chosen]), scene.title, scene.legend)


def film(scene: Scene) -> Iterator[np.ndarray]:
    """Yield all panels, each under the title."""
    for i in tqdm(range(scene.count), 'drawing', disable=None, leave=False):
        yield with_title(grid([scene.panel(i)], [[scene.caption(i)]]), scene.title, scene.legend)


def spread(count: int, wanted: int) -> list[int]:
    """Return `wanted` different numbers below `count`, evenly spaced; one is the middle."""
    if wanted == 1:
        return [count // 2]
    return np.unique(np.linspace(0, count - 1, min(wanted, count)).round().astype(int)).tolist()


def grid(panels: Sequence[np.ndarray], captions: Sequence[Sequence[str]]) -> np.ndarray:
    """Arrange panels of one size in rows, as a sheet of about 3 : 2.

    Args:
        panels: (H, W, 3) each.
        captions: lines under each panel.
    """
    height, width = panels[0].shape[:2]
    below = LINE * max(map(len, captions)) + 4
    columns = best_columns(len(panels), height + below, width)
    rows = -(-len(panels) // columns)
    canvas = blank(rows * (height + below + GAP), columns * (width + GAP) + GAP)
    for i, (panel, lines) in enumerate(zip(panels, captions)):
        top, left = i // columns * (height + below + GAP), i % columns * (width + GAP) + GAP
        canvas[top : top + height, left : left + width] = panel
        for row, words in enumerate(lines):
            baseline = top + height + LINE * (row + 1) - 3
            text(canvas, words, (left + 1, baseline), FAINT if row else INK, 9)
    return canvas


def best_columns(count: int, height: int, width: int) -> int:
    """Return how many panels in a row give a sheet of about 3 : 2 with few empty places."""

    def penalty(columns: int) -> float:
        rows = -(-count // columns)
        empty = columns * rows / count - 1
        return abs(math.log(columns * width / (rows * height) / 1.5)) + 1.5 * empty

    return min(range(1, count + 1), key=penalty)


def with_title(
    canvas: np.ndarray, title: str, legend: Sequence[tuple[str, Colour]] = ()
) -> np.ndarray:
    """Return the canvas under a title, in as many lines as needed, and a legend of colours."""
    width, height = canvas.shape[1], 12
    lines = wrap(title, width - 2 * GAP, height)
    head = blank(GAP + 24 * len(lines) + (LINE + 2 if legend else 0) + 4, width)
    for row, words in enumerate(lines):
        text(head, words, (GAP, GAP + 24 * row + height + 2), INK, height)
    key(head, legend, (GAP, head.shape[0] - 11))
    return np.concatenate([head, canvas])


def key(canvas: np.ndarray, legend: Sequence[tuple[str, Colour]], at: tuple[int, int]) -> None:
    """Draw the legend: texts in a row, each after a dot of its colour."""
    x, y = at
    for words, colour in legend:
        dot(canvas, (x + 5, y - 4), FAINT, 5)  # an edge, so that white is visible
        dot(canvas, (x + 5, y - 4), colour, 4.3)
        text(canvas, words, (x + 14, y), INK, 9)
        x += 30 + text_width(words, 9)
