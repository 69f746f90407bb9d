"""Head and losses: what is computed, and what is said when the batch does not fit."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from published_model import small

from pyskl.errors import ConfigError, DataError
from pyskl.evaluation import top_k_accuracy
from pyskl.models import build_model
from pyskl.models.losses import CrossEntropyLoss, MseLoss, topk_accuracies

SCORES = torch.tensor([[2.0, 1.0, 0.0], [0.0, 3.0, 1.0], [1.0, 1.0, 1.0]])
LABELS = torch.tensor([0, 2, 1])


@pytest.mark.parametrize('class_weight', [None, [1.0, 2.0, 4.0]])
def test_label_smoothing_moves_the_target_and_really_acts(class_weight):
    loss = CrossEntropyLoss(label_smooth_eps=0.3, class_weight=class_weight)
    target = F.one_hot(LABELS, 3) * 0.7 + 0.1
    weight = torch.tensor(class_weight or [1.0, 1.0, 1.0])
    by_hand = -(weight * target * torch.log_softmax(SCORES, 1)).sum() / weight[LABELS].sum()
    assert loss(SCORES, LABELS).item() == pytest.approx(by_hand.item())
    assert loss(SCORES, LABELS).item() != pytest.approx(
        CrossEntropyLoss(class_weight=class_weight)(SCORES, LABELS).item(), rel=1e-3
    )
    head = build_model(small(head=dict(label_smooth_eps=0.3))).cls_head
    assert head.loss_cls.label_smooth_eps == 0.3


def test_the_embedding_loss_weighs_20_by_default():
    a, b = torch.zeros(2, 3), torch.full((2, 3), 0.5)
    assert MseLoss()(a, b).item() == pytest.approx(20 * 0.25)
    assert MseLoss(loss_weight=1.0)(a, b).item() == pytest.approx(0.25)


@settings(deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 30), st.integers(2, 8))
def test_accuracies_break_ties_as_the_evaluation_does(seed, num, classes):
    rng = np.random.default_rng(seed)
    scores, labels = (
        rng.integers(0, 3, (num, classes)).astype(np.float32),
        rng.integers(0, classes, num),
    )
    ours = topk_accuracies(torch.from_numpy(scores), torch.from_numpy(labels), (1, 2, 5))
    assert list(ours) == ['top1_acc', 'top2_acc', 'top5_acc']
    np.testing.assert_allclose(
        list(ours.values()), top_k_accuracy(scores, labels, (1, 2, 5)), atol=1e-6
    )


def test_nan_scores_count_as_wrong():
    scores = torch.tensor([[float('nan'), 1.0, 0.0], [0.0, float('nan'), 1.0]])
    assert topk_accuracies(scores, torch.tensor([0, 2]), (1,))['top1_acc'] == 0


def test_the_embedding_sees_no_dropout():
    head = build_model(small()).cls_head.train()
    feat = torch.rand(2, 64, 2, 2, 2)
    (scores, emb), (scores2, emb2) = head(feat), head(feat)
    assert torch.equal(emb, emb2) and not torch.equal(scores, scores2)
    torch.testing.assert_close(emb, head.emb_fc(feat.mean((2, 3, 4))))


def test_without_an_embedding_loss_there_is_no_embedding_head():
    model = build_model(small(head=dict(loss_emb=None)))
    assert not any('emb_fc' in key for key in model.state_dict())
    losses = model(imgs=torch.rand(2, 1, 3, 4, 16, 16), label=torch.tensor([0, 1]))
    assert list(losses) == ['top1_acc', 'top5_acc', 'loss_cls']
    assert model.cls_head(torch.rand(1, 64, 1, 1, 1))[1] is None


@pytest.mark.parametrize(
    'label, emb, kind, message',
    [
        ([0, 5], torch.zeros(2, 6), DataError, 'label 5: expected 0 to 4'),
        ([-1, 0], torch.zeros(2, 6), DataError, 'label -1'),
        ([0, 1], None, ConfigError, 'loss_emb=None'),
        ([0, 1], torch.zeros(2, 7), ConfigError, 'emb_dim = 6'),
    ],
)
def test_a_batch_that_does_not_fit_is_named(label, emb, kind, message):
    with pytest.raises(kind, match=message):
        build_model(small())(
            imgs=torch.rand(2, 1, 3, 2, 16, 16), label=torch.tensor(label), emb=emb
        )
