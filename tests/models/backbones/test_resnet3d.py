"""ResNet3d and SlowOnly against PYSKL's numbers, in all shapes that its configs use."""

from __future__ import annotations

import pytest
from network_goldens import assert_keys, assert_passes, assert_starts

from pyskl.errors import ConfigError
from pyskl.models import BACKBONES

POSE = dict(
    type='ResNet3dSlowOnly',
    in_channels=17,
    base_channels=32,
    num_stages=3,
    out_indices=(2,),
    stage_blocks=(4, 6, 3),
    conv1_stride=(1, 1),
    pool1_stride=(1, 1),
    inflate=(0, 1, 1),
    spatial_strides=(2, 2, 2),
    temporal_strides=(1, 1, 2),
)
GOLDEN = {
    'slowonly_463': POSE,
    'slowonly_pose_only': dict(POSE, temporal_strides=(1, 1, 1)),
    'slowonly_rgb_only': dict(
        type='ResNet3dSlowOnly', conv1_kernel=(1, 7, 7), inflate=(0, 0, 1, 1)
    ),
    'resnet3d_50': dict(type='ResNet3d'),
    'resnet3d_18_out123': dict(
        type='ResNet3d',
        depth=18,
        inflate_style='3x3x3',
        out_indices=(1, 2, 3),
        temporal_strides=(1, 1, 2, 2),
    ),
    'resnet3d_50_3x3x3_advanced': dict(
        type='ResNet3d',
        num_stages=2,
        out_indices=(1,),
        base_channels=16,
        spatial_strides=(1, 2),
        temporal_strides=(1, 2),
        inflate=((1, 0, 1), (0, 1, 1, 0)),
        inflate_style='3x3x3',
        advanced=True,
    ),
}
QUICK = ('slowonly_463', 'resnet3d_50_3x3x3_advanced')
SAME_KEYS = ('slowonly_pose_only', 'slowonly_rgb_only')  # as slowonly_463, nearly as resnet3d_50


@pytest.mark.parametrize('name', [name for name in GOLDEN if name not in SAME_KEYS])
def test_keys_and_starting_values_are_upstreams(name):
    network = BACKBONES.build(GOLDEN[name])
    assert_keys(name, network)
    assert_starts(name, network)


@pytest.mark.parametrize(
    'name', [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in GOLDEN]
)
def test_features_loss_and_gradients_are_upstreams(name):
    assert_passes(name, BACKBONES.build(GOLDEN[name]))


def test_the_network_of_kinetics_and_ucf101_has_its_blocks():
    network = BACKBONES.build(dict(POSE, stage_blocks=(3, 4, 6)))
    assert [len(stage) for stage in network.stages] == [3, 4, 6]


def test_basic_blocks_are_built_whatever_the_inflate_style():
    """Upstream takes '3x3x3' alone, and so fails with its own default."""
    one, other = (
        BACKBONES.build(dict(type='ResNet3d', depth=18, base_channels=2, **style))
        for style in ({}, {'inflate_style': '3x3x3'})
    )
    assert {k: v.shape for k, v in one.state_dict().items()} == {
        k: v.shape for k, v in other.state_dict().items()
    }


@pytest.mark.parametrize(
    'settings', [dict(stage_blocks=(1, 2)), dict(out_indices=(3,)), dict(frozen_stages=4)]
)
def test_arguments_that_contradict_each_other_are_refused(settings):
    with pytest.raises(ConfigError, match=next(iter(settings))):
        BACKBONES.build(dict(POSE, **settings))
