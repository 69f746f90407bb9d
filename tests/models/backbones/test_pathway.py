"""What holds for SlowFast and RGBPoseConv3D alike: starting weights, frozen laterals."""

from __future__ import annotations

import copy
import logging

import pytest
import torch
from graph_goldens import fill
from torch import nn
from two_pathways import NETWORKS, PATHS, SLOWFAST, TWO, build, clips, with_settings

from pyskl.models import BACKBONES
from pyskl.models.compiled import compile_backbone

every_network = pytest.mark.parametrize('name', NETWORKS)
ALONE = ('lateral', 'lateral_inv', 'lateral_infl', 'lateral_activate', 'fusion_kernel')


def assert_same(found, expected, tolerance):
    for one, other in zip(found, expected, strict=True):
        scale = float(other.abs().max())
        torch.testing.assert_close(one.float(), other.float(), rtol=0, atol=tolerance * scale)


def test_a_drop_path_is_compiled_in_one_piece():
    torch._dynamo.reset()
    name = 'RGBPoseConv3D'
    drop = dict(rgb_drop_path=1.0, pose_drop_path=1.0)
    network = fill(BACKBONES.build({**NETWORKS[name], **drop})).train()
    expected = [out.detach() for out in copy.deepcopy(network)(*clips(name))]
    model = nn.Module()
    model.backbone = network
    graphs = []
    compile_backbone(model, backend=lambda graph, _: graphs.append(graph) or graph.forward)
    assert_same([out.detach() for out in network(*clips(name))], expected, 1e-5)
    assert len(graphs) == 1


def test_frozen_stages_keep_the_laterals_that_feed_them():
    network = build('RGBPoseConv3D', frozen_stages=2).train()
    frozen = {key for key, value in network.named_parameters() if not value.requires_grad}
    stages = {'conv1', 'layer1', 'layer2'}
    for path, kept in (('rgb', stages), ('pose', stages | {'layer1_lateral'})):
        assert {key.split('.')[1] for key in frozen if key.startswith(path)} == kept
    assert not network.pose_path.layer1_lateral.training and network.pose_path.layer3.training


def alone(settings: dict) -> nn.Module:
    """Return a pathway's network as one of its own, without laterals, with other weights."""
    settings = {k: v for k, v in settings.items() if k not in ALONE}
    stages = settings.get('num_stages', 4)
    network = BACKBONES.build(dict(settings, type='ResNet3d', out_indices=(stages - 1,)))
    return fill(network)


@every_network
def test_pathways_start_from_networks_of_their_own_and_answer_as_they_do(
    name, tmp_path, caplog, monkeypatch
):
    """The channels that come in from beside weigh nothing at the start."""
    monkeypatch.setattr(logging.getLogger('pyskl'), 'propagate', True)
    bottlenecks = dict(depth=50, inflate_style='3x1x1')
    singles, cfg = [], with_settings(name, **bottlenecks)
    for path in PATHS[name]:
        singles.append(alone(cfg[path]).eval())
        state = {f'backbone.{key}': value for key, value in singles[-1].state_dict().items()}
        state['cls_head.fc_cls.weight'] = torch.zeros(4, 7)
        torch.save({'state_dict': state}, tmp_path / f'{path}.pth')
        cfg[path] = dict(cfg[path], pretrained=str(tmp_path / f'{path}.pth'))
    with caplog.at_level(logging.WARNING, 'pyskl'):
        network = BACKBONES.build(cfg).eval()
    assert not caplog.records
    inputs = clips(name)
    views = inputs if len(inputs) == 2 else [inputs[0][:, :, ::4], inputs[0]]
    with torch.no_grad():
        expected = [single(x) for single, x in zip(singles, views, strict=True)]
        assert_same(network(*inputs), expected, 1e-5)
    laterals = [p for key, p in network.named_parameters() if 'lateral' in key and p.ndim > 1]
    assert laterals and all(p.std() > 0 for p in laterals)


def test_a_network_starts_from_a_checkpoint_of_the_whole(tmp_path):
    trained = build('SlowFast')
    torch.save(trained.state_dict(), tmp_path / 'a.pth')
    network = BACKBONES.build(dict(SLOWFAST, pretrained=str(tmp_path / 'a.pth')))
    for key, value in network.state_dict().items():
        assert torch.equal(value, trained.state_dict()[key])


def test_a_2d_network_fills_a_pathway_repeated_over_time(tmp_path):
    resnet = fill(BACKBONES.build(dict(type='ResNet', depth=18, num_stages=2, out_indices=(1,))))
    torch.save(resnet.state_dict(), tmp_path / 'a.pth')
    slow = dict(SLOWFAST['slow_pathway'], base_channels=64, pretrained=str(tmp_path / 'a.pth'))
    fast = dict(SLOWFAST['fast_pathway'], base_channels=16)
    path = BACKBONES.build(dict(SLOWFAST, slow_pathway=slow, fast_pathway=fast)).slow_path
    kernel, wider = resnet.layer2[0].conv1.conv.weight, path.layer2[0].conv1.conv.weight
    assert TWO['inflate'] == (0, 1) and wider.shape == (128, 96, 3, 3, 3)
    torch.testing.assert_close(wider[:, :64].sum(2), kernel)
    assert not wider[:, 64:].any()
