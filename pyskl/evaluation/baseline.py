"""How far a still pose gets: a nearest neighbour on each clip's mean pose, the bar that a network has to clear."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import DataError
from ..skeletons import Layout, get_layout, is_present


def mean_pose_nearest_neighbour(
    train: Sequence[Mapping[str, Any]], test: Sequence[Mapping[str, Any]], layout: str = 'imigue22'
) -> float:
    """Top-1 (0..1) of giving each test clip the label of the training clip, or mirrored training clip, of nearest mean pose.

    train, test  annotations with labels, as read_annotations gives them; the first person of a clip counts
    layout       the skeleton layout (pyskl.skeletons) that names neck, shoulders and mirror pairs
    raises       DataError when there are no clips, or a clip's joints are not the layout's
    The distance between two poses is the mean over the joints that both have, so that a missing joint is no evidence.
    """
    known = get_layout(layout)
    pose, seen = mean_poses(train, known)
    order = list(known.opposite)
    pose = np.concatenate([pose, pose[:, order] * np.array([-1.0, 1.0])])
    seen = np.concatenate([seen, seen[:, order]])
    labels = np.array([clip['label'] for clip in train] * 2)
    nearest = [
        _distances(a, a_seen, pose, seen).argmin() for a, a_seen in zip(*mean_poses(test, known))
    ]
    return float((labels[nearest] == np.array([clip['label'] for clip in test])).mean())


def mean_poses(clips: Sequence[Mapping[str, Any]], layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    """The mean of each joint over the frames that have it: poses (N, V, 2), and which joints were seen at all, (N, V).

    The neck is at (0, 0) and the unit is the shoulder width; where neck or shoulders were never seen, the middle of the seen
    joints and their mean distance from it stand in. An unseen joint is at (0, 0).
    """
    if not len(clips):
        raise DataError('mean pose: no clips. Expected one at least.')
    poses, seen = zip(*(_mean_pose(clip, layout) for clip in clips))
    return np.stack(poses), np.stack(seen)


def _mean_pose(clip: Mapping[str, Any], layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    xy = np.asarray(clip['keypoint'][0], float)[..., :2]  # (T, V, 2)
    has = is_present(xy, np.asarray(clip['keypoint_score'][0]))  # (T, V)
    if has.shape[1] != layout.num_joints:
        raise DataError(
            f'clip {clip["frame_dir"]}: {has.shape[1]} joints; expected the {layout.num_joints} of {layout.name}.'
        )
    seen = np.any(has, axis=0)
    if not seen.any():
        return np.zeros((layout.num_joints, 2)), seen
    pose = np.where(has[..., None], xy, 0).sum(axis=0) / np.maximum(has.sum(axis=0), 1)[:, None]
    neck, right, left = (
        layout.joints.index(name) for name in ('neck', 'right shoulder', 'left shoulder')
    )
    centred = pose - (pose[neck] if seen[neck] else pose[seen].mean(axis=0))
    both = seen[right] and seen[left]
    unit = np.linalg.norm(pose[right] - pose[left] if both else centred[seen], axis=-1).mean()
    return centred * seen[:, None] / max(unit, 1e-6), seen


def _distances(
    pose: np.ndarray, seen: np.ndarray, others: np.ndarray, others_seen: np.ndarray
) -> np.ndarray:
    """(N,) mean squared distance of a pose from N others over the joints that both have; infinite where they share none."""
    shared = seen & others_seen
    apart = ((others - pose) ** 2).sum(axis=-1)
    return np.where(
        shared.any(axis=1), (apart * shared).sum(axis=1) / np.maximum(shared.sum(axis=1), 1), np.inf
    )
