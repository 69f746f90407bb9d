"""Skeletons as data: the joints, the bones between them, mirror pairs, and where to draw them.

layout = get_layout('imigue22')
layout.left, layout.right               # mirror pairs as PYSKL writes them: left_kp, right_kp
layout.bones                            # limbs to draw: (child, parent) joint indices
layout.left_bones, layout.right_bones   # the bones' own mirror pairs: left_limb, right_limb
layout.pose                             # where to draw the joints of a person who faces us
subset(layout, ['nose', 'neck', 4, 7])  # some of its joints, with their bones and mirror pairs
topology_of('nturgb+d'), Graph('coco')  # edges, bone vectors, adjacency, of published tables
too
"""

from .graph import Graph
from .layout import Layout
from .lookup import get_layout, guess_layout, layout_of
from .mirror import mirror_order
from .poses import is_present
from .subset import subset
from .tables import imigue22
from .topology import Topology, layout_to_draw, topology_of
from .whole_body import LAYOUTS

__all__ = [
    'LAYOUTS',
    'Graph',
    'Layout',
    'Topology',
    'get_layout',
    'guess_layout',
    'imigue22',
    'is_present',
    'layout_of',
    'layout_to_draw',
    'mirror_order',
    'subset',
    'topology_of',
]
