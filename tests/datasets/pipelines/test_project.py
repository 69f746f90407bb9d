"""Key points in space seen through a camera: places in the picture that geometry gives by hand."""

from __future__ import annotations

import numpy as np
import pytest

from pyskl.datasets.pipelines import Project3D
from pyskl.errors import DataError
from pyskl.skeletons.camera import Camera

# A person of four joints in the axes right, down, away: head, foot, the left hand, the nose in
# front.
POINTS = np.array([[0, -1, 0], [0, 1, 0], [0.5, 0, 0], [0, -1, -0.5]], np.float32)
MIDDLE = (512 - 1) / 2


def _seen(points=POINTS, turn=0.0, tilt=0.0, **camera) -> np.ndarray:
    """(V, 2) pixels relative to the picture's middle."""
    camera = Camera(**{'axes': ('x', 'y', 'z'), 'fill': 1.0, **camera})
    xy, there = camera.project(points[None, None], turn, tilt, zero_is_missing=False)
    assert there.all() and xy.dtype == np.float32
    return xy[0, 0] - MIDDLE


def test_the_longer_side_fills_the_picture_and_the_middle_is_the_middle():
    xy = _seen()
    assert np.allclose(xy[:, 1], [-256, 256, 0, -256])
    assert np.allclose(xy[:, 0], [-64, -64, 64, -64])


def test_people_who_turn_to_their_left_show_their_nose_at_the_pictures_right():
    ahead, turned = _seen(), _seen(turn=90)
    assert np.isclose(turned[3, 0] - turned[0, 0], 128) and np.isclose(ahead[3, 0], ahead[0, 0])
    assert np.isclose(turned[2, 0], turned[0, 0])  # the hand points away now


def test_from_above_what_is_nearer_lies_lower():
    xy = _seen(tilt=30)
    assert xy[3, 1] > xy[0, 1]
    assert np.isclose(_seen(tilt=90)[3, 1] - _seen(tilt=90)[0, 1], 512)


@pytest.mark.parametrize(
    ('axes', 'to_data'),
    [
        (('x', 'y', 'z'), lambda right, down, away: (right, down, away)),
        (('-x', '-y', 'z'), lambda right, down, away: (-right, -down, away)),
        (('x', '-z', 'y'), lambda right, down, away: (right, away, -down)),
    ],
)
def test_axes_say_where_the_data_point(axes, to_data):
    data = np.stack(to_data(*POINTS.T), -1)
    assert np.allclose(_seen(data, turn=20, axes=axes), _seen(turn=20), atol=1e-3)


def test_a_near_camera_enlarges_what_is_near():
    points = np.array([[-1, 0, 1], [1, 0, 1], [-1, 0, -1], [1, 0, -1]], np.float32)
    far, near = _seen(points), _seen(points, distance=2)
    assert np.isclose(np.ptp(far[:2, 0]), np.ptp(far[2:, 0]))
    # At distance 2 of size 2: depths 4 - 1 and 4 + 1.
    assert np.isclose(np.ptp(near[2:, 0]) / np.ptp(near[:2, 0]), 5 / 3)


def test_a_fixed_scale_keeps_places_and_sizes():
    xy = _seen(POINTS + np.float32([1, 0, 0]), scale=50.0)
    assert np.allclose(xy, 50 * POINTS[:, :2] + [50, 0])


def _clip(keypoint, **more):
    score = np.full(keypoint.shape[:3], 0.5, np.float32)
    return {'frame_dir': 'a', 'keypoint': keypoint, 'keypoint_score': score, **more}


def test_missing_joints_stay_missing_unless_the_origin_is_a_joint():
    keypoint = np.random.default_rng(0).normal(size=(1, 3, 4, 3)).astype(np.float32)
    keypoint[0, 1, 2] = 0
    seen = Project3D()(_clip(keypoint))
    assert (seen['keypoint'][0, 1, 2] == 0).all() and seen['keypoint_score'][0, 1, 2] == 0
    assert (np.delete(seen['keypoint_score'].ravel(), 6) == 0.5).all()
    assert seen['img_shape'] == seen['original_shape'] == (512, 512)
    assert (Project3D(zero_is_missing=False)(_clip(keypoint))['keypoint_score'] == 0.5).all()
    nobody = Project3D()(_clip(np.zeros_like(keypoint)))
    assert not nobody['keypoint'].any() and not nobody['keypoint_score'].any()


def test_a_range_is_drawn_in_training_and_its_middle_taken_in_testing():
    keypoint = np.random.default_rng(0).normal(size=(1, 3, 4, 3)).astype(np.float32)
    step = Project3D(turn=(-10, 50))

    def seen(seed=0, **more):
        np.random.seed(seed)
        return step(_clip(keypoint, **more))['keypoint']

    assert np.array_equal(seen(1), seen(1)) and not np.array_equal(seen(1), seen(2))
    assert np.array_equal(seen(1, test_mode=True), Project3D(turn=20)(_clip(keypoint))['keypoint'])


def test_what_has_a_picture_already_is_refused_by_name():
    with pytest.raises(DataError, match="'a'.*Project3D"):
        Project3D()(_clip(np.ones((1, 3, 4, 2), np.float32)))
