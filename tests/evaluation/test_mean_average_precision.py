"""Mean average precision: upstream's numbers, a slow twin, and what it refuses."""

import numpy as np
import pytest
from goldens import SMALL
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pyskl.errors import ConfigError, DataError
from pyskl.evaluation import evaluate, mean_average_precision
from pyskl.evaluation.metrics import ONE_LABEL_METRICS


@pytest.fixture(scope='module')
def upstream():
    with np.load(SMALL / 'several_labels' / 'upstream.npz') as data:
        return dict(data)


def test_it_equals_upstream(upstream):
    scores, targets = upstream['metrics/input/scores'], upstream['metrics/input/multi']
    assert mean_average_precision(scores, targets) == pytest.approx(float(upstream['metrics/mAP']))
    named = evaluate(scores, targets, metrics=['mean_average_precision'])
    assert list(named.items()) == [('mean_average_precision', pytest.approx(0.50628307))]


def test_it_is_the_area_under_the_steps_of_upstreams_curve(upstream):
    scores, truth = np.array([[0.1, 0.4, 0.35, 0.8, 0.4, 0.4]]).T, np.array([[0, 0, 1, 1, 1, 0]]).T
    precision, recall = (upstream[f'metrics/curve/{name}'] for name in ('precision', 'recall'))
    area = (-np.diff(recall) * precision[:-1]).sum()
    assert mean_average_precision(scores, truth) == pytest.approx(area)


def slow_twin(scores, targets):
    found = []
    for own, is_own in zip(scores.T, targets.T):
        area, before = 0.0, 0.0
        for threshold in sorted(set(own.tolist()), reverse=True) if is_own.any() else ():
            taken = own >= threshold
            recall = (taken & is_own).sum() / is_own.sum()
            area += (recall - before) * (taken & is_own).sum() / taken.sum()
            before = recall
        found += [area] if is_own.any() else []
    return np.mean(found) if found else np.nan


SHAPES = st.tuples(st.integers(1, 12), st.integers(1, 4))
SCORES = st.sampled_from([0.0, 0.25, 0.5, 1.0, np.inf])


@given(
    SHAPES.flatmap(
        lambda s: st.tuples(hnp.arrays(np.float32, s, elements=SCORES), hnp.arrays(bool, s))
    )
)
def test_it_equals_a_slow_twin(drawn):
    scores, targets = drawn
    expected = pytest.approx(slow_twin(scores, targets), nan_ok=True)
    assert mean_average_precision(scores, targets) == expected
    assert mean_average_precision(scores, targets.astype(np.float32)) == expected


def test_clips_of_unknown_labels_do_not_count():
    scores = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.6], [1, 1]])
    targets = np.array([[1, 0], [1, 1], [0, 0], [-1, -1]])
    assert mean_average_precision(scores, targets) == pytest.approx(((1 + 2 / 3) / 2 + 1) / 2)


def test_one_label_a_clip_counts_as_one_target(upstream):
    scores, labels = upstream['metrics/input/scores'], upstream['metrics/input/labels']
    assert mean_average_precision(scores, labels) == mean_average_precision(
        scores, np.eye(6)[labels]
    )


@pytest.mark.parametrize(
    ('scores', 'targets', 'said'),
    [
        (np.ones((2, 3)), np.ones((2, 2)), r'\(2, 2\) for scores over 3'),
        (np.ones((1, 2)), np.array([[2, 0]]), 'row 0 holds'),
        (np.ones((1, 2)), np.array([[-1, 0]]), 'row 0 holds'),
        (np.ones((1, 2)), np.array([[-1, -1]]), 'none of the 1 clips'),
    ],
)
def test_wrong_input_is_named(scores, targets, said):
    with pytest.raises(DataError, match=said):
        mean_average_precision(scores, targets)


@pytest.mark.parametrize('metric', ONE_LABEL_METRICS)
def test_metrics_of_one_label_refuse_several_and_name_what_to_take(metric):
    with pytest.raises(ConfigError, match=f'{metric}.*mean_average_precision'):
        evaluate(np.ones((2, 3)), np.ones((2, 3)), metrics=[metric])
