"""Some joints of a layout, as a layout of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import index

from ..errors import ConfigError, did_you_mean
from .layout import Layout


def joint_index(layout: str, place: Mapping[str, int], joint: int | str) -> int:
    """Return the index of a joint that is given by name or index already.

    Args:
        layout: its name, for the message.
        place: index of each joint's name.
        joint: name or index.

    Raises:
        ConfigError: no joint has that name.
    """
    if isinstance(joint, str) and joint not in place:
        raise ConfigError(
            f'skeleton layout {layout!r}: {joint!r} is none of its '
            f'joints.{did_you_mean(joint, place)}'
        )
    return place[joint] if isinstance(joint, str) else joint


def subset(layout: Layout, joints: Sequence[int | str], name: str = '') -> Layout:
    """Return the layout of some joints, with the bones and mirror pairs that are left.

    Args:
        layout: where they come from.
        joints: names or indices, in the order of the new key points. A joint whose parent is left
            out hangs from its nearest ancestor that is kept, or is a root.
        name: of the new layout; '' makes 'openpose137 (67 of 137 joints)'.

    Returns:
        The new layout. Its centre is the old one, or its nearest ancestor that is kept, or a root.

    Raises:
        ConfigError: an unknown joint, one twice, none at all, or some joints without their mirror
            partners beside others with theirs.
    """
    kept = _indices(layout, joints)
    name = name or f'{layout.name} ({len(kept)} of {layout.num_joints} joints)'
    place = {j: i for i, j in enumerate(kept)}
    parents = dict(layout.bones)

    def nearest(joint: int | None) -> int | None:
        while joint is not None and joint not in place:
            joint = parents.get(joint)
        return None if joint is None else place[joint]

    # Mirror pairs, all or none.
    mirror = tuple((place[a], place[b]) for a, b in layout.mirror if a in place and b in place)
    alone = [j for j in kept if layout.opposite[j] not in place]
    if alone and mirror:
        raise ConfigError(
            f'skeleton layout {layout.name!r}, keep: {layout.joints[alone[0]]!r} without its '
            f'mirror partner {layout.joints[layout.opposite[alone[0]]]!r}, while others have '
            'theirs: a mirrored clip would mix sides. Keep both or neither.'
        )

    # Bones in the order of the layout's; the centre, or a root on the middle line.
    ends = ((place[child], nearest(parent)) for child, parent in layout.bones if child in place)
    bones = tuple((child, parent) for child, parent in ends if parent is not None)
    centre = nearest(layout.centre)
    if centre is None:
        roots = set(range(len(kept))) - {child for child, _ in bones}
        centre = min(roots, key=lambda i: (layout.opposite[kept[i]] != kept[i], i))
    return Layout(
        name,
        tuple(layout.joints[j] for j in kept),
        bones,
        mirror,
        centre,
        tuple(layout.pose[j] for j in kept),
    )


def _indices(layout: Layout, joints: Sequence[int | str]) -> list[int]:
    known = {joint: j for j, joint in enumerate(layout.joints)}
    where = f'skeleton layout {layout.name!r}, keep'
    try:
        kept = [index(joint_index(layout.name, known, joint)) for joint in joints]
    except TypeError:
        raise ConfigError(f'{where} = {joints!r}: expected a list of names or indices.') from None
    wrong = [j for j in kept if not 0 <= j < layout.num_joints or kept.count(j) > 1]
    if wrong or not kept:
        what = f'{wrong[0]} is listed twice or is no index' if wrong else 'no joint'
        raise ConfigError(
            f'{where}: {what}. Expected names of its joints or indices 0..{layout.num_joints - 1}, '
            'each once.'
        )
    return kept
