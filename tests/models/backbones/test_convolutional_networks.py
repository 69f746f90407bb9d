"""Every convolutional network: freezing, less memory, faster layers, other dtypes."""

from __future__ import annotations

import copy

import pytest
import torch
from graph_goldens import fill
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from pyskl.models import BACKBONES, Backbone, fuse_conv_bn, speed_up

TWO = dict(num_stages=2, out_indices=(1,))
NETWORKS = {
    'C3D': dict(type='C3D', base_channels=8, num_stages=3),
    'X3D': dict(type='X3D', base_channels=8, num_stages=2, stage_blocks=(1, 1)),
    'X3D-shallow': dict(
        type='X3D', base_channels=8, num_stages=2, gamma_d=1, se_ratio=None, use_swish=False
    ),
    'ResNet3d': dict(type='ResNet3d', depth=18, base_channels=8, **TWO),
    'SlowOnly': dict(type='ResNet3dSlowOnly', base_channels=8, stage_blocks=(1, 2), **TWO),
    'ResNet': dict(type='ResNet', depth=18, **TWO),
    'PoTion': dict(type='PoTion', in_channels=3, channels=[8, 16], num_layers=[1, 2]),
}
OF_STAGES = ('X3D', 'ResNet3d', 'SlowOnly', 'ResNet')
every_network = pytest.mark.parametrize('name', NETWORKS)
plain_and_fast = pytest.mark.parametrize('made', [lambda network: network, speed_up])


def build(name: str, **settings) -> Backbone:
    return fill(BACKBONES.build({**NETWORKS[name], **settings}))


def picture(name: str, seed: int = 0) -> Tensor:
    """Return two clips, or two pictures, of 32 x 32 pixels."""
    frames = () if name in ('ResNet', 'PoTion') else (8,)
    return torch.randn(2, 3, *frames, 32, 32, generator=torch.Generator().manual_seed(seed))


@every_network
def test_pooled_features_are_as_wide_as_said(name):
    network = build(name)
    assert network.train() is network and network.eval() is network and not network.training
    pooled = network.pool(network(picture(name)))
    assert pooled.shape == (2, network.num_features) and network.in_channels == 3


@every_network
@pytest.mark.filterwarnings('ignore::torch.jit.TracerWarning')
@torch.no_grad()
def test_fast_layers_folded_batch_norm_and_a_trace_give_the_same(name):
    network = build(name).eval()
    x = picture(name)
    expected = network(x)
    scale = float(expected.abs().max())
    faster, folded = speed_up(copy.deepcopy(network)), copy.deepcopy(network)
    assert fuse_conv_bn(folded) == sum(isinstance(m, _BatchNorm) for m in network.modules())
    last = torch.channels_last_3d if x.ndim == 5 else torch.channels_last
    other = picture(name, seed=1)
    traced = torch.jit.trace(network, other)
    for found in (
        faster(x),
        faster(x.contiguous(memory_format=last)),
        folded(x),
        speed_up(folded)(x.contiguous(memory_format=last)),
        traced(x),
    ):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-4 * scale)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        torch.testing.assert_close(network(x).float(), expected, rtol=0, atol=0.1 * scale)


@every_network
def test_fast_layers_learn_the_same(name):
    plain = build(name).train()
    faster = speed_up(copy.deepcopy(plain))
    last = torch.channels_last_3d if picture(name).ndim == 5 else torch.channels_last
    plain.pool(plain(picture(name))).square().mean().backward()
    x = picture(name).contiguous(memory_format=last)
    faster.pool(faster(x)).square().mean().backward()
    for one, other in zip(plain.parameters(), faster.parameters()):
        bound = 1e-3 * float(one.grad.abs().max()) + 1e-7
        torch.testing.assert_close(other.grad, one.grad, rtol=0, atol=bound)
    for one, other in zip(plain.buffers(), faster.buffers()):
        torch.testing.assert_close(other, one, rtol=1e-4, atol=1e-5)


@plain_and_fast
@pytest.mark.parametrize('name', OF_STAGES)
def test_recomputed_blocks_give_the_same_numbers(made, name):
    results = []
    for with_cp in (False, True):
        network = made(build(name, with_cp=with_cp)).train()
        network.pool(network(picture(name))).square().mean().backward()
        results.append([p.grad for p in network.parameters()] + list(network.buffers()))
    torch.testing.assert_close(*results)


@plain_and_fast
@pytest.mark.parametrize('name', OF_STAGES)
@pytest.mark.parametrize('frozen', [-1, 0, 1])
def test_frozen_stages_keep_weights_and_statistics(made, name, frozen):
    network = made(build(name, frozen_stages=frozen)).train()
    before = copy.deepcopy(network.state_dict())
    network.pool(network(picture(name))).square().mean().backward()
    torch.optim.SGD([p for p in network.parameters() if p.requires_grad], lr=1.0).step()
    changed = {
        key.split('.')[0].split('_')[0]
        for key, value in network.state_dict().items()
        if not torch.equal(value, before[key])
    }
    kept = ({'conv1'} if frozen >= 0 else set()) | {f'layer{i + 1}' for i in range(frozen)}
    assert not changed & kept and {'layer2'} <= changed and ('conv1' in changed) == (frozen < 0)
    assert all(p.requires_grad for p in network.layer2.parameters())


@plain_and_fast
@pytest.mark.parametrize('name', [*OF_STAGES, 'PoTion'])
def test_norm_eval_keeps_all_statistics_and_trains_the_weights(made, name):
    network = made(build(name, norm_eval=True)).train()
    norms = [m for m in network.modules() if isinstance(m, _BatchNorm)]
    assert norms and not any(m.training for m in norms)
    assert all(p.requires_grad for p in network.parameters())
    assert any(isinstance(m, nn.Sequential) and m.training for m in network.modules())
