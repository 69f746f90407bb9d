"""Binary cross-entropy for several labels, alone and in the head, against upstream's numbers."""

import zlib

import numpy as np
import pytest
import torch
from goldens import SMALL

from pyskl.errors import ConfigError
from pyskl.models.heads import I3DHead
from pyskl.models.losses import BCELossWithLogits


@pytest.fixture(scope='module')
def upstream():
    with np.load(SMALL / 'several_labels' / 'upstream.npz') as data:
        return dict(data)


def weight(name, shape):
    d = np.random.RandomState(zlib.crc32(name.encode())).standard_normal(shape)
    return torch.tensor(np.float32(d / np.sqrt(np.prod(shape[1:])) if len(shape) > 1 else 0.1 * d))


@pytest.mark.parametrize(
    ('name', 'loss', 'labels', 'eps'),
    [
        ('multi_bce', dict(type='BCELossWithLogits', loss_weight=333.0), 'multi', 0.0),
        ('multi_bce_smooth0.1', dict(type='BCELossWithLogits'), 'multi', 0.1),
        ('multi_ce_smooth0.1', dict(type='CrossEntropyLoss'), 'soft', 0.1),
    ],
)
def test_a_multi_class_head_equals_upstream(upstream, name, loss, labels, eps):
    settings = dict(multi_class=True, label_smooth_eps=eps, loss_emb=None, dropout=0.0)
    head = I3DHead(5, 8, loss, **settings).double()
    head.load_state_dict({key: weight(key, t.shape) for key, t in head.state_dict().items()})
    drawn = np.float32(np.random.RandomState(7).standard_normal((3, 8, 2, 4, 4)))
    feat = torch.tensor(0.5 * drawn).double().requires_grad_()

    scores, _ = head(feat)
    losses = head.loss(scores, torch.tensor(upstream[f'input/{labels}']))
    losses['loss_cls'].backward()

    golden = {key: upstream[f'head/I3DHead_{name}/{key}'] for key in ('scores', 'loss_cls')}
    np.testing.assert_allclose(scores.detach(), golden['scores'], rtol=1e-9)
    assert list(losses) == ['loss_cls']  # no accuracies
    assert losses['loss_cls'].item() == pytest.approx(float(golden['loss_cls']), rel=1e-6)
    norms = [parameter.grad.norm().item() for parameter in head.parameters()]
    np.testing.assert_allclose(norms, upstream[f'head/I3DHead_{name}/grad_norms'], rtol=1e-5)
    of_input = upstream[f'head/I3DHead_{name}/input_grad_norms'][0]
    assert feat.grad.norm().item() == pytest.approx(of_input, rel=1e-5)


def test_class_weights_come_from_the_counts_where_asked_for():
    scores, label = torch.tensor([[2.0, -1.0]]), torch.tensor([[1.0, 0.0]])
    counted = BCELossWithLogits(class_weight='sqrt')
    with pytest.raises(ConfigError, match='number of training clips'):
        counted(scores, label)
    counted.learn_labels(np.array([1, 4]), None)
    by_hand = BCELossWithLogits(class_weight=[4 / 3, 2 / 3])
    assert counted(scores, label).item() == pytest.approx(by_hand(scores, label).item())
