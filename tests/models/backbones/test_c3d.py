"""What the settings of C3D mean, and which clips are too small for it."""

from __future__ import annotations

import pytest
import torch

from pyskl.errors import ConfigError
from pyskl.models.backbones import C3D


def test_the_whole_network_halves_frames_and_pixels_between_its_groups():
    network = C3D(base_channels=4)
    features = network(torch.rand(2, 3, 16, 32, 48))
    assert features.shape == (2, 32, 2, 2, 3) and network.num_features == 32
    network.pool(features).sum().backward()
    assert all(p.grad is not None for p in network.parameters())
    assert {key.split('.')[0] for key in network.state_dict()} >= {'conv5a', 'conv5b'}


@pytest.mark.parametrize(
    ('settings', 'least'),
    [
        ({}, (8, 16)),
        (dict(num_stages=3), (4, 8)),
        (dict(temporal_downsample=False), (1, 16)),
    ],
)
def test_clips_of_which_pooling_leaves_nothing_are_refused(settings, least):
    network = C3D(base_channels=1, **settings)
    frames, pixels = least
    network(torch.zeros(2, 3, frames, pixels, pixels))
    for shape in ((frames - 1, pixels, pixels), (frames, pixels - 1, pixels)):
        with pytest.raises(ConfigError, match=f'at least {frames} x {pixels} x {pixels}'):
            network(torch.zeros(2, 3, *shape))
