"""What a network of one's own may rely on when it derives from the package's classes."""

import pytest
import torch
from mmcv.cnn import ConvModule
from torch import nn

from pyskl.models import speed_up
from pyskl.models.backbones import (
    C3D,
    STGCN,
    X3D,
    Backbone,
    GraphBackbone,
    ProtoGCN,
    ResNet,
    ResNet3dSlowOnly,
)
from pyskl.models.cpu.speed_up import undo_speed_up
from pyskl.models.layers.conv_layers import ConvLayers
from pyskl.models.layers.residual import BasicBlock

GRAPH = dict(layout='coco', mode='spatial')
SMALL = {
    C3D: dict(base_channels=4),
    ResNet: dict(depth=18, num_stages=1, out_indices=(0,)),
    ResNet3dSlowOnly: dict(depth=18, num_stages=1, base_channels=4, out_indices=(0,)),
    X3D: dict(base_channels=8, num_stages=1, stage_blocks=(1,)),
    STGCN: dict(graph_cfg=GRAPH, base_channels=4, num_stages=1, inflate_stages=[], down_stages=[]),
}


@pytest.mark.parametrize(('parent', 'lacks'), [(Backbone, 'pool'), (GraphBackbone, 'person')])
def test_a_network_that_lacks_a_method_is_refused_when_it_is_built(parent, lacks):
    methods = {'forward': lambda self, x: x} if parent is Backbone else {}
    with pytest.raises(TypeError, match=lacks):
        type('Own', (parent,), methods)(GRAPH, 3, 2, 'VC')


@pytest.mark.parametrize('kind', SMALL)
def test_weights_can_be_initialised_again_as_in_pyskl(kind):
    network = kind(**SMALL[kind])
    network.init_weights()
    network.init_weights(pretrained=None)
    assert all(value.isfinite().all() for value in network.state_dict().values())


def test_layers_of_a_subclass_may_have_any_name():
    class OwnGraph(STGCN):
        def __init__(self, **settings):
            super().__init__(**settings)
            self.block = nn.Conv2d(3, 3, 1)

    class OwnPictures(ResNet):
        def __init__(self, **settings):
            super().__init__(**settings)
            self.stem = nn.Conv2d(3, 3, 1)

    assert OwnGraph(**SMALL[STGCN])(torch.rand(1, 2, 4, 17, 3)).shape[:2] == (1, 2)
    assert OwnPictures(**SMALL[ResNet])(torch.rand(1, 3, 16, 16)).shape[:2] == (1, 64)


def test_a_layer_that_a_subclass_adds_runs_where_the_subclass_says():
    class Longer(BasicBlock):
        def __init__(self):
            layers = ConvLayers(dict(type='Conv2d'), dict(type='BN2d'), dict(type='ReLU'))
            super().__init__(4, 4, 1, None, layers)
            self.conv3 = nn.Conv2d(4, 4, 1)

        def forward(self, x):
            return self.conv3(super().forward(x))

    block, calls = Longer(), []
    block.conv3.register_forward_hook(lambda *_: calls.append(1))
    block(torch.rand(1, 4, 8, 8))
    assert len(calls) == 1 and block.last_norm is block.conv2.norm


def test_arguments_are_not_taken_for_others():
    with pytest.raises(TypeError):
        ProtoGCN(GRAPH, 48)


@pytest.mark.parametrize('kind', [X3D, ResNet3dSlowOnly, C3D, STGCN])
def test_without_its_fast_layers_a_network_has_the_classes_it_was_built_with(kind):
    network = kind(**SMALL[kind])
    classes = [type(module) for module in network.modules()]
    assert [type(module) for module in undo_speed_up(speed_up(network)).modules()] == classes
    assert kind is STGCN or any(isinstance(module, ConvModule) for module in network.modules())
