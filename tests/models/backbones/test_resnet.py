"""What the settings of ResNets mean, 2-D and 3-D."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from pyskl.models.backbones import ResNet, ResNet3d, ResNet3dSlowOnly


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


@pytest.mark.parametrize('zero', [True, False])
def test_zero_init_residual_makes_every_block_its_shortcut(zero):
    network = ResNet3dSlowOnly(in_channels=3, base_channels=4, zero_init_residual=zero)
    weights = [block.conv3.bn.weight for stage in network.stages for block in stage]
    assert len(weights) == 16 and all(torch.all(w == (0.0 if zero else 1.0)) for w in weights)


@pytest.mark.parametrize(
    ('depth', 'blocks', 'channels'),
    [(18, 8, 512), (34, 16, 512), (50, 16, 2048), (101, 33, 2048), (152, 50, 2048)],
)
def test_every_depth_has_its_blocks(depth, blocks, channels):
    with torch.device('meta'):
        network = ResNet3d(depth=depth)  # basic blocks whatever the inflate_style
        out = network(torch.empty(1, 3, 2, 32, 32))
    assert out.shape[1] == network.num_features == channels
    assert sum(map(len, network.stages)) == blocks


def test_several_out_indices_give_several_features():
    network = ResNet3dSlowOnly(
        in_channels=3, base_channels=4, num_stages=3, stage_blocks=(1, 1, 1), out_indices=(0, 2)
    )
    features = network(torch.rand(1, 3, 4, 32, 32))
    assert [feat.shape[1] for feat in features] == [16, 64]
    assert torch.equal(network.pool(features), features[1].mean((2, 3, 4)))
    assert network.num_features == network.out_channels == 64
