"""What AAGCN starts from, and its attention against the formulas."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from pyskl.models import BACKBONES
from pyskl.models.backbones import AAGCN
from pyskl.models.layers.adaptive_graph_conv import UnitAAGCN
from pyskl.models.layers.temporal import MultiScaleTCN

NTU = dict(graph_cfg=dict(layout='nturgb+d', mode='spatial'))
SMALL = dict(base_channels=16, num_stages=4, inflate_stages=[3], down_stages=[3])


def test_initial_weights():
    torch.manual_seed(0)
    model = AAGCN(**NTU)
    assert (model.data_bn.weight == 1).all() and (model.data_bn.bias == 0).all()
    for name, module in model.named_modules():
        if isinstance(module, (nn.Conv1d, nn.Conv2d, nn.Linear)):
            assert (module.bias == 0).all(), name
        if isinstance(module, nn.Conv2d):
            out_channels, in_channels, *kernel = module.weight.shape
            fan = out_channels * math.prod(kernel)  # fan out
            if 'conv_d' in name:
                fan = out_channels * in_channels * 3
            assert module.weight.detach().std() == pytest.approx(math.sqrt(2 / fan), rel=0.25), name
        if isinstance(module, UnitAAGCN):
            assert torch.equal(module.A, model.A0) and (module.alpha == 0).all()
            assert (
                torch.allclose(module.bn.weight, torch.tensor(1e-6)) and (module.bn.bias == 0).all()
            )
            assert (module.conv_ta.weight == 0).all() and (module.fc2c.weight == 0).all()
            channels = module.fc1c.in_features
            spread = math.sqrt(2 / (25 * channels + 25))
            assert module.conv_sa.weight.detach().std() == pytest.approx(spread, rel=0.15)
            assert module.fc1c.weight.detach().std() == pytest.approx(
                math.sqrt(2 / channels), rel=0.15
            )
        elif isinstance(module, nn.BatchNorm2d) and not name.endswith('gcn.bn'):
            assert (module.weight == 1).all() and (module.bias == 0).all()


def test_without_adaptation_and_attention_only_the_fixed_graph_is_left():
    model = BACKBONES.build(
        dict(
            type='AAGCN', gcn_adaptive=False, gcn_attention=False, tcn_type='mstcn', **NTU, **SMALL
        )
    )
    unit = model.gcn[0].gcn
    assert {name.partition('.')[0] for name, _ in unit.named_parameters()} == {
        'conv_d',
        'down',
        'bn',
    }
    assert isinstance(model.gcn[0].tcn, MultiScaleTCN)
    assert model(torch.randn(1, 2, 5, 25, 3)).shape == (1, 2, 32, 3, 25)
