"""Groups of frequent and rare classes, calibration, and intervals: against slow twins."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pyskl.errors import DataError
from pyskl.evaluation import (
    bootstrap_interval,
    class_groups,
    expected_calibration_error,
    group_accuracy,
    is_long_tailed,
    reliability_bins,
    top_k_accuracy,
)


def clips(seed, num=40, classes=7):
    """Probabilities that are often right, and labels, some unknown."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(-1, classes, num)
    probs = rng.dirichlet(np.full(classes, 0.5), num)
    probs[np.arange(num), labels] += rng.integers(0, 2, num)
    return (probs / probs.sum(1, keepdims=True)).astype(np.float32), labels


# -- groups ----------------------------------------------------------------------------------------


def test_groups_are_thirds_of_the_classes_by_their_training_clips():
    groups = class_groups([5, 900, 7, 5, 100, 0, 30])
    assert {name: group.tolist() for name, group in groups.items()} == {
        'head': [1, 4, 6],
        'middle': [0, 2],
        'tail': [3, 5],
    }


def test_groups_by_thresholds_are_those_of_liu_2019():
    head, middle, tail = class_groups([101, 100, 20, 19, 0], thresholds=(100, 20)).values()
    assert (head.tolist(), middle.tolist(), tail.tolist()) == ([0], [1, 2], [3, 4])


@given(
    hnp.arrays(np.int64, st.integers(1, 50), elements=st.integers(0, 5)),
    st.sampled_from([None, (3, 1)]),
)
def test_every_class_is_in_one_group_and_no_rarer_one_is_ahead(counts, thresholds):
    head, middle, tail = class_groups(counts, thresholds).values()
    assert sorted([*head, *middle, *tail]) == list(range(len(counts)))
    for front, back in ((head, middle), (middle, tail), (head, tail)):
        assert not len(front) or not len(back) or counts[front].min() >= counts[back].max()


@settings(deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([None, (20, 5)]))
def test_group_accuracy_is_the_mean_over_the_groups_classes(seed, thresholds):
    scores, labels = clips(seed)
    counts = np.random.default_rng(seed).integers(0, 40, 7)
    found = group_accuracy(scores, labels, counts, thresholds)
    for name, group in class_groups(counts, thresholds).items():
        shares = [
            np.mean([s.argmax() == k for s, y in zip(scores, labels) if y == k])
            for k in group
            if (labels == k).any()
        ]
        assert found[f'{name}_acc'] == pytest.approx(
            np.mean(shares) if shares else np.nan, nan_ok=True
        )


@pytest.mark.parametrize('counts', [[1, 2], [1.5] * 7, [-1] * 7, []])
def test_counts_that_are_none_are_refused(counts):
    with pytest.raises(DataError, match='class.counts'):
        group_accuracy(*clips(0), counts)


# -- calibration -----------------------------------------------------------------------------------


def slow_bins(probs, labels, bins):
    rows = [[] for _ in range(bins)]
    for p, y in zip(probs, labels):
        if y >= 0:
            b = next(
                b
                for b in range(bins)
                if float(p.max()) <= np.linspace(0, 1, bins + 1)[b + 1] or b == bins - 1
            )
            rows[b].append((float(p.max()), p.argmax() == y))
    return rows


@settings(deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([1, 4, 15]))
def test_bins_and_the_calibration_error_equal_one_clip_at_a_time(seed, bins):
    probs, labels = clips(seed)
    rows, found = slow_bins(probs, labels, bins), reliability_bins(probs, labels, bins)
    assert found.count.tolist() == [len(row) for row in rows] and len(found.edges) == bins + 1
    error = 0.0
    for b, row in enumerate(rows):
        confidence, accuracy = np.mean(row, axis=0) if row else (np.nan, np.nan)
        assert found.confidence[b] == pytest.approx(confidence, nan_ok=True)
        assert found.accuracy[b] == pytest.approx(accuracy, nan_ok=True)
        error += abs(accuracy - confidence) * len(row) if row else 0
    assert expected_calibration_error(probs, labels, bins) == pytest.approx(
        error / (labels >= 0).sum()
    )


@pytest.mark.parametrize(
    'scores', [[[2.0, 1.0]], [[0.5, 0.4]], [[1.5, -0.5]], [[float('inf'), 0.0]]]
)
def test_scores_that_are_no_probabilities_are_refused(scores):
    with pytest.raises(DataError, match=r"does not hold probabilities(.|\n)*average_clips='prob'"):
        reliability_bins(scores, [0])


# -- intervals -------------------------------------------------------------------------------------


def test_the_interval_of_a_mean_is_about_two_standard_errors_either_side():
    values = np.random.default_rng(0).normal(3.0, 1.0, 400)
    low, high = bootstrap_interval(np.mean, values)
    error = values.std() / 20
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.25 * error)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.25 * error)
    assert bootstrap_interval(np.mean, values, level=0.5)[0] > low


def test_the_interval_repeats_with_its_seed_and_keeps_rows_together():
    scores, labels = np.eye(5)[np.arange(50) % 5], np.arange(50) % 5
    assert bootstrap_interval(
        lambda s, y: top_k_accuracy(s, y, 1)[0], scores, labels, num_draws=50
    ) == (1.0, 1.0)
    first, again, other = (
        bootstrap_interval(np.mean, np.arange(30.0), seed=seed) for seed in (1, 1, 2)
    )
    assert first == again != other


@pytest.mark.parametrize(
    ('arrays', 'groups'),
    [(([1, 2, 3], [1, 2, 3, 4]), None), (([1, 2], [1]), None), (([],), None), (([1, 2],), [0])],
)
def test_arrays_that_do_not_belong_together_are_refused(arrays, groups):
    with pytest.raises(DataError, match='bootstrap'):
        bootstrap_interval(lambda *rows: float(np.mean(rows[0])), *arrays, groups=groups)


@pytest.mark.parametrize(
    ('counts', 'long'),
    [
        ([50, 50, 50], False),
        ([60, 50, 40], False),
        ([60, 30, 40], True),
        ([3, 0], True),
        ([1, 0], False),
    ],
)
def test_thirds_of_the_classes_mean_something_where_counts_differ(counts, long):
    assert is_long_tailed(counts) is long
