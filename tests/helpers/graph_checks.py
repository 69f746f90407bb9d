"""Checks that every graph network passes, whatever its layout: (N, M, T, V, C) key points go in."""

from __future__ import annotations

import copy
from typing import Any

import torch
from graph_goldens import fill, parts
from torch import Tensor, nn

from pyskl.models.fuse import fuse_conv_bn


def nine_joints() -> dict[str, Any]:
    """Return a layout of a user's own: a spine and two arms."""
    names = ['hip', 'chest', 'head', 'l arm', 'l hand', 'l tip', 'r arm', 'r hand', 'r tip']
    bones = [(0, 1), (2, 1), (3, 1), (4, 3), (5, 4), (6, 1), (7, 6), (8, 7)]
    return dict(
        name='nine', joints=names, bones=bones, mirror=[(3, 6), (4, 7), (5, 8)], centre='chest'
    )


def chain(num_joints: int) -> dict[str, Any]:
    """Return a layout of so many joints, each hanging from the one before it."""
    names = [f'joint {i}' for i in range(num_joints)]
    bones = [(i, i - 1) for i in range(1, num_joints)]
    return dict(name='chain', joints=names, bones=bones, mirror=[], centre=0)


def keypoints(*shape: int) -> Tensor:
    """Return made-up key points (N, M, T, V, C), always the same."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(3))


def assert_same(one: Any, other: Any, tolerance: float) -> None:
    """Assert that two outputs differ by at most `tolerance` of the largest value."""
    assert len(parts(one)) == len(parts(other))
    for a, b in zip(parts(one), parts(other)):
        assert a.shape == b.shape
        assert float((a - b).abs().max()) <= tolerance * float(b.abs().max())


@torch.no_grad()
def assert_runs_everywhere(network: nn.Module, keypoint: Tensor) -> None:
    """Assert that a network gives the same in all forms that it is used in.

    That is: traced, with BatchNorm folded into convolutions, in bfloat16 (nearly), in float32
    instead of float64, and one person at a time.
    """
    network = fill(network).eval().double()
    keypoint = keypoint.double()
    expected = network(keypoint)

    assert_same(torch.jit.trace(network, keypoint)(keypoint), expected, 1e-12)

    folded = copy.deepcopy(network)
    assert fuse_conv_bn(folded) > 0
    assert_same(folded(keypoint), expected, 1e-9)

    single = copy.deepcopy(network).float()
    assert_same(single(keypoint.float()), expected, 1e-3)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        assert_same(single(keypoint.float()), expected, 0.2)

    people = network.normalise(keypoint).flatten(0, 1)
    together = parts(network.person_features(people))
    alone = [parts(network.person_features(person[None])) for person in people]
    assert_same(tuple(torch.cat(each) for each in zip(*alone)), together, 1e-9)
