"""PreNormalize2D and PreNormalize3D: upstream's numbers, the slow twin, wrong input."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from pose_goldens import assert_same, clip, people_with_gaps, stages, untouched

from pyskl.datasets.pipelines import Compose, PreNormalize2D, PreNormalize3D, reference
from pyskl.errors import ConfigError


@pytest.mark.parametrize('settings', [{}, {'align_spine': False}])
def test_3d_normalisation_gives_upstreams_numbers(settings):
    golden = f'PreNormalize3D(k3,{settings})'
    after = untouched(PreNormalize3D(**settings), clip(stages('input/k3')))
    assert_same(after['keypoint'], stages(f'{golden}/keypoint'))
    assert_same(after['body_center'], stages(f'{golden}/body_center'))
    assert after['total_frames'] == stages(f'{golden}/total_frames') == 33
    assert type(after['total_frames']) is int


@pytest.mark.parametrize('people', [1, 2, 3])
@pytest.mark.parametrize('align_spine, align_center', [(True, True), (False, True), (True, False)])
def test_3d_normalisation_equals_one_joint_at_a_time(people, align_spine, align_center):
    for seed in range(4):
        keypoint = people_with_gaps(seed, people, joints=25 if seed else 20)
        step = PreNormalize3D(align_spine=align_spine, align_center=align_center)
        ours = untouched(step, clip(keypoint))['keypoint']
        plain = reference.pre_normalize_3d(keypoint, align_spine, align_center)
        assert ours.dtype == plain.dtype == (np.float64 if align_spine else np.float32)
        np.testing.assert_allclose(ours, plain, atol=1e-5)


@pytest.mark.parametrize('frames', [1, 7])
def test_a_clip_without_anybody_is_handed_on_as_it_is(frames):
    keypoint = np.zeros((2, frames, 25, 3), np.float32)
    after = PreNormalize3D()(clip(keypoint, np.ones((2, frames, 25), np.float32)))
    assert after['keypoint'] is keypoint or not after['keypoint'].any()
    assert after['keypoint'].shape == keypoint.shape and after['total_frames'] == frames
    assert 'keypoint_score' not in after and 'body_center' not in after


def test_one_frame_with_one_person_is_normalised():
    after = PreNormalize3D()(clip(np.random.default_rng(0).normal(size=(1, 1, 25, 3))))
    assert after['total_frames'] == 1 and not after['keypoint'][0, 0, 1].any()


def test_frames_behind_total_frames_do_not_count():
    keypoint = people_with_gaps(3)
    short = PreNormalize3D()(clip(keypoint[:, :6]))
    long = PreNormalize3D()({**clip(keypoint), 'total_frames': 6})
    np.testing.assert_array_equal(short['keypoint'], long['keypoint'])


@pytest.mark.parametrize('mode', ['fix', 'auto'])
def test_2d_normalisation_gives_upstreams_numbers(mode):
    results = clip(stages('input/k2'), stages('input/s2'), img_shape=(1080, 1920))
    after = untouched(PreNormalize2D(mode=mode), results)
    assert_same(after['keypoint'], stages(f'PreNormalize2D({mode})/keypoint'))
    assert 'keypoint_score' not in after and after['third_is_score'] is True


@pytest.mark.parametrize('name, factor', [('hand', 1), ('hand*1000', 1000)])
def test_2d_normalisation_without_scores_keeps_two_channels(name, factor):
    results = clip(stages('input/hand') * factor)
    after = untouched(PreNormalize2D(threshold=0, mode='auto'), results)
    golden = stages(f'PreNormalize2D({name},threshold=0,auto)/keypoint')
    assert_same(after['keypoint'], golden)
    assert after['third_is_score'] is False


@pytest.mark.parametrize('mode', ['fix', 'auto'])
def test_2d_normalisation_passes_a_clip_without_anybody(mode):
    empty = clip(np.zeros((1, 1, 17, 2), np.float32), np.zeros((1, 1, 17), np.float32))
    after = PreNormalize2D(mode=mode)(empty)['keypoint']
    assert after.shape == (1, 1, 17, 3) and not after.any()


def test_coordinates_that_look_normalised_are_warned_of_once(caplog):
    step = PreNormalize2D()
    with caplog.at_level(logging.WARNING, 'pyskl'):
        for name in 'ab':
            results = clip(np.random.default_rng(0).uniform(-1, 1, (1, 4, 17, 2)), frame_dir=name)
            step(results)
        PreNormalize2D(mode='auto')(clip(np.full((1, 4, 17, 2), 0.5)))
    assert len(caplog.records) == 1 and "'a'" in caplog.text


def test_scores_are_gone_behind_both_steps():
    for name in ('PreNormalize2D', 'PreNormalize3D'):
        chain = [dict(type=name), dict(type='Collect', keys=['keypoint_score'])]
        with pytest.raises(ConfigError, match='keypoint_score'):
            Compose(chain)
