"""Check that joints lie on the sides that a layout says: an elbow near its own shoulder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from .layout import Layout
from .poses import Hands, is_present

NEARER = 1.25  # how many times nearer the other side's joint must be
ENOUGH = 4  # frames that must show both sides


def crossed_bones(
    clips: Iterable[Mapping[str, Any]], layout: Layout
) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Find mirrored bones whose lower ends lie nearer to the upper ends of the other side.

    Finger tips that hang from the wrists are left to Hands.

    Args:
        clips: annotations: keypoint (M, T, V, C), C = 2 or 3, and keypoint_score (M, T, V) or None.
        layout: of their V joints.

    Returns:
        ((child, parent) left, (child, parent) right) of each such pair of bones. A person all of
        whose
        joints have changed sides is not found: its bones are whole.
    """
    hands = Hands.of(layout)
    tips = {tip for side in hands.tips for tip in side} if hands else set()
    pairs = [
        (layout.bones[left], layout.bones[right])
        for left, right in zip(layout.left_bones, layout.right_bones)
    ]
    pairs = [(a, b) for a, b in pairs if a[1] != b[1] and a[0] not in tips]
    if not pairs:
        return []
    lengths, frames = np.zeros((2, len(pairs))), np.zeros(len(pairs), int)
    children, parents = np.array(pairs).transpose(2, 0, 1)  # (n, 2) each
    for clip in clips:
        xy, score = clip['keypoint'], clip.get('keypoint_score')
        there = is_present(xy, score)
        both = (there[:, :, children] & there[:, :, parents]).all(-1)  # (M, T, n)
        lower = xy[:, :, children].astype(np.float64)  # (M, T, n, 2, C)
        for way, upper in enumerate((parents, parents[:, ::-1])):
            apart = np.sqrt(((lower - xy[:, :, upper]) ** 2).sum(-1)).sum(-1)  # (M, T, n)
            lengths[way] += np.where(both, apart, 0).sum((0, 1))
        frames += both.sum((0, 1))
    crossed = (frames >= ENOUGH) & (lengths[0] > NEARER * lengths[1])
    return [pair for pair, is_crossed in zip(pairs, crossed) if is_crossed]
