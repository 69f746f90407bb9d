"""JoinedConv (convolution, BatchNorm, shortcut, ReLU) against the single layers in float64."""

import copy
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from pyskl.models import speed_up
from pyskl.models.cpu.conv1x1_bn import (
    Conv1x1BatchNorm,
    conv1x1_bn,
    joined_conv2d,
)
from pyskl.models.cpu.conv3d_as_2d import Conv3dAs2d
from pyskl.models.cpu.exact_batch_norm import ExactBatchNorm3d
from pyskl.models.cpu.joined_conv import JoinedConv
from pyskl.models.layers.conv_layers import LAYERS3D, RELU
from pyskl.models.layers.residual import BasicBlock3d, Bottleneck3d

PARTS = {'conv_cfg': {'type': Conv3dAs2d}, 'norm_cfg': {'type': ExactBatchNorm3d}}


def layer(channels: int, depth: int, stride: int = 1, relu: bool = True) -> JoinedConv:
    made = JoinedConv(
        channels, depth, 1, (1, stride, stride), bias=False, act_cfg=RELU if relu else None, **PARTS
    )
    nn.init.uniform_(made.bn.weight, 0.5, 1.5)
    nn.init.normal_(made.bn.bias)
    return made


def volume(*shape: int) -> torch.Tensor:
    return torch.randn(shape).contiguous(memory_format=torch.channels_last_3d)


def in_float64(layer: JoinedConv, x: torch.Tensor, shortcut: torch.Tensor | None) -> torch.Tensor:
    """The layers one by one, by torch's own; statistics go to a copy's."""
    conv, norm = layer.conv, layer.bn
    out = nn.functional.conv3d(x, conv.weight.double(), None, conv.stride)
    running = norm.running_mean.double(), norm.running_var.double()
    out = nn.functional.batch_norm(
        out, *running, norm.weight.double(), norm.bias.double(), True, norm.momentum, norm.eps
    )
    out = out if shortcut is None else out + shortcut
    in_float64.running = running
    return out.relu() if layer.with_activation else out


def joins(monkeypatch) -> list:
    """Grows by one whenever layers run as one."""
    calls, apply = [], Conv1x1BatchNorm.apply
    monkeypatch.setattr(Conv1x1BatchNorm, 'apply', lambda *args: calls.append(1) or apply(*args))
    return calls


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 999),
    channels=st.sampled_from([3, 8, 16]),
    size=st.integers(1, 6),
    stride=st.sampled_from([1, 2]),
    relu=st.booleans(),
    shortcut=st.booleans(),
    shift=st.sampled_from([0.0, 3.0]),
)
def test_output_gradients_and_statistics_are_those_of_the_layers(
    seed, channels, size, stride, relu, shortcut, shift
):
    torch.manual_seed(seed)
    made = layer(channels, 4 * channels, stride, relu)
    x = (volume(3, channels, 4, size + 1, size) + shift).requires_grad_()
    other = volume(*made.eval()(x).shape).requires_grad_() if shortcut else None
    before = made.bn.running_mean.clone(), made.bn.running_var.clone()
    twins = [t if t is None else t.detach().double().requires_grad_() for t in (x, other)]
    expected = in_float64(made.train(), *twins)
    assert torch.equal(made.bn.running_mean, before[0])
    out = made(x) if other is None else conv1x1_bn(x, made.conv, made.bn, other, relu)
    torch.testing.assert_close(out, expected.float(), rtol=1e-4, atol=1e-4)
    running = made.bn.running_mean.double(), made.bn.running_var.double()
    torch.testing.assert_close(running, in_float64.running, rtol=1e-4, atol=1e-5)
    assert made.bn.num_batches_tracked == 1

    # Where ReLU's input is 0 but for rounding, its gradient may be either.
    grad = torch.randn_like(out) * ((expected.abs() > 1e-3).float() if relu else 1)
    shortcuts = [] if other is None else [(other, twins[1])]
    inputs, theirs = zip((x, twins[0]), *shortcuts)
    found = torch.autograd.grad(out, [*inputs, *made.parameters()], grad)
    wanted = torch.autograd.grad(expected, [*theirs, *made.parameters()], grad.double())
    for one, another in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, another.float(), rtol=1e-3, atol=2e-3)


def test_a_bottleneck_in_training_joins_its_last_layers_and_gives_the_same_gradients(monkeypatch):
    torch.manual_seed(0)
    block = speed_up(Bottleneck3d(32, 8, (1, 1, 1), None, LAYERS3D, inflate=True))
    x = volume(2, 32, 5, 6, 6).relu_().requires_grad_()

    def gradients() -> list:
        out = block(x)
        return [out.detach(), *torch.autograd.grad(out.square().sum(), [x, *block.parameters()])]

    calls = joins(monkeypatch)
    joined = gradients()
    assert len(calls) == 1
    block.conv3.bn.register_forward_hook(lambda *_: None)  # somebody listens: one by one
    apart = gradients()
    assert len(calls) == 1
    for one, another in zip(joined, apart, strict=True):
        assert (one - another).norm() <= 1e-4 * another.norm()


@pytest.mark.parametrize(
    'how',
    [
        'testing',
        'running statistics',
        'double',
        'another layout',
        'autocast',
        'another norm',
        'many channels',
    ],
)
def test_layers_run_one_by_one_where_joining_would_not_do(how, monkeypatch):
    made, x = layer(8, 32), volume(2, 8, 3, 4, 4)
    calls = joins(monkeypatch)
    if how == 'testing':
        made.eval()
    elif how == 'running statistics':
        made.bn.eval()
    elif how == 'double':
        made, x = made.double(), x.double()
    elif how == 'another layout':
        x = x.contiguous()
    elif how == 'another norm':
        made.bn = nn.SyncBatchNorm(32).eval()
    elif how == 'many channels':
        made, x = layer(64, 64), volume(2, 64, 3, 4, 4)
    with torch.autocast('cpu', torch.bfloat16, enabled=how == 'autocast'):
        assert made(x).shape[1] == made.out_channels
    assert not calls


def test_a_batch_that_is_not_finite_is_seen_as_by_the_layers_one_by_one():
    """oneDNN's ReLU makes 0 of NaN, and the loss would look fine."""
    made, x = layer(8, 32), volume(2, 8, 3, 4, 4)
    x[0, 0, 0, 0, 0] = float('inf')
    assert conv1x1_bn(x, made.conv, made.bn, volume(2, 32, 3, 4, 4), relu=True).isnan().all()


@pytest.mark.parametrize('relu', [True, False])
@pytest.mark.parametrize('shortcut', [True, False])
@pytest.mark.parametrize('depth, height, width', [(16, 5, 4), (16, 1, 1), (1, 5, 4)])
def test_onednn_and_torch_agree(depth, height, width, relu, shortcut):
    torch.manual_seed(1)
    images = torch.randn(3, 8, height, width).contiguous(memory_format=torch.channels_last)
    weight, bias, other = (
        torch.randn(depth, 8, 1, 1),
        torch.randn(depth),
        torch.randn(3, depth, height, width) if shortcut else None,
    )
    one = joined_conv2d(images, weight, bias, other, relu)
    with torch.backends.mkldnn.flags(enabled=False):
        another = joined_conv2d(images, weight, bias, other, relu)
    torch.testing.assert_close(one, another)


@pytest.mark.parametrize('kind', [Bottleneck3d, BasicBlock3d])
@pytest.mark.parametrize('act_cfg', [RELU, {'type': 'SiLU'}], ids=lambda act_cfg: act_cfg['type'])
def test_a_fast_block_adds_its_shortcut_as_the_plain_one(kind, act_cfg):
    torch.manual_seed(0)
    block = kind(8, 8 // kind.expansion, (1, 1, 1), None, replace(LAYERS3D, act_cfg=act_cfg), True)
    x = volume(2, 8, 3, 5, 4)
    for mode in (True, False):
        expected = copy.deepcopy(block).train(mode)(x)
        assert not torch.allclose(expected, x.relu(), atol=0.1)  # the branch adds something
        torch.testing.assert_close(
            speed_up(copy.deepcopy(block)).train(mode)(x), expected, rtol=1e-4, atol=1e-5
        )
