"""Steps for training alone: what they change, what they leave, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from made_clips import made_clip

from pyskl.datasets.pipelines import (
    Compose,
    FrameJitter,
    JointDropout,
    KeypointNoise,
    PoseDecode,
    ShiftScale,
    UniformSampleFrames,
)
from pyskl.errors import ConfigError

STEPS = [
    JointDropout(),
    JointDropout(0.5, 0.5, longest=1),
    ShiftScale(),
    ShiftScale(0.3, (0.5, 2), angle=90),
    FrameJitter(2),
    KeypointNoise(0.1),
]
every_step = pytest.mark.parametrize('step', STEPS, ids=repr)
seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=25, deadline=None)


def clip(seed: int = 0, people: int = 2, joints: int = 7, **more) -> dict:
    """Sampled frames with missing joints; nothing in it may be written to."""
    sampled = dict(frame_inds=np.arange(30), num_clips=1, clip_len=30)
    results = made_clip(people, 30, joints, seed=seed, **{**sampled, **more})
    for value in results.values():
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
    return results


def after(step, seed: int = 0, results: dict | None = None) -> dict:
    np.random.seed(seed)
    return step(dict(results or clip()))


@every_step
@given(seed=seeds)
@few
def test_missing_joints_stay_missing_and_shared_arrays_as_they_are(step, seed):
    before = clip(seed)
    kept = {key: value.copy() for key, value in before.items() if isinstance(value, np.ndarray)}
    done = after(step, seed, before)
    for key, value in kept.items():
        np.testing.assert_array_equal(before[key], value)
        assert done[key].dtype == value.dtype and done[key].shape == value.shape
    np.testing.assert_array_equal(done['keypoint'][before['keypoint'] == 0], 0)
    assert not done['keypoint_score'][before['keypoint_score'] == 0].any()


@every_step
def test_the_seed_decides_what_is_drawn(step):
    """Equal seeds, equal clips; and something changes with the seed."""

    def same(a: dict, b: dict) -> bool:
        return all(
            np.array_equal(a[key], b[key]) for key in ('keypoint', 'keypoint_score', 'frame_inds')
        )

    assert same(after(step, 1), after(step, 1))
    assert not all(same(after(step, 1), after(step, seed)) for seed in range(2, 8))


@pytest.mark.parametrize('step', [*STEPS[2:4], STEPS[5]], ids=repr)
def test_nan_and_infinity_draw_no_warning(step, recwarn):
    spoilt = clip()
    spoilt['keypoint'] = spoilt['keypoint'].copy()
    spoilt['keypoint'][0, 0, 0], spoilt['keypoint'][0, 0, 1] = np.nan, np.inf
    done = after(step, 0, spoilt)['keypoint']
    assert (
        not np.isfinite(done[0, 0, :2]).any()
        and np.isfinite(done).sum() == done.size - 4
        and not recwarn.list
    )


@every_step
@pytest.mark.parametrize('people', [0, 1])
def test_any_number_of_people_may_be_there(step, people):
    assert after(step, 0, clip(people=people))['keypoint'].shape == (people, 30, 7, 2)


@pytest.mark.parametrize('dtype', [np.float64, np.float16, np.int16])
@pytest.mark.parametrize('step', [ShiftScale(0.1, (1.1, 1.2), 5), KeypointNoise()], ids=repr)
def test_key_points_may_come_in_other_types(step, dtype):
    given_ones = clip()['keypoint'].astype(dtype)
    moved = after(step, 0, clip(keypoint=given_ones))['keypoint']
    assert moved.dtype == (np.float64 if dtype == np.float64 else np.float32)
    np.testing.assert_allclose(
        moved, after(step, 0, clip(keypoint=given_ones.astype(np.float64)))['keypoint'], rtol=1e-4
    )


# -- joint dropout ---------------------------------------------------------------------------------


def test_joints_are_hidden_as_often_as_asked():
    before = clip(people=1, joints=4000, keypoint_score=np.ones((1, 30, 4000), np.float32))
    hidden = after(JointDropout(0.2, 0.3, longest=0.2), 0, before)['keypoint_score'][0] == 0
    whole, some = hidden.all(0).mean(), (hidden.any(0) & ~hidden.all(0)).mean()
    assert whole == pytest.approx(0.2, abs=0.03) and some == pytest.approx(0.8 * 0.3, abs=0.03)
    spans = hidden.sum(0)[hidden.any(0) & ~hidden.all(0)]
    assert ((hidden[1:] & ~hidden[:-1]).sum(0) + hidden[0] <= 1).all()  # one span at the most
    assert set(spans) == {1, 2, 3, 4, 5, 6} and hidden[0].any() and hidden[-1].any()


def test_a_clip_without_scores_gets_some():
    without = clip()
    del without['keypoint_score']
    assert set(np.unique(after(JointDropout(0.5), 0, without)['keypoint_score'])) == {0, 1}


# -- shift, scale, turn ----------------------------------------------------------------------------


@given(seeds, st.floats(0, 1), st.floats(0.2, 1), st.floats(1, 3), st.floats(0, 180))
@few
def test_people_are_moved_as_a_whole(seed, shift, least, most, angle):
    """All distances within a clip grow by one factor within the limits, and the middle moves by the
    shift at most.
    """
    assume(
        shift or angle or least < 1 or most > 1
    )  # else there is nothing to do, which the step refuses
    before = clip(keypoint=np.random.default_rng(seed).uniform(1, 40, (1, 3, 5, 2)))
    moved = after(ShiftScale(shift, (least, most), angle), seed, before)['keypoint']
    # As complex numbers: moved = factor * point + offset.
    point, moved = (xy.reshape(-1, 2) @ [1, 1j] for xy in (before['keypoint'], moved))
    factor = (moved[1] - moved[0]) / (point[1] - point[0])
    offset = moved[0] - factor * point[0]
    np.testing.assert_allclose(moved, factor * point + offset)
    assert least - 1e-6 <= abs(factor) <= most + 1e-6
    assert abs(np.angle(factor, deg=True)) <= angle + 1e-6
    middle = 32 + 24j
    away = factor * middle + offset - middle
    assert abs(away.real) <= shift * 64 + 1e-4 and abs(away.imag) <= shift * 48 + 1e-4


# -- frames ----------------------------------------------------------------------------------------


@given(
    seeds,
    st.integers(1, 60),
    st.integers(1, 40),
    st.integers(1, 3),
    st.integers(1, 4),
    st.sampled_from([0, 5]),
)
@few
def test_frames_move_a_little_and_keep_their_order(seed, frames, clip_len, num_clips, most, start):
    np.random.seed(seed)
    sampled = UniformSampleFrames(clip_len, num_clips)(
        {'total_frames': frames, 'frame_dir': 'a', 'start_index': start}
    )
    jittered = FrameJitter(most)(dict(sampled))['frame_inds']
    before, after = (
        inds.reshape(num_clips, clip_len) - start for inds in (sampled['frame_inds'], jittered)
    )
    assert (
        after.min() >= 0 and after.max() < frames and jittered.shape == sampled['frame_inds'].shape
    )
    distance = np.abs(before - after)
    assert np.minimum(distance, frames - distance).max() <= most
    if frames >= clip_len:
        assert (np.diff(after) >= 0).all()


def test_zeros_that_fill_a_clip_up_stay_out():
    keypoint = np.zeros((1, 30, 4, 2), np.float32)
    keypoint[:, :12] = 5
    results = {'total_frames': 30, 'frame_dir': 'a', 'keypoint': keypoint}
    for seed in range(20):
        np.random.seed(seed)
        jittered = FrameJitter(3)(UniformSampleFrames(8, real_frames=True)(dict(results)))
        assert jittered['frame_inds'].max() < 12 and (PoseDecode()(jittered)['keypoint'] == 5).all()


# -- noise -----------------------------------------------------------------------------------------


def test_noise_is_as_strong_as_asked_and_of_no_direction():
    before = clip(keypoint=np.full((1, 30, 500, 2), 20, np.float32))
    noise = after(KeypointNoise(0.05), 0, before)['keypoint'] - 20
    assert noise.std() == pytest.approx(0.05 * 48, rel=0.03) and abs(noise.mean()) < 0.05


# -- what is refused -------------------------------------------------------------------------------


def test_frame_jitter_before_the_sampling_is_refused():
    with pytest.raises(ConfigError, match="FrameJitter.*needs 'frame_inds'.*UniformSampleFrames"):
        Compose([dict(type='FrameJitter'), dict(type='UniformSampleFrames', clip_len=4)])
