"""The learning rate is the published one at every iteration."""

import json
import math

import pytest
from goldens import SMALL

from pyskl.engine.schedule import learning_rate
from pyskl.recipe import LrConfig

COSINE = LrConfig(policy='CosineAnnealing', by_epoch=False, min_lr=0)


def test_cosine_equals_the_published_table():
    table = json.loads((SMALL / 'lr_schedule.json').read_text())
    rates = {n: learning_rate(COSINE, 0.4 / 6, int(n), 50, 100) for n in table}
    assert rates == pytest.approx(table, abs=1e-15)


def test_cosine_by_epoch_changes_between_epochs_only():
    config = LrConfig(policy='CosineAnnealing', by_epoch=True, min_lr=0)
    rates = [learning_rate(config, 1.0, i, 5, 4) for i in range(20)]
    assert len(set(rates)) == 4
    assert rates[5] == pytest.approx(0.5 * (1 + math.cos(math.pi / 4)))


def test_cosine_ends_near_min_lr_ratio():
    config = LrConfig(policy='CosineAnnealing', by_epoch=False, min_lr_ratio=0.1)
    assert learning_rate(config, 2.0, 10_000, 100, 100) == pytest.approx(0.2)


@pytest.mark.parametrize(
    'epoch, expected', [(0, 1), (8, 1), (9, 0.1), (10, 0.1), (11, 0.01), (23, 0.01)]
)
def test_step_drops_at_its_epochs(epoch, expected):
    config = LrConfig(policy='step', step=[9, 11])
    assert learning_rate(config, 1.0, epoch * 7, 7, 24) == pytest.approx(expected)


@pytest.mark.parametrize('floor', [dict(min_lr=0.06), dict(min_lr_ratio=0.03)])
def test_steps_end_at_their_floor(floor):
    config = LrConfig(policy='step', step=[1, 2], **floor)
    rates = [learning_rate(config, 2.0, epoch, 1, 3) for epoch in range(3)]
    assert rates == pytest.approx([2.0, 0.2, 0.06])


def test_step_by_a_number_drops_every_so_many_epochs():
    config = LrConfig(policy='step', step=2, gamma=0.5)
    rates = [learning_rate(config, 1.0, epoch * 3, 3, 6) for epoch in range(6)]
    assert rates == [1, 1, 0.5, 0.5, 0.25, 0.25]


@pytest.mark.parametrize(
    'warmup, expected', [('linear', 0.1 + 0.9 * 0.5), ('constant', 0.1), ('exp', 0.1**0.5)]
)
def test_warmup_halfway(warmup, expected):
    config = LrConfig(policy='step', step=[100], warmup=warmup, warmup_iters=10, warmup_ratio=0.1)
    assert learning_rate(config, 1.0, 5, 100, 100) == pytest.approx(expected)
    assert learning_rate(config, 1.0, 10, 100, 100) == 1.0
