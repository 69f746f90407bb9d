"""Losses for long-tailed classes and embeddings: by hand, against slow twins, and special cases."""

import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from published_model import small
from tiny import ROOT, run
from torch.testing import assert_close

from pyskl.errors import ConfigError
from pyskl.models import build_model
from pyskl.models.losses import (
    ContrastiveLoss,
    CosineLoss,
    CrossEntropyLoss,
    FocalLoss,
    LogitAdjustedLoss,
)
from pyskl.models.losses.class_weights import effective_weights, sqrt_weights

COUNTS = np.array([100, 10, 1, 0])
SCORES = torch.tensor(
    [[2.0, 1.0, 0.0, -1.0], [0.0, 3.0, 1.0, 0.5], [1.0, 1.0, 1.0, 1.0], [-2.0, 0.3, 0.1, 4.0]]
)
LABELS = torch.tensor([0, 2, 1, 2])
ALL = {
    'plain': lambda: CrossEntropyLoss(),
    'list': lambda: CrossEntropyLoss(class_weight=[1, 2, 4, 8]),
    'effective': lambda: CrossEntropyLoss(class_weight='effective', beta=0.9),
    'sqrt': lambda: CrossEntropyLoss(class_weight='sqrt'),
    'smooth': lambda: CrossEntropyLoss(class_weight='sqrt', label_smooth_eps=0.2),
    'focal': lambda: FocalLoss(),
    'focal weighed': lambda: FocalLoss(gamma=0.5, class_weight='sqrt', label_smooth_eps=0.1),
    'adjusted': lambda: LogitAdjustedLoss(),
    'adjusted smooth': lambda: LogitAdjustedLoss(tau=0.5, label_smooth_eps=0.1),
}
every_loss = pytest.mark.parametrize('name', ALL)


def told(loss, counts=COUNTS, table=None):
    loss.learn_labels(counts, table)
    return loss


# -- weights of classes ----------------------------------------------------------------------------


def test_effective_weights_are_one_over_the_sum_of_a_geometric_series():
    """The effective number of n clips is 1 + beta + ... + beta ** (n - 1), of 0 clips 1."""
    beta = 0.99
    inverse = np.array([1 / sum(beta**i for i in range(max(1, n))) for n in COUNTS])
    np.testing.assert_allclose(effective_weights(COUNTS, beta), inverse / inverse.mean(), rtol=1e-9)


def test_beta_leads_from_no_weights_to_the_inverse_count():
    np.testing.assert_array_equal(effective_weights(COUNTS, 0.0), 1)
    inverse = 1 / np.array([100, 10, 1, 1])
    np.testing.assert_allclose(
        effective_weights(COUNTS, 1 - 1e-9), inverse / inverse.mean(), rtol=1e-5
    )


@given(
    hnp.arrays(np.int64, st.integers(1, 40), elements=st.integers(0, 10**7)), st.floats(0, 0.99999)
)
def test_weights_fall_with_the_count_are_finite_and_have_mean_one(counts, beta):
    for weights in (effective_weights(counts, beta), sqrt_weights(counts)):
        assert np.isfinite(weights).all() and (weights > 0).all()
        assert weights.mean() == pytest.approx(1)
        assert (np.diff(weights[np.argsort(counts)]) <= 1e-12).all()


def test_sqrt_weights_reach_the_loss():
    weight = (1 / np.sqrt([100, 10, 1, 1])).tolist()
    expected = CrossEntropyLoss(class_weight=weight)(SCORES, LABELS)
    assert_close(told(CrossEntropyLoss(class_weight='sqrt'))(SCORES, LABELS), expected)


# -- all losses on classes -------------------------------------------------------------------------


@every_loss
def test_a_label_as_shares_of_classes_is_the_label(name):
    loss = told(ALL[name]())
    assert_close(loss(SCORES, F.one_hot(LABELS, 4)), loss(SCORES, LABELS))
    assert not loss.state_dict() and not list(loss.parameters())


@every_loss
def test_half_a_label_and_half_another_pull_away_from_all_others(name):
    scores = torch.zeros(1, 4, requires_grad=True)
    told(ALL[name]())(scores, torch.tensor([[0.5, 0.5, 0.0, 0.0]])).backward()
    assert scores.grad.isfinite().all()
    assert scores.grad[0, :2].sum() < 0 and (scores.grad[0, 2:] > 0).all()


@every_loss
def test_sure_scores_give_finite_losses_and_gradients(name):
    for value in (0.0, 80.0, 1e4):
        scores = (F.one_hot(LABELS, 4) * value).requires_grad_()
        loss = told(ALL[name]())(scores, LABELS)
        loss.backward()
        assert loss.isfinite() and scores.grad.isfinite().all()


TWO_RANKS = """
import torch, torch.distributed as dist
from pyskl.models.losses import CrossEntropyLoss, FocalLoss
dist.init_process_group('gloo')
rank, scores = dist.get_rank(), torch.arange(24.).view(6, 4).sin()
labels = torch.tensor([0, 1, 1, 3, 3, 3])
for make in (CrossEntropyLoss, FocalLoss):
    for label in (labels, torch.eye(4)[labels]):
        part = scores[3 * rank:3 * rank + 3].clone().requires_grad_()
        loss = make(class_weight=[1., 2., 4., 8.])(part, label[3 * rank:3 * rank + 3])
        loss.backward()
        gathered = [torch.zeros(3, 4) for _ in range(2)]
        dist.all_gather(gathered, part.grad / 2)            # as DistributedDataParallel averages
        if rank == 0:
            print(torch.cat(gathered).flatten().tolist())
dist.destroy_process_group()
"""


@pytest.mark.slow
def test_two_ranks_weigh_classes_as_one_with_all_clips_would(tmp_path):
    (tmp_path / 'two.py').write_text(TWO_RANKS)
    done = run(tmp_path / 'two.py', cwd=ROOT, processes=2)
    assert done.returncode == 0, done.stderr
    found = [
        torch.tensor(json.loads(line)).view(6, 4)
        for line in done.stdout.splitlines()
        if line.startswith('[')
    ]
    labels = torch.tensor([0, 1, 1, 3, 3, 3])
    expected = []
    for make in (CrossEntropyLoss, FocalLoss):
        for label in (labels, torch.eye(4)[labels]):
            scores = torch.arange(24.0).view(6, 4).sin().requires_grad_()
            make(class_weight=[1.0, 2.0, 4.0, 8.0])(scores, label).backward()
            expected.append(scores.grad)
    assert_close(found, expected)


@pytest.mark.parametrize(
    'loss',
    [
        CrossEntropyLoss(class_weight='effective'),
        FocalLoss(class_weight='sqrt'),
        LogitAdjustedLoss(),
    ],
)
def test_missing_class_counts_are_an_error(loss):
    assert loss.needs_counts
    for label in (LABELS, F.one_hot(LABELS, 4).float()):
        loss.learn_labels(None, None)
        with pytest.raises(ConfigError, match='training clips of each class.*learn_labels'):
            loss(SCORES, label)


# -- focal loss ------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.integers(0, 2**31), st.floats(0.1, 5), st.booleans())
def test_focal_loss_equals_one_clip_at_a_time(seed, gamma, weighed):
    scores = torch.randn(6, 4, generator=torch.Generator().manual_seed(seed))
    labels, weight = [0, 1, 2, 3, 0, 1], [1.0, 2.0, 4.0, 0.5] if weighed else [1.0] * 4
    total = torch.tensor(0.0)
    for row, label in zip(scores, labels):
        p = row.softmax(0)[label]
        total += weight[label] * -((1 - p) ** gamma) * p.log()
    loss = FocalLoss(gamma=gamma, class_weight=weight if weighed else None)
    expected = total / sum(weight[label] for label in labels)
    assert_close(loss(scores, torch.tensor(labels)), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize('weights', [{}, dict(class_weight=[1, 2, 4, 8])])
@pytest.mark.parametrize('smooth', [0.0, 0.2])
def test_focal_loss_with_gamma_zero_is_cross_entropy(weights, smooth):
    options = dict(loss_weight=3.0, label_smooth_eps=smooth, **weights)
    expected = CrossEntropyLoss(**options)(SCORES, LABELS)
    assert_close(FocalLoss(gamma=0.0, **options)(SCORES, LABELS), expected)


# -- logit adjustment ------------------------------------------------------------------------------


def test_logit_adjustment_is_cross_entropy_of_scores_plus_the_log_of_the_shares():
    prior = torch.tensor([100, 10, 1, 1.0]) / 112
    for tau in (0.0, 0.5, 1.0):
        by_hand = F.cross_entropy(SCORES + tau * prior.log(), LABELS)
        assert_close(told(LogitAdjustedLoss(tau=tau))(SCORES, LABELS), by_hand)


# -- embeddings ------------------------------------------------------------------------------------


def test_the_cosine_loss_sees_angles_only():
    a, b = torch.tensor([[1.0, 0.0], [0.0, 2.0]]), torch.tensor([[5.0, 0.0], [3.0, 0.0]])
    assert CosineLoss()(a, b).item() == pytest.approx(0.5)
    assert CosineLoss(loss_weight=2.0)(7 * a, b / 9).item() == pytest.approx(1.0)


def test_the_contrastive_loss_is_the_cross_entropy_of_cosines_to_all_labels():
    torch.manual_seed(0)
    table, emb = np.random.default_rng(0).normal(size=(4, 6)).astype(np.float32), torch.randn(4, 6)
    loss = told(ContrastiveLoss(loss_weight=2.0, temperature=0.2), np.ones(4, int), table)
    cosines = F.cosine_similarity(emb[:, None], torch.from_numpy(table)[None], dim=2)
    for label in (LABELS, torch.tensor([[0.5, 0.5, 0, 0]] * 4)):
        assert_close(loss(emb, label), 2 * F.cross_entropy(cosines / 0.2, label))
    assert not loss.state_dict()


def test_labels_that_are_never_trained_are_not_pushed_away():
    table, emb = torch.eye(4, 6).numpy(), torch.full((1, 6), 0.5, requires_grad=True)
    loss = told(ContrastiveLoss(), np.array([3, 0, 2, 1]), table)(emb, torch.tensor([3]))
    loss.backward()
    directions = -emb.grad[0]
    assert directions[3] > 0 and (directions[[0, 2]] < 0).all()
    assert_close(directions[1], directions[4])  # as a direction that is no label's
    three = told(ContrastiveLoss(), np.array([3, 2, 1]), table[[0, 2, 3]])
    assert_close(loss, three(emb, torch.tensor([2])), rtol=0, atol=0)


def test_the_contrastive_loss_asks_for_label_vectors():
    with pytest.raises(ConfigError, match='label_embeddings'):
        ContrastiveLoss()(torch.zeros(2, 6), torch.tensor([0, 1]))


# -- in the head -----------------------------------------------------------------------------------

TABLE = np.random.default_rng(1).normal(size=(5, 6)).astype(np.float32)


@pytest.mark.parametrize('loss_emb', ['MseLoss', 'CosineLoss', 'ContrastiveLoss'])
@pytest.mark.parametrize('loss_cls', ['FocalLoss', 'LogitAdjustedLoss'])
def test_a_head_trains_with_every_pair_of_losses(loss_cls, loss_emb):
    losses = dict(loss_cls=dict(type=loss_cls), loss_emb=dict(type=loss_emb))
    model = build_model(small(head=dict(label_smooth_eps=0.1, **losses)))
    keys = list(model.state_dict())
    model.cls_head.learn_labels(np.array([5, 4, 3, 2, 1]), TABLE)
    imgs, emb = torch.rand(2, 1, 3, 2, 16, 16), torch.from_numpy(TABLE[:2])
    losses = model(imgs=imgs, label=torch.tensor([0, 1]), emb=emb)
    (losses['loss_cls'] + losses['loss_emb']).backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())
    assert list(model.state_dict()) == keys


def test_what_is_learned_of_labels_is_on_the_device_of_the_head():
    weighed = dict(loss_cls=dict(type='CrossEntropyLoss', class_weight='sqrt'))
    head = build_model(small(head=weighed)).to('meta').cls_head
    head.learn_labels(np.arange(5), TABLE)
    assert head.loss_cls.class_weight.is_meta and head.label_vectors.is_meta


CE = dict(type='CrossEntropyLoss')


@pytest.mark.parametrize(
    'head, message',
    [
        (dict(loss_cls=dict(CE, class_weight='efective')), 'Did you mean effective'),
        (dict(loss_cls=dict(CE, class_weight='sqrt', beta=0.9)), 'beta = 0.9'),
        (dict(loss_cls=dict(CE, class_weight='effective', beta=1.0)), 'beta = 1.0'),
        (dict(loss_cls=dict(CE, class_weight=[1, 2])), 'class_weight has 2 .*num_classes = 5'),
        (dict(loss_cls=dict(CE, class_weight=[1, 2, 1, 1, -1])), 'class_weight'),
        (dict(loss_cls=dict(type='FocalLoss', gamma=-1.0)), 'gamma = -1.0'),
        (dict(loss_cls=dict(type='FocalLos')), 'Did you mean FocalLoss'),
        (dict(loss_cls=dict(type='LogitAdjustedLoss', tau=-1.0)), 'tau = -1.0'),
        (dict(loss_emb=dict(type='ContrastiveLoss', temperature=0.0)), 'temperature = 0.0'),
        (dict(label_smooth_eps=0.1, loss_cls=dict(CE, label_smooth_eps=0.3)), 'label_smooth_eps'),
    ],
)
def test_a_wrong_argument_of_a_loss_is_named(head, message):
    with pytest.raises(ConfigError, match=message):
        build_model(small(head=head))


def test_counts_and_vectors_of_another_shape_are_refused():
    head = build_model(small()).cls_head
    with pytest.raises(ConfigError, match=r'counts of shape \(4,\), expected \(5,\)'):
        head.learn_labels(np.ones(4, int), None)
    with pytest.raises(ConfigError, match=r'vectors of shape \(5, 7\), expected \(5, 6\)'):
        head.learn_labels(None, np.ones((5, 7)))
    plain = build_model(small(head=dict(loss_emb=None))).cls_head
    plain.learn_labels(None, np.ones((32, 300)))  # without embeddings, no table matters
    assert not plain.needs_counts
