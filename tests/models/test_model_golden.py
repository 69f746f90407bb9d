"""With weights made from their names, our network gives the numbers of the published one."""

import json

import numpy as np
import pytest
import torch
from goldens import GOLDEN, SMALL, needs_golden
from published_model import published
from recipe_weights import fill, sparse_volume

from pyskl.models import build_model, fuse_conv_bn, speed_up

FIGURES = json.loads((SMALL / 'model' / 'figures.json').read_text())
OUTPUTS = np.load(SMALL / 'model' / 'outputs.npz')
LABELS = torch.tensor([3, 17, 31, 0])


KINDS = ['sped up', 'plain']


def filled(kind='sped up', dropout=None, **test_cfg):
    model = fill(build_model(published(**test_cfg)))
    if kind == 'sped up':
        speed_up(model)
    if dropout is not None:
        model.cls_head.dropout.p = dropout
    return model.eval()


def close(ours, theirs, tolerance):
    np.testing.assert_allclose(np.asarray(ours), theirs, rtol=0, atol=tolerance)


@pytest.fixture(scope='module')
def clips():
    """One sample of two clips: (2, 22, 48, 56, 56)."""
    return sparse_volume(2023, (2, 22, 48, 56, 56))


@pytest.fixture(scope='module')
def batch():
    return sparse_volume(7, (4, 1, 22, 48, 56, 56))


@pytest.fixture(scope='module', params=[*KINDS, 'plain, channels last'])
def answer(request, clips):
    """Feature, class scores and embeddings of the two clips, by plain and by fast layers."""
    model = filled(request.param)
    with torch.no_grad():
        feat = model.extract_feat(clips)
        return feat, *model.cls_head(feat)


def test_all_262_state_dict_keys_and_shapes_are_the_published_ones():
    model = build_model(published())
    shapes = [(key, list(value.shape)) for key, value in model.state_dict().items()]
    assert shapes == list(FIGURES['state_dict'].items()) and len(shapes) == 262
    assert sum(p.numel() for p in model.parameters()) == FIGURES['num_parameters'] == 2_172_236


def test_the_feature_is_the_published_one(answer):
    feat, _, _ = answer
    assert feat.shape == (2, 512, 24, 7, 7)
    close(feat[:, ::8, ::6, ::2, ::2], OUTPUTS['feat'], 5e-5)


def test_class_scores_and_embeddings_are_the_published_ones(answer):
    _, cls_score, emb_score = answer
    close(cls_score, OUTPUTS['cls_score'], 1e-5)
    close(emb_score, OUTPUTS['emb_score'], 1e-5)


@pytest.mark.parametrize(
    'kind, fused',
    [
        ('sped up', True),
        pytest.param('sped up', False, marks=pytest.mark.slow),
        pytest.param('plain', True, marks=pytest.mark.slow),
    ],
)
def test_probabilities_of_two_samples_of_two_clips_are_the_published_ones(clips, kind, fused):
    model = filled(kind)
    if fused:
        assert fuse_conv_bn(model) == 43
    close(model.forward_test(torch.stack([clips, clips * 0.5])), OUTPUTS['test_prob_2x2'], 1e-6)


class Known(torch.nn.Module):
    """A backbone whose answer is known."""

    def __init__(self, feat):
        super().__init__()
        self.feat = feat

    def forward(self, _):
        return self.feat


@pytest.mark.parametrize(
    'test_cfg, name',
    [
        (dict(average_clips='prob'), 'test_prob_2x2'),
        (dict(average_clips='score'), 'test_score_1x2'),
        (dict(average_clips=None), 'test_none_1x2'),
        (dict(feat_ext=True), 'feat_ext_1x2'),
    ],
)
def test_every_way_to_average_clips_gives_the_published_answer(answer, clips, test_cfg, name):
    model = filled(**test_cfg)
    model.backbone = Known(answer[0])
    ours = model.forward_test(clips[None])
    assert ours.dtype == np.float32 and ours.shape[1:] == OUTPUTS[name].shape[1:]
    close(ours, OUTPUTS[name][:1], 1e-6 if name == 'test_prob_2x2' else 1e-5)


@pytest.fixture(scope='module', params=KINDS)
def trained(request, batch):
    """A training pass without dropout, on targets that are sqrt(0.1) from the embeddings."""
    model = filled(request.param, dropout=0.0).train()
    emb = torch.from_numpy(OUTPUTS['train_emb_score']) + 0.1**0.5
    return model, model(imgs=batch, label=LABELS, emb=emb)


def test_losses_are_logged_apart_and_are_the_published_ones(trained):
    _, losses = trained
    assert list(losses) == ['top1_acc', 'top5_acc', 'loss_cls', 'loss_emb']
    assert all(value.ndim == 0 for value in losses.values())
    assert losses['loss_cls'].item() == pytest.approx(FIGURES['losses']['loss_cls'], abs=1e-5)
    assert losses['loss_emb'].item() == pytest.approx(20 * 0.1, abs=1e-4)
    assert (losses['top1_acc'], losses['top5_acc']) == (0.25, 0.5)


def test_batch_norm_statistics_after_one_training_pass_are_the_published_ones(trained):
    state = trained[0].state_dict()
    figures = dict(FIGURES['batch_norm'])
    batches = figures.pop('num_batches_tracked')
    assert state['backbone.conv1.bn.num_batches_tracked'] == batches == 101
    for key, figure in figures.items():
        total = state[key].double().sum().item()
        assert total == pytest.approx(figure['sum'], rel=1e-5, abs=1e-5)
        close(state[key][:3], figure['first'], 2e-6)


@needs_golden
@pytest.mark.slow
@pytest.mark.parametrize('kind', KINDS)
def test_the_whole_loss_and_every_gradient_norm_are_the_published_ones(batch, kind):
    model = filled(kind, dropout=0.0).train()
    emb = torch.from_numpy(np.load(GOLDEN / 'model' / 'targets.npy'))[LABELS]
    losses = model(imgs=batch, label=LABELS, emb=emb)
    loss = losses['loss_cls'] + losses['loss_emb']
    loss.backward()
    assert losses['loss_emb'].item() == pytest.approx(FIGURES['losses']['loss_emb'], abs=1e-5)
    assert loss.item() == pytest.approx(FIGURES['losses']['sum'], abs=1e-5)
    norms = {key: p.grad.norm().item() for key, p in model.named_parameters()}
    assert norms == pytest.approx(FIGURES['grad_norms'], rel=3e-3)
    named = FIGURES['named_grad_norms']
    assert {k: norms[k] for k in named} == pytest.approx(
        {k: FIGURES['grad_norms'][k] for k in named}, rel=1e-4
    )
    full = np.load(GOLDEN / 'model' / 'model.npz')
    first, last = model.backbone.conv1.conv, model.cls_head.fc_cls
    for layer, theirs, tolerance in (
        (first, full['grad_conv1_weight'], 1e-2),
        (last, full['grad_fc_cls_weight'], 1e-4),
    ):
        assert np.linalg.norm(layer.weight.grad - theirs) < tolerance * np.linalg.norm(theirs)


@needs_golden
@pytest.mark.slow
def test_with_dropout_and_the_published_seed_the_published_loss_comes_out(batch):
    figures = json.loads((GOLDEN / 'model' / 'model.json').read_text())['train_dropout_seed0'][
        'losses'
    ]
    model = filled().train()
    emb = torch.from_numpy(np.load(GOLDEN / 'model' / 'targets.npy'))[LABELS]
    torch.manual_seed(0)
    losses = model(imgs=batch, label=LABELS, emb=emb)
    assert (losses['loss_cls'] + losses['loss_emb']).item() == pytest.approx(
        figures['loss_cls'], abs=1e-5
    )
    assert losses['top5_acc'] == figures['top5_acc']


FIVE_STEPS = (1e-5, 1e-4, 1e-3, 5e-3, 1e-2)


@needs_golden
@pytest.mark.slow
@pytest.mark.parametrize('rows, lr', [('rows_cosine', None), ('rows_constant_lr_0.005', 0.005)])
def test_five_sgd_steps_on_drawn_clips_are_the_published_ones(rows, lr):
    from pyskl.datasets import PoseDataset

    golden = json.loads((GOLDEN / 'model' / 'train5.json').read_text())
    dataset = PoseDataset(str(GOLDEN / 'raw' / 'imigue_train.pkl'), VAL_PIPELINE, test_mode=True)
    targets = torch.from_numpy(np.load(GOLDEN / 'model' / 'targets.npy'))
    model = filled(dropout=0.0).train()
    group = {
        k: golden['optimizer_param_group'][k]
        for k in ('momentum', 'dampening', 'weight_decay', 'nesterov')
    }
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0, **group)
    first = None
    for step, (row, shown) in enumerate(zip(golden[rows], golden['imgs'])):
        samples = [dataset[4 * step + i] for i in range(4)]
        imgs, label = (
            torch.stack([s['imgs'] for s in samples]),
            torch.tensor([int(s['label']) for s in samples]),
        )
        assert list(imgs.shape) == shown['shape'] and imgs.double().sum().item() == pytest.approx(
            shown['sum'], rel=1e-5
        )
        first = imgs if first is None else first
        optimizer.param_groups[0]['lr'] = lr or row['lr']
        losses = model(imgs=imgs, label=label, emb=targets[label])
        loss = losses['loss_cls'] + losses['loss_emb']
        assert loss.item() == pytest.approx(row['loss'], abs=FIVE_STEPS[step])
        assert losses['top5_acc'] == row['top5_acc']
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if rows == 'rows_cosine':
        close(model.eval().forward_test(first), golden['eval_after5_batch0_prob'], 1e-3)
        norms = {key: value.double().norm().item() for key, value in model.state_dict().items()}
        assert norms == pytest.approx(golden['after5_norm'], rel=1e-2)


VAL_PIPELINE = [
    dict(type='UniformSampleFrames', clip_len=48, num_clips=1),
    dict(type='PoseDecode'),
    dict(type='PoseCompact', hw_ratio=1.0, allow_imgpad=True),
    dict(type='Resize', scale=(64, 64), keep_ratio=False),
    dict(type='GeneratePoseTarget', with_kp=True, with_limb=False),
    dict(type='FormatShape', input_format='NCTHW_Heatmap'),
    dict(type='Collect', keys=['imgs', 'label'], meta_keys=[]),
    dict(type='ToTensor', keys=['imgs']),
]
