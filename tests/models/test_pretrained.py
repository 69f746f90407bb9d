"""Pretrained weights: of the same network, of a 2-D one, with torchvision's names or ours."""

from __future__ import annotations

import logging
import re

import pytest
import torch
from graph_goldens import fill
from torch import Tensor

from pyskl.errors import CheckpointError
from pyskl.models import BACKBONES
from pyskl.models.pretrained import with_our_names

SMALL = dict(base_channels=64, num_stages=2, out_indices=(1,), spatial_strides=(1, 2))
RESNET = dict(type='ResNet', depth=18, num_stages=2, out_indices=(1,), strides=(1, 2))
NETWORKS = {
    'basic': dict(type='ResNet3d', depth=18, **SMALL),
    'bottleneck': dict(type='ResNet3d', depth=50, stage_blocks=(1, 1), **SMALL),
    'slow only': dict(
        type='ResNet3dSlowOnly', depth=50, stage_blocks=(1, 1), **{**SMALL, 'inflate': (0, 1)}
    ),
}
WITHOUT_A_PLACE = {'fc.weight': torch.zeros(1000, 512), 'fc.bias': torch.zeros(1000)}


@pytest.fixture
def warnings(caplog, monkeypatch):
    """A function that gives the warnings of the log, one string each."""
    monkeypatch.setattr(logging.getLogger('pyskl'), 'propagate', True)
    caplog.set_level(logging.WARNING, 'pyskl')
    return lambda: caplog.messages


def torchvisions_names(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights of a ResNet as torchvision names them."""
    renamed = {}
    for key, value in state.items():
        key = re.sub(r'downsample\.conv', 'downsample.0', key)
        key = re.sub(r'downsample\.bn', 'downsample.1', key)
        key = re.sub(r'conv(\d)\.bn', r'bn\1', key)
        renamed[re.sub(r'(conv\d)\.conv', r'\1', key)] = value
    return renamed


def flattened(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return a 3-D network's weights as those of a 2-D one: a frame of each kernel."""
    return {k: v.sum(2) if v.ndim == 5 else v for k, v in state.items()}


def saved(path, weights) -> str:
    torch.save({'state_dict': weights}, path)
    return str(path)


@pytest.mark.parametrize('names', ['ours', "torchvision's", "MMPretrain's"])
@pytest.mark.parametrize('name', NETWORKS)
def test_a_2d_network_repeated_over_time_sees_a_still_clip_as_a_picture(
    name, names, tmp_path, warnings
):
    """Frames at both ends see padding, so the middle one of enough frames is compared."""
    network = fill(BACKBONES.build(NETWORKS[name]))
    flat = flattened(network.state_dict())
    weights = flat if names == 'ours' else torchvisions_names(flat)
    weights = {**weights, **WITHOUT_A_PLACE}
    if names.startswith('MM'):
        weights = {f'backbone.{key}': value for key, value in weights.items()}
    path = saved(tmp_path / 'start.pth', weights)
    started = BACKBONES.build(dict(NETWORKS[name], pretrained=path)).eval()
    assert warnings() == []

    state = started.state_dict()
    for key, value in flat.items():
        if value.ndim == 4:
            assert torch.equal(
                state[key], (value[:, :, None] / state[key].shape[2]).expand_as(state[key])
            )
        else:
            assert torch.equal(state[key], value)
    picture = torch.rand(1, 3, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    clip = picture.expand(-1, -1, 25, -1, -1)
    features = started(clip)
    assert torch.allclose(features[:, :, 11], features[:, :, 13], atol=1e-5)


def test_torchvisions_weights_of_a_2d_network_are_read(tmp_path, warnings):
    network = fill(BACKBONES.build(RESNET))
    theirs = {
        k: v for k, v in torchvisions_names(network.state_dict()).items() if 'batches' not in k
    }
    path = saved(tmp_path / 'resnet18.pth', {**theirs, **WITHOUT_A_PLACE})
    started = BACKBONES.build(dict(RESNET, pretrained=path))
    assert all(torch.equal(v, started.state_dict()[k]) for k, v in network.state_dict().items())
    assert warnings() == []
    with pytest.raises(CheckpointError, match='conv1.conv.weight is missing'):
        BACKBONES.build(dict(RESNET, pretrained=path, torchvision_pretrain=False))


def test_a_2d_network_in_a_2d_and_a_3d_one_computes_the_same_on_a_picture(tmp_path):
    """Without inflated kernels a clip's frames pass as pictures do."""
    network = fill(BACKBONES.build(RESNET)).eval()
    path = saved(tmp_path / 'resnet18.pth', torchvisions_names(network.state_dict()))
    flat = dict(NETWORKS['basic'], conv1_kernel=(1, 7, 7), inflate=0)
    started = BACKBONES.build(dict(flat, pretrained=path)).eval()
    clip = torch.rand(2, 3, 4, 32, 32, generator=torch.Generator().manual_seed(0))
    pictures = network(clip.transpose(1, 2).flatten(0, 1))
    torch.testing.assert_close(started(clip).transpose(1, 2).flatten(0, 1), pictures)


@pytest.mark.parametrize('name', ['C3D', 'X3D', 'PoTion'])
def test_every_network_starts_from_its_own_weights(name, tmp_path, warnings):
    cfg = dict(type=name, in_channels=3, **({} if name == 'PoTion' else dict(base_channels=8)))
    network = fill(BACKBONES.build(cfg))
    weights = {f'backbone.{key}': value for key, value in network.state_dict().items()}
    weights['cls_head.fc_cls.weight'] = torch.zeros(400, 64)
    started = BACKBONES.build(dict(cfg, pretrained=saved(tmp_path / 'start.pth', weights)))
    assert all(torch.equal(v, started.state_dict()[k]) for k, v in network.state_dict().items())
    assert warnings() == []


# -- what does not fit -----------------------------------------------------------------------------


@pytest.mark.parametrize('dims', [2, 3])
def test_other_input_channels_start_at_random_and_are_named(dims, tmp_path, warnings):
    """Weights of pictures or of other joints are a start for the layers behind the first."""
    cfg = NETWORKS['slow only']
    state = fill(BACKBONES.build(cfg)).state_dict()
    path = saved(tmp_path / 'start.pth', flattened(state) if dims == 2 else state)
    torch.manual_seed(1)
    started = BACKBONES.build(dict(cfg, in_channels=17, pretrained=path)).state_dict()
    (line,) = warnings()
    assert (
        path in line
        and '44 of 45' in line
        and 'start at random: conv1.conv.weight is (64, 3, ' in line
    )
    assert 'expected (64, 17, 1, 7, 7)' in line
    assert torch.equal(started['layer1.0.conv3.bn.bias'], state['layer1.0.conv3.bn.bias'])
    spread = started['conv1.conv.weight'].std() / (2 / (64 * 49)) ** 0.5  # as init_weights draws it
    assert abs(float(spread) - 1) < 0.05


def test_stages_that_the_backbone_does_not_have_are_named(tmp_path, warnings):
    cfg = NETWORKS['basic']
    state = BACKBONES.build(cfg).state_dict()
    path = saved(tmp_path / 'start.pth', {**state, 'layer3.0.conv1.conv.weight': torch.zeros(2)})
    BACKBONES.build(dict(cfg, pretrained=path))
    (line,) = warnings()
    assert f'1 of {len(state) + 1} weights' in line and 'layer3.0.conv1.conv.weight' in line


@pytest.mark.parametrize('other', [dict(base_channels=32), dict(depth=50), dict(in_channels=3)])
def test_weights_that_fit_less_than_half_of_the_backbone_are_refused(other, tmp_path):
    state = BACKBONES.build(NETWORKS['basic']).state_dict()
    if 'in_channels' in other:  # a file of something else
        state = {'embedding.weight': torch.zeros(4, 4)}
    path = saved(tmp_path / 'start.pth', state)
    with pytest.raises(
        CheckpointError, match=re.escape(path) + ': does not fit the backbone'
    ) as error:
        BACKBONES.build(dict(NETWORKS['basic'], **other, pretrained=path))
    assert 'conv1.conv.weight' in str(error.value)


def test_2d_weights_are_refused_where_the_config_says_that_they_are_none(tmp_path):
    cfg = NETWORKS['basic']
    path = saved(tmp_path / 'start.pth', flattened(BACKBONES.build(cfg).state_dict()))
    with pytest.raises(CheckpointError, match='holds a 2-D network'):
        BACKBONES.build(dict(cfg, pretrained=path, pretrained2d=False))


def test_an_address_of_torchvision_is_refused_with_the_command_that_fetches_it():
    with pytest.raises(CheckpointError, match=r'torchvision://resnet50(.|\n)*m\.resnet50\('):
        BACKBONES.build(dict(RESNET, pretrained='torchvision://resnet50'))


def test_names_of_a_users_own_network_stay():
    weights = {'conv1.weight': torch.rand(2), 'norm1.weight': torch.rand(2)}
    assert with_our_names(weights) == weights
