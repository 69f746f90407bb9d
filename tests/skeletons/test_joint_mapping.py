"""The joints of one layout from those of another, by name."""

from __future__ import annotations

import numpy as np
import pytest
from made_clips import made_clip

from pyskl.errors import ConfigError
from pyskl.skeletons import LAYOUTS, get_layout, imigue22
from pyskl.skeletons.mapping import joint_origins, map_joints

WITH_HANDS = (
    *('mediapipe_upper_hands', 'mediapipe_holistic75', 'coco_wholebody133', 'halpe136'),
    *('openpose137', 'openpose_upper_hands'),
)


def one_by_one(given, wanted, place, score):
    """The slow twin: joint after joint, frame after frame."""
    out = np.zeros((*place.shape[:2], wanted.num_joints, 2), np.float32)
    sure = np.zeros(out.shape[:-1], np.float32)
    for m, t, j in np.ndindex(sure.shape):
        name = wanted.joints[j]
        if name in given.joints:
            i = given.joints.index(name)
            out[m, t, j], sure[m, t, j] = place[m, t, i], score[m, t, i]
            continue
        part = {'neck': 'shoulder', 'middle hip': 'hip'}[name]
        a, b = (given.joints.index(f'{side} {part}') for side in ('left', 'right'))
        if score[m, t, a] > 0 and score[m, t, b] > 0:
            out[m, t, j] = (place[m, t, a] + place[m, t, b]) / 2
            sure[m, t, j] = min(score[m, t, a], score[m, t, b])
    return out, sure


@pytest.mark.parametrize(
    'given, wanted',
    [*((name, 'imigue22') for name in WITH_HANDS), ('halpe26', 'coco17'), ('coco17', 'openpose18')],
)
def test_mapped_joints_equal_one_joint_at_a_time(given, wanted):
    given, wanted = get_layout(given), get_layout(wanted)
    made = made_clip(joints=given.num_joints, missing=0.3)
    place, score = made['keypoint'], made['keypoint_score']
    before = place.copy()
    found = map_joints(place, score, joint_origins(given, wanted))
    for a, b in zip(found, one_by_one(given, wanted, place, score)):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(place, before)


def test_hands_go_by_their_sides_whichever_comes_first():
    given = get_layout('coco_wholebody133')
    left, right = (joint_origins(given, imigue22(side)) for side in ('left', 'right'))
    assert left[12:17] == right[17:22] and left[17:22] == right[12:17]
    assert left[12] == (given.joints.index('left thumb tip'),)


def test_a_layout_of_all_joints_maps_to_itself():
    for layout in LAYOUTS.values():
        origins = joint_origins(layout, layout)
        assert origins == tuple((j,) for j in range(layout.num_joints))


@pytest.mark.parametrize('given', ['coco17', 'halpe26', 'mediapipe33', 'openpose25', 'ntu25'])
def test_joints_that_nothing_stands_for_are_refused_by_name(given):
    with pytest.raises(ConfigError, match='nose' if given == 'ntu25' else 'tip'):
        joint_origins(get_layout(given), get_layout('imigue22'))
