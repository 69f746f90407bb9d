"""Fast layers equal torch's; frozen, recomputed and folded layers compute the right numbers."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmcv.cnn import ConvModule
from published_model import published, small
from recipe_weights import fill, sparse_volume
from torch import nn

from pyskl.models import build_model, fuse_conv_bn, speed_up
from pyskl.models.backbones import Backbone, ResNet3d, ResNet3dSlowOnly
from pyskl.models.cpu.conv3d_as_2d import Conv3dAs2d
from pyskl.models.cpu.exact_batch_norm import ExactBatchNorm3d, statistics
from pyskl.models.cpu.frame_sharing import SplitResNet3d, keeps_frames_apart
from pyskl.models.cpu.pool3d_as_2d import MaxPool3dAs2d
from pyskl.models.layers.conv_layers import BATCH_NORM3D, CONV3D

LAST = torch.channels_last_3d
plain_and_fast = pytest.mark.parametrize(
    'made', [lambda model: model, speed_up], ids=['plain', 'fast']
)


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
    x = torch.randn(
        shape, generator=torch.Generator().manual_seed(0)
    ).relu_()  # many are equal: the first one is the largest
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


def test_every_convolution_of_slow_only_runs_as_2d_and_keeps_its_layout():
    backbone = speed_up(build_model(small())).backbone.eval()
    shapes = []

    def note(layer, args, out):
        shapes.append((layer.spatial or layer.temporal, out.is_contiguous(memory_format=LAST)))

    for layer in backbone.modules():
        if isinstance(layer, Conv3dAs2d):
            layer.register_forward_hook(note)
    backbone(torch.randn(1, 3, 4, 16, 16).contiguous(memory_format=LAST))
    assert len(shapes) == 16 and all(flat and laid_out for flat, laid_out in shapes)


@pytest.mark.parametrize('shape', [(4, 6, 8, 12, 10), (1, 3, 5, 7, 9), (2, 64, 3, 1, 1)])
@pytest.mark.parametrize('momentum', [0.1, None])
def test_exact_batch_norm_is_batch_norm(shape, momentum):
    torch.manual_seed(0)
    ours, plain = (
        ExactBatchNorm3d(shape[1], momentum=momentum),
        nn.BatchNorm3d(shape[1], momentum=momentum),
    )
    for norm in (ours, plain):
        fill_norm(norm)
    for _ in range(2):
        x = torch.randn(shape) * 3 + 1
        assert_equal_answers(
            out_and_gradients(ours, x, LAST),
            out_and_gradients(plain, x, torch.contiguous_format),
            1e-4,
        )
    assert_equal_answers(ours.state_dict().values(), plain.state_dict().values(), 1e-5)
    torch.testing.assert_close(ours.eval()(x.contiguous(memory_format=LAST)), plain.eval()(x))


def fill_norm(norm):
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        norm.weight.copy_(torch.rand(norm.weight.shape, generator=generator) + 0.5)
        norm.bias.copy_(torch.rand(norm.bias.shape, generator=generator))


@given(st.integers(1, 5000), st.sampled_from([1, 3, 32, 512]))
@settings(max_examples=40, deadline=None)
def test_statistics_of_any_number_of_rows_are_exact(count, channels):
    rows = torch.randn(count, channels, generator=torch.Generator().manual_seed(count)) + 7
    mean, var = statistics(rows)
    torch.testing.assert_close(mean.double(), rows.double().mean(0), rtol=1e-6, atol=0)
    torch.testing.assert_close(
        var.double(), rows.double().var(0, unbiased=False), rtol=1e-5, atol=1e-6
    )


def test_statistics_of_an_odd_number_of_rows_are_exact():
    """An odd number of half a million rows: one running sum would be off by 1e-4."""
    rows = torch.randn(3 * 45 * 57 * 57, 32, generator=torch.Generator().manual_seed(0)) + 3
    mean, var = statistics(rows)
    assert (mean.double() / rows.double().mean(0) - 1).abs().max() < 1e-6
    assert (var.double() / rows.double().var(0, unbiased=False) - 1).abs().max() < 1e-5


def test_an_empty_batch_passes_as_through_torchs_convolution():
    conv = Conv3dAs2d(3, 4, (1, 3, 3), padding=(0, 1, 1))
    assert conv(
        torch.zeros(0, 3, 2, 5, 5).contiguous(memory_format=torch.channels_last_3d)
    ).shape == (0, 4, 2, 5, 5)


def test_batch_statistics_of_half_a_million_values_are_exact():
    torch.manual_seed(0)
    x = (torch.randn(4, 8, 48, 56, 56) + 3).contiguous(memory_format=LAST)
    norm = ExactBatchNorm3d(8, momentum=1.0)
    norm(x)
    torch.testing.assert_close(
        norm.running_mean.double(), x.double().mean((0, 2, 3, 4)), rtol=1e-6, atol=0
    )
    torch.testing.assert_close(
        norm.running_var.double(), x.double().var((0, 2, 3, 4)), rtol=2e-6, atol=0
    )


@pytest.mark.parametrize(
    'backbone',
    [
        dict(),
        dict(type='ResNet3d', conv1_kernel=(3, 7, 7)),
        dict(inflate=(0, 1, 1), inflate_style='3x3x3'),
        dict(advanced=True),
        dict(depth=18),
        dict(temporal_strides=(2, 1, 2)),
        dict(stage_blocks=(1, 2, 1), inflate=(0, (1, 0), 1)),
        dict(norm_cfg=dict(type='GN', num_groups=2)),
        dict(act_cfg=dict(type='SiLU')),
    ],
)
def test_both_memory_layouts_train_alike(backbone):
    head = dict(in_channels=16) if backbone.get('depth') == 18 else None
    model = speed_up(build_model(small(backbone, head))).train()
    model.cls_head.dropout.p = 0.0
    imgs, label, emb = torch.rand(3, 1, 3, 8, 16, 16), torch.tensor([0, 4, 2]), torch.randn(3, 6)
    gradients = []
    for channels_last in (True, False):
        twin = copy.deepcopy(model).double()
        twin.channels_last = channels_last
        losses = twin(imgs=imgs, label=label, emb=emb)
        (losses['loss_cls'] + losses['loss_emb']).backward()
        gradients.append([p.grad for p in twin.parameters()])
    assert_equal_answers(*gradients, 1e-6)  # the losses are float32


@plain_and_fast
def test_recomputing_blocks_changes_neither_gradients_nor_statistics(made):
    torch.manual_seed(0)
    plain = made(fill(build_model(small()))).train()
    thrifty = made(fill(build_model(small(dict(with_cp=True))))).train()
    for model in (plain, thrifty):
        model.cls_head.dropout.p = 0.0
        model(
            imgs=sparse_volume(1, (2, 1, 3, 4, 16, 16)),
            label=torch.tensor([1, 2]),
            emb=torch.zeros(2, 6),
        )['loss_emb'].backward()
    assert_equal_answers(
        [p.grad for p in thrifty.backbone.parameters()],
        [p.grad for p in plain.backbone.parameters()],
        1e-6,
    )
    assert_equal_answers(thrifty.state_dict().values(), plain.state_dict().values(), 1e-7)
    assert thrifty.backbone.layer1[0].conv1.bn.num_batches_tracked == 101


@plain_and_fast
@pytest.mark.parametrize(
    'frozen, parts', [(-1, []), (0, ['conv1']), (2, ['conv1', 'layer1', 'layer2'])]
)
def test_frozen_stages_learn_nothing_and_keep_their_statistics(made, frozen, parts):
    model = made(build_model(small(dict(frozen_stages=frozen, zero_init_residual=False)))).train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    losses = model(
        imgs=torch.rand(2, 1, 3, 4, 16, 16), label=torch.tensor([0, 1]), emb=torch.zeros(2, 6)
    )
    (losses['loss_cls'] + losses['loss_emb']).backward()
    with torch.no_grad():
        for p in model.parameters():
            if p.grad is not None:
                p.sub_(p.grad)
    for key, value in model.state_dict().items():
        if key.startswith('backbone.'):
            assert torch.equal(value, before[key]) == (key.split('.')[1] in parts), key


@plain_and_fast
def test_norm_eval_keeps_the_running_statistics_but_trains_the_weights(made):
    backbone = made(build_model(small(dict(norm_eval=True)))).backbone.train()
    before = backbone.conv1.bn.running_mean.clone()
    backbone(torch.rand(1, 3, 4, 16, 16)).sum().backward()
    assert (
        torch.equal(backbone.conv1.bn.running_mean, before)
        and backbone.conv1.bn.weight.grad is not None
    )


@pytest.mark.parametrize('zero', [True, False])
def test_zero_init_residual_makes_every_block_its_shortcut(zero):
    backbone = ResNet3dSlowOnly(in_channels=3, base_channels=4, zero_init_residual=zero)
    weights = [
        block.conv3.bn.weight for i in range(1, 5) for block in getattr(backbone, f'layer{i}')
    ]
    assert len(weights) == 16 and all(torch.all(w == (0.0 if zero else 1.0)) for w in weights)


def test_weights_start_as_the_field_starts_them():
    torch.manual_seed(0)
    model = build_model(published())
    conv = model.backbone.layer3[1].conv2.conv.weight  # He's normal, fan out: 128 * 9 weights
    assert (
        conv.std().item() == pytest.approx((2 / (128 * 9)) ** 0.5, rel=0.01)
        and abs(conv.mean().item()) < 1e-3
    )
    for layer in (model.cls_head.fc_cls, model.cls_head.emb_fc):
        assert layer.weight.std().item() == pytest.approx(0.01, rel=0.03) and torch.all(
            layer.bias == 0
        )


@pytest.mark.parametrize(
    'depth, blocks, channels',
    [(18, 8, 512), (34, 16, 512), (50, 16, 2048), (101, 33, 2048), (152, 50, 2048)],
)
def test_every_depth_has_its_blocks(depth, blocks, channels):
    with torch.device('meta'):
        backbone = ResNet3d(depth=depth)
        assert backbone(torch.empty(1, 3, 2, 32, 32)).shape[1] == backbone.num_features == channels
    assert sum(len(getattr(backbone, f'layer{i}')) for i in range(1, 5)) == blocks


def test_several_out_indices_give_several_features():
    backbone = ResNet3dSlowOnly(
        in_channels=3, base_channels=4, num_stages=3, stage_blocks=(1, 1, 1), out_indices=(0, 2)
    )
    features = backbone(torch.rand(1, 3, 4, 32, 32))
    assert [feat.shape[1] for feat in features] == [16, 64]
    assert torch.equal(backbone.pool(features), features[1].mean((2, 3, 4)))
    assert (
        backbone.num_features == backbone.out_channels == backbone.pool(features[1]).shape[1] == 64
    )


def test_a_backbone_without_forward_or_pool_is_refused():
    class Half(Backbone):
        def forward(self, x):
            return x

    with pytest.raises(TypeError, match='pool'):
        Half()


@pytest.mark.parametrize(
    'kwargs, message',
    [
        (dict(out_indices=(3,), num_stages=3), 'out_indices'),
        (dict(stage_blocks=(1, 1)), 'stage_blocks'),
        (dict(frozen_stages=5), 'frozen_stages'),
        (dict(inflate=(0, (1, 1), 1, 1)), r'inflate\[1\]'),
        (dict(spatial_strides=(1, 2)), 'spatial_strides'),
    ],
)
def test_arguments_that_contradict_each_other_are_named(kwargs, message):
    with pytest.raises(ValueError, match=message):
        ResNet3d(**kwargs)


def test_frames_stay_apart_until_the_first_layer_that_sees_neighbours():
    def stages(**kwargs):
        split = SplitResNet3d.of(ResNet3dSlowOnly(in_channels=3, base_channels=4, **kwargs).eval())
        return split and split.num_stages

    assert stages() == 2  # inflate (0, 0, 1, 1)
    assert stages(inflate=(0, 1, 1, 1)) == 1
    assert stages(inflate=(0, 1, 1, 1), out_indices=(0, 3)) == 0  # its output is asked for
    assert stages(temporal_strides=(1, 2, 1, 1)) == 1
    assert stages(conv1_kernel=(3, 7, 7)) is None
    assert stages(norm_cfg=dict(type='GN', num_groups=2)) is None
    assert SplitResNet3d.of(ResNet3dSlowOnly(in_channels=3, base_channels=4).train()) is None


def test_an_unknown_layer_counts_as_mixing_frames():
    assert keeps_frames_apart(nn.Sequential(nn.Conv3d(1, 1, (1, 3, 3)), nn.ReLU()))
    assert not keeps_frames_apart(nn.Sequential(nn.Conv3d(1, 1, (1, 3, 3)), nn.Softmax(2)))


@plain_and_fast
def test_folding_takes_all_43_batch_norms_of_the_published_network(made):
    model = made(fill(build_model(published()))).eval()
    x = sparse_volume(5, (1, 22, 8, 24, 24))
    with torch.no_grad():
        scores, emb = model.cls_head(model.extract_feat(x))
        assert fuse_conv_bn(model) == 43
        fused_scores, fused_emb = model.cls_head(model.extract_feat(x))
    assert not any(isinstance(m, nn.BatchNorm3d) for m in model.modules())
    torch.testing.assert_close(fused_scores, scores, atol=1e-5, rtol=0)
    torch.testing.assert_close(fused_emb, emb, atol=1e-5, rtol=0)
    assert fuse_conv_bn(model) == 0


def test_folding_takes_only_what_follows_a_convolution():
    model = nn.Sequential(
        nn.BatchNorm3d(2),
        nn.Conv3d(2, 3, 1),
        nn.ReLU(),
        nn.BatchNorm3d(3),
        nn.Conv3d(3, 2, 1),
        nn.BatchNorm3d(2),
    ).eval()
    x = torch.randn(2, 2, 3, 4, 4)
    before = model(x)
    assert fuse_conv_bn(model) == 1
    torch.testing.assert_close(model(x), before)


class GatedBatchNorm(nn.Module):
    """A module from outside the package, with a gate between its convolution and its BatchNorm."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv3d(2, 6, 1)
        self.norm = nn.BatchNorm3d(3)

    def forward(self, x):
        value, gate = self.conv(x).chunk(2, 1)
        return self.norm(value * gate.sigmoid())


def test_folding_leaves_modules_alone_that_apply_something_before_the_batch_norm():
    activation_first = ConvModule(
        2, 2, 1, conv_cfg=CONV3D, norm_cfg=BATCH_NORM3D, order=('conv', 'act', 'norm')
    )
    model = nn.Sequential(
        activation_first, GatedBatchNorm(), nn.Conv3d(3, 2, 1), nn.BatchNorm3d(2)
    ).eval()
    x = torch.randn(2, 2, 3, 4, 4)
    before = model(x)
    assert fuse_conv_bn(model) == 1  # the last one
    torch.testing.assert_close(model(x), before)
