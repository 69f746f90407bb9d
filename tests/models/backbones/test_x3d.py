"""What the settings of X3D mean."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from pyskl.models.backbones import X3D
from pyskl.models.backbones.x3d import SEModule, rounded_to_eights


def se_blocks(network):
    return [[isinstance(block.se_module, SEModule) for block in stage] for stage in network.stages]


def test_every_block_or_every_second_has_squeeze_and_excitation():
    two = dict(num_stages=2, spatial_strides=(2, 2), base_channels=8)
    assert se_blocks(X3D(**two)) == [[True, False, True], [True, False, True, False, True]]
    network = X3D(se_style='all', use_swish=False, **two)
    assert se_blocks(network) == [[True] * 3, [True] * 5]
    assert not any(isinstance(module, nn.SiLU) for module in network.modules())
    features = network(torch.rand(2, 3, 4, 16, 16))
    assert features.shape == (2, 36, 4, 2, 2) and network.num_features == 36
    network.pool(features).sum().backward()
    assert all(p.grad is not None for p in network.parameters())


@pytest.mark.parametrize(
    ('width', 'factor', 'rounded'),
    [
        (54, 1 / 16, 8),
        (216, 1 / 16, 16),
        (432, 1 / 16, 32),  # 24 would be less than nine tenths of 27
        (24, 1.0, 24),
        (24, 2.2, 56),
    ],
)
def test_widths_are_rounded_to_eights(width, factor, rounded):
    assert rounded_to_eights(width, factor) == rounded
