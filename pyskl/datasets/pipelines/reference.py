"""Slow twins of PreNormalize3D and GenSkeFeat: one person and frame after the other.

Tests hold the steps against them, and tools/benchmark.py measures by them.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from ...skeletons import topology_of


def pre_normalize_3d(
    keypoint: np.ndarray, align_spine: bool = True, align_center: bool = True
) -> np.ndarray:
    """Return what PreNormalize3D makes of keypoint (M, T, V, 3), V at least 9."""
    people, frames, joints, _ = keypoint.shape

    # In which frames is each person there?
    seen = [[t for t in range(frames) if keypoint[m, t].any()] for m in range(people)]
    if not any(seen):
        return keypoint
    first = max(range(people), key=lambda m: len(seen[m]))
    order = [first, *(m for m in range(people) if m != first)]

    # Frames without the first person are left out.
    kept = np.zeros((people, len(seen[first]), joints, 3), keypoint.dtype)
    for new_m, m in enumerate(order):
        for new_t, t in enumerate(seen[first]):
            kept[new_m, new_t] = keypoint[m, t]

    if align_center:
        centre = kept[0, 0, 1 if joints == 25 else joints - 1].copy()
        for m, t in np.ndindex(kept.shape[:2]):
            there = kept[m, t].any(-1)
            kept[m, t, there] = kept[m, t, there] - centre
    if align_spine:
        kept = kept.astype(np.float64)
        kept = turn_all(kept, kept[0, 0, 1] - kept[0, 0, 0], np.array([0.0, 0.0, 1.0]))
        kept = turn_all(kept, kept[0, 0, 8] - kept[0, 0, 4], np.array([1.0, 0.0, 0.0]))
    return kept


def turn_all(keypoint: np.ndarray, direction: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Turn every frame by the rotation that brings `direction` onto the unit vector `target`."""
    normal = np.cross(direction, target)
    if np.linalg.norm(normal) < 1e-6:
        return keypoint
    cosine = np.dot(direction / np.linalg.norm(direction), target)
    angle = np.arccos(np.clip(cosine, -1, 1))
    matrix = Rotation.from_rotvec(angle * normal / np.linalg.norm(normal)).as_matrix()
    turned = np.zeros_like(keypoint)
    for m, t in np.ndindex(keypoint.shape[:2]):
        turned[m, t] = np.dot(keypoint[m, t], matrix.T)
    return turned


def features(
    keypoint: np.ndarray, dataset: str, feats: list[str], averaged: str = ''
) -> np.ndarray:
    """Return what GenSkeFeat makes of key points.

    Args:
        keypoint: (M, T, V, C).
        dataset: the skeleton.
        feats: the features, as GenSkeFeat takes them.
        averaged: for which of 'b', 'k', 'm' the third channel is the mean of two scores.
    """
    made = {'j': keypoint}
    skeleton = topology_of(dataset)
    for name, partner in (('b', skeleton.bone_partner), ('k', skeleton.second_partner)):
        made[name] = differences_of_joints(keypoint, partner, name in averaged)
    for name in 'jbk':
        made[name + 'm'] = differences_of_frames(made[name], 'm' in averaged)
    return np.concatenate([made[name] for name in feats], axis=-1)


def differences_of_joints(
    keypoint: np.ndarray, partner: tuple[int, ...], average_score: bool
) -> np.ndarray:
    """Return each joint minus its partner, (M, T, V, C)."""
    out = np.zeros(keypoint.shape, np.float32)
    for m in range(keypoint.shape[0]):
        for v, other in enumerate(partner):
            joint, end = keypoint[m, :, v], keypoint[m, :, other]
            out[m, :, v] = joint - end
            if average_score:
                out[m, :, v, 2] = (joint[:, 2] + end[:, 2]) / 2
    return out


def differences_of_frames(values: np.ndarray, average_score: bool) -> np.ndarray:
    """Return each frame's change until the next one, (M, T, V, C); 0 in the last."""
    out = np.zeros_like(values)
    for m, t in np.ndindex(len(values), values.shape[1] - 1):
        now, then = values[m, t], values[m, t + 1]
        out[m, t] = then - now
        if average_score:
            out[m, t, :, 2] = (then[:, 2] + now[:, 2]) / 2
    return out
