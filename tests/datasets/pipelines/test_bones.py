"""BoneVectors: bones as points of their own."""

from __future__ import annotations

import numpy as np
import pytest
from made_clips import made_clip

from pyskl.datasets.pipelines import BoneVectors
from pyskl.errors import UserError
from pyskl.skeletons import get_layout

LAYOUT = get_layout('natops8')


def clip(joints: int = 8) -> dict:
    return made_clip(joints=joints, size=(40, 60), missing=0)


def test_each_bone_is_the_enlarged_vector_from_its_parent_drawn_from_the_centre():
    before = clip()
    after = BoneVectors('natops8', zoom=3)(dict(before))
    assert after['keypoint'].shape == (2, 3, 14, 2) and after['keypoint'].dtype == np.float32
    for key in ('keypoint', 'keypoint_score'):
        assert (after[key][:, :, :8] == before[key]).all()
    for i, (child, parent) in enumerate(LAYOUT.bones):
        for m, t in np.ndindex(2, 3):
            a, b = before['keypoint'][m, t, child], before['keypoint'][m, t, parent]
            assert np.allclose(
                after['keypoint'][m, t, 8 + i],
                [29.5 + 3 * (a[0] - b[0]), 19.5 + 3 * (a[1] - b[1])],
                atol=1e-3,
            )
            score = before['keypoint_score'][m, t]
            assert after['keypoint_score'][m, t, 8 + i] == min(score[child], score[parent])


def test_bones_alone_are_the_last_points_of_joints_and_bones():
    alone, both = BoneVectors('natops8', keep_joints=False)(clip()), BoneVectors('natops8')(clip())
    assert (alone['keypoint'] == both['keypoint'][:, :, 8:]).all() and (
        alone['keypoint_score'] == both['keypoint_score'][:, :, 8:]
    ).all()


@pytest.mark.parametrize('missing', [0, np.nan])
def test_a_bone_with_a_missing_end_is_missing_and_scores_are_made_where_there_are_none(missing):
    before = clip()
    del before['keypoint_score']
    before['keypoint'][0, 1, 5] = missing  # the right wrist
    after = BoneVectors('natops8', keep_joints=False)(before)
    gone = [i for i, bone in enumerate(LAYOUT.bones) if 5 in bone]
    assert (after['keypoint'][0, 1, gone] == 0).all() and (
        after['keypoint_score'][0, 1, gone] == 0
    ).all()
    assert after['keypoint_score'].sum() == 2 * 3 * 6 - len(gone) == 33


def test_a_clip_of_other_joints_is_named():
    with pytest.raises(UserError, match='7 joints'):
        BoneVectors('natops8')(clip(joints=7))
