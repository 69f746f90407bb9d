"""What holds for SlowFast and RGBPoseConv3D alike: starting weights, freezing, faster layers."""

from __future__ import annotations

import copy
import logging

import pytest
import torch
from graph_goldens import fill
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from two_pathways import NETWORKS, PATHS, SLOWFAST, TWO, build, clips, with_settings

from pyskl.errors import CheckpointError
from pyskl.models import BACKBONES, fuse_conv_bn, speed_up
from pyskl.models.compiled import compile_backbone
from pyskl.models.cpu.speed_up import undo_speed_up

every_network = pytest.mark.parametrize('name', NETWORKS)
ALONE = ('lateral', 'lateral_inv', 'lateral_infl', 'lateral_activate', 'fusion_kernel')


def assert_same(found, expected, tolerance):
    for one, other in zip(found, expected, strict=True):
        scale = float(other.abs().max())
        torch.testing.assert_close(one.float(), other.float(), rtol=0, atol=tolerance * scale)


def last(inputs):
    return [x.contiguous(memory_format=torch.channels_last_3d) for x in inputs]


@every_network
@torch.no_grad()
def test_faster_and_folded_layers_give_the_same(name):
    network, inputs = build(name).eval(), clips(name)
    expected = network(*inputs)
    faster, folded = speed_up(copy.deepcopy(network)), copy.deepcopy(network)
    assert fuse_conv_bn(folded) == sum(isinstance(m, _BatchNorm) for m in network.modules())
    assert not any(isinstance(m, _BatchNorm) for m in folded.modules())
    for found in (
        faster(*inputs),
        faster(*last(inputs)),
        network(*last(inputs)),
        folded(*inputs),
        speed_up(folded)(*last(inputs)),
        undo_speed_up(faster)(*inputs),
    ):
        assert_same(found, expected, 1e-4)
    assert {type(m) for m in faster.modules()} == {type(m) for m in network.modules()}
    with torch.autocast('cpu', dtype=torch.bfloat16):
        assert_same(network(*last(inputs)), expected, 0.1)


@every_network
@pytest.mark.filterwarnings('ignore::torch.jit.TracerWarning')
@torch.no_grad()
def test_a_trace_and_an_exported_program_give_the_same(name):
    network, inputs = build(name).eval(), clips(name)
    expected = network(*inputs)
    others = tuple(clips(name, seed=1))
    traced = torch.jit.trace(network, others)
    assert_same(traced(*inputs), expected, 1e-5)
    exported = torch.export.export(speed_up(network), others)
    assert_same(exported.module()(*inputs), expected, 1e-5)


@every_network
def test_faster_layers_learn_the_same(name):
    plain = build(name).train()
    faster = speed_up(copy.deepcopy(plain))
    sum(out.square().mean() for out in plain(*clips(name))).backward()
    sum(out.square().mean() for out in faster(*last(clips(name)))).backward()
    for one, other in zip(plain.parameters(), faster.parameters(), strict=True):
        assert_same([other.grad], [one.grad], 2e-3)
    for one, other in zip(plain.buffers(), faster.buffers(), strict=True):
        torch.testing.assert_close(other, one, rtol=1e-4, atol=1e-5)


def test_a_drop_path_is_compiled_in_one_piece():
    torch._dynamo.reset()
    name = 'RGBPoseConv3D'
    drop = dict(rgb_drop_path=1.0, pose_drop_path=1.0)
    network = fill(BACKBONES.build({**NETWORKS[name], **drop})).train()
    expected = [out.detach() for out in copy.deepcopy(network)(*clips(name))]
    model = nn.Module()
    model.backbone = network
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph)
        return graph.forward

    compile_backbone(model, backend=backend)
    assert_same([out.detach() for out in network(*clips(name))], expected, 1e-5)
    assert len(graphs) == 1


@every_network
def test_recomputed_blocks_give_the_same_numbers(name):
    results = []
    for network in (build(name).train(), build(name, with_cp=True).train()):
        sum(out.square().mean() for out in network(*clips(name))).backward()
        results.append([p.grad for p in network.parameters()] + list(network.buffers()))
    torch.testing.assert_close(*results)


def test_frozen_stages_keep_the_laterals_that_feed_them():
    network = build('RGBPoseConv3D', frozen_stages=2).train()
    frozen = {key for key, value in network.named_parameters() if not value.requires_grad}
    assert {key.split('.')[1] for key in frozen if key.startswith('rgb')} == {
        'conv1',
        'layer1',
        'layer2',
    }
    assert {key.split('.')[1] for key in frozen if key.startswith('pose')} == {
        'conv1',
        'layer1',
        'layer1_lateral',
        'layer2',
    }
    assert not network.pose_path.layer1_lateral.training and network.pose_path.layer3.training


@every_network
def test_norm_eval_keeps_all_statistics(name):
    network = build(name, norm_eval=True).train()
    before = copy.deepcopy(dict(network.named_buffers()))
    network(*clips(name))
    assert all(torch.equal(value, before[key]) for key, value in network.named_buffers())


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


def test_a_checkpoint_of_another_pathway_is_refused(tmp_path):
    torch.save(alone(SLOWFAST['fast_pathway']).state_dict(), tmp_path / 'a.pth')
    cfg = with_settings('SlowFast')
    cfg['slow_pathway']['pretrained'] = str(tmp_path / 'a.pth')
    with pytest.raises(CheckpointError, match='does not fit'):
        BACKBONES.build(cfg)
