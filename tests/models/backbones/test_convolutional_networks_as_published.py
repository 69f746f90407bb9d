"""Convolutional networks against PYSKL's numbers, and what is said of wrong arguments."""

from __future__ import annotations

import pytest
from network_goldens import assert_keys, assert_passes, assert_starts

from pyskl.errors import ConfigError
from pyskl.models import BACKBONES

POSE = dict(
    type='ResNet3dSlowOnly', in_channels=17, base_channels=32, num_stages=3, out_indices=(2,),
    stage_blocks=(4, 6, 3), conv1_stride=(1, 1), pool1_stride=(1, 1), inflate=(0, 1, 1),
    spatial_strides=(2, 2, 2), temporal_strides=(1, 1, 2),
)  # fmt: skip
ADVANCED = dict(
    type='ResNet3d', num_stages=2, out_indices=(1,), base_channels=16, spatial_strides=(1, 2),
    temporal_strides=(1, 2), inflate=((1, 0, 1), (0, 1, 1, 0)), inflate_style='3x3x3',
    advanced=True,
)  # fmt: skip
SHALLOW = dict(
    type='X3D', gamma_d=1, in_channels=17, base_channels=24, num_stages=3, se_ratio=None,
    use_swish=False, stage_blocks=(2, 5, 3), spatial_strides=(2, 2, 2),
)  # fmt: skip
DROPPED = dict(rgb_drop_path=1.0, pose_drop_path=1.0)
GOLDEN = {
    'slowonly_463': POSE,
    'resnet3d_50_3x3x3_advanced': ADVANCED,
    'x3d_default': dict(type='X3D'),
    'x3d_shallow': SHALLOW,
    'c3d_light': dict(
        type='C3D', in_channels=17, base_channels=32, num_stages=3, temporal_downsample=False
    ),
    'resnet_50_out0123': dict(type='ResNet', in_channels=17, out_indices=(0, 1, 2, 3)),
    'potion': dict(type='PoTion', in_channels=119),
    'potion_small': dict(
        type='PoTion', in_channels=17, channels=[16, 32], num_layers=[1, 2], lw_dropout=0.3
    ),
}
SLOW = {  # to pass
    'resnet3d_50': dict(type='ResNet3d'),
    'resnet3d_18_out123': dict(
        type='ResNet3d', depth=18, inflate_style='3x3x3', out_indices=(1, 2, 3),
        temporal_strides=(1, 1, 2, 2),
    ),
    'slowfast_50': dict(type='ResNet3dSlowFast'),
    'rgbposeconv3d': dict(type='RGBPoseConv3D'),
}  # fmt: skip
OF_OTHER_KEYS = {  # as slowonly_463, nearly as resnet3d_50, as rgbposeconv3d
    'slowonly_pose_only': dict(POSE, temporal_strides=(1, 1, 1)),
    'slowonly_rgb_only': dict(type='ResNet3dSlowOnly'),
}


@pytest.mark.parametrize(('name', 'cfg'), {**GOLDEN, **SLOW}.items())
def test_keys_and_starting_values_are_upstreams(name, cfg):
    network = BACKBONES.build(cfg)
    assert_keys(name, network)
    assert_starts(name, network)


@pytest.mark.parametrize(
    ('name', 'cfg'),
    [
        *GOLDEN.items(),
        ('rgbposeconv3d_droppath1', dict(type='RGBPoseConv3D', **DROPPED)),
        *(pytest.param(*row, marks=pytest.mark.slow) for row in SLOW.items()),
        *(pytest.param(*row, marks=pytest.mark.slow) for row in OF_OTHER_KEYS.items()),
    ],
)
def test_features_loss_and_gradients_are_upstreams(name, cfg):
    assert_passes(name, BACKBONES.build(cfg))


@pytest.mark.parametrize(
    ('kind', 'settings', 'named'),
    [
        ('ResNet3d', dict(out_indices=(3,), num_stages=3), 'out_indices'),
        ('ResNet3d', dict(stage_blocks=(1, 1)), 'stage_blocks'),
        ('ResNet3d', dict(frozen_stages=5), 'frozen_stages'),
        ('ResNet3d', dict(inflate=(0, (1, 1), 1, 1)), r'inflate\[1\]'),
        ('ResNet3d', dict(spatial_strides=(1, 2)), 'spatial_strides'),
        ('ResNet', dict(depth=49), 'depth'),
        ('ResNet', dict(strides=(1, 2)), 'strides'),
        ('ResNet', dict(out_indices=()), 'out_indices'),
        ('X3D', dict(gamma_d=0.0), 'gamma_d'),
        ('X3D', dict(stage_blocks=(1, 2)), 'stage_blocks'),
        ('X3D', dict(se_style='some'), 'se_style'),
        ('X3D', dict(frozen_stages=5), 'frozen_stages'),
        ('X3D', dict(spatial_strides=(2, 2, 0, 2)), 'spatial_strides'),
        ('C3D', dict(num_stages=5), 'num_stages'),
        ('C3D', dict(base_channels=0), 'base_channels'),
        ('PoTion', dict(channels=[8]), 'channels'),
        ('PoTion', dict(num_layers=[1, 0, 1]), 'num_layers'),
        ('PoTion', dict(lw_dropout=1.0), 'lw_dropout'),
    ],
)
def test_wrong_arguments_are_named(kind, settings, named):
    with pytest.raises(ConfigError, match=named):
        BACKBONES.build(dict(type=kind, in_channels=3, **settings))
