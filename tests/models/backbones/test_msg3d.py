"""MS-G3D: its distances and windows against slow twins, its dropout."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from pyskl.models.backbones import MSG3D
from pyskl.models.layers.ms_graph_conv import MSGCN, UnfoldWindows
from pyskl.skeletons.graph import scales_of

NTU = dict(graph_cfg=dict(layout='nturgb+d', mode='binary_adj'))


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
def test_windows_equal_torchs_unfold(size, stride):
    x = torch.randn(2, 3, 7, 4)
    padding = size // 2
    twin = F.unfold(x, (size, 1), 1, (padding, 0), (stride, 1))
    twin = twin.view(2, 3, size, -1, 4).transpose(2, 3).flatten(3)
    assert torch.equal(UnfoldWindows(size, stride)(x), twin)


def test_dropout_follows_all_convolutions_over_time_but_the_first_two():
    model = MSG3D(**NTU, base_channels=12, num_gcn_scales=2, num_g3d_scales=2, tcn_dropout=0.4)
    dropouts = [(n, layer) for n, layer in model.named_modules() if type(layer) is nn.Dropout]
    stages = [f'{part}.drop' for s in '23' for part in (f'sgcn{s}.1', f'sgcn{s}.2', f'tcn{s}')]
    assert {name for name, layer in dropouts if layer.p == 0.4} == {'tcn1.drop', *stages}
