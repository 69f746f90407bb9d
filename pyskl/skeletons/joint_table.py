"""Read a skeleton layout from a table of text in which one line holds one joint.

    #  joint        parent  mirror       x    y
    0  neck         -       -            0.5  0.2
    1  left hand    neck    right hand   0.8  0.6
    2  right hand   neck    left hand    0.2  0.6

Two spaces or more separate the columns, so that names may hold single spaces; '-' means none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..errors import ConfigError, did_you_mean
from .layout import Layout

Point = tuple[float, float]


@dataclass(frozen=True)
class Joint:
    """One line of a table.

    Attributes:
        index: the joint's place among the key points, from 0 on.
        name: as people call it. Of two mirrored joints one name begins with 'left'.
        parent: the joint that this one hangs from; None for a root.
        mirror: the joint that it becomes in a mirror; None on the middle line.
        at: (x, y) in 0..1, x right, y down: where to draw it when the person faces us, whose right
            side is then at the picture's left.
    """

    index: int
    name: str
    parent: str | None
    mirror: str | None
    at: Point


def read_joints(table: str) -> tuple[Joint, ...]:
    """Read the lines of a table, in their order, but empty lines and those that begin with #.

    Raises:
        ConfigError: a line has other columns than index, joint, parent, mirror, x, y.
    """
    lines = [line.strip() for line in table.splitlines()]
    return tuple(_read_line(line) for line in lines if line and not line.startswith('#'))


def _read_line(line: str) -> Joint:
    try:
        index, name, parent, mirror, x, y = re.split(r'\s{2,}', line)
        return Joint(int(index), name, _or_none(parent), _or_none(mirror), (float(x), float(y)))
    except ValueError:
        raise ConfigError(
            f'skeleton table, line {line!r}: expected index, joint, parent, mirror, '
            'x, y, with two spaces or more between them.'
        ) from None


def _or_none(name: str) -> str | None:
    return None if name == '-' else name


def mirrored(joints: Sequence[Joint]) -> tuple[Joint, ...]:
    """Mirror joints: 'left' and 'right' are swapped in their names, and x becomes 1 - x."""
    other = {'left': 'right', 'right': 'left'}

    def swap(name: str) -> str:
        return re.sub('^(left|right)', lambda side: other[side[0]], name)

    return tuple(
        replace(
            joint,
            name=swap(joint.name),
            parent=joint.parent and swap(joint.parent),
            mirror=joint.mirror and swap(joint.mirror),
            at=(round(1 - joint.at[0], 6), joint.at[1]),
        )
        for joint in joints
    )


def layout_from(name: str, joints: Sequence[Joint], centre: str) -> Layout:
    """Make the layout that a table describes.

    Args:
        name: of the layout.
        joints: its lines. Bones come in the order of the lines, whatever the indices are, mirror
            pairs in the order of the left joints' indices.
        centre: the joint that the others are described from.

    Raises:
        ConfigError: indices that do not run from 0 on, unknown names, or mirror partners that do
            not name each other; and whatever Layout refuses.
    """
    place = {joint.name: joint.index for joint in joints}
    ordered = sorted(joints, key=lambda joint: joint.index)
    where = f'skeleton layout {name!r}:'

    # Indices and names that lead nowhere.
    if [joint.index for joint in ordered] != list(range(len(joints))):
        raise ConfigError(f'{where} expected each index from 0 to {len(joints) - 1} once.')
    for other in (centre, *(n for joint in joints for n in (joint.parent, joint.mirror) if n)):
        if other not in place:
            near = did_you_mean(other, place)
            raise ConfigError(f'{where} {other!r} is none of its joints.{near}')

    # Mirror partners that do not name each other.
    lefts = {joint.name for joint in joints if joint.mirror and joint.name.startswith('left')}
    for joint in joints:
        if joint.mirror and (
            ordered[place[joint.mirror]].mirror != joint.name
            or (joint.name in lefts) == (joint.mirror in lefts)
        ):
            raise ConfigError(
                f'{where} {joint.name!r} has the mirror partner {joint.mirror!r}. Expected '
                "partners to name each other, and one of the two to begin with 'left'."
            )

    return Layout(
        name,
        joints=tuple(joint.name for joint in ordered),
        bones=tuple((j.index, place[j.parent]) for j in joints if j.parent),
        mirror=tuple((j.index, place[j.mirror]) for j in ordered if j.mirror and j.name in lefts),
        centre=place[centre],
        pose=tuple(joint.at for joint in ordered),
    )


def joints_of(layout: Layout) -> tuple[Joint, ...]:
    """Return a table that makes this layout: its roots, then the other joints in bone order."""
    parents, children = dict(layout.bones), [child for child, _ in layout.bones]
    roots = [joint for joint in range(layout.num_joints) if joint not in parents]
    return tuple(
        Joint(
            j,
            layout.joints[j],
            layout.joints[parents[j]] if j in parents else None,
            layout.joints[layout.opposite[j]] if layout.opposite[j] != j else None,
            layout.pose[j],
        )
        for j in roots + children
    )
