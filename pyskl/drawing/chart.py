"""A skeleton layout as a picture: numbered joints with their names, sides in colours."""

from __future__ import annotations

import numpy as np

from ..skeletons import Layout
from .canvas import blank, dot, line, text, text_width
from .colours import FAINT, INK, ON_PAPER, WHITE, joint_sides, side_of, sides_legend
from .scene import GAP, key, with_title

ROW = 21  # pixels of a line of the legend
TEXT = 9  # pixels, height of a capital


def layout_chart(layout: Layout) -> np.ndarray:
    """Return a picture (H, W, 3) of the layout in its `pose`."""
    legend = _legend(layout)
    side = max(560, legend.shape[0])
    figure = _figure(layout, side)
    canvas = blank(side, figure.shape[1] + legend.shape[1] + GAP)
    canvas[:, : figure.shape[1]] = figure
    canvas[: legend.shape[0], figure.shape[1] : figure.shape[1] + legend.shape[1]] = legend
    pairs = f'{len(layout.mirror)} mirror pairs'
    return with_title(
        canvas, f'{layout.name}: {layout.num_joints} joints, {len(layout.bones)} bones, {pairs}'
    )


def _figure(layout: Layout, side: int) -> np.ndarray:
    """Draw the person, who faces the viewer: their right side is at the picture's left."""
    canvas, sides = blank(side, side), joint_sides(layout)
    points = 40 + np.array(layout.pose) * (side - 80)
    for bone in layout.bones:
        line(canvas, points[bone[0]], points[bone[1]], ON_PAPER.of(side_of(bone, sides)), 3, 0.55)
    for j, (x, y) in enumerate(points):
        number = str(j)
        wide = text_width(number, 7)
        dot(canvas, (x, y), WHITE, 10)
        dot(canvas, (x, y), ON_PAPER.of(sides[j]), 9)
        text(canvas, number, (x - wide / 2, y + 4), WHITE, 7)
    return canvas


def _legend(layout: Layout) -> np.ndarray:
    """Draw the joints' numbers, names and mirror joints, in as many columns as needed."""
    sides, rows = joint_sides(layout), 25
    entries = [
        (f'{j}', name, f'<> {layout.opposite[j]}' if layout.opposite[j] != j else '')
        for j, name in enumerate(layout.joints)
    ]
    column = max(text_width(f'{name}   {pair}', TEXT) for _, name, pair in entries) + 56
    columns = -(-len(entries) // rows)
    canvas = blank((min(rows, len(entries)) + 3) * ROW, columns * column)
    for j, (number, name, pair) in enumerate(entries):
        x, y = j // rows * column, (j % rows + 1) * ROW
        dot(canvas, (x + 8, y - 4), ON_PAPER.of(sides[j]), 5)
        text(canvas, number, (x + 20, y), FAINT, TEXT)
        text(canvas, name, (x + 44, y), INK, TEXT)
        text(canvas, pair, (x + 44 + text_width(name + '  ', TEXT), y), FAINT, TEXT)
    key(canvas, sides_legend(layout), (3, canvas.shape[0] - ROW // 2))
    return canvas
