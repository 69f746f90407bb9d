"""GenSkeFeat and its parts, Kinetics_Transform: upstream's numbers, the slow twin, wrong input."""

from __future__ import annotations

import numpy as np
import pytest
from goldens import needs_golden
from own_layout import ARM
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
    Compose,
    GenSkeFeat,
    JointToBone,
    Kinetics_Transform,
    MergeSkeFeat,
    PreNormalize3D,
    Rename,
    ToMotion,
    UniformSampleDecode,
    reference,
)


@pytest.mark.parametrize('feats', ['j', 'b', 'jm', 'bm', 'j+b'])
def test_features_of_ntu_are_upstreams(feats):
    results = PreNormalize3D()(clip(stages('input/k3')))
    after = untouched(GenSkeFeat(dataset='nturgb+d', feats=feats.split('+')), results)
    assert_same(after['keypoint'], stages(f'GenSkeFeat(nturgb+d,{feats})/keypoint'))


@pytest.mark.parametrize('feats', ['j', 'b', 'jm', 'bm'])
def test_features_of_coco_are_upstreams(feats):
    results = clip(stages('PreNormalize2D(fix)/keypoint'))
    after = untouched(GenSkeFeat(dataset='coco', feats=[feats]), results)
    assert_same(after['keypoint'], stages(f'GenSkeFeat(coco,{feats})/keypoint'))


@pytest.mark.parametrize('filled', [4, 1, 0])
@pytest.mark.parametrize('feats', ['jm', 'bm'])
def test_motion_ends_where_frames_only_fill_the_clip_up(feats, filled):
    """The same as of the clip without them."""
    rng = np.random.default_rng(0)
    keypoint = rng.uniform(0.1, 1, (2, 6, 3, 3)).astype(np.float32)
    keypoint[:, filled:] = 0
    whole = clip(keypoint, third_is_score=True, total_frames=6)
    short = clip(keypoint[:, :filled], third_is_score=True, total_frames=filled)
    found = untouched(GenSkeFeat(ARM, [feats], real_frames=True), whole)['keypoint']
    np.testing.assert_array_equal(found[:, :filled], GenSkeFeat(ARM, [feats])(short)['keypoint'])
    assert not found[:, filled:].any()


def test_bones_of_a_hand_are_upstreams():
    after = GenSkeFeat('handmp', ['b'])(clip(stages('input/hand')))
    assert_same(after['keypoint'], stages('GenSkeFeat(handmp,b)/keypoint'))


@needs_golden
@pytest.mark.parametrize('feats', ['j', 'b', 'jm', 'bm', 'k', 'km'])
@pytest.mark.parametrize(
    'golden, dataset, num_joints',
    [
        ('nturgb+d', 'nturgb+d', 25),
        ('openpose', 'protogcn_openpose', 18),
        ('openpose_new', 'openpose_new', 20),
        ('coco', 'coco', 17),
        ('coco_new', 'coco_new', 20),
    ],
)
def test_features_are_protogcns(golden, dataset, num_joints, feats):
    after = untouched(GenSkeFeat(dataset, [feats]), clip(protogcn_input(num_joints)))
    assert_same(after['keypoint'], protogcn(f'GenSkeFeat({golden},{feats})/keypoint'))


@needs_golden
@pytest.mark.parametrize('dataset, num_joints', [('nturgb+d', 25), ('coco', 17)])
def test_three_features_at_once_are_protogcns(dataset, num_joints):
    after = GenSkeFeat(dataset, ['j', 'k', 'km'])(clip(protogcn_input(num_joints)))
    assert_same(after['keypoint'], protogcn(f'GenSkeFeat({dataset},j+k+km)/keypoint'))


@pytest.mark.parametrize('dataset, num_joints', [('imigue22', 22), ('ntu25', 25), ('coco17', 17)])
def test_features_of_our_layouts_equal_one_joint_at_a_time(dataset, num_joints):
    feats = ['j', 'b', 'k', 'jm', 'bm', 'km']
    solid = people_with_gaps(0, joints=num_joints)
    ours = untouched(GenSkeFeat(dataset, feats), clip(solid))['keypoint']
    np.testing.assert_allclose(ours, reference.features(solid, dataset, feats), atol=1e-6)

    xy, score = np.ascontiguousarray(solid[..., :2]), np.abs(solid[..., 2])
    flat = np.concatenate([xy, score[..., None]], -1)
    ours = untouched(GenSkeFeat(dataset, feats), clip(xy, score))['keypoint']
    plain = reference.features(flat, dataset, feats, averaged='bkm')
    np.testing.assert_allclose(ours, plain, atol=1e-6)


def test_beside_z_the_score_is_dropped_and_never_averaged():
    solid = people_with_gaps(0, joints=17)
    score = np.ones(solid.shape[:3], np.float32)
    for dataset in ('coco', 'coco17'):
        after = untouched(GenSkeFeat(dataset, ['b', 'jm']), clip(solid, score))
        assert 'keypoint_score' not in after and after['third_is_score'] is False
        plain = reference.features(solid, dataset, ['b', 'jm'])
        np.testing.assert_allclose(after['keypoint'], plain, atol=1e-6)


def test_the_parts_one_by_one_give_what_gen_ske_feat_gives():
    results = clip(stages('PreNormalize2D(fix)/keypoint'))
    parts = Compose(
        [
            dict(type='JointToBone', dataset='coco', target='b'),
            dict(type='Rename', mapping={'keypoint': 'j'}),
            dict(type='ToMotion', dataset='coco', source='b', target='bm'),
            dict(type='MergeSkeFeat', feat_list=['j', 'bm']),
        ]
    )(dict(results))
    whole = GenSkeFeat('coco', ['j', 'bm'])(dict(results))
    np.testing.assert_array_equal(parts['keypoint'], whole['keypoint'])
    assert 'j' not in parts and 'bm' not in parts and 'b' in parts


def test_steps_say_what_they_need_and_leave():
    assert ToMotion(source='b', target='bm').needs == ('b',)
    assert JointToBone(target='b').keys_after({'keypoint'}) == {'keypoint', 'b'}
    assert MergeSkeFeat(['j', 'b']).keys_after({'j', 'b', 'label'}) == {'keypoint', 'label'}
    assert Rename({'a': 'b'}).keys_after({'a'}) == {'b'}
    for step in (GenSkeFeat(), Kinetics_Transform(), UniformSampleDecode(4)):
        assert 'keypoint_score' not in step.keys_after({'keypoint', 'keypoint_score'})


@needs_golden
def test_kinetics_joints_are_protogcns():
    keypoint, score = protogcn('input/k2')[:, ::7], protogcn('input/s2')[:, ::7]
    after = untouched(Kinetics_Transform(), clip(keypoint, score))
    assert_same(after['keypoint'], protogcn('Kinetics_Transform/keypoint'))
    assert 'keypoint_score' not in after
    after = untouched(Kinetics_Transform(), clip(keypoint))
    assert_same(after['keypoint'], protogcn('Kinetics_Transform(no score)/keypoint'))


def test_one_frame_and_nobody_pass():
    for step in (GenSkeFeat('coco', ['j', 'b', 'jm', 'bm', 'k', 'km']), Kinetics_Transform()):
        empty = clip(np.zeros((1, 1, 17, 2), np.float32), np.zeros((1, 1, 17), np.float32))
        assert not step(empty)['keypoint'].any()
