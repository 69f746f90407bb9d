"""Random steps for skeletons: upstream's draws and numbers, our layouts, wrong input."""

from __future__ import annotations

import random

import numpy as np
import pytest
from goldens import needs_golden
from pose_goldens import (
    assert_same,
    clip,
    people_with_gaps,
    protogcn,
    protogcn_input,
    stages,
    untouched,
)

from pyskl.datasets.pipelines import (
    Part_Drop,
    PreNormalize3D,
    RandomGaussianNoise,
    RandomRot,
    RandomScale,
    Spatial_Flip,
)
from pyskl.datasets.pipelines.skeleton_augment import limbs_of
from pyskl.skeletons import topology_of

MOVING = [RandomRot(0.3), RandomScale(0.2), RandomGaussianNoise(0.1)]


def solid() -> dict:
    return PreNormalize3D()(clip(stages('input/k3')))


def flat() -> dict:
    return clip(stages('input/hand'))


@pytest.mark.parametrize(
    'golden, step, results',
    [
        ('RandomRot(theta=0.3,C=3)', RandomRot(theta=0.3), solid),
        ('RandomRot(theta=0.3,C=2)', RandomRot(theta=0.3), flat),
        ('RandomScale(0.1)', RandomScale(0.1), solid),
        ('RandomGaussianNoise({})', RandomGaussianNoise(), solid),
        ("RandomGaussianNoise({'base': 'video'})", RandomGaussianNoise(base='video'), solid),
        (
            "RandomGaussianNoise({'base': 'video', 'shared': True})",
            RandomGaussianNoise(base='video', shared=True),
            solid,
        ),
    ],
)
def test_random_steps_draw_and_move_as_upstream(golden, step, results):
    results = results()
    np.random.seed(5)
    assert_same(untouched(step, results)['keypoint'], stages(f'{golden}/keypoint'))


def test_a_range_of_angles_holds_in_the_plane():
    pose = np.random.default_rng(0).normal(size=(1, 1, 5, 2))
    angles = []
    for seed in range(30):
        np.random.seed(seed)
        turned = RandomRot(theta=(0.1, 0.2))(clip(pose))['keypoint']
        angles.append(np.angle((turned @ [1, 1j]) / (pose @ [1, 1j])))
    assert np.ptp(angles, axis=-1).max() < 1e-9  # all joints of a clip alike
    assert 0.1 <= np.min(angles) < 0.12 and 0.18 < np.max(angles) <= 0.2


@pytest.mark.parametrize('step', MOVING)
def test_a_third_channel_that_is_a_score_stays(step):
    keypoint = np.random.default_rng(0).uniform(0.2, 1, (2, 3, 17, 3)).astype(np.float32)
    after = untouched(step, clip(keypoint, third_is_score=True))['keypoint']
    np.testing.assert_array_equal(after[..., 2], keypoint[..., 2])
    assert (after[..., :2] != keypoint[..., :2]).any()


@pytest.mark.parametrize('step', [*MOVING, RandomGaussianNoise(base='video')])
def test_people_who_are_not_there_are_not_moved(step):
    keypoint = people_with_gaps(0)
    keypoint[1] = 0
    assert not step(clip(keypoint))['keypoint'][1].any()
    assert not step(clip(np.zeros((2, 1, 25, 3), np.float32)))['keypoint'].any()


@needs_golden
@pytest.mark.parametrize(
    'dataset, num_joints', [('nturgb+d', 25), ('openpose', 18), ('nw_ucla', 20)]
)
def test_flipped_joints_are_protogcns(dataset, num_joints):
    after = untouched(Spatial_Flip(dataset, p=1.1), clip(protogcn_input(num_joints)))
    assert_same(after['keypoint'], protogcn(f'Spatial_Flip({dataset},p=1.1)/keypoint'))


@needs_golden
@pytest.mark.parametrize(
    'golden, step',
    [
        ('Spatial_Flip(p=0.5)', Spatial_Flip(p=0.5)),
        ('Part_Drop(0.2)', Part_Drop(0.2)),
        ('Part_Drop(1.1)', Part_Drop(1.1)),
    ],
)
def test_flips_and_drops_are_drawn_as_protogcn(golden, step):
    expected = protogcn(f'{golden},random.seed 0-11/first_channel')
    for seed in range(12):
        random.seed(seed)
        after = untouched(step, clip(protogcn_input(25)))['keypoint']
        np.testing.assert_array_equal(after[0, 0, :, 0], expected[seed])


@pytest.mark.parametrize('dataset, num_joints', [('imigue22', 22), ('natops8', 8), ('coco', 17)])
def test_layouts_of_ours_flip_twice_to_what_they_were(dataset, num_joints):
    keypoint = people_with_gaps(0, joints=num_joints)
    score = np.random.default_rng(0).random(keypoint.shape[:3])
    flip = Spatial_Flip(dataset, p=1.1)
    once = untouched(flip, clip(keypoint, score))
    for left, right in topology_of(dataset).mirror:
        np.testing.assert_array_equal(once['keypoint'][:, :, left], keypoint[:, :, right])
        np.testing.assert_array_equal(once['keypoint_score'][:, :, left], score[:, :, right])
    np.testing.assert_array_equal(flip(once)['keypoint'], keypoint)


def test_limbs_are_what_hangs_together_of_one_side():
    assert limbs_of(topology_of('nturgb+d')) == [
        [4, 5, 6, 7, 21, 22],
        [12, 13, 14, 15],
        [8, 9, 10, 11, 23, 24],
        [16, 17, 18, 19],
    ]
    assert limbs_of(topology_of('coco_new'))[:3] == [[1, 3], [5, 7, 9], [11, 13, 15]]
    drop = Part_Drop(1.1, dataset='natops8')
    keypoint, score = np.ones((1, 2, 8, 2), np.float32), np.ones((1, 2, 8), np.float32)
    after = untouched(drop, clip(keypoint, score))
    gone = (after['keypoint'] == 0).all((0, 1, 3))
    assert np.flatnonzero(gone).tolist() in limbs_of(topology_of('natops8'))
    np.testing.assert_array_equal(after['keypoint_score'][0, 0], ~gone)


def test_a_one_sided_turn_of_x_and_y_is_said_once(caplog):
    flat, space = clip(np.ones((1, 2, 5, 2), np.float32)), clip(np.ones((1, 2, 5, 3), np.float32))
    step = RandomRot(0.3)
    step(dict(space))
    assert not caplog.records
    step(dict(flat))
    step(dict(flat))
    assert [record.levelname for record in caplog.records] == ['WARNING']
    RandomRot((-0.3, 0.3))(dict(flat))
    assert len(caplog.records) == 1
