"""Fast layers equal torch's: convolutions and pooling as 2-D ones, exact BatchNorm."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from published_model import published, small
from torch import nn

from pyskl.models import build_model, speed_up
from pyskl.models.backbones import ResNet3dSlowOnly
from pyskl.models.cpu.conv3d_as_2d import Conv3dAs2d
from pyskl.models.cpu.exact_batch_norm import ExactBatchNorm3d, statistics
from pyskl.models.cpu.frame_sharing import SplitResNet3d, keeps_frames_apart
from pyskl.models.cpu.pool3d_as_2d import MaxPool3dAs2d

LAST = torch.channels_last_3d


def out_and_gradients(layer, x, memory_format):
    """(output, gradient of x, gradients of the weights) for a fixed gradient of the output."""
    x = x.clone(memory_format=memory_format).requires_grad_()
    out = layer(x)
    grad = torch.randn(out.shape, generator=torch.Generator().manual_seed(1), dtype=x.dtype)
    gradients = torch.autograd.grad(out, [x, *layer.parameters()], grad)
    return out, *gradients


def assert_equal_answers(ours, theirs, tolerance=1e-10):
    for a, b in zip(ours, theirs):
        torch.testing.assert_close(a, b, atol=tolerance, rtol=tolerance)


@settings(max_examples=40, deadline=None)
@given(
    kernel=st.sampled_from([(1, 1, 1), (1, 3, 3), (1, 7, 7), (3, 1, 1), (5, 1, 1), (3, 3, 3)]),
    stride=st.tuples(st.integers(1, 2), st.integers(1, 3)),
    shrink=st.integers(0, 1),
    dilation=st.integers(1, 2),
    channels=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    bias=st.booleans(),
    frames=st.integers(5, 7),
    side=st.integers(7, 9),
)
def test_a_convolution_as_2d_equals_the_3d_convolution(
    kernel, stride, shrink, dilation, channels, bias, frames, side
):
    torch.manual_seed(0)
    padding = tuple(max(k // 2 - shrink, 0) for k in kernel)
    dilation = dilation if max(kernel) == 3 and kernel[0] != 5 else 1
    args = (*channels, kernel, (stride[0], stride[1], stride[1]), padding, dilation)
    ours, plain = Conv3dAs2d(*args, bias=bias).double(), nn.Conv3d(*args, bias=bias).double()
    plain.load_state_dict(ours.state_dict())
    x = torch.randn(2, channels[0], frames, side, side - 1, dtype=torch.float64)
    expected = out_and_gradients(plain, x, torch.contiguous_format)
    assert_equal_answers(out_and_gradients(ours, x, LAST), expected)
    assert_equal_answers(out_and_gradients(ours, x, torch.contiguous_format), expected)


@pytest.mark.parametrize(
    ('shape', 'arguments'),
    [
        ((2, 5, 4, 9, 8), ((1, 3, 3), (1, 2, 2), (0, 1, 1))),
        ((1, 8, 3, 7, 7), ((1, 2, 3), (1, 1, 2))),
        ((2, 1, 3, 5, 5), ((1, 3, 3), 1, (0, 1, 1))),
        ((1, 4, 1, 9, 9), ((1, 3, 3), (1, 2, 2), (0, 1, 1), (2, 2, 2), False, True)),
        ((2, 4, 6, 8, 8), (2,)),
        ((2, 4, 6, 8, 8), ((1, 3, 3), 2, (0, 1, 1))),
        ((1, 4, 6, 8, 8), ((3, 3, 3), 1, 1)),
    ],
)
def test_pooling_as_2d_equals_3d_pooling(shape, arguments):
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0)).relu_()  # many are equal
    ours, plain = MaxPool3dAs2d(*arguments), nn.MaxPool3d(*arguments)
    for memory_format in (LAST, torch.contiguous_format):
        found = out_and_gradients(ours, x, memory_format)
        assert_equal_answers(
            found, out_and_gradients(plain, x, torch.contiguous_format), tolerance=1e-6
        )
        assert memory_format is not LAST or found[0].is_contiguous(memory_format=LAST)
    assert ours(x.bfloat16().contiguous(memory_format=LAST)).equal(plain(x.bfloat16()))


def test_pooling_as_2d_copies_nothing(monkeypatch):
    x, seen = torch.rand(2, 8, 3, 6, 6).contiguous(memory_format=LAST), []
    pool = torch.nn.functional.max_pool2d
    monkeypatch.setattr(
        torch.nn.functional,
        'max_pool2d',
        lambda images, *args: seen.append(images) or pool(images, *args),
    )
    out = speed_up(build_model(small())).backbone.maxpool(x)
    assert seen[0].data_ptr() == x.data_ptr() and out.is_contiguous(memory_format=LAST)


@pytest.mark.parametrize('shape', [(4, 6, 8, 12, 10), (1, 3, 5, 7, 9), (2, 64, 3, 1, 1)])
@pytest.mark.parametrize('momentum', [0.1, None])
def test_exact_batch_norm_is_batch_norm(shape, momentum):
    torch.manual_seed(0)
    ours = ExactBatchNorm3d(shape[1], momentum=momentum)
    nn.init.uniform_(ours.weight, 0.5, 1.5)
    nn.init.uniform_(ours.bias)
    plain = copy.deepcopy(ours)
    plain.__class__ = nn.BatchNorm3d
    for _ in range(2):
        x = torch.randn(shape) * 3 + 1
        assert_equal_answers(
            out_and_gradients(ours, x, LAST),
            out_and_gradients(plain, x, torch.contiguous_format),
            1e-4,
        )
    assert_equal_answers(ours.state_dict().values(), plain.state_dict().values(), 1e-5)
    torch.testing.assert_close(ours.eval()(x.contiguous(memory_format=LAST)), plain.eval()(x))


@given(st.integers(1, 5000), st.sampled_from([1, 3, 32, 512]))
@settings(max_examples=40, deadline=None)
def test_statistics_of_any_number_of_rows_are_exact(count, channels):
    rows = torch.randn(count, channels, generator=torch.Generator().manual_seed(count)) + 7
    mean, var = statistics(rows)
    torch.testing.assert_close(mean.double(), rows.double().mean(0), rtol=1e-6, atol=0)
    expected = rows.double().var(0, unbiased=False)
    torch.testing.assert_close(var.double(), expected, rtol=1e-5, atol=1e-6)


def test_statistics_of_half_a_million_rows_are_exact():
    """One running sum would be off by 1e-4."""
    rows = torch.randn(3 * 45 * 57 * 57, 32, generator=torch.Generator().manual_seed(0)) + 3
    mean, var = statistics(rows)
    torch.testing.assert_close(mean.double(), rows.double().mean(0), rtol=1e-6, atol=0)
    expected = rows.double().var(0, unbiased=False)
    torch.testing.assert_close(var.double(), expected, rtol=1e-5, atol=0)


def test_an_empty_batch_passes_as_through_torchs_convolution():
    conv = Conv3dAs2d(3, 4, (1, 3, 3), padding=(0, 1, 1))
    empty = torch.zeros(0, 3, 2, 5, 5).contiguous(memory_format=LAST)
    assert conv(empty).shape == (0, 4, 2, 5, 5)


def test_weights_start_as_the_field_starts_them():
    torch.manual_seed(0)
    model = build_model(published())
    conv = model.backbone.layer3[1].conv2.conv.weight  # He's normal, fan out: 128 * 9 weights
    assert abs(conv.mean().item()) < 1e-3
    layers = model.cls_head.fc_cls, model.cls_head.emb_fc
    assert not any(layer.bias.any() for layer in layers)
    spreads = [weight.std().item() for weight in (conv, *(layer.weight for layer in layers))]
    assert spreads == pytest.approx([(2 / (128 * 9)) ** 0.5, 0.01, 0.01], rel=0.03)


def test_frames_stay_apart_until_the_first_layer_that_sees_neighbours():
    def stages(training=False, **kwargs):
        network = ResNet3dSlowOnly(in_channels=3, base_channels=4, **kwargs).train(training)
        split = SplitResNet3d.of(network)
        return split and split.num_stages

    assert stages() == 2  # inflate (0, 0, 1, 1)
    assert stages(inflate=(0, 1, 1, 1)) == 1
    assert stages(inflate=(0, 1, 1, 1), out_indices=(0, 3)) == 0  # its output is asked for
    assert stages(temporal_strides=(1, 2, 1, 1)) == 1
    assert stages(conv1_kernel=(3, 7, 7)) is None
    assert stages(norm_cfg=dict(type='GN', num_groups=2)) is None
    assert stages(training=True) is None
    assert keeps_frames_apart(nn.Sequential(nn.Conv3d(1, 1, (1, 3, 3)), nn.ReLU()))
    assert not keeps_frames_apart(nn.Sequential(nn.Conv3d(1, 1, (1, 3, 3)), nn.Softmax(2)))
