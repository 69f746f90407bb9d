"""Key points with x, y, z: what fits them works, what needs pixels says so and draws nothing."""

from __future__ import annotations

import numpy as np
import pytest

from pyskl.datasets.pipelines import (
    BoneVectors,
    CenterCrop,
    Compose,
    Flip,
    GeneratePoseTarget,
    JointDropout,
    KeypointNoise,
    PoseCompact,
    RandomCrop,
    RandomResizedCrop,
    Resize,
    ShiftScale,
    Step,
    UniformSampleDecode,
)
from pyskl.errors import DataError

FRAMES, JOINTS = 12, 8


def clip(channels: int = 3, **fields) -> dict:
    keypoint = np.random.default_rng(0).normal(size=(2, FRAMES, JOINTS, channels))
    results = dict(
        frame_dir='clip_7',
        total_frames=FRAMES,
        label=1,
        keypoint=keypoint.astype(np.float32),
        keypoint_score=np.ones((2, FRAMES, JOINTS), np.float32),
        **fields,
    )
    return results


NEED_PIXELS = [
    Resize(scale=(56, 56), keep_ratio=False),
    RandomResizedCrop(),
    RandomCrop(4),
    CenterCrop(4),
    PoseCompact(),
    Flip(flip_ratio=1.0),
    Flip(flip_ratio=0.0),
    ShiftScale(),
    KeypointNoise(),
    BoneVectors(layout='natops8'),
    GeneratePoseTarget(layout='natops8', with_kp=True),
]


@pytest.mark.parametrize('step', NEED_PIXELS, ids=lambda step: type(step).__name__)
@pytest.mark.parametrize('fields', [{}, dict(img_shape=(480, 640))], ids=['', 'img_shape'])
def test_a_step_that_needs_pixels_names_the_clip_itself_and_what_to_do(step, fields):
    with pytest.raises(DataError) as error:
        Compose([step], entries=None)(clip(**fields))
    message = str(error.value)
    assert message.startswith("clip 'clip_7': ") and f'but {type(step).__name__} works' in message
    assert '(2, 12, 8, 3)' in message and 'PreNormalize3D' in message


def test_a_users_own_step_that_wants_a_picture_is_told_that_there_is_none():
    class Own(Step):
        needs = ('img_shape',)

    Own.__module__ = 'mine'
    with pytest.raises(DataError, match=r"has no 'img_shape', which pipeline step 0 \(Own\) needs"):
        Compose([Own()], entries=None)(clip())


def test_hidden_joints_lose_their_place_in_space_and_their_score():
    np.random.seed(0)
    given = clip()
    out = JointDropout(joint_ratio=0.3, span_ratio=0.3)(dict(given))
    hidden = out['keypoint_score'] == 0
    assert 0.05 < hidden.mean() < 0.6
    assert not out['keypoint'][hidden].any()
    np.testing.assert_array_equal(out['keypoint'][~hidden], given['keypoint'][~hidden])


def test_hiding_joints_makes_no_score_where_it_is_a_channel_already():
    np.random.seed(0)
    results = UniformSampleDecode(6)(clip(channels=2))
    before = results['keypoint'].copy()
    out = JointDropout(joint_ratio=0.5)(results)
    assert 'keypoint_score' not in out
    hidden = (out['keypoint'] != before).any(-1)
    assert hidden.any() and not out['keypoint'][hidden].any()
