"""A convolution that skips zeros equals the dense one: values, gradients, any sizes."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from pyskl.models.cpu.sparse_conv import MAX_DENSITY, SparseConv3d, StripConv


def marks(shape, share=0.02, seed=0):
    """Pictures (N, C, H, W), channels last, with a share of nonzero cells of either sign."""
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.rand(shape, generator=generator) < share
    return (torch.randn(shape, generator=generator) * chosen).contiguous(
        memory_format=torch.channels_last
    )


def both(images, weight, stride, padding):
    """Output and weight gradient of StripConv, and of torch's convolution in float64."""
    short, dense = weight.clone().requires_grad_(), weight.double().requires_grad_()
    out = StripConv.apply(images, short, stride, padding)
    want = F.conv2d(images.double(), dense, None, stride, padding)
    grad = torch.randn(want.shape, generator=torch.Generator().manual_seed(1)).contiguous(
        memory_format=torch.channels_last
    )
    out.backward(grad)
    want.backward(grad.double())
    return (out, short.grad), (want.float(), dense.grad.float())


@given(
    num=st.integers(1, 3),
    channels=st.integers(1, 5),
    depth=st.integers(1, 9),
    kernel=st.tuples(*[st.integers(1, 7)] * 2),
    extra=st.tuples(*[st.integers(0, 21)] * 2),
    stride=st.tuples(*[st.integers(1, 3)] * 2),
    padding=st.tuples(*[st.integers(0, 4)] * 2),
    share=st.sampled_from([0, 0.02, 0.3, 1]),
    seed=st.integers(0, 99),
)
@settings(max_examples=150, deadline=None)
def test_equals_the_dense_convolution(
    num, channels, depth, kernel, extra, stride, padding, share, seed
):
    images = marks((num, channels, kernel[0] + extra[0], kernel[1] + extra[1]), share, seed)
    weight = torch.randn((depth, channels, *kernel), generator=torch.Generator().manual_seed(seed))
    for got, want in zip(*both(images, weight, stride, padding)):
        assert got.shape == want.shape
        torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-4)


def conv(**kwargs):
    torch.manual_seed(0)
    return SparseConv3d(4, 8, (1, 7, 7), (1, 1, 1), (0, 3, 3), **kwargs)


def volume(share, seed=0):
    return (
        marks((6, 4, 16, 16), share, seed).unflatten(0, (2, 3)).transpose(1, 2)
    )  # (2, 4, 3, 16, 16)


@pytest.fixture
def short_ways(monkeypatch):
    """Counts the calls of the short way."""
    calls, apply = [], StripConv.apply
    monkeypatch.setattr(StripConv, 'apply', lambda *args: calls.append(1) or apply(*args))
    return calls


@pytest.mark.parametrize('bias', [True, False])
def test_layer_equals_conv3d(bias, short_ways):
    layer, x = conv(bias=bias), volume(0.01)
    plain = torch.nn.Conv3d(4, 8, (1, 7, 7), 1, (0, 3, 3), bias=bias)
    plain.load_state_dict(layer.state_dict())
    out, want = layer(x), plain(x.contiguous())
    torch.testing.assert_close(out, want)
    assert out.is_contiguous(memory_format=torch.channels_last_3d)
    out.square().sum().backward()
    want.square().sum().backward()
    for got, expected in zip(layer.parameters(), plain.parameters()):
        torch.testing.assert_close(got.grad, expected.grad, rtol=1e-4, atol=1e-4)
    assert short_ways == [1]


def test_zeros_are_skipped_only_where_that_saves_time(short_ways):
    layer = conv()
    layer(volume(MAX_DENSITY / 2))
    assert len(short_ways) == 1
    layer(volume(2 * MAX_DENSITY))  # too full
    x = volume(0.01).requires_grad_()  # its picture wants a gradient
    layer(x).sum().backward()
    assert x.grad.abs().sum() > 0
    layer.double()(volume(0.01).double())
    with torch.autocast('cpu', torch.bfloat16):
        layer.float()(volume(0.01))
    SparseConv3d(4, 8, (1, 7, 7), padding=(0, 3, 3), groups=2)(volume(0.01))
    SparseConv3d(4, 8, (1, 7, 7), padding=(0, 6, 6), dilation=(1, 2, 2))(volume(0.01))
    layer(volume(0.01).contiguous())  # channels first
    assert len(short_ways) == 1


def test_all_zero_pictures():
    layer = conv(bias=True)
    out = layer(torch.zeros(1, 4, 2, 16, 16).contiguous(memory_format=torch.channels_last_3d))
    assert torch.equal(out, layer.bias[None, :, None, None, None].expand_as(out))
    out.sum().backward()
    assert not layer.weight.grad.any() and layer.bias.grad.eq(2 * 256).all()


def test_nan_stays_visible():
    x = volume(0.01)
    x[0, 0, 0, 8, 8] = float('nan')
    out = conv()(x)
    assert out[0, :, 0, 5:12, 5:12].isnan().all() and not out[1].isnan().any()


def test_same_bits_for_any_number_of_threads():
    images, weight = marks((8, 22, 28, 28), 0.01), torch.randn(32, 22, 7, 7)
    before, ends = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            leaf = weight.clone().requires_grad_()
            out = StripConv.apply(images, leaf, (1, 1), (3, 3))
            out.square().sum().backward()
            ends.append((out.detach(), leaf.grad))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(ends[0][0], ends[1][0]) and torch.equal(ends[0][1], ends[1][1])
