"""Which clips come when: a function of (seed, epoch, rank), every clip once, no clip lost."""

import random

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pyskl.datasets import TestBatches, TrainBatches
from pyskl.datasets.loader import seed_everything, seed_sample
from pyskl.errors import ConfigError

counts, sizes, worlds = st.integers(1, 200), st.integers(1, 17), st.integers(1, 5)


def flat(batches) -> list[int]:
    return [index for batch in batches for _, index in batch]


@given(counts, sizes, worlds)
def test_test_ranks_share_the_clips_out_exactly(n, size, world):
    parts = [flat(TestBatches(n, size, rank, world)) for rank in range(world)]
    assert sorted(sum(parts, [])) == list(range(n))


@given(counts, sizes, worlds, st.integers(0, 5))
def test_training_ranks_see_every_clip_and_equally_many_batches(n, size, world, epoch):
    parts = []
    for rank in range(world):
        sampler = TrainBatches(n, size, seed=3, rank=rank, num_ranks=world)
        sampler.epoch = epoch
        batches = list(sampler)
        assert len(batches) == len(sampler)
        assert {e for batch in batches for e, _ in batch} == {epoch}
        parts.append(flat(batches))
    assert len({len(part) for part in parts}) == 1
    assert set(sum(parts, [])) == set(range(n))
    assert len(sum(parts, [])) - n < world


@given(counts, sizes, st.integers(0, 30))
def test_starting_inside_an_epoch_gives_the_rest_of_it(n, size, start):
    sampler = TrainBatches(n, size, seed=1)
    whole = list(sampler)
    sampler.start = start
    assert list(sampler) == whole[start:]


def test_epochs_and_seeds_are_shuffled_differently():
    def order(seed, epoch):
        sampler = TrainBatches(100, 100, seed=seed)
        sampler.epoch = epoch
        return flat(sampler)

    assert order(0, 0) == order(0, 0) != order(0, 1) != order(1, 1)


def test_without_shuffling_clips_come_in_order():
    assert flat(TrainBatches(10, 3, shuffle=False)) == list(range(10))


def test_class_prob_repeats_classes():
    labels = np.array([0] * 10 + [1] * 4 + [2] * 6)
    indices = flat(TrainBatches(20, 4, labels=labels, class_prob=np.array([0.5, 2.0, 1.0])))
    seen = np.bincount(labels[indices], minlength=3)
    assert seen.tolist() == [5, 8, 6]


@pytest.mark.parametrize('share, expected', [(0.0, 0), (1.5, 15)])
def test_the_fraction_of_class_prob_is_drawn_anew_each_epoch(share, expected):
    labels = np.array([0] * 10 + [1] * 10)
    sampler = TrainBatches(20, 4, labels=labels, class_prob=np.array([1.0, share]))
    drawn = []
    for epoch in range(2):
        sampler.epoch = epoch
        indices = flat(sampler)
        drawn.append(sorted(i for i in indices if i >= 10))
        assert len(drawn[-1]) == expected
    assert drawn[0] != drawn[1] or expected == 0


def test_thirds_of_three_clips_are_whole_clips():
    """8/3 of 3 clips are 8, though 8/3 has no exact float."""
    sampler = TrainBatches(4, 100, labels=np.array([0, 0, 0, 1]), class_prob=np.array([8 / 3, 2.0]))
    assert np.bincount([[0, 0, 0, 1][i] for i in flat(sampler)]).tolist() == [8, 2]


@pytest.mark.parametrize('class_prob', [[0.0, 0.0], [0.1, 0.4]])
def test_an_epoch_without_a_clip_is_refused(class_prob):
    with pytest.raises(ConfigError, match='leaves no clip of 4 in an epoch'):
        TrainBatches(4, 2, labels=np.array([0, 0, 1, 1]), class_prob=np.array(class_prob))


def test_a_sample_is_seeded_as_everything_is_on_the_processor():
    def draws():
        return random.random(), np.random.rand(), torch.rand(3).tolist()

    seed_everything(3, 1, 7)
    first = draws()
    seed_sample(3, 1, 7)
    assert draws() == first
    seed_sample(3, 1, 8)
    assert draws() != first
