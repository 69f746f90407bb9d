"""The graph of a graph network as a picture: edges, centre, hops and adjacency matrices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import nn

from ..errors import ConfigError
from ..skeletons import Graph, Layout
from ..skeletons.graph import hop_distance
from .canvas import blank, dot, frame, line
from .chart import ROW, beside, joint_places, joint_table, number_joints
from .colours import BLACK, BLUE, FAINT, INK, VERMILLION, Colour
from .heat import enlarge
from .scene import grid, with_title

SIDE = 520  # pixels of the skeleton's picture
MATRIX = 260  # pixels of a matrix, about
SPATIAL = ('the joint itself', 'towards the centre', 'away from it')


@dataclass(frozen=True)
class Adjacency:
    """Matrices to draw.

    Attributes:
        A: (K, V, V). A[k, v, w] weighs what joint w takes from joint v.
        title: origin of the matrices.
        captions: name of each matrix.
    """

    A: np.ndarray
    title: str
    captions: Sequence[str]


def adjacency_of(graph: Graph) -> Adjacency:
    """Return the matrices that a network begins with."""
    names = [f'A[{k}]' for k in range(len(graph.A))]
    if graph.mode == 'spatial':
        names = [f'{name}: {what}' for name, what in zip(names, SPATIAL)]
    return Adjacency(graph.A, f'mode {graph.mode}', names)


def learned_adjacency(backbone: nn.Module, layer: int = -1) -> Adjacency:
    """Return the current matrices of one of a network's graph convolutions.

    They are A, A + PA or A * PA, whichever the layer computes with, without what it adds for each
    clip.

    Args:
        backbone: a graph network.
        layer: number of the graph convolution, from 0; -1 is the last.

    Raises:
        ConfigError: there is no such layer.
    """
    layers = [
        (name, module)
        for name, module in backbone.named_modules()
        if name and getattr(module, 'A', None) is not None and module.A.ndim == 3
    ]
    if not -len(layers) <= layer < len(layers):
        expected = f'expected 0 to {len(layers) - 1}' if layers else 'it has none'
        raise ConfigError(
            f'--layer {layer}: of the graph convolutions of {type(backbone).__name__}, {expected}.'
        )
    name, module = layers[layer]
    matrices, term, learns = module.A, getattr(module, 'PA', None), 'A'
    if term is not None and getattr(module, 'adaptive', None) == 'importance':
        matrices, learns = matrices * term, 'A * PA'
    elif term is not None:
        matrices, learns = matrices + term, 'A + PA'
    matrices = matrices.detach().float().cpu().numpy()
    place = f'{learns} of {name} (layer {layer % len(layers)} of 0 to {len(layers) - 1})'
    return Adjacency(matrices, place, [f'k = {k}' for k in range(len(matrices))])


def graph_chart(layout: Layout, graph: Graph, adjacency: Adjacency) -> np.ndarray:
    """Draw a skeleton with its edges, and matrices beside it.

    Args:
        layout: layout with names and places of the joints, see layout_to_draw.
        graph: graph with edges, centre and hops.
        adjacency: matrices to draw.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    hops, topology = _hops(graph), graph.topology
    colours = [_colour(hops, joint) for joint in range(len(hops))]
    canvas, points = blank(SIDE, SIDE), joint_places(layout, SIDE)
    for child, parent in topology.edges:
        _arrow(canvas, points[child], points[parent])
    dot(canvas, points[topology.centre], BLACK, 14)
    number_joints(canvas, points, colours)
    far = ['apart' if np.isinf(h) else 'centre' if h == 0 else f'{int(h)}' for h in hops]
    table = joint_table(layout, far, colours, SIDE // ROW - 1, SIDE)

    full = float(np.abs(adjacency.A).max()) or 1.0
    panels = [_matrix(matrix, full) for matrix in adjacency.A]
    matrices = with_title(
        grid(panels, [[caption] for caption in adjacency.captions]),
        adjacency.title,
        [(f'above 0, at most {full:.3g}', BLUE), ('below 0', VERMILLION)],
    )
    return with_title(
        beside(np.concatenate([canvas, table], 1), matrices),
        f'{topology.name}: {topology.num_joints} joints, {len(topology.edges)} edges (an arrow '
        f'points to the parent), centre {layout.joints[topology.centre]}. Row v, column w: what '
        'joint w takes from joint v',
    )


def _hops(graph: Graph) -> np.ndarray:
    """Return (V,) the number of edges between each joint and the centre; inf if not connected."""
    number = graph.topology.num_joints
    joined = np.zeros((number, number))
    for child, parent in graph.topology.edges:
        joined[child, parent] = joined[parent, child] = 1
    return hop_distance(joined, number)[graph.topology.centre]


def _colour(hops: np.ndarray, joint: int) -> Colour:
    """Return a joint's colour, which goes from the centre's to that of the farthest joints."""
    if not np.isfinite(hops[joint]):
        return FAINT
    share = hops[joint] / (hops[np.isfinite(hops)].max() or 1)
    near, far = np.array(VERMILLION), np.array(BLUE)
    return tuple(np.rint(near + (far - near) * share).astype(int).tolist())


def _arrow(canvas: np.ndarray, start: np.ndarray, end: np.ndarray) -> None:
    """Draw a line with an arrow head at two thirds of it."""
    line(canvas, start, end, FAINT, 2)
    along = (end - start) / (np.hypot(*(end - start)) or 1)
    tip = start + (end - start) * 2 / 3
    for side in (1, -1):
        back = tip - 9 * along + 5 * side * np.array([-along[1], along[0]])
        line(canvas, tip, back, INK, 2)


def _matrix(matrix: np.ndarray, full: float) -> np.ndarray:
    """Draw a matrix (V, V): white for 0, blue for `full`, vermillion for -`full`."""
    share = np.clip(np.abs(np.nan_to_num(matrix)) / full, 0, 1)[..., None]
    colour = np.where(matrix[..., None] < 0, VERMILLION, BLUE)
    picture = np.rint(255 + (colour - 255.0) * share).astype(np.uint8)
    picture = enlarge(picture, max(MATRIX // len(matrix), 1))
    frame(picture, (0, 0), (picture.shape[1] - 1, len(picture) - 1), FAINT)
    return picture
