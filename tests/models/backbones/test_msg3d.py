"""MS-G3D against PYSKL's numbers, and its distances and windows against slow twins."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from graph_goldens import assert_keys, assert_passes
from torch import nn

from pyskl.errors import ConfigError
from pyskl.models import BACKBONES
from pyskl.models.backbones import MSG3D
from pyskl.models.layers.ms_graph_conv import MSGCN, UnfoldWindows
from pyskl.skeletons.graph import scales_of

NTU = dict(graph_cfg=dict(layout='nturgb+d', mode='binary_adj'))


def test_keys_shapes_and_kinds_are_upstreams_in_its_order():
    assert_keys('msg3d_ntu', MSG3D(**NTU))


def test_features_loss_and_gradients_are_upstreams():
    assert_passes('msg3d_ntu', MSG3D(**NTU))


@pytest.mark.parametrize(('layout', 'parameters'), [('nturgb+d', 3_171_495), ('coco', 2_952_663)])
def test_parameter_counts_are_upstreams(layout, parameters):
    model = MSG3D(graph_cfg=dict(layout=layout, mode='binary_adj'))
    assert sum(p.numel() for p in model.parameters()) == parameters
    assert model.num_features == 384


def test_convolutions_start_as_torchs_own_and_learnt_graphs_next_to_zero():
    model = MSG3D(**NTU)
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.Conv3d)):
            bound = 1 / math.sqrt(module.weight[0].numel())
            assert module.weight.abs().max() <= bound and module.bias.abs().max() <= bound
            assert module.weight.detach().std() == pytest.approx(bound / math.sqrt(3), rel=0.1)
        elif isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            assert (module.weight == 1).all() and (module.bias == 0).all()
        elif isinstance(module, MSGCN):
            assert 9e-7 < module.PA.abs().max() <= 1e-6


def test_scales_tell_joints_by_their_exact_distance():
    chain = np.eye(5, k=1) + np.eye(5, k=-1)
    scales = scales_of(chain, 6)
    for hop in range(6):
        for w in range(5):
            others = [v for v in range(5) if v == w or abs(v - w) == hop]
            expected = [1 / len(others) if v in others else 0 for v in range(5)]
            np.testing.assert_allclose(scales[hop, :, w], expected)


def test_joints_that_no_edge_joins_never_meet():
    two_pairs = np.kron(np.eye(2), [[0.0, 1.0], [1.0, 0.0]])
    scales = scales_of(two_pairs, 4)
    assert (scales[:, :2, 2:] == 0).all() and (scales[2:] == np.eye(4)).all()


@pytest.mark.parametrize('size', [3, 5])
@pytest.mark.parametrize('stride', [1, 2])
@pytest.mark.parametrize('dilation', [1, 2])
def test_windows_equal_torchs_unfold(size, stride, dilation):
    x = torch.randn(2, 3, 7, 4)
    padding = (size - 1) * dilation // 2
    twin = F.unfold(x, (size, 1), (dilation, 1), (padding, 0), (stride, 1))
    twin = twin.view(2, 3, size, -1, 4).transpose(2, 3).flatten(3)
    assert torch.equal(UnfoldWindows(size, stride, dilation)(x), twin)


def test_dropout_follows_all_convolutions_over_time_but_the_first_two():
    model = MSG3D(**NTU, base_channels=12, num_gcn_scales=2, num_g3d_scales=2, tcn_dropout=0.4)
    rates = {
        name: module.p for name, module in model.named_modules() if isinstance(module, nn.Dropout)
    }
    whole = {
        name: rate
        for name, rate in rates.items()
        if 'branches' not in name and 'residual' not in name
    }
    assert whole == {
        'sgcn1.1.drop': 0,
        'sgcn1.2.drop': 0,
        'tcn1.drop': 0.4,
        **{f'{part}.drop': 0.4 for s in '23' for part in (f'sgcn{s}.1', f'sgcn{s}.2', f'tcn{s}')},
    }
    assert {rate for name, rate in rates.items() if name not in whole} == {0}


@pytest.mark.parametrize(
    ('settings', 'words'),
    [
        (dict(graph_cfg=dict(layout='coco')), ['spatial', 'binary_adj']),
        (dict(num_gcn_scales=0), ['num_gcn_scales = 0', 'at least 1']),
        (dict(base_channels=5), ['5 channels', '6 branches']),
        (dict(gcn_scales=3), ['gcn_scales', 'num_gcn_scales']),
    ],
)
def test_a_wrong_setting_is_named_with_what_was_expected(settings, words):
    with pytest.raises(ConfigError) as error:
        BACKBONES.build(dict(type='MSG3D', **{**NTU, **settings}))
    assert all(word in str(error.value) for word in words)
