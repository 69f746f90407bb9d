"""Adjacency matrices of a skeleton: which joints a graph convolution joins.

Source: ST-GCN, arXiv:1801.07455, section 3.3; the modes are PYSKL's, arXiv:2205.09443.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from ..errors import ConfigError
from .layout import Layout
from .topology import topology_of

Mode = Literal['spatial', 'stgcn_spatial', 'binary_adj', 'random']


class Graph:
    """The graph of a skeleton layout.

    Attributes:
        A: (K, V, V) float64, K matrices. A[k, v, w] weighs what joint w takes of joint v.
        topology: the layout's edges and centre.
        num_joints: V, with nx_node times as many as the layout has.

    Args:
        layout: a name ('nturgb+d', 'coco', 'imigue22', ...) or a dict of the user's own; see
            topology_of.
        mode: 'spatial': K = 3, the joint itself, its neighbours towards the centre and those away
            from it, each column summing to 1. 'stgcn_spatial': the neighbours up to max_hop away,
            those nearer to the centre apart from the others, K = 2 max_hop + 1. 'binary_adj': K =
            1, ones for edges. 'random': K = num_filter matrices, init_off + init_std * normal,
            drawn from np.random.
        max_hop: how far 'stgcn_spatial' reaches.
        nx_node: 'random' only: nodes for each joint.
        num_filter: 'random' only: K.
        init_off, init_std: 'random' only: mean and standard deviation.

    Raises:
        ConfigError: an unknown layout or mode, or a setting out of range.
    """

    def __init__(
        self,
        layout: str | Mapping[str, Any] | Layout = 'coco',
        mode: Mode = 'spatial',
        max_hop: int = 1,
        nx_node: int = 1,
        num_filter: int = 3,
        init_off: float = 0.04,
        init_std: float = 0.02,
    ):
        modes = {
            'spatial': self._spatial,
            'stgcn_spatial': self._stgcn_spatial,
            'binary_adj': self._binary,
            'random': self._random,
        }
        if mode not in modes:
            raise ConfigError(f'graph_cfg.mode = {mode!r}: expected one of {", ".join(modes)}.')
        for name, value in (('max_hop', max_hop), ('nx_node', nx_node), ('num_filter', num_filter)):
            if not isinstance(value, int) or value < 1:
                raise ConfigError(f'graph_cfg.{name} = {value!r}: expected 1 or more.')
        if nx_node > 1 and mode != 'random':
            raise ConfigError(
                f"graph_cfg.nx_node = {nx_node}: only mode='random' has several nodes a joint."
            )
        self.topology = topology_of(layout)
        self.mode, self.max_hop, self.nx_node = mode, max_hop, nx_node
        self.num_filter, self.init_off, self.init_std = num_filter, init_off, init_std
        self.num_joints = self.topology.num_joints * nx_node
        self.A = modes[mode]()

    def _matrix(self, edges: list[tuple[int, int]]) -> np.ndarray:
        matrix = np.zeros((self.topology.num_joints,) * 2)
        for source, target in edges:
            matrix[target, source] = 1
        return matrix

    def _binary(self) -> np.ndarray:
        inward = self._matrix(list(self.topology.edges))
        return (inward + inward.T)[None]

    def _spatial(self) -> np.ndarray:
        inward = self._matrix(list(self.topology.edges))
        return np.stack([np.eye(len(inward)), _by_columns(inward), _by_columns(inward.T)])

    def _stgcn_spatial(self) -> np.ndarray:
        hops = hop_distance(self._binary()[0], self.max_hop)
        adjacency = _by_columns((hops <= self.max_hop).astype(float))
        to_centre = hops[:, self.topology.centre]  # inf beyond max_hop, as upstream has it
        is_close = to_centre[:, None] >= to_centre[None]
        parts = [np.where(hops == 0, adjacency, 0)]
        for hop in range(1, self.max_hop + 1):
            here = np.where(hops == hop, adjacency, 0)
            parts += [np.where(is_close, here, 0), np.where(is_close, 0, here)]
        return np.stack(parts)

    def _random(self) -> np.ndarray:
        shape = (self.num_filter, self.num_joints, self.num_joints)
        return np.random.randn(*shape) * self.init_std + self.init_off


def hop_distance(adjacency: np.ndarray, most: int) -> np.ndarray:
    """Return how many edges lie between joints: (V, V) float64, inf beyond `most`.

    Args:
        adjacency: (V, V), symmetric, not 0 for edges.
        most: the longest distance that is measured.
    """
    distance = np.where(np.eye(len(adjacency)) > 0, 0.0, np.inf)
    reached = np.eye(len(adjacency))
    for hop in range(1, most + 1):
        reached = ((reached @ adjacency) > 0).astype(float)
        distance = np.where((reached > 0) & np.isinf(distance), hop, distance)
    return distance


def scales_of(adjacency: np.ndarray, num_scales: int) -> np.ndarray:
    """Return who is exactly k edges away, or the joint itself, for k from 0 on.

    Args:
        adjacency: (V, V), symmetric, not 0 for edges.
        num_scales: K, one more than the longest distance.

    Returns:
        (K, V, V) float64; [k, v, w] weighs what joint w takes of joint v, each column summing to 1.
        Where no joint is so far away, the identity.

    Source: MS-G3D, arXiv:2003.14111, section 3.2; the columns' sums as PYSKL has them.
    """
    distance = hop_distance(adjacency, num_scales - 1)
    itself = np.eye(len(adjacency))
    return np.stack([_by_columns(np.maximum(distance == hop, itself)) for hop in range(num_scales)])


def _by_columns(matrix: np.ndarray) -> np.ndarray:
    """Divide each column by its sum; empty ones stay."""
    total = matrix.sum(0)
    return matrix / np.where(total > 0, total, 1)
