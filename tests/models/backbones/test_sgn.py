"""SGN against a slow twin: any size, and what does not fit."""

import pytest
import torch
from graph_checks import assert_runs_everywhere, keypoints

from pyskl.errors import ConfigError
from pyskl.models.backbones import SGN


def test_graph_convolutions_start_as_their_residuals():
    network = SGN()
    for layer in (network.gcn1, network.gcn2, network.gcn3):
        assert not layer.conv.weight.any() and layer.residual.weight.any()
    assert not network.tcn[1].conv.bias.any()
    fan_out = 256 * 3  # of He's initial weights: channels times frames
    spread = network.tcn[1].conv.weight.std().item()
    assert spread == pytest.approx((2 / fan_out) ** 0.5, rel=0.02)


@pytest.mark.parametrize('M, T, V, C', [(1, 30, 22, 2), (3, 1, 9, 3), (2, 64, 8, 3)])
def test_any_size_it_is_built_for_passes(M, T, V, C):
    network = SGN(C, T=T, V=V)
    out = network(keypoints(2, M, T, V, C))
    assert out.shape == (2, M, 512, 20, 1)
    torch.testing.assert_close(network.pool(out), out.mean((1, 3, 4)))


def test_the_network_is_the_same_in_all_its_forms():
    assert_runs_everywhere(SGN(base_channels=8, T=24, V=17), keypoints(2, 2, 24, 17, 3))


@pytest.mark.parametrize(
    'shape', [(1, 2, 29, 25, 3), (1, 2, 30, 17, 3), (1, 2, 30, 25, 2), (2, 30)]
)
def test_other_sizes_are_refused(shape):
    with pytest.raises(ConfigError, match='SGN.*expected') as error:
        SGN()(torch.zeros(shape))
    assert str((None, *shape[1:])) in str(error.value)
