"""SlowFast: what its pathways see and pass on, and settings that do not fit."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from two_pathways import SLOWFAST, build, clips

from pyskl.errors import ConfigError
from pyskl.inputs.heatmaps import Heatmaps, HeatmapSpec
from pyskl.models import BACKBONES, build_model, speed_up


def test_another_depth_kernel_and_ratio_work():
    basic = dict(depth=18, inflate_style='3x3x3')
    slow = dict(conv1_kernel=(1, 7, 7), inflate=(0, 0, 1, 1), fusion_kernel=5, base_channels=32)
    fast = dict(base_channels=8, conv1_kernel=(5, 7, 7))
    network = BACKBONES.build(
        dict(
            SLOWFAST,
            slow_pathway=dict(basic, lateral=True, **slow),
            fast_pathway=dict(basic, **fast),
        )
    )
    outs = network(torch.randn(1, 3, 8, 32, 32))
    assert [tuple(out.shape) for out in outs] == [(1, 256, 2, 1, 1), (1, 64, 8, 1, 1)]
    network.pool(outs).sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


@torch.no_grad()
def test_pathways_see_the_frames_that_upstream_interpolates():
    network, (x,) = build('SlowFast').eval(), clips('SlowFast')
    slow_path, fast_path = network.slow_path, network.fast_path
    slow = F.interpolate(x, scale_factor=(1 / 4, 1.0, 1.0), mode='nearest')
    slow, fast = slow_path.maxpool(slow_path.conv1(slow)), fast_path.maxpool(fast_path.conv1(x))
    slow = torch.cat([slow, slow_path.conv1_lateral(fast)], 1)
    slow, fast = slow_path.layer1(slow), fast_path.layer1(fast)
    slow = torch.cat([slow, slow_path.layer1_lateral(fast)], 1)
    expected = slow_path.layer2(slow), fast_path.layer2(fast)
    torch.testing.assert_close(network(x), expected)


@pytest.mark.parametrize('frames', [1, 3, 6, 9])
def test_clips_of_any_length_pass(frames):
    slow, fast = build('SlowFast').eval()(torch.randn(1, 3, frames, 32, 32))
    assert slow.shape[2] == -(-frames // 4) and fast.shape[2] == frames


def test_pooled_features_are_the_slow_ones_then_the_fast_ones():
    network = build('SlowFast').eval()
    outs = network(*clips('SlowFast'))
    expected = torch.cat([out.mean((2, 3, 4)) for out in outs], 1)
    torch.testing.assert_close(network.pool(outs), expected)


@pytest.mark.parametrize(
    'change, named',
    [
        (dict(slow_pathway=dict(depth=50, laterall=True)), 'slow_pathway: .*laterall.*lateral'),
        (dict(slow_pathway=dict(depth=50, base_channels='64')), r'slow_pathway\.base_channels'),
        (dict(fast_pathway=dict(speed_ratio=4)), r'fast_pathway\.speed_ratio'),
        (dict(fast_pathway=8), r'fast_pathway = 8'),
        (dict(resample_rate=6), 'resample_rate = 6'),
        (dict(fast_pathway=dict(SLOWFAST['fast_pathway'], lateral=True)), 'fast_pathway'),
        (dict(fast_pathway=dict(SLOWFAST['fast_pathway'], base_channels=8)), 'channel_ratio'),
        (dict(fast_pathway=dict(SLOWFAST['fast_pathway'], in_channels=4)), '3 and 4'),
        (dict(slow_pathway=dict(SLOWFAST['slow_pathway'], fusion_kernel=4)), 'fusion_kernel'),
        (dict(slow_pathway=dict(SLOWFAST['slow_pathway'], out_indices=(0,))), 'out_indices'),
        (dict(slow_pathway=dict(SLOWFAST['slow_pathway'], lateral_activate=[1])), 'lateral_act'),
    ],
)
def test_settings_that_do_not_fit_are_named_with_their_place(change, named):
    with pytest.raises(ConfigError, match=named):
        BACKBONES.build({**SLOWFAST, **change}, 'model.backbone')


def test_pathways_of_other_strides_are_named_where_they_meet():
    fast = dict(SLOWFAST['fast_pathway'], conv1_stride=(1, 4))
    with pytest.raises(ConfigError, match=r'\(2, 8, 8\) where the other gives \(2, 4, 4\)'):
        BACKBONES.build(dict(SLOWFAST, fast_pathway=fast))(*clips('SlowFast'))


def recognizer():
    head = dict(type='I3DHead', num_classes=4, in_channels=40, loss_emb=None, dropout=0.0)
    torch.manual_seed(0)
    return build_model(dict(type='Recognizer3D', backbone=SLOWFAST, cls_head=head))


def drawn_clips(views: int) -> Heatmaps:
    """Two samples of three joints, whose clips are the same frames over again."""
    generator = torch.Generator().manual_seed(2)
    xy = 32 * torch.rand(2, 1, 1, 8, 3, 2, generator=generator)
    score = torch.ones(2, 1, 1, 8, 3)
    repeat = (1, views, 1, 1, 1)
    return Heatmaps(xy.repeat(*repeat, 1), score.repeat(repeat), (32, 32), HeatmapSpec())


def test_frames_that_clips_share_or_repeat_do_not_change_answers_and_losses():
    plain, shared = recognizer(), {'imgs': drawn_clips(3)}
    faster = speed_up(copy.deepcopy(plain))
    expected, found = (model.eval().predict(shared)['score'] for model in (plain, faster))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    repeated = {'imgs': drawn_clips(1), 'label': torch.tensor([1, 3])}
    expected, found = (model.train().losses(repeated)['loss_cls'] for model in (plain, faster))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
