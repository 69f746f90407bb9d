"""The recognizer around backbone and head: views, drawing, shared frames, configs, weights."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from published_model import clips_of, small
from recipe_weights import fill

from pyskl.engine.batch import compute_losses
from pyskl.errors import CheckpointError, ConfigError
from pyskl.models import Backbone, build_model, speed_up
from pyskl.models.cpu.frame_sharing import SharedFrames
from pyskl.models.cpu.sparse_conv import SparseConv3d


@pytest.fixture
def model():
    return speed_up(fill(build_model(small()))).eval()


def test_deferred_clips_give_what_drawn_ones_give(model):
    clips = clips_of(double=True)
    scores, drawn = (model.predict({'imgs': imgs})['score'] for imgs in (clips, clips.draw()))
    torch.testing.assert_close(scores, drawn, atol=1e-6, rtol=0)
    one = replace(clips, keypoint=clips.keypoint[:, :1], keypoint_score=clips.keypoint_score[:, :1])
    targets = dict(label=torch.tensor([1, 2]), emb=torch.zeros(2, 6))
    torch.testing.assert_close(model(imgs=one, **targets), model(imgs=one.draw(), **targets))


def frames_seen_with_and_without_sharing(model, clips, monkeypatch):
    """How many frames pass the stem with and without sharing; answers must be the same."""
    seen, stem = [], SparseConv3d.forward
    monkeypatch.setattr(
        SparseConv3d,
        'forward',
        lambda self, x: seen.append(x.shape[0] * x.shape[2]) or stem(self, x),
    )
    once = model.predict({'imgs': clips})['score']
    frames_once, seen[:] = sum(seen), []
    monkeypatch.setattr(SharedFrames, 'of', lambda *args: None)
    torch.testing.assert_close(model.predict({'imgs': clips})['score'], once, atol=1e-6, rtol=0)
    return frames_once, sum(seen)


@pytest.mark.parametrize('double', [True, False])
@pytest.mark.parametrize('views', [None, 1, 3, 100])
@pytest.mark.parametrize('motion', [False, True])
def test_frames_that_clips_share_are_done_once_and_change_nothing(
    model, monkeypatch, double, views, motion
):
    model.test_cfg = replace(model.test_cfg, max_testing_views=views, average_clips=None)
    numbers = dict(num_clips=10, num_frames=5) if motion else {}
    clips = clips_of(double=double, people=2, motion=motion, **numbers)
    clips.keypoint[0, :, 1] = float('nan')  # nobody, as collation fills up
    clips.keypoint_score[0, :, 1] = 0
    frames_once, frames = frames_seen_with_and_without_sharing(model, clips, monkeypatch)
    most, every = (29, 60) if motion else (12, 30)
    assert frames_once <= 2 * (1 + double) * most and frames == 2 * (1 + double) * every


def test_clips_with_nothing_in_common_take_the_plain_way(model):
    for clips in (clips_of(1, num_clips=2, num_frames=50), clips_of(1, num_clips=1)):
        assert SharedFrames.of(clips, model.backbone) is None
    assert SharedFrames.of(clips_of(1), model.train().backbone) is None


def test_several_training_views_count_as_samples_with_their_clips_label(model):
    imgs, label, emb = torch.rand(2, 3, 3, 4, 16, 16), torch.tensor([1, 4]), torch.randn(2, 6)
    ours = model(imgs=imgs, label=label, emb=emb)
    apart = model(
        imgs=imgs.flatten(0, 1)[:, None],
        label=label.repeat_interleave(3),
        emb=emb.repeat_interleave(3, 0),
    )
    torch.testing.assert_close(ours, apart)


def test_the_interface_is_pyskls(model):
    imgs = torch.rand(2, 1, 3, 4, 16, 16)
    cls_score, emb_score = model.cls_head(model.extract_feat(imgs.flatten(0, 1)))
    assert cls_score.shape == (2, 5) and emb_score.shape == (2, 6)
    scores = model(imgs=imgs, return_loss=False, frame_dir=['a', 'b'])
    assert isinstance(scores, np.ndarray) and scores.dtype == np.float32
    np.testing.assert_array_equal(model.forward_test(imgs), scores)
    np.testing.assert_allclose(scores.sum(1), 1, atol=1e-6)


def test_the_input_stage_draws_in_autocasts_dtype(model):
    seen = []
    model.backbone.conv1.register_forward_pre_hook(lambda layer, args: seen.append(args[0]))
    with torch.autocast('cpu', torch.bfloat16):
        model.predict({'imgs': clips_of()})['score']
    assert all(
        x.dtype == torch.bfloat16 and x.is_contiguous(memory_format=torch.channels_last_3d)
        for x in seen
    )


def test_training_under_autocast_gives_float32_gradients_close_to_float32s():
    torch.manual_seed(0)
    imgs, label, emb = torch.rand(2, 1, 3, 4, 16, 16), torch.tensor([1, 4]), torch.randn(2, 6)
    model = fill(build_model(small(head=dict(dropout=0.0)))).train()
    found = []
    for halved in (True, False):
        model.zero_grad()
        with torch.autocast('cpu', torch.bfloat16, enabled=halved):
            losses = model(imgs=imgs, label=label, emb=emb)
        (losses['loss_cls'] + losses['loss_emb']).backward()
        assert all(p.grad.dtype == torch.float32 for p in model.parameters())
        grad = model.backbone.layer3[0].conv1.conv.weight.grad.flatten().clone()
        found.append((losses['loss_emb'].item(), grad))
    (rough, ours), (exact, theirs) = found
    assert rough == pytest.approx(exact, rel=0.02)
    assert torch.nn.functional.cosine_similarity(ours, theirs, dim=0) > 0.95


@pytest.mark.parametrize(
    'change, message',
    [
        (dict(test_cfg=dict(average_clip='prob')), 'Did you mean average_clips'),
        (dict(test_cfg=dict(average_clips='mean')), 'Known: prob, score'),
        (dict(test_cfg=dict(max_testing_views=0)), 'max_testing_views = 0'),
        (dict(train_cfg=dict(aux_info=['emb'])), 'train_cfg'),
        (dict(cls_head=dict(type='I3DHead', in_channels=512, num_classes=5)), 'Set in_channels=64'),
        (
            dict(cls_head=dict(type='I3DHead', in_channels=64, num_classes=5, dropout_ratio=0.5)),
            'dropout_ratio',
        ),
        (dict(backbone=dict(type='ResNet3dSlowOnly', depth=51)), '50 or 101'),
        (
            dict(backbone=dict(type='ResNet3dSlowOnly', basechannels=8)),
            'Did you mean base_channels',
        ),
    ],
)
def test_a_mistake_in_the_config_is_named(change, message):
    with pytest.raises(ConfigError, match=message):
        build_model(small() | change)


class Sketch(Backbone):
    """A user's network: what it says of itself, and the axes that pool() averages."""

    def __init__(self, attributes: dict, axes: list):
        super().__init__()
        self.axes = axes
        self.layer = torch.nn.Conv3d(3, 4, 1)
        for name, value in attributes.items():
            setattr(self, name, value)

    def forward(self, imgs):
        return self.layer(imgs)

    def pool(self, features):
        return features.mean(self.axes)


@pytest.mark.parametrize(
    ('attributes', 'axes', 'words'),
    [
        ({'in_channels': 3}, [2, 3, 4], 'Sketch.*has no num_features'),
        ({'num_features': 4}, [2, 3, 4], 'Sketch.*has no in_channels'),
        ({'in_channels': 3, 'num_features': 4}, [3, 4], r'of shape \(2, 4, 4\).*\(N, D\)'),
    ],
)
def test_what_a_users_backbone_lacks_is_named(attributes, axes, words):
    backbone = dict(type=Sketch, attributes=attributes, axes=axes)
    head = dict(type='I3DHead', in_channels=4, num_classes=5, loss_emb=None)
    with pytest.raises(ConfigError, match=words):
        build_model(small() | dict(backbone=backbone, cls_head=head))(
            imgs=torch.rand(2, 1, 3, 4, 8, 8), label=torch.tensor([1, 2])
        )


@pytest.mark.parametrize(
    ('answer', 'words'),
    [
        (lambda scores, label: scores.mean(1), r'loss_cls has shape \(2,\)'),
        (lambda scores, label: None, 'loss_cls is a NoneType'),
        (lambda scores, label: {'loss': scores.mean()}, 'loss_cls is a dict'),
    ],
)
def test_a_loss_that_is_no_number_is_named(model, answer, words):
    model.cls_head.loss_cls = torch.nn.Module()
    model.cls_head.loss_cls.forward = answer
    imgs, emb = torch.rand(2, 1, 3, 4, 16, 16), torch.zeros(2, 6)
    batch = dict(imgs=imgs, label=torch.tensor([1, 4]), emb=emb)
    with pytest.raises(ConfigError, match=words):
        compute_losses(model, batch, torch.device('cpu'))


def test_training_without_labels_says_what_to_collect(model):
    with pytest.raises(ConfigError, match="'label'"):
        model(imgs=torch.rand(1, 1, 3, 4, 16, 16))


@pytest.mark.parametrize('prefix', ['module.backbone.', 'backbone.', ''])
@pytest.mark.parametrize('bare', [False, True])
def test_a_backbone_starts_from_a_checkpoint_of_any_of_these_kinds(model, tmp_path, prefix, bare):
    own = model.backbone.state_dict()
    state, path = {prefix + key: value for key, value in own.items()}, tmp_path / 'start.pth'
    meta = dict(epoch=1, best=np.float64(0.5))
    torch.save(state if bare else dict(meta=meta, state_dict=state), path)
    started = build_model(small(dict(pretrained=str(path)))).backbone.state_dict()
    assert all(torch.equal(started[key], value) for key, value in own.items())


class Runs:
    def __reduce__(self):
        return print, ('executed',)


@pytest.mark.parametrize(
    'content, message',
    [
        (None, 'no such checkpoint'),
        (b'torn', 'cannot be read'),
        (dict(state_dict=Runs()), 'cannot be read'),
        (dict(a=1), 'holds no weights'),
        (dict(state_dict={'conv1.weight': torch.zeros(8, 3, 7, 7)}), 'holds a 2-D network'),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_named(tmp_path, capsys, content, message):
    path = tmp_path / 'start.pth'
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with pytest.raises(CheckpointError, match=message) as error:
        build_model(small(dict(pretrained=str(path))))
    assert str(path) in str(error.value) and 'executed' not in capsys.readouterr().out


@pytest.mark.parametrize('num_clips', [1, 10])
def test_a_compiled_backbone_is_used_by_every_way_of_testing(model, num_clips):
    """Sharing frames calls two parts of the network apart."""
    import torch._dynamo

    graphs, clips = [], clips_of(1, num_clips, num_frames=8)
    plain = model.predict({'imgs': clips})['score']
    torch._dynamo.reset()
    model.backbone.compile(backend=lambda graph, _: graphs.append(graph) or graph.forward)
    torch.testing.assert_close(model.predict({'imgs': clips})['score'], plain)
    assert graphs


@pytest.mark.parametrize('drawn', [False, True])
def test_no_more_volumes_at_once_than_asked_for_however_large_the_batch(model, drawn, monkeypatch):
    clips = clips_of(7, 1)
    imgs = clips.draw() if drawn else clips
    plain, seen = model.predict({'imgs': imgs})['score'], []
    forward = model.extract_feat
    monkeypatch.setattr(model, 'extract_feat', lambda x: seen.append(len(x)) or forward(x))
    model.test_cfg = replace(model.test_cfg, max_testing_views=2)
    torch.testing.assert_close(model.predict({'imgs': imgs})['score'], plain)
    assert seen == [2, 2, 2, 1]
