"""How joints are connected, as graph networks and bone features need it; for any layout.

For the package's layouts the bones tell. Under the names that PYSKL and ProtoGCN use ('nturgb+d',
'coco', ...) are their tables, joint by joint, even where these differ from anatomy, so that
published configs and checkpoints keep their numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import ConfigError, did_you_mean
from .layout import Layout, Pairs
from .lookup import WRITTEN_OUT, layout_of
from .tables import imigue22
from .whole_body import LAYOUTS


@dataclass(frozen=True)
class Topology:
    """Edges, bone vectors and mirror pairs of one skeleton.

    Attributes:
        name: of the layout.
        num_joints: V.
        edges: (child, parent) joints of each edge.
        centre: the joint that edges are directed to.
        bone_partner: (V,) the bone vector of joint j is joint j minus joint bone_partner[j]; a root
            is its own partner.
        second_partner: (V,) the same two bones up, for ProtoGCN's features 'k' and 'km'.
        mirror: (left, right) joints, the person's own sides.
        score_is_averaged: features ('b' bones, 'k' two bones, 'm' motion) whose third channel is a
            score and becomes the mean of both ends. None: all, where the third channel is a score.
    """

    name: str
    num_joints: int
    edges: Pairs
    centre: int
    bone_partner: tuple[int, ...]
    second_partner: tuple[int, ...]
    mirror: Pairs = ()
    score_is_averaged: frozenset[str] | None = None

    @classmethod
    def of(cls, layout: Layout) -> Topology:
        """Return the topology of a layout, from its bones."""
        partner = list(range(layout.num_joints))
        for child, parent in layout.bones:
            partner[child] = parent
        return cls(
            layout.name,
            layout.num_joints,
            layout.bones,
            layout.centre,
            tuple(partner),
            two_up(partner),
            layout.mirror,
        )


def two_up(partner: list[int] | tuple[int, ...]) -> tuple[int, ...]:
    """Return each joint's partner two bones up; a joint without one is its own.

    Args:
        partner: (V,) each joint's parent, a root's is itself.
    """
    return tuple(
        joint if partner[partner[joint]] == partner[joint] else partner[partner[joint]]
        for joint in range(len(partner))
    )


def topology_of(layout: str | Mapping[str, Any] | Layout) -> Topology:
    """Return the topology that a config means.

    Args:
        layout: one of PUBLISHED, or whatever `layout_of` takes: the name of a layout, or a
            dict(name=, joints=, bones=, mirror=, centre=) of the user's own.

    Raises:
        ConfigError: unknown name, or a dict whose parts contradict each other.
    """
    if isinstance(layout, str) and layout in PUBLISHED:
        return PUBLISHED[layout]
    known = [*PUBLISHED, *LAYOUTS]
    if isinstance(layout, str) and layout not in LAYOUTS:
        raise ConfigError(
            f'skeleton layout {layout!r} is unknown. Known: {", ".join(known)}.'
            f'{did_you_mean(layout, known)} {WRITTEN_OUT}'
        )
    return Topology.of(layout_of(layout))


def layout_to_draw(layout: str | Mapping[str, Any] | Layout) -> Layout:
    """Return a layout with joint names, edges and a pose, for whatever `topology_of` takes.

    Published tables, which name no joints, take names and pose from a layout with the same joints;
    without one, joints are numbered.

    Raises:
        ConfigError: see topology_of.
    """
    topology = topology_of(layout)
    if not isinstance(layout, str) or layout in LAYOUTS:
        return layout_of(layout)
    named = _SAME_JOINTS.get(layout)
    joints = named.joints if named else tuple(f'joint {j}' for j in range(topology.num_joints))
    pose = named.pose if named else ()
    return Layout(layout, joints, topology.edges, topology.mirror, topology.centre, pose)


def read_pairs(text: str) -> Pairs:
    """Read '1-20 2-20' as ((1, 20), (2, 20))."""
    return tuple((int(a), int(b)) for a, b in (pair.split('-') for pair in text.split()))


def _published(
    name: str,
    num_joints: int,
    centre: int,
    edges: str,
    other_bones: str = '',
    mirror: str = '',
    score_is_averaged: str = '',
    second_partner: tuple[int, ...] | None = None,
) -> None:
    """Add one of PYSKL's or ProtoGCN's tables.

    Args:
        name: of the table.
        num_joints: V.
        centre: the joint that edges are directed to.
        edges: 'child-parent' of each edge.
        other_bones: 'joint-partner' of the bone vectors that differ from the edges.
        mirror: 'left-right' of each mirror pair.
        score_is_averaged: letters, see Topology.
        second_partner: where it is not two bones up.
    """
    partner = list(range(num_joints))
    for joint, other in read_pairs(edges) + read_pairs(other_bones):
        partner[joint] = other
    PUBLISHED[name] = Topology(
        name,
        num_joints,
        read_pairs(edges),
        centre,
        tuple(partner),
        second_partner or two_up(partner),
        read_pairs(mirror),
        frozenset(score_is_averaged),
    )


PUBLISHED: dict[str, Topology] = {}

# Published tables, and layouts with the same joints in the same order.
_SAME_JOINTS = {
    'nturgb+d': LAYOUTS['ntu25'],
    'coco': LAYOUTS['coco17'],
    'openpose': LAYOUTS['openpose18'],
    'protogcn_openpose': LAYOUTS['openpose18'],
    'openpose22': imigue22('right'),
}

_COCO_MIRROR = '1-2 3-4 5-6 7-8 9-10 11-12 13-14 15-16'
_OPENPOSE_MIRROR = '5-2 6-3 7-4 11-8 12-9 13-10 15-14 17-16'

# NTU RGB+D's 25 joints; the thumbs 22 and 24 hang from the hands here.
_published(
    'nturgb+d',
    25,
    20,
    '0-1 1-20 2-20 3-2 4-20 5-4 6-5 7-6 8-20 9-8 10-9 11-10 12-0 13-12 14-13 15-14 16-0 17-16 '
    '18-17 19-18 21-7 22-7 23-11 24-11',
    other_bones='21-22 23-24',
    mirror='4-8 5-9 6-10 7-11 12-16 13-17 14-18 15-19 21-23 22-24',
)

# Northwestern-UCLA's 20 joints (Kinect's first version); 2 is the middle of the shoulders.
_published(
    'nw_ucla',
    20,
    2,
    '0-1 1-2 3-2 4-2 5-4 6-5 7-6 8-2 9-8 10-9 11-10 12-0 13-12 14-13 15-14 16-0 17-16 18-17 19-18',
    mirror='4-8 5-9 6-10 7-11 12-16 13-17 14-18 15-19',
)

# COCO's 17 joints; the bone vectors of the hips begin at the nose.
_published(
    'coco',
    17,
    0,
    '15-13 13-11 16-14 14-12 11-5 12-6 9-7 7-5 10-8 8-6 5-0 6-0 1-0 3-1 2-0 4-2',
    other_bones='11-0 12-0',
    mirror=_COCO_MIRROR,
    score_is_averaged='bkm',
)

# OpenPose's 18 joints. The bone vectors are PYSKL's; two bones up is ProtoGCN's, whose root is the
# neck.
_OPENPOSE_EDGES = '4-3 3-2 7-6 6-5 13-12 12-11 10-9 9-8 11-5 8-2 5-1 2-1 0-1 15-0 14-0 17-15 16-14'
_published(
    'protogcn_openpose', 18, 1, _OPENPOSE_EDGES, mirror=_OPENPOSE_MIRROR, score_is_averaged='bkm'
)
_published(
    'openpose',
    18,
    1,
    _OPENPOSE_EDGES,
    other_bones='0-0 1-0',
    mirror=_OPENPOSE_MIRROR,
    score_is_averaged='bkm',
    second_partner=PUBLISHED['protogcn_openpose'].second_partner,
)

# MediaPipe's 21 points of a hand.
_published(
    'handmp',
    21,
    0,
    '1-0 2-1 3-2 4-3 5-0 6-5 7-6 8-7 9-0 10-9 11-10 12-11 13-0 14-13 15-14 16-15 17-0 18-17 19-18 '
    '20-19',
)

# ProtoGCN's 20 joints: COCO's or OpenPose's with the middle of the hips (17, 18), of the shoulders
# (19), and for COCO the point between them (18). Kinetics_Transform makes them.
_published(
    'coco_new',
    20,
    19,
    '15-13 13-11 16-14 14-12 11-17 12-17 9-7 7-5 10-8 8-6 5-19 6-19 1-0 3-1 2-0 4-2 0-19 17-18 '
    '18-19',
    mirror=_COCO_MIRROR,
    score_is_averaged='b',
)
_published(
    'openpose_new',
    20,
    1,
    '4-3 3-2 7-6 6-5 13-12 12-11 10-9 9-8 11-18 8-18 5-1 2-1 0-1 15-0 14-0 17-15 16-14 18-19 19-1',
    mirror=_OPENPOSE_MIRROR,
    score_is_averaged='b',
)

# The published solution's name for iMiGUE's joints. Its own edges count some joints from 1 and some
# from 0; here they are anatomy's, with the right hand first, as there.
PUBLISHED['openpose22'] = Topology.of(_SAME_JOINTS['openpose22'])
