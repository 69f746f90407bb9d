"""What CTR-GCN starts from, and its graph convolution against the formula."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from pyskl.models.backbones import CTRGCN
from pyskl.models.layers.ctr_graph_conv import UnitCTRGCN

NTU = dict(graph_cfg=dict(layout='nturgb+d', mode='spatial'))


def test_initial_weights():
    torch.manual_seed(0)
    model = CTRGCN(**NTU)
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d):
            fan_out = module.weight[:, 0].numel()
            assert module.weight.detach().std() == pytest.approx(
                math.sqrt(2 / fan_out), rel=0.35
            ), name
            assert (module.bias == 0).all(), name
        elif isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            start = 1e-6 if name.endswith('gcn1.bn') else 1.0
            assert torch.allclose(module.weight, torch.tensor(start)), name
            assert (module.bias == 0).all(), name
        elif isinstance(module, UnitCTRGCN):
            assert torch.equal(module.A, model.A0) and (module.alpha == 0).all()


def test_settings_reach_the_blocks():
    model = CTRGCN(**NTU, num_stages=3, kernel_size=3, dilations=[1, 2, 4], tcn_dropout=0.3)
    assert [len(block.tcn1.branches) for block in model.net] == [5, 5, 5]
    assert model.net[1].tcn1.branches[2][3].conv.dilation == (4, 1)
    assert [block.tcn1.drop.p for block in model.net] == [0, 0.3, 0.3]
