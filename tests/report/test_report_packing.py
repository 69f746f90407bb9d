"""Packed key points: unpacking gives them back to half a line of the grid."""

import base64

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from packed_clips import unpack_clip

from pyskl.report.packing import PackedClip, mean_pose, pack_all, pack_clip, real_part
from pyskl.skeletons import is_present


def clip(num_people=1, num_frames=30, num_joints=22, seed=0, missing=0.1):
    rng = np.random.default_rng(seed)
    keypoint = rng.uniform(1, 1900, (num_people, num_frames, num_joints, 2)).astype(np.float32)
    score = rng.uniform(0.05, 1, (num_people, num_frames, num_joints)).astype(np.float32)
    gone = rng.random(score.shape) < missing
    keypoint[gone], score[gone] = 0, 0
    return keypoint, score


shapes = st.tuples(st.integers(1, 3), st.integers(1, 12), st.integers(1, 6))


@given(
    shapes.flatmap(
        lambda shape: st.tuples(
            hnp.arrays(np.float32, (*shape, 2), elements=st.floats(0, 2000, width=32)),
            hnp.arrays(np.float32, shape, elements=st.floats(0, 1, width=32)),
        )
    ),
    st.integers(8, 12),
    st.integers(1, 3),
)
def test_a_packed_clip_comes_back_to_half_a_line(clip, bits, step):
    keypoint, score = clip
    packed = pack_clip(keypoint, score, bits, step)
    xy, confidence = unpack_clip(packed, bits)
    keypoint, score = real_part(keypoint, score)
    keypoint, score = keypoint[:, ::step], score[:, ::step]
    seen = is_present(keypoint, score)
    assert packed.shape == score.shape and np.array_equal(confidence > 0, seen)
    line = packed.box[2] / ((1 << bits) - 1)
    if seen.any():
        assert np.abs(xy - keypoint)[seen].max() <= line / 2 + 1e-6
        assert (
            np.abs(confidence - score)[seen].max() <= 1 / 7 + 1e-6
        )  # a confidence of nearly 0 becomes 1/7, not 0


def test_frames_that_fill_a_clip_up_and_people_who_never_come_are_left_out():
    keypoint, score = clip(num_people=2, num_frames=20)
    keypoint[:, 12:], score[:, 12:], score[0] = 0, 0, 0
    assert pack_clip(keypoint, score).shape == (1, 12, 22)


def test_a_clip_of_nobody_can_be_packed():
    packed = pack_clip(np.zeros((1, 5, 3, 2), np.float32), np.zeros((1, 5, 3), np.float32))
    assert packed.shape == (1, 1, 3) and not unpack_clip(packed, 10)[1].any()


def annotations(n, **kwargs):
    return [dict(zip(('keypoint', 'keypoint_score'), clip(seed=i, **kwargs))) for i in range(n)]


def test_clips_lie_one_behind_the_other_in_the_text():
    clips = annotations(5)
    packed = pack_all(clips, range(5), budget=10**7)
    assert (packed.bits, packed.step) == (10, 1) and sum(packed.lengths) == len(packed.text)
    start = 0
    for i, length in enumerate(packed.lengths):
        data = base64.b64decode(packed.text[start : start + length])
        assert data == pack_clip(clips[i]['keypoint'], clips[i]['keypoint_score']).data
        xy, _ = unpack_clip(PackedClip(data, packed.boxes[i], packed.shapes[i]), packed.bits)
        assert np.isfinite(xy).all()
        start += length


@pytest.mark.parametrize('share', [0.7, 0.4, 0.3])
def test_a_smaller_budget_takes_coarser_steps_and_is_kept(share):
    clips = annotations(20)
    whole = pack_all(clips, range(20), budget=10**9)
    packed = pack_all(clips, range(20), budget=int(len(whole.text) * share))
    assert len(packed.text) <= len(whole.text) * share
    assert (packed.bits, packed.step) != (whole.bits, whole.step) and 0 not in packed.lengths


def test_what_cannot_fit_is_left_out_from_the_least_important_end():
    clips = annotations(20)
    packed = pack_all(clips, list(range(19, -1, -1)), budget=4000)
    kept = [i for i, length in enumerate(packed.lengths) if length]
    assert (
        0 < len(kept) < 20 and kept == list(range(20 - len(kept), 20)) and len(packed.text) <= 4000
    )


def test_the_mean_pose_lies_in_the_unit_square():
    pose = np.array(mean_pose(annotations(9)))
    assert pose.shape == (22, 2) and pose.min() >= 0 and pose.max() <= 1
