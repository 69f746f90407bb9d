"""Which joints are there, and how much of a clip they fill."""

from __future__ import annotations

import numpy as np
import pytest

from pyskl.datasets.pipelines.base import zero_coordinates
from pyskl.skeletons import is_present
from pyskl.skeletons.poses import num_frames_filled

NAN, INF = float('nan'), float('inf')


@pytest.mark.parametrize(
    ('joint', 'present'),
    [
        ((0, 4), True),
        ((0, 0), False),
        ((-0.0, 0), False),
        ((NAN, 4), False),
        ((3, -INF), False),
        ((0, 0, 5), True),
        ((0, 0, 0), False),
        ((3, 4, NAN), False),
    ],
)
def test_a_joint_is_there_at_a_finite_place_other_than_the_origin(joint, present):
    assert is_present(np.array(joint, np.float32)) == present


@pytest.mark.parametrize(
    ('score', 'present'),
    [(1, True), (1e-6, True), (2, True), (0, False), (-1, False), (NAN, False), (INF, False)],
)
def test_a_joint_is_there_when_its_score_is_a_number_above_0(score, present):
    assert is_present(np.array([3, 4.0]), np.array(score, np.float32)) == present


def test_a_clip_is_filled_up_to_the_last_frame_that_shows_anybody():
    present = np.zeros((2, 5, 3), bool)
    assert num_frames_filled(present) == 0
    present[1, 2, 0] = True
    assert num_frames_filled(present) == 3
    present[0, 0] = present[0, 4, 2] = True
    assert num_frames_filled(present) == 5


def test_a_joint_on_the_edge_is_there_though_one_of_its_coordinates_is_0():
    keypoint = np.array([[0, 4.0], [3, 0], [0, 0], [NAN, 1]])
    assert zero_coordinates(keypoint).tolist() == [
        [True, False],
        [False, True],
        [True, True],
        [False, False],
    ]
    assert is_present(keypoint).tolist() == [True, True, False, False]
