"""MMRecognizer3D on a small network: batches, views, mixed clips, embeddings, wrong input."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from pyskl.errors import ConfigError
from pyskl.models import BACKBONES, Backbone, build_model
from pyskl.models.mixing import Mix, TrainSettings, draw_mix

NUM_CLASSES = 5
VECTORS = np.random.RandomState(0).standard_normal((NUM_CLASSES, 6)).astype(np.float32)


class TwoConvs(Backbone):
    """One convolution a pathway."""

    in_channels, num_features = (3, 4), (8, 7)

    def __init__(self):
        super().__init__()
        self.rgb, self.pose = nn.Conv3d(3, 8, 3), nn.Conv3d(4, 7, 3)

    def forward(self, imgs, heatmap_imgs):
        return self.rgb(imgs).relu(), self.pose(heatmap_imgs).relu()

    def pool(self, features):
        rgb, pose = (x.mean((2, 3, 4)) for x in features)
        return {'rgb': rgb, 'pose': pose}


@pytest.fixture(autouse=True)
def registered():
    BACKBONES.register_module('TwoConvs', module=TwoConvs)


def small(head=None, **model):
    torch.manual_seed(0)
    plain = dict(type='RGBPoseHead', num_classes=NUM_CLASSES, in_channels=(8, 7), init_std=0.5)
    head = {**plain, 'dropout': 0, 'loss_emb': None, 'emb_dim': 6, **(head or {})}
    cfg = dict(type='MMRecognizer3D', backbone=dict(type='TwoConvs'), cls_head=head)
    return build_model({**cfg, **model})


def batch(num_samples=3, num_views=4):
    """Pictures (B, S, 3, 4, 16, 16), heatmaps (B, S, 4, 8, 8, 8), labels (B, 1)."""
    draw = torch.Generator().manual_seed(1)
    return {
        'imgs': torch.rand((num_samples, num_views, 3, 4, 16, 16), generator=draw),
        'heatmap_imgs': torch.rand((num_samples, num_views, 4, 8, 8, 8), generator=draw),
        'label': torch.arange(num_samples)[:, None] % NUM_CLASSES,
    }


@pytest.mark.parametrize('most', [1, 2, 5, 100])
def test_no_more_views_pass_at_once_than_asked_for(most, monkeypatch):
    model, clips = small(test_cfg=dict(max_testing_views=most)).eval(), batch()
    seen, forward = [], model.extract_feat
    monkeypatch.setattr(
        model, 'extract_feat', lambda *volumes: seen.append(len(volumes[0])) or forward(*volumes)
    )
    answers = model.predict(clips)
    assert max(seen) <= most and sum(seen) == 12
    for name, scores in small().eval().predict(clips).items():
        torch.testing.assert_close(answers[name], scores)


def test_features_stand_one_behind_the_other():
    model, clips = small(test_cfg=dict(feat_ext=True)).eval(), batch()
    features = model.predict(clips)['score']
    pooled = model.pool(model.extract_feat(*(clips[name].flatten(0, 1) for name in model.takes)))
    expected = torch.cat([pooled['rgb'], pooled['pose']], 1).unflatten(0, (3, 4)).mean(1)
    torch.testing.assert_close(features, expected)


def test_answers_for_several_classes_a_clip_are_sigmoids():
    head = dict(multi_class=True, loss_cls=dict(type='BCELossWithLogits'))
    clips = {**batch(), 'label': torch.eye(NUM_CLASSES)[:3]}
    views = small(head, test_cfg=dict(average_clips=None)).eval().predict(clips)
    for name, scores in small(head).eval().predict(clips).items():
        torch.testing.assert_close(scores, views[name].sigmoid().mean(1))
    losses = small(head)(clips)
    assert set(losses) == {'rgb_loss_cls', 'pose_loss_cls'}


# -- mixed clips -----------------------------------------------------------------------------------


def test_mixed_clips_lose_by_the_shares_of_both_labels(monkeypatch):
    clips, share, partner = batch(num_views=1), 0.3, torch.tensor([1, 2, 0])
    mix = Mix(partner, share, None)
    model = small(train_cfg=dict(mixup=0.4))
    monkeypatch.setattr('pyskl.models.recognizers.views.draw_mix', lambda *args: mix)
    losses = model(clips)

    blended = {
        name: share * clips[name] + (1 - share) * clips[name][partner] for name in model.takes
    }
    features = model.pool(model.extract_feat(*(blended[name][:, 0] for name in model.takes)))
    label = clips['label'][:, 0]
    for name, scores in model.cls_head(features)[0].items():
        own, other = (nn.functional.cross_entropy(scores, rows) for rows in (label, label[partner]))
        torch.testing.assert_close(losses[f'{name}_loss_cls'], share * own + (1 - share) * other)


def test_cutmix_cuts_the_same_share_out_of_pictures_and_heatmaps():
    model, clips = small(train_cfg=dict(cutmix=1.0)), batch(num_views=1)
    shape = model.volume_shape(model.views_of(clips))
    assert shape == (3, 3, 4, 8, 8)
    inside = []
    for seed in range(8):
        torch.manual_seed(seed)
        mix = draw_mix(TrainSettings(cutmix=1.0), shape, torch.device('cpu'))
        for name in model.takes:
            volume = torch.zeros((2, *clips[name].shape[2:]))
            volume[1] = 1
            mixed = Mix(torch.tensor([1, 0]), mix.share, mix.box, mix.size).of_volumes(volume)
            inside.append(float(mixed[0].mean()))
            assert inside[-1] == pytest.approx(1 - mix.share, abs=1e-6)
    assert len(set(inside)) > 4


def test_clips_of_sizes_that_are_no_multiples_are_cut_nearly_alike():
    mix = Mix(torch.tensor([1, 0]), 0.5, (slice(0, 4), slice(2, 6), slice(0, 3)), (4, 8, 8))
    volume = torch.zeros((2, 1, 6, 13, 13))
    volume[1] = 1
    cut = torch.nonzero(mix.of_volumes(volume)[0, 0])
    assert cut.amin(0).tolist() == [0, 3, 0] and cut.amax(0).tolist() == [5, 9, 4]


# -- the embedding ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('weight', 'weights'),
    [(0.4, (0.4, 0.4)), ({'pose': 0.7}, (0, 0.7)), ({'rgb': 1, 'pose': 0.2}, (1, 0.2))],
)
def test_each_answer_listens_to_its_embedding_as_asked(weight, weights):
    how = dict(semantic_weight=weight, semantic_temperature=0.3)
    model = small(dict(loss_emb=dict(type='MseLoss')), test_cfg=how).eval()
    model.cls_head.learn_labels(None, VECTORS)
    assert model.needs_label_vectors
    clips = batch(num_views=1)
    scores, embeddings = model.cls_head(
        model.extract_feat(clips['imgs'][:, 0], clips['heatmap_imgs'][:, 0])
    )
    table = torch.from_numpy(VECTORS)
    answers = model.predict(clips)
    for name, w in zip(('rgb', 'pose'), weights):
        cosines = nn.functional.cosine_similarity(embeddings[name][:, None], table[None], dim=2)
        expected = (1 - w) * scores[name].softmax(1) + w * (cosines / 0.3).softmax(1)
        torch.testing.assert_close(answers[name], expected)


@pytest.mark.parametrize(
    ('head', 'weight', 'words'),
    [
        (dict(loss_emb=None), 0.5, 'no embedding'),
        (dict(loss_emb=dict(type='MseLoss')), {'flow': 0.5}, 'flow'),
        (dict(loss_emb=dict(type='MseLoss')), {'rgb': 2}, '0 to 1'),
        (dict(loss_emb=dict(type='MseLoss'), emb_components=['pose']), 0.5, 'rgb has no embedding'),
    ],
)
def test_a_semantic_weight_without_an_embedding_is_refused(head, weight, words):
    with pytest.raises(ConfigError, match=words):
        small(head, test_cfg=dict(semantic_weight=weight))


# -- wrong input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('entry', 'value', 'words'),
    [
        ('heatmap_imgs', None, "'heatmap_imgs' in the batch"),
        ('imgs', torch.zeros(3, 4, 4, 4, 16, 16), 'imgs with 4 channels'),
        ('heatmap_imgs', torch.zeros(3, 4, 17, 8, 8, 8), 'heatmap_imgs with 17 channels'),
        ('imgs', torch.zeros(3, 4, 3, 16, 16), 'NCTHW'),
        ('heatmap_imgs', torch.zeros(3, 8, 4, 8, 8, 8), '4 views of imgs and 8 of heatmap_imgs'),
    ],
)
def test_a_batch_that_does_not_fit_is_named(entry, value, words):
    clips = {**batch(), entry: value}
    clips = {name: value for name, value in clips.items() if value is not None}
    with pytest.raises(ConfigError, match=words):
        small()(clips)


@pytest.mark.parametrize(
    ('recognizer', 'backbone', 'head', 'words'),
    [
        ('MMRecognizer3D', 'TwoConvs', dict(type='I3DHead', in_channels=8), 'RGBPoseHead'),
        ('Recognizer3D', 'TwoConvs', dict(type='RGBPoseHead', in_channels=(8, 7)), 'MMRecogn'),
        ('Recognizer3D', 'TwoConvs', dict(type='I3DHead', in_channels=8), '2 inputs'),
        ('MMRecognizer3D', 'C3D', dict(type='RGBPoseHead', in_channels=(8, 7)), '1 input'),
        ('MMRecognizer3D', 'TwoConvs', dict(type='RGBPoseHead', in_channels=(8, 8)), r'\(8, 7\)'),
    ],
)
def test_networks_and_heads_of_other_numbers_are_refused(recognizer, backbone, head, words):
    head = {'num_classes': NUM_CLASSES, 'loss_emb': None, **head}
    with pytest.raises(ConfigError, match=words):
        build_model(dict(type=recognizer, backbone=dict(type=backbone), cls_head=head))
