"""A Scene is a row of panels over time; it becomes one sheet of some of them, or a film of all."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from .canvas import blank, dot, text, text_width, wrap
from .colours import FAINT, INK, WHITE, Colour
from .writing import MOVING, check_suffix, write_moving, write_png

GAP = 12  # pixels between panels, and around
LINE = 18  # pixels from one line of a caption to the next


@dataclass(frozen=True)
class Scene:
    """What is drawn of one clip.

    title     words above
    count     panels in all
    panel     its number -> (H, W, 3) uint8 RGB, of one size for all
    caption   its number -> the words under it
    fps       panels a second, as a film
    legend    what the colours mean
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
    """Write a sheet of `panels` evenly spaced panels (.png), or all of them one after the other (.gif, .mp4).

    fps     pictures a second; None: the scene's own
    raises  UserError: another suffix, `path` can't be written
    """
    if check_suffix(path) in MOVING:
        write_moving(path, film(scene), fps or scene.fps)
    else:
        write_png(path, sheet(scene, panels))


def sheet(scene: Scene, panels: int) -> np.ndarray:
    """`panels` evenly spaced panels, the first and the last among them, in a grid under the title."""
    chosen = spread(scene.count, panels)
    drawn = [scene.panel(i) for i in tqdm(chosen, 'drawing', disable=None, leave=False)]
    return with_title(grid(drawn, [[scene.caption(i)] for i in chosen]), scene.title, scene.legend)


def film(scene: Scene) -> Iterator[np.ndarray]:
    for i in tqdm(range(scene.count), 'drawing', disable=None, leave=False):
        yield with_title(grid([scene.panel(i)], [[scene.caption(i)]]), scene.title, scene.legend)


def spread(count: int, wanted: int) -> list[int]:
    """`wanted` different numbers of 0..count-1, evenly spaced from the first to the last; one alone is the middle one."""
    return (
        [count // 2]
        if wanted == 1
        else np.unique(np.linspace(0, count - 1, min(wanted, count)).round().astype(int)).tolist()
    )


def grid(
    panels: Sequence[np.ndarray],
    captions: Sequence[Sequence[str]],
    columns: int | None = None,
    ground: Colour = WHITE,
) -> np.ndarray:
    """Panels of one size in rows, each with the lines of its caption under it.

    columns  None: as many as make the whole about 3 : 2
    """
    height, width = panels[0].shape[:2]
    below = LINE * max(map(len, captions)) + 4
    columns = columns or best_columns(len(panels), height + below, width)
    rows = -(-len(panels) // columns)
    canvas = blank(rows * (height + below + GAP), columns * (width + GAP) + GAP, ground)
    for i, (panel, lines) in enumerate(zip(panels, captions)):
        top, left = i // columns * (height + below + GAP), i % columns * (width + GAP) + GAP
        canvas[top : top + height, left : left + width] = panel
        for row, words in enumerate(lines):
            text(
                canvas,
                words,
                (left + 1, top + height + LINE * (row + 1) - 3),
                FAINT if row else INK,
                9,
            )
    return canvas


def best_columns(count: int, height: int, width: int) -> int:
    """How many panels in a row make the whole about 3 : 2, with few places left empty."""

    def blemish(columns: int) -> float:
        rows = -(-count // columns)
        return abs(math.log(columns * width / (rows * height) / 1.5)) + 1.5 * (
            columns * rows / count - 1
        )

    return min(range(1, count + 1), key=blemish)


def with_title(
    canvas: np.ndarray, title: str, legend: Sequence[tuple[str, Colour]] = ()
) -> np.ndarray:
    """The canvas with a title above, in as many lines as it takes, and a line that tells what the colours mean."""
    width, height = canvas.shape[1], 12
    lines = wrap(title, width - 2 * GAP, height)
    head = blank(GAP + 24 * len(lines) + (LINE + 2 if legend else 0) + 4, width)
    for row, words in enumerate(lines):
        text(head, words, (GAP, GAP + 24 * row + height + 2), INK, height)
    key(head, legend, (GAP, head.shape[0] - 11))
    return np.concatenate([head, canvas])


def key(
    canvas: np.ndarray, legend: Sequence[tuple[str, Colour]], at: tuple[int, int], height: int = 9
) -> None:
    """Words in a row, each behind a dot of its colour."""
    x, y = at
    for words, colour in legend:
        dot(canvas, (x + 5, y - 4), FAINT, 5)  # or a white one would not be seen
        dot(canvas, (x + 5, y - 4), colour, 4.3)
        text(canvas, words, (x + 14, y), INK, height)
        x += 30 + text_width(words, height)
