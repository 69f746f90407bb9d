"""Every convolutional network: freezing, less memory, faster layers, other dtypes."""

from __future__ import annotations

import copy

import pytest
import torch
import two_pathways
from graph_goldens import fill
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from pyskl.models import BACKBONES, Backbone, fuse_conv_bn, speed_up
from pyskl.models.cpu.speed_up import undo_speed_up

TWO = dict(num_stages=2, out_indices=(1,))
NETWORKS = {
    'C3D': dict(type='C3D', base_channels=8, num_stages=3),
    'X3D': dict(type='X3D', base_channels=8, num_stages=2, stage_blocks=(1, 1)),
    'X3D-shallow': dict(
        type='X3D', base_channels=8, num_stages=2, gamma_d=1, se_ratio=None, use_swish=False
    ),
    'ResNet3d': dict(type='ResNet3d', depth=18, base_channels=8, **TWO),
    'SlowOnly': dict(type='ResNet3dSlowOnly', base_channels=8, stage_blocks=(1, 2), **TWO),
    'SlowOnly-D': dict(
        type='ResNet3dSlowOnly', base_channels=8, stage_blocks=(2, 2), inflate=((1, 0), 1),
        inflate_style='3x3x3', temporal_strides=(1, 2), advanced=True, **TWO,
    ),
    'SlowOnly-GN': dict(
        type='ResNet3dSlowOnly', base_channels=8, stage_blocks=(1, 1),
        norm_cfg=dict(type='GN', num_groups=2), act_cfg=dict(type='SiLU'), **TWO,
    ),
    'ResNet': dict(type='ResNet', depth=18, **TWO),
    'PoTion': dict(type='PoTion', in_channels=3, channels=[8, 16], num_layers=[1, 2]),
}  # fmt: skip
OF_STAGES = ('X3D', 'ResNet3d', 'SlowOnly', 'ResNet')
OF_PATHWAYS = tuple(two_pathways.NETWORKS)
every_network = pytest.mark.parametrize('name', [*NETWORKS, *OF_PATHWAYS])
plain_and_fast = pytest.mark.parametrize('made', [lambda network: network, speed_up])


def build(name: str, **settings) -> Backbone:
    if name in OF_PATHWAYS:
        return two_pathways.build(name, **settings)
    return fill(BACKBONES.build({**NETWORKS[name], **settings}))


def inputs(name: str, seed: int = 0) -> list[Tensor]:
    """Return two clips, or two pictures, of 32 x 32 pixels."""
    if name in OF_PATHWAYS:
        return two_pathways.clips(name, seed)
    frames = () if name in ('ResNet', 'PoTion') else (8,)
    return [torch.randn(2, 3, *frames, 32, 32, generator=torch.Generator().manual_seed(seed))]


def last(tensors: list[Tensor]) -> list[Tensor]:
    layouts = {4: torch.channels_last, 5: torch.channels_last_3d}
    return [x.contiguous(memory_format=layouts[x.ndim]) for x in tensors]


def outputs(network: nn.Module, tensors: list[Tensor]) -> tuple[Tensor, ...]:
    out = network(*tensors)
    return out if isinstance(out, tuple) else (out,)


def step(network: nn.Module, tensors: list[Tensor]) -> list[Tensor]:
    """Return the gradients of a training step."""
    sum(out.square().mean() for out in outputs(network.train(), tensors)).backward()
    return [parameter.grad for parameter in network.parameters()]


def assert_same(found, expected, tolerance: float) -> None:
    for one, other in zip(found, expected, strict=True):
        bound = tolerance * float(other.abs().max()) + 1e-7
        torch.testing.assert_close(one.float(), other.float(), rtol=0, atol=bound)


@every_network
def test_pooled_features_are_as_wide_as_said(name):
    network = build(name)
    assert network.train() is network and network.eval() is network and not network.training
    pooled = network.pool(network(*inputs(name)))
    widths = network.num_features
    if isinstance(pooled, dict):
        assert tuple(part.shape[1] for part in pooled.values()) == widths
    else:
        assert pooled.shape == (2, widths)


@every_network
@pytest.mark.filterwarnings('ignore::torch.jit.TracerWarning')
@torch.no_grad()
def test_fast_layers_folded_batch_norm_and_recordings_give_the_same(name):
    network, x = build(name).eval(), inputs(name)
    expected = outputs(network, x)
    faster, folded = speed_up(copy.deepcopy(network)), copy.deepcopy(network)
    assert fuse_conv_bn(folded) == sum(isinstance(m, _BatchNorm) for m in network.modules())
    others = tuple(inputs(name, seed=1))
    traced = torch.jit.trace(network, others)
    exported = torch.export.export(faster, others).module()
    for model, tensors in (
        (faster, x),
        (faster, last(x)),
        (network, last(x)),
        (folded, x),
        (speed_up(copy.deepcopy(folded)), last(x)),
        (traced, x),
        (exported, x),
        (undo_speed_up(faster), x),
    ):
        assert_same(outputs(model, tensors), expected, 1e-4)
    assert not any(type(m).__module__.startswith('pyskl.models.cpu') for m in faster.modules())
    with torch.autocast('cpu', dtype=torch.bfloat16):
        assert_same(outputs(network, x), expected, 0.1)


@every_network
def test_fast_layers_learn_the_same(name):
    plain = build(name)
    faster = speed_up(copy.deepcopy(plain))
    expected = step(plain, inputs(name))
    assert_same(step(faster, last(inputs(name))), expected, 2e-3)
    for one, other in zip(plain.buffers(), faster.buffers()):
        torch.testing.assert_close(other, one, rtol=1e-4, atol=1e-5)


@plain_and_fast
@pytest.mark.parametrize('name', [*OF_STAGES, *OF_PATHWAYS])
def test_recomputed_blocks_give_the_same_numbers(made, name):
    results = []
    for with_cp in (False, True):
        network = made(build(name, with_cp=with_cp))
        results.append([*step(network, last(inputs(name))), *network.buffers()])
    torch.testing.assert_close(*results)


@plain_and_fast
@pytest.mark.parametrize('name', OF_STAGES)
@pytest.mark.parametrize('frozen', [-1, 0, 1])
def test_frozen_stages_keep_weights_and_statistics(made, name, frozen):
    network = made(build(name, frozen_stages=frozen))
    before = copy.deepcopy(network.state_dict())
    step(network, inputs(name))
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
@pytest.mark.parametrize('name', [*OF_STAGES, 'PoTion', *OF_PATHWAYS])
def test_norm_eval_keeps_all_statistics_and_trains_the_weights(made, name):
    network = made(build(name, norm_eval=True))
    before = copy.deepcopy(dict(network.named_buffers()))
    assert all(grad is not None for grad in step(network, inputs(name)))
    assert before and all(torch.equal(v, before[key]) for key, v in network.named_buffers())
    assert any(isinstance(m, nn.Sequential) and m.training for m in network.modules())
