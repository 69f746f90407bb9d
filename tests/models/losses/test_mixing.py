"""Mixup and CutMix of volumes: mixed inputs, labels that match, repeatable random numbers."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from published_model import small
from recipe_weights import fill

from pyskl.errors import ConfigError, DataError
from pyskl.models import build_model, speed_up
from pyskl.models.mixing import Mix, TrainSettings, draw_box, draw_mix

SHAPE = torch.Size((4, 3, 6, 8, 10))
CPU = torch.device('cpu')


def drawn(seed=0, **how):
    torch.manual_seed(seed)
    return draw_mix(TrainSettings(**how), SHAPE, CPU)


def test_mixup_blends_each_clip_with_its_partner():
    volume, mix = torch.rand(SHAPE), drawn(mixup=1.0)
    mixed = mix.of_volumes(volume)
    for i, j in enumerate(mix.partner):
        torch.testing.assert_close(mixed[i], mix.share * volume[i] + (1 - mix.share) * volume[j])
    assert 0 < mix.share < 1 and sorted(mix.partner.tolist()) == [0, 1, 2, 3]


@pytest.mark.parametrize('seed', range(20))
def test_cutmix_takes_a_box_and_the_label_as_far_as_the_box_goes(seed):
    """Clip i is full of i, so other values come from the partner; their share is the label's."""
    volume = torch.arange(4.0)[:, None, None, None, None].expand(SHAPE)
    mix = drawn(seed, cutmix=1.0)
    mixed = mix.of_volumes(volume)
    own = torch.eye(4)
    label = mix.of_rows(own)
    for i, j in enumerate(mix.partner.tolist()):
        assert set(mixed[i].unique().tolist()) <= {float(i), float(j)}
        for k in range(4):
            assert label[i, k] == pytest.approx((mixed[i] == k).float().mean().item(), abs=1e-6)
    assert torch.equal(volume[:, 0, 0, 0, 0], torch.arange(4.0))  # the batch is left alone


@settings(deadline=None)
@given(
    st.tuples(st.integers(1, 50), st.integers(1, 60), st.integers(1, 60)),
    st.floats(0, 1),
    st.integers(0, 2**31),
)
def test_a_box_lies_in_the_volume(size, share, seed):
    torch.manual_seed(seed)
    box = draw_box(torch.Size(size), share)
    for side, length in zip(box, size):
        assert 0 <= side.start <= side.stop <= length
        assert side.stop - side.start <= (1 - share) ** (1 / 3) * length + 1


def test_a_box_in_the_middle_of_a_large_volume_has_the_share_asked_for():
    sizes = []
    for seed in range(200):
        torch.manual_seed(seed)
        sides = [s.stop - s.start for s in draw_box(torch.Size((100, 100, 100)), 0.9)]
        sizes.append(np.prod(sides) / 1e6)
    assert max(sizes) == pytest.approx(0.1, rel=0.05)  # boxes at an edge are cut off


def test_the_same_seed_draws_the_same_and_prob_says_how_often():
    for how in (dict(mixup=0.2), dict(cutmix=1.0), dict(mixup=0.2, cutmix=1.0)):
        a, b = drawn(3, **how), drawn(3, **how)
        assert torch.equal(a.partner, b.partner) and (a.share, a.box) == (b.share, b.box)
    mixed = [drawn(seed, mixup=0.2, cutmix=1.0, prob=0.5) for seed in range(400)]
    assert 160 < sum(m is not None for m in mixed) < 240
    assert 60 < sum(m is not None and m.box is not None for m in mixed) < 140


def test_without_mixing_no_random_number_is_drawn():
    torch.manual_seed(5)
    expected = torch.rand(3)
    assert drawn(5) is None
    assert torch.equal(torch.rand(3), expected)


def model_with(**train_cfg):
    return build_model(small() | dict(train_cfg=train_cfg))


def batch(*label):
    torch.manual_seed(0)
    imgs, emb = torch.rand(2, 1, 3, 4, 16, 16), torch.randn(2, 6)
    return dict(imgs=imgs, label=torch.tensor(label), emb=emb)


def test_training_on_a_mixed_batch_is_training_on_what_was_mixed_by_hand(monkeypatch):
    mixes = [Mix(torch.tensor([1, 0]), 0.3, None), None, None]
    model, given = fill(model_with(mixup=0.2)).eval(), batch([1], [4])
    monkeypatch.setattr('pyskl.models.recognizers.views.draw_mix', lambda *args: mixes.pop(0))
    ours = model(given)
    shares = torch.zeros(2, 5)
    shares[0, [1, 4]], shares[1, [4, 1]] = torch.tensor([0.3, 0.7]), torch.tensor([0.3, 0.7])
    mixed = {key: 0.3 * given[key] + 0.7 * given[key].flip(0) for key in ('imgs', 'emb')}
    torch.testing.assert_close(ours, model({**mixed, 'label': shares}))
    plain = model({**mixed, 'label': given['label'].flip(0)})
    assert ours['top1_acc'] == plain['top1_acc']  # against the class with the larger share


def test_mixed_volumes_reach_the_network_in_its_memory_layout():
    model, seen = speed_up(model_with(cutmix=1.0)).train(), []
    model.backbone.conv1.register_forward_pre_hook(lambda layer, args: seen.append(args[0]))
    model(batch(1, 4))
    assert seen[0].is_contiguous(memory_format=torch.channels_last_3d)


def test_a_label_that_is_no_class_is_named_before_it_is_mixed():
    with pytest.raises(DataError, match='label 5: expected 0 to 4'):
        model_with(mixup=0.2)(batch(0, 5))


@pytest.mark.parametrize(
    'train_cfg, message',
    [
        (dict(mixups=0.2), 'Did you mean mixup'),
        (dict(mixup='0.2'), 'expected a number'),
        (dict(mixup=-0.1), r'train_cfg\.mixup = -0\.1'),
        (dict(cutmix=float('inf')), r'train_cfg\.cutmix'),
        (dict(mixup=0.2, prob=0.0), r'train_cfg\.prob'),
        (dict(prob=0.5), 'does nothing'),
    ],
)
def test_a_wrong_train_cfg_is_named(train_cfg, message):
    with pytest.raises(ConfigError, match=message):
        model_with(**train_cfg)
