"""Heads of pictures against PYSKL's numbers, and where upstream's heads cannot run."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from graph_goldens import fill, state_dict_lines
from recognizer_goldens import golden, golden_input

from pyskl.errors import ConfigError
from pyskl.models import HEADS

PLAIN = dict(num_classes=5, in_channels=8, loss_emb=None)
LABELS = torch.tensor([1, 4, 0])


def filled_head(**cfg):
    head = fill(HEADS.build({**PLAIN, **cfg})).double()
    for module in head.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return head


def assert_pass(name, head, inputs, labels, weights=None):
    """Assert scores, losses, accuracies and gradients of a head on its inputs."""
    expected = golden(f'head/{name}')
    inputs = [x.requires_grad_() for x in inputs]
    scores, _ = head(inputs[0] if len(inputs) == 1 else inputs)
    losses = head.loss(scores, labels)
    total = sum(value for key, value in losses.items() if 'loss' in key)
    total.backward()
    named = scores if isinstance(scores, dict) else {'': scores}
    for key, own in named.items():
        field = f'scores_{key}' if key else 'scores'
        np.testing.assert_allclose(own.detach(), expected[field], rtol=1e-9)
    figures = {k: float(v) for k, v in expected.items() if k.endswith(('_acc', 'loss_cls'))}
    for key, weight in (weights or {}).items():  # applied by PYSKL's recognizer, here by the head
        figures[key] *= weight
    assert {k: float(losses[k].detach()) for k in figures} == pytest.approx(figures, rel=1e-6)
    assert float(total.detach()) == pytest.approx(float(expected['total']), rel=1e-12)
    norms = [float(head.get_parameter(k).grad.norm()) for k in expected['grad_names']]
    np.testing.assert_allclose(norms, expected['grad_norms'], rtol=1e-9)
    norms = [float(x.grad.norm()) for x in inputs]
    np.testing.assert_allclose(norms, expected['input_grad_norms'], rtol=1e-9)


def test_rgbpose_head_is_pyskls():
    head = filled_head(type='RGBPoseHead', in_channels=[8, 4], loss_weights=[1, 0.5])
    inputs = [golden_input((3, 8, 2, 4, 4)), golden_input((3, 4, 8, 2, 2), 8)]
    assert_pass('RGBPoseHead', head, inputs, LABELS, {'pose_loss_cls': 0.5})
    keys = [line.split('\t')[0] for line in state_dict_lines(head)]
    assert keys == ['fc_rgb.weight', 'fc_rgb.bias', 'fc_pose.weight', 'fc_pose.bias']


@pytest.mark.parametrize(
    ('name', 'cfg', 'shape', 'labels'),
    [
        ('SimpleHead_2D', dict(type='TSNHead'), (3, 4, 8, 3, 3), LABELS),
        ('GCNHead', dict(type='GCNHead'), (3, 2, 8, 4, 6), LABELS),
        ('I3DHead', dict(type='I3DHead', num_classes=7), (3, 8, 2, 4, 4), LABELS),
        ('I3DHead_one_clip_scalar_label', dict(type='I3DHead'), (1, 8, 2, 4, 4), torch.tensor(3)),
        ('I3DHead_soft_label', dict(type='I3DHead'), (3, 8, 2, 4, 4), 'soft'),
        (
            'I3DHead_one_clip_vector_label',
            dict(type='I3DHead', multi_class=True, loss_cls=dict(type='BCELossWithLogits')),
            (1, 8, 2, 4, 4),
            'multi',
        ),
    ],
)
def test_a_head_of_one_answer_is_pyskls(name, cfg, shape, labels):
    if isinstance(labels, str):
        labels = torch.from_numpy(golden('input')[labels])
    assert_pass(
        name, filled_head(**cfg), [golden_input(shape)], labels[0] if 'vector' in name else labels
    )


def test_slowfast_head_pools_both_pathways_and_puts_the_slow_one_first():
    pathways = golden_input((3, 6, 2, 4, 4)), golden_input((3, 2, 8, 4, 4), 8)
    head = filled_head(type='SlowFastHead')
    pooled = torch.cat([x.mean((2, 3, 4)) for x in pathways], 1)
    assert torch.equal(head(pathways)[0], head(pooled)[0])
    assert_pass('SlowFastHead_pooled', head, [pooled], LABELS)


def rgbpose(**cfg):
    torch.manual_seed(0)
    return HEADS.build(
        {**PLAIN, 'type': 'RGBPoseHead', 'in_channels': (8, 4), **cfg}, 'model.cls_head'
    )


def features():
    torch.manual_seed(1)
    return torch.randn(3, 8), torch.randn(3, 4)


def test_one_loss_weight_holds_for_both_answers():
    heads = [rgbpose(loss_weights=weights, dropout=0) for weights in (2, 2.0, [2, 2])]
    losses = [head.loss(head(features())[0], LABELS) for head in heads]
    assert losses[0] == losses[1] == losses[2]


def test_a_component_alone_is_trained_and_both_answer():
    head = rgbpose(loss_components=['pose'], dropout={'rgb': 0.3, 'pose': 0})
    scores, _ = head(features())
    assert set(scores) == {'rgb', 'pose'}
    assert set(head.loss(scores, LABELS)) == {'pose_top1_acc', 'pose_top5_acc', 'pose_loss_cls'}
    assert (head.dropout_rgb.p, head.dropout_pose.p) == (0.3, 0)


VECTORS = np.random.RandomState(0).standard_normal((5, 6)).astype(np.float32)


def embedding_head(**cfg):
    head = rgbpose(emb_dim=6, loss_emb=dict(type='MseLoss'), **cfg)
    head.learn_labels(np.array([9, 5, 1, 2, 3]), VECTORS)
    return head.eval()


def test_each_answer_learns_the_semantic_embedding_by_its_weight():
    head = embedding_head(loss_weights=[1, 0.5])
    scores, embeddings = head(features())
    losses = head.loss(scores, LABELS, embeddings)
    target = torch.from_numpy(VECTORS)[LABELS]
    for name, weight in (('rgb', 1), ('pose', 0.5)):
        expected = weight * 20 * ((embeddings[name] - target) ** 2).mean()
        torch.testing.assert_close(losses[f'{name}_loss_emb'], expected)
    assert {k for k in head.state_dict() if 'emb' in k} == {
        *('emb_fc_rgb.weight', 'emb_fc_rgb.bias', 'emb_fc_pose.weight', 'emb_fc_pose.bias')
    }


def test_the_config_says_which_answer_has_an_embedding():
    head = embedding_head(emb_components=['pose'])
    scores, embeddings = head(features())
    assert set(embeddings) == {'pose'} and head.embedded_answers == ('pose',)
    assert 'rgb_loss_emb' not in head.loss(scores, LABELS, embeddings)


@pytest.mark.parametrize('loss', ['LogitAdjustedLoss', 'FocalLoss', 'CrossEntropyLoss'])
def test_both_answers_are_balanced_by_the_class_counts(loss):
    weigh = {} if loss == 'LogitAdjustedLoss' else {'class_weight': 'effective'}
    head = embedding_head(loss_cls=dict(type=loss, **weigh), emb_components=['rgb'])
    assert head.needs_counts
    scores, embeddings = head(features())
    losses = head.loss(scores, LABELS, embeddings)
    for name in ('rgb', 'pose'):
        expected = head.loss_cls(scores[name], LABELS)
        torch.testing.assert_close(losses[f'{name}_loss_cls'], expected)


@pytest.mark.parametrize(
    'cfg',
    [
        dict(loss_weights=[1, 2, 3]),
        dict(loss_components=[]),
        dict(loss_components=['rgb', 'rgb']),
        dict(loss_components=['flow']),
        dict(dropout={'rgb': 0.5}),
        dict(dropout=1.5),
        dict(in_channels=8),
        dict(in_channels=(8, 4, 2)),
        dict(loss_emb=None, emb_components=['rgb']),
        dict(loss_components=['rgb'], emb_components=['pose']),
    ],
)
def test_settings_that_contradict_are_refused(cfg):
    with pytest.raises(ConfigError, match='cls_head|RGBPoseHead'):
        rgbpose(**{'loss_emb': dict(type='MseLoss'), **cfg})


def test_features_that_are_no_pair_are_named():
    with pytest.raises(ConfigError, match='RGBPoseConv3D'):
        rgbpose()(torch.randn(3, 8))


@pytest.mark.parametrize('name', ['I3DHead', 'GCNHead', 'TSNHead', 'SlowFastHead'])
def test_a_head_of_one_mode_refuses_another(name):
    mode = 'GCN' if name != 'GCNHead' else '2D'
    with pytest.raises(ConfigError, match='mode'):
        HEADS.build({**PLAIN, 'type': name, 'mode': mode})
