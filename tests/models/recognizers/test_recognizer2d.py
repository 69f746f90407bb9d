"""Recognizer2D on a small network: frames, crops, mixed clips, wrong input."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from pyskl.errors import ConfigError
from pyskl.models import BACKBONES, Backbone, build_model
from pyskl.models.mixing import Mix


class MapsOnly(nn.Module):
    """A user's backbone that cannot pool."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)

    def forward(self, imgs):
        return self.conv(imgs).relu()


class OneConv(MapsOnly, Backbone):
    in_channels, num_features = 3, 8

    def pool(self, features):
        return features.mean((2, 3))


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    BACKBONES.register_module('OneConv', module=OneConv)
    monkeypatch.setattr(BACKBONES, 'contract', None)
    BACKBONES.register_module('MapsOnly', module=MapsOnly)


def small(backbone='OneConv', mode='2D', **model):
    torch.manual_seed(0)
    head = dict(type='SimpleHead', mode=mode, num_classes=5, in_channels=8, dropout=0, init_std=0.5)
    cfg = dict(
        type='Recognizer2D', backbone=dict(type=backbone), cls_head={**head, 'loss_emb': None}
    )
    return build_model({**cfg, **model})


def clips(num_frames=6):
    draw = torch.Generator().manual_seed(1)
    imgs = torch.rand((2, num_frames, 3, 8, 8), generator=draw)
    return {'imgs': imgs, 'label': torch.tensor([[1], [3]])}


def scores_of(model, frames):
    """Slow twin: every frame of (N, S, C, H, W) for itself."""
    features = [model.backbone(frame[None]).mean((2, 3))[0] for frame in frames.flatten(0, 1)]
    return model.cls_head(torch.stack(features).unflatten(0, frames.shape[:2]).mean(1))[0]


@pytest.mark.parametrize('num_segs', [None, 6, 3, 2, 1])
@pytest.mark.parametrize('most', [None, 1])
def test_testing_averages_frames_then_crops(num_segs, most):
    model = small(test_cfg=dict(num_segs=num_segs, max_testing_views=most)).eval()
    batch = clips()
    crops = batch['imgs'].split(num_segs or 6, 1)
    expected = torch.stack([scores_of(model, crop).softmax(1) for crop in crops]).mean(0)
    torch.testing.assert_close(model.predict(batch)['score'], expected)


def test_a_backbone_that_cannot_pool_is_pooled_by_the_head():
    model, twin = small('MapsOnly'), small()
    twin.load_state_dict(model.state_dict())
    torch.testing.assert_close(model.eval().predict(clips()), twin.eval().predict(clips()))


def test_cutmix_takes_frames_rows_and_columns_of_all_channels(monkeypatch):
    box = (slice(1, 4), slice(0, 5), slice(2, 8))
    mix = Mix(torch.tensor([1, 0]), 0.6, box, (6, 8, 8))
    model, batch = small(train_cfg=dict(cutmix=1.0)), clips()
    assert model.volume_shape(batch['imgs']) == (2, 3, 6, 8, 8)
    monkeypatch.setattr('pyskl.models.recognizers.views.draw_mix', lambda *args: mix)
    losses = model(batch)
    imgs = batch['imgs'].clone()
    imgs[:, 1:4, :, 0:5, 2:8] = batch['imgs'][[1, 0]][:, 1:4, :, 0:5, 2:8]
    scores, label = scores_of(model, imgs), batch['label'][:, 0]
    own, other = (nn.functional.cross_entropy(scores, rows) for rows in (label, label[[1, 0]]))
    torch.testing.assert_close(losses['loss_cls'], 0.6 * own + 0.4 * other)


@pytest.mark.parametrize(
    ('imgs', 'test_cfg', 'words'),
    [
        (torch.zeros(2, 1, 3, 4, 8, 8), {}, 'NCHW'),
        (torch.zeros(2, 6, 4, 8, 8), {}, '4 channels'),
        (torch.zeros(2, 6, 3, 8, 8), dict(num_segs=4), 'num_segs = 4.*6 frames'),
        (torch.zeros(2, 6, 3, 8, 8), dict(num_segs=0), 'num_segs = 0'),
    ],
)
def test_input_that_does_not_fit_is_named(imgs, test_cfg, words):
    with pytest.raises(ConfigError, match=words):
        small(test_cfg=test_cfg)(imgs, return_loss=False)
