"""The heads against PYSKL's numbers, and what only ours do."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from goldens import GOLDEN, needs_golden
from graph_goldens import fill

from pyskl.errors import ConfigError
from pyskl.models import HEADS

CASES = {
    'SimpleHead_3D': (dict(type='SimpleHead'), (3, 8, 2, 4, 4)),
    'SimpleHead_3D_2dim_input': (dict(type='SimpleHead'), (3, 8)),
    'SimpleHead_GCN': (dict(type='SimpleHead', mode='GCN', dropout=0), (3, 2, 8, 4, 6)),
    'SimpleHead_list_of_2dim': (dict(type='SimpleHead'), [(4, 8), (2, 8), (5, 8)]),
}


def fixed_input(shape, seed=7):
    values = 0.5 * np.random.RandomState(seed).standard_normal(shape).astype(np.float32)
    return torch.from_numpy(values).double().requires_grad_()


def head_with_weights(cfg, num_classes):
    head = HEADS.build({'num_classes': num_classes, 'in_channels': 8, 'loss_emb': None, **cfg})
    head.dropout.p = 0.0
    return fill(head).double()


@needs_golden
@pytest.mark.parametrize('name', CASES)
def test_a_head_gives_pyskls_scores_loss_and_gradients(name):
    cfg, shape = CASES[name]
    golden = np.load(GOLDEN / 'cnn' / 'parts.npz')
    expected = {
        key.rpartition('/')[2]: golden[key]
        for key in golden.files
        if key.startswith(f'head/{name}/')
    }
    head = head_with_weights(cfg, expected['scores'].shape[1])
    inputs = (
        [fixed_input(s, 7 + i) for i, s in enumerate(shape)]
        if isinstance(shape, list)
        else [fixed_input(shape)]
    )

    scores, _ = head(inputs if isinstance(shape, list) else inputs[0])
    losses = head.loss(scores, torch.tensor([1, 4, 0]))
    losses['loss_cls'].backward()

    np.testing.assert_allclose(scores.detach(), expected['scores'], atol=1e-9)
    assert float(losses['top1_acc']) == pytest.approx(expected['top1_acc'])
    assert float(losses['loss_cls']) == pytest.approx(expected['loss_cls'], rel=1e-6)
    for weight, norm in zip(expected['grad_names'], expected['grad_norms']):
        assert float(head.get_parameter(weight).grad.norm()) == pytest.approx(norm, rel=1e-5)
    norms = [float(x.grad.norm()) for x in inputs]
    np.testing.assert_allclose(norms, expected['input_grad_norms'], rtol=1e-5)


def protogcns(**settings):
    head = dict(type='SimpleHead', num_classes=6, in_channels=8, loss_emb=None)
    return HEADS.build({**head, **settings})


def test_protogcns_head_has_protogcns_defaults_and_asks_for_a_graph():
    head = protogcns(joint_cfg='nturgb+d', weight=0.3)
    assert head.mode == 'GCN' and head.dropout.p == 0
    assert head.takes_graph and head.graph_weight == 0.3
    shapes = {k: tuple(v.shape) for k, v in head.state_dict().items() if 'csc_loss' in k}
    assert shapes == {'csc_loss.cl_fc.weight': (256, 625), 'csc_loss.cl_fc.bias': (256,)}
    with pytest.raises(ConfigError, match='ProtoGCN'):
        head.loss(head(torch.randn(2, 8))[0], torch.tensor([0, 1]))


def test_a_weight_without_a_graph_is_refused():
    with pytest.raises(ConfigError, match='joint_cfg'):
        protogcns(weight=0.3)


def test_any_head_learns_the_semantic_embedding():
    head = HEADS.build(dict(type='GCNHead', num_classes=3, in_channels=8, emb_dim=5))
    head.learn_labels(None, np.eye(3, 5, dtype=np.float32))
    scores, embedding = head(torch.randn(2, 4, 8, 3, 6))
    losses = head.loss(scores, torch.tensor([0, 2]), embedding)
    expected = 20 * ((embedding - torch.eye(3, 5)[[0, 2]]) ** 2).mean()
    torch.testing.assert_close(losses['loss_emb'], expected)
