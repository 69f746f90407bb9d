"""PoTion's network against PYSKL's numbers, and what its settings mean."""

from __future__ import annotations

import pytest
from network_goldens import assert_keys, assert_passes, assert_starts

from pyskl.errors import ConfigError
from pyskl.models import BACKBONES
from pyskl.models.backbones import PoTion

GOLDEN = {
    'potion': dict(in_channels=119),
    'potion_small': dict(in_channels=17, channels=[16, 32], num_layers=[1, 2], lw_dropout=0.3),
}


@pytest.mark.parametrize('name', GOLDEN)
def test_keys_and_starting_values_are_upstreams(name):
    network = PoTion(**GOLDEN[name])
    assert_keys(name, network)
    assert_starts(name, network)


@pytest.mark.parametrize('name', GOLDEN)
def test_features_loss_and_gradients_are_upstreams(name):
    assert_passes(name, PoTion(**GOLDEN[name]))


@pytest.mark.parametrize(
    'settings', [dict(channels=[8]), dict(num_layers=[1, 0, 1]), dict(lw_dropout=1.0)]
)
def test_wrong_arguments_are_named(settings):
    with pytest.raises(ConfigError, match=next(iter(settings))):
        BACKBONES.build(dict(type='PoTion', in_channels=3, **settings))
