"""A baseline that every network should beat: the nearest neighbour of a clip's mean pose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import DataError
from ..skeletons import Layout, get_layout, is_present


def mean_pose_nearest_neighbour(
    train: Sequence[Mapping[str, Any]], test: Sequence[Mapping[str, Any]], layout: str = 'imigue22'
) -> float:
    """Return the top-1 accuracy (0..1) of a nearest neighbour among the training clips.

    Training clips are used mirrored, too. The distance between two mean poses is taken over the
    joints that both have, so that a missing joint is no evidence.

    Args:
        train: annotations with labels, as read_annotations gives them; only the first person of a
            clip counts.
        test: likewise.
        layout: the skeleton layout (pyskl.skeletons) with neck, shoulders and mirror pairs.

    Raises:
        DataError: there are no clips, or a clip's joints are not the layout's.
    """
    known = get_layout(layout)
    pose, visible = mean_poses(train, known)
    order = list(known.opposite)
    pose = np.concatenate([pose, pose[:, order] * np.array([-1.0, 1.0])])
    visible = np.concatenate([visible, visible[:, order]])
    labels = np.array([clip['label'] for clip in train] * 2)
    nearest = [
        _distances(query, has, pose, visible).argmin()
        for query, has in zip(*mean_poses(test, known))
    ]
    return float((labels[nearest] == np.array([clip['label'] for clip in test])).mean())


def mean_poses(clips: Sequence[Mapping[str, Any]], layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    """Average each joint over the frames that have it.

    The neck is at (0, 0) and the unit is the shoulder width. If neck or shoulders are never
    visible, the mean of the visible joints and their mean distance from it are used instead.

    Args:
        clips: annotations.
        layout: of their skeletons.

    Returns:
        (N, V, 2) poses, (0, 0) for joints that are never visible, and (N, V) whether a joint is
        visible in any frame.

    Raises:
        DataError: no clips, or other joints.
    """
    if not len(clips):
        raise DataError('mean pose: no clips. Expected one at least.')
    poses, visible = zip(*(_mean_pose(clip, layout) for clip in clips))
    return np.stack(poses), np.stack(visible)


def _mean_pose(clip: Mapping[str, Any], layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    xy = np.asarray(clip['keypoint'][0], float)[..., :2]  # (T, V, 2)
    has = is_present(xy, np.asarray(clip['keypoint_score'][0]))  # (T, V)
    if has.shape[1] != layout.num_joints:
        raise DataError(
            f'clip {clip["frame_dir"]}: {has.shape[1]} joints; expected the {layout.num_joints} of '
            f'{layout.name}.'
        )
    visible = np.any(has, axis=0)
    if not visible.any():
        return np.zeros((layout.num_joints, 2)), visible
    pose = np.where(has[..., None], xy, 0).sum(axis=0) / np.maximum(has.sum(axis=0), 1)[:, None]
    neck, right, left = (
        layout.joints.index(name) for name in ('neck', 'right shoulder', 'left shoulder')
    )
    centred = pose - (pose[neck] if visible[neck] else pose[visible].mean(axis=0))
    both = visible[right] and visible[left]
    unit = np.linalg.norm(pose[right] - pose[left] if both else centred[visible], axis=-1).mean()
    return centred * visible[:, None] / max(unit, 1e-6), visible


def _distances(
    pose: np.ndarray, visible: np.ndarray, others: np.ndarray, others_visible: np.ndarray
) -> np.ndarray:
    """Return (N,) mean squared distances of a pose from others; infinite without shared joints."""
    shared = visible & others_visible
    squared = ((others - pose) ** 2).sum(axis=-1)
    mean = (squared * shared).sum(axis=1) / np.maximum(shared.sum(axis=1), 1)
    return np.where(shared.any(axis=1), mean, np.inf)
