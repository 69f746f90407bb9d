"""RecognizerGCN against PYSKL's numbers; its settings; what it says of wrong input."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from goldens import GOLDEN, needs_golden
from graph_goldens import fill

from pyskl.errors import ConfigError
from pyskl.models import build_model
from pyskl.models.mixing import TrainSettings, draw_mix

MODEL = dict(
    type='RecognizerGCN',
    backbone=dict(
        type='STGCN', num_stages=4, inflate_stages=[3], down_stages=[3], base_channels=16,
        gcn_adaptive='init', gcn_with_res=True, tcn_type='mstcn', graph_cfg=dict(layout='coco'),
    ),
    cls_head=dict(type='GCNHead', num_classes=6, in_channels=32, loss_emb=None),
)  # fmt: skip


def keypoints(shape, seed):
    return torch.from_numpy(
        0.5 * np.random.RandomState(seed).standard_normal(shape).astype(np.float32)
    ).double()


def golden(name):
    parts = np.load(GOLDEN / 'cnn' / 'parts.npz')
    return {
        key.rpartition('/')[2]: parts[key] for key in parts.files if key.startswith(f'rec/{name}/')
    }


def trained_model(test_cfg=None):
    """The golden's network after its one training pass, which sets the running statistics."""
    model = fill(build_model({**MODEL, 'test_cfg': test_cfg or {}})).double()
    for module in model.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.momentum = 1.0
    model.train()
    batch = {'keypoint': keypoints((2, 1, 2, 12, 17, 3), 7), 'label': torch.tensor([[2], [5]])}
    losses = model(batch)
    return model.eval(), losses


@needs_golden
def test_training_gives_pyskls_losses_and_gradients():
    expected = golden('recognizergcn')
    model, losses = trained_model()
    sum(value for name, value in losses.items() if 'loss' in name).backward()
    assert float(losses['loss_cls']) == pytest.approx(float(expected['loss']), rel=1e-6)
    figures = dict(zip(expected['log_names'], expected['log_values']))
    assert float(losses['top1_acc']) == figures['top1_acc']
    norms = [float(model.get_parameter(name).grad.norm()) for name in expected['grad_names']]
    np.testing.assert_allclose(norms, expected['grad_norms'], rtol=1e-5, atol=1e-9)


@needs_golden
@pytest.mark.parametrize('how', ['prob', 'score', None])
def test_views_are_averaged_as_pyskl_does(how):
    model, _ = trained_model(dict(average_clips=how))
    scores = model(keypoints((2, 3, 2, 12, 17, 3), 8), return_loss=False)
    np.testing.assert_allclose(
        scores, golden(f'recognizergcn_{str(how).lower()}')['scores'], atol=1e-6
    )


@needs_golden
@pytest.mark.parametrize('option', ['none', 'nmtv', 'mtv', 'tv', 't', 'vn'])
@pytest.mark.parametrize('what', ['feat_ext', 'score_ext'])
def test_features_and_cell_scores_are_pooled_as_asked(what, option):
    model, _ = trained_model({what: True, 'pool_opt': option})
    cells = model(keypoints((2, 3, 2, 12, 17, 3), 8)[:1], return_loss=False)
    expected = golden(f'recognizergcn_{what}_{option}')['scores'].astype(np.float64)
    np.testing.assert_allclose(cells.reshape(expected.shape), expected, atol=2e-3, rtol=2e-3)


def test_all_pools_features_to_one_vector_a_clip():
    model = build_model({**MODEL, 'test_cfg': dict(feat_ext=True)}).eval()
    x = torch.randn(2, 3, 2, 12, 17, 3)
    features = model(x, return_loss=False)
    assert features.shape == (2, 32)
    maps = model.backbone(x.flatten(0, 1)).detach()
    np.testing.assert_allclose(features, maps.mean((1, 3, 4)).view(2, 3, 32).mean(1), atol=1e-5)


@pytest.mark.parametrize(
    'test_cfg',
    [dict(pool_opt='x', feat_ext=True), dict(pool_opt='nm'), dict(feat_ext=True, score_ext=True)],
)
def test_settings_that_do_nothing_or_contradict_are_refused(test_cfg):
    with pytest.raises(ConfigError, match='test_cfg'):
        build_model({**MODEL, 'test_cfg': test_cfg})


@pytest.mark.parametrize(
    'shape, words',
    [
        ((2, 12, 17, 3), 'FormatGCNInput'),
        ((2, 1, 2, 12, 25, 3), 'layout'),
        ((2, 1, 2, 12, 17, 2), 'in_channels'),
    ],
)
def test_key_points_of_another_kind_are_refused(shape, words):
    with pytest.raises(ConfigError, match=words):
        build_model(MODEL)(torch.zeros(shape), return_loss=False)


def test_cutmix_takes_a_span_of_frames_and_mixup_blends():
    torch.manual_seed(3)
    x = torch.arange(2.0).reshape(2, 1, 1, 1, 1).expand(2, 2, 20, 17, 3)
    for _ in range(10):
        mix = draw_mix(TrainSettings(cutmix=1.0), x.shape, torch.device('cpu'), cut_axes=1)
        mixed = mix.of_volumes(x)
        taken = (mixed != x)[0].all((0, 2, 3))  # (T,)
        assert torch.equal((mixed != x)[0].any((0, 2, 3)), taken)  # whole frames
        assert float(taken.float().mean()) == pytest.approx(1 - mix.share) or torch.equal(
            mix.partner, torch.tensor([0, 1])
        )
    mix = draw_mix(TrainSettings(mixup=1.0), x.shape, torch.device('cpu'), cut_axes=1)
    expected = x * mix.share + x[mix.partner] * (1 - mix.share)
    torch.testing.assert_close(mix.of_volumes(x), expected)
