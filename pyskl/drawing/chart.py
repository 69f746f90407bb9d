"""A skeleton layout as a picture: numbered joints with their names, sides in colours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..skeletons import Layout
from .canvas import blank, dot, line, text, text_width
from .colours import FAINT, INK, ON_PAPER, WHITE, Colour, joint_sides, side_of, sides_legend
from .scene import GAP, key, with_title

ROW = 21  # pixels of a line of the table of joints
TEXT = 9  # pixels, height of a capital


def layout_chart(layout: Layout) -> np.ndarray:
    """Return a picture (H, W, 3) of the layout in its `pose`.

    The person faces the viewer: their right side is at the picture's left.
    """
    sides = joint_sides(layout)
    colours = [ON_PAPER.of(side) for side in sides]
    mirrored = [f'<> {other}' if other != j else '' for j, other in enumerate(layout.opposite)]
    rows = min(25, layout.num_joints)
    table = joint_table(layout, mirrored, colours, rows, (rows + 3) * ROW)
    key(table, sides_legend(layout), (3, table.shape[0] - ROW // 2))

    size = max(560, len(table))
    canvas, points = blank(size, size), joint_places(layout, size)
    for bone in layout.bones:
        line(canvas, points[bone[0]], points[bone[1]], ON_PAPER.of(side_of(bone, sides)), 3, 0.55)
    number_joints(canvas, points, colours)
    return with_title(
        beside(canvas, table),
        f'{layout.name}: {layout.num_joints} joints, {len(layout.bones)} bones, '
        f'{len(layout.mirror)} mirror pairs',
    )


def joint_places(layout: Layout, size: int) -> np.ndarray:
    """Return (V, 2) places of the joints, in the layout's `pose`, on a square picture."""
    return 40 + np.array(layout.pose) * (size - 80)


def number_joints(canvas: np.ndarray, points: np.ndarray, colours: Sequence[Colour]) -> None:
    """Draw each joint as a dot of its colour, with its number in it."""
    for joint, ((x, y), colour) in enumerate(zip(points, colours)):
        number = str(joint)
        dot(canvas, (x, y), WHITE, 10)
        dot(canvas, (x, y), colour, 9)
        text(canvas, number, (x - text_width(number, 7) / 2, y + 4), WHITE, 7)


def joint_table(
    layout: Layout, notes: Sequence[str], colours: Sequence[Colour], rows: int, height: int
) -> np.ndarray:
    """Draw the joints' numbers and names, each with a note, in as many columns as needed.

    Args:
        layout: layout of the joints.
        notes: note of each joint.
        colours: colour of each joint.
        rows: joints in a column.
        height: height of the picture in pixels.
    """
    names = [f'{name}   ' for name in layout.joints]
    width = 58 + max(text_width(name + note, TEXT) for name, note in zip(names, notes))
    canvas = blank(height, -(-len(names) // rows) * width)
    for joint, (name, note, colour) in enumerate(zip(names, notes, colours)):
        x, y = joint // rows * width, (joint % rows + 1) * ROW
        dot(canvas, (x + 8, y - 4), colour, 5)
        text(canvas, str(joint), (x + 20, y), FAINT, TEXT)
        text(canvas, name, (x + 44, y), INK, TEXT)
        text(canvas, note, (x + 44 + text_width(name, TEXT), y), FAINT, TEXT)
    return canvas


def beside(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return two pictures side by side."""
    canvas = blank(max(len(left), len(right)), left.shape[1] + GAP + right.shape[1])
    canvas[: len(left), : left.shape[1]] = left
    canvas[: len(right), -right.shape[1] :] = right
    return canvas
