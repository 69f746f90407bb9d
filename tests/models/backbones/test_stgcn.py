"""What the settings of ST-GCN and ST-GCN++ mean."""

from __future__ import annotations

import math

import pytest
import torch
from graph_goldens import fill
from torch import nn

from pyskl.models import BACKBONES
from pyskl.models.backbones import STGCN
from pyskl.models.layers.graph_conv import UnitGCN
from pyskl.models.layers.temporal import MultiScaleTCN, UnitTCN


def build(**settings):
    sizes = dict(base_channels=16, num_stages=4, inflate_stages=[3], down_stages=[3])
    return BACKBONES.build({'type': 'STGCN', 'graph_cfg': dict(layout='coco'), **sizes, **settings})


def test_convolutions_start_as_torchs_own_and_graphs_as_the_skeletons():
    model = STGCN(graph_cfg=dict(layout='nturgb+d'), gcn_adaptive='offset')
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            bound = 1 / math.sqrt(module.weight[0].numel())
            assert module.weight.abs().max() <= bound and module.bias.abs().max() <= bound
            assert module.weight.detach().std() == pytest.approx(bound / math.sqrt(3), rel=0.1)
        elif isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            assert (module.weight == 1).all() and (module.bias == 0).all()
        elif isinstance(module, UnitGCN):
            assert torch.equal(module.A, model.A0)
            assert 5e-7 < module.PA.abs().max() <= 1e-6
    importance = STGCN(graph_cfg=dict(layout='coco')).gcn[3].gcn
    assert (importance.PA == 1).all() and isinstance(importance.PA, nn.Parameter)


@pytest.mark.parametrize('adaptive', [None, 'init', 'offset', 'importance'])
def test_what_is_learnt_of_the_graph_depends_on_adaptive(adaptive):
    unit = UnitGCN(2, 3, torch.eye(4)[None], adaptive)
    names = {name for name, _ in unit.named_parameters()} & {'A', 'PA'}
    assert names == {None: set(), 'init': {'A'}}.get(adaptive, {'PA'})
    torch.testing.assert_close(unit.graph(), torch.eye(4)[None], atol=1e-6, rtol=0)


def test_settings_reach_the_units_and_tuples_are_one_value_a_block():
    model = build(
        tcn_type=('unit_tcn', 'mstcn', 'unit_tcn', 'mstcn'),
        tcn_dropout=(0.1, 0.2, 0.3, 0.4),
        gcn_conv_pos=('pre', 'post', 'post', 'pre'),
    )
    assert [type(block.tcn) for block in model.gcn] == [UnitTCN, MultiScaleTCN] * 2
    assert [block.tcn.drop.p for block in model.gcn] == [0, 0.2, 0.3, 0.4]
    assert [block.gcn.conv_pos for block in model.gcn] == ['pre', 'post', 'post', 'pre']
    assert [block.tcn.conv.kernel_size for block in build(tcn_kernel_size=5).gcn] == [(5, 1)] * 4


def test_branches_share_the_width_or_have_the_one_given():
    def widths(**settings):
        tcn = MultiScaleTCN(16, 64, ms_cfg=[(3, 1), ('max', 5), '1x1'], **settings)
        return [getattr(branch, '0', branch).out_channels for branch in tcn.branches], tcn

    assert widths()[0] == [22, 21, 21]
    assert widths(mid_channels=7)[0] == [7, 7, 7]
    for frames in (1, 2, 7):
        assert widths(stride=2)[1](torch.randn(1, 16, frames, 3)).shape[2] == (frames + 1) // 2


def test_channels_grow_by_ch_ratio():
    model = build(ch_ratio=1.5, inflate_stages=[2, 4])
    assert [block.gcn.bn.num_features for block in model.gcn] == [16, 24, 24, 36]
    assert model.num_features == 36


def test_other_norms_and_activations_by_name():
    model = build(gcn_norm=dict(type='GN', num_groups=4), gcn_act='SiLU', tcn_norm=None)
    block = fill(model).gcn[1]
    assert isinstance(block.gcn.bn, nn.GroupNorm) and isinstance(block.gcn.act, nn.SiLU)
    assert isinstance(block.tcn.bn, nn.Identity)
    assert model(torch.randn(1, 2, 4, 17, 3)).isfinite().all()
