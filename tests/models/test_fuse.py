"""BatchNorm is folded into the convolution that passes its output to it, and into no other."""

from __future__ import annotations

import torch
from mmcv.cnn import ConvModule
from torch import nn

from pyskl.models import fuse_conv_bn
from pyskl.models.layers.conv_layers import BATCH_NORM3D, CONV3D


class GatedBatchNorm(nn.Module):
    """A module from outside the package, with a gate between its convolution and its BatchNorm."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv3d(2, 6, 1)
        self.norm = nn.BatchNorm3d(3)

    def forward(self, x):
        value, gate = self.conv(x).chunk(2, 1)
        return self.norm(value * gate.sigmoid())


def test_folding_takes_only_what_follows_a_convolution():
    activation_first = ConvModule(
        2, 2, 1, conv_cfg=CONV3D, norm_cfg=BATCH_NORM3D, order=('conv', 'act', 'norm')
    )
    apart = nn.Conv3d(2, 3, 1), nn.ReLU(), nn.BatchNorm3d(3), nn.Conv3d(3, 2, 1)
    last = nn.Conv3d(3, 2, 1), nn.BatchNorm3d(2)
    model = nn.Sequential(nn.BatchNorm3d(2), *apart, activation_first, GatedBatchNorm(), *last)
    x = torch.randn(2, 2, 3, 4, 4)
    before = model.eval()(x)
    assert fuse_conv_bn(model) == 1
    torch.testing.assert_close(model(x), before)
    assert fuse_conv_bn(model) == 0
