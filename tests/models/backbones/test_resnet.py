"""The 2-D ResNet against PYSKL's numbers, and what its settings mean."""

from __future__ import annotations

import pytest
import torch
from network_goldens import assert_keys, assert_passes, assert_starts
from torch import nn

from pyskl.errors import ConfigError
from pyskl.models import BACKBONES
from pyskl.models.backbones import ResNet

GOLDEN = dict(depth=50, in_channels=17, out_indices=(0, 1, 2, 3))


def test_keys_and_starting_values_are_upstreams():
    network = ResNet(**GOLDEN)
    assert_keys('resnet_50_out0123', network)
    assert_starts('resnet_50_out0123', network)


def test_features_loss_and_gradients_are_upstreams():
    assert_passes('resnet_50_out0123', ResNet(**GOLDEN))


def test_basic_blocks_halve_the_picture_with_their_first_convolution():
    network = ResNet(depth=18, num_stages=2, out_indices=(1,), strides=(1, 2))
    features = network(torch.rand(3, 3, 32, 32))
    assert features.shape == (3, 128, 4, 4) and network.num_features == 128
    assert network.layer2[0].conv1.conv.stride == (2, 2)
    assert network.pool(features).shape == (3, 128)
    assert network.pool((None, features)).shape == (3, 128)


def test_the_stem_alone_has_a_trained_batch_norm_with_partial_bn():
    network = ResNet(depth=18, num_stages=2, out_indices=(1,), partial_bn=True).train()
    trained = [
        name
        for name, module in network.named_modules()
        if isinstance(module, nn.BatchNorm2d) and module.training and module.weight.requires_grad
    ]
    assert trained == ['conv1.bn']


@pytest.mark.parametrize('settings', [dict(depth=49), dict(strides=(1, 2)), dict(out_indices=())])
def test_wrong_arguments_are_named(settings):
    with pytest.raises(ConfigError, match=next(iter(settings))):
        BACKBONES.build(dict(type='ResNet', **settings))
