"""What the metrics say, against the published code's figures and against obvious twins."""

import json
from collections import OrderedDict
from functools import partial

import numpy as np
import pytest
from goldens import SMALL
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pyskl import evaluation
from pyskl.errors import ConfigError, DataError
from pyskl.evaluation import (
    confusion_matrix,
    evaluate,
    macro_f1,
    mean_class_accuracy,
    per_class_report,
    top_k_accuracy,
)


@pytest.fixture(scope='module')
def published():
    figures = json.loads((SMALL / 'ensemble' / 'ensemble.json').read_text())['evaluation']
    with np.load(SMALL / 'ensemble' / 'eval.npz') as data:
        return figures, data['scores'], data['labels']


def slow_top_k(scores, labels, k):
    """Rank the classes one clip at a time: best score first, the lower class first on a tie."""
    right = 0
    for row, label in zip(scores, labels):
        ranking = sorted(range(len(row)), key=lambda c: (-row[c], c))
        right += label in ranking[:k]
    return right / len(labels)


def scored_clips():
    """Scores with many ties, and labels, some unknown but never all."""
    shapes = st.tuples(st.integers(1, 12), st.integers(1, 6))
    return shapes.flatmap(
        lambda shape: st.tuples(
            hnp.arrays(np.float32, shape, elements=st.sampled_from([0.0, 0.25, 0.5, 1.0])),
            st.integers(0, shape[1] - 1).flatmap(
                lambda first: st.lists(
                    st.integers(-1, shape[1] - 1), min_size=shape[0] - 1, max_size=shape[0] - 1
                ).map(lambda rest: [first, *rest])
            ),
        )
    )


def test_figures_equal_the_published_ones_where_every_predicted_class_is_labelled(published):
    figures, scores, labels = published
    found = top_k_accuracy(scores, labels, [int(k) for k in figures['topk']])
    assert found == pytest.approx(list(figures['topk'].values()), abs=1e-12)
    expected = pytest.approx(figures['mean_class_accuracy'], abs=1e-12)
    assert mean_class_accuracy(scores, labels) == expected


def test_an_absent_class_is_left_out_where_the_published_code_counts_it_as_zero(published):
    figures, scores, labels = published
    labels = labels % 20  # how the golden run made labels that name only 20 of the 32 classes
    subset = figures['subset_labels_lt20']
    ours = mean_class_accuracy(scores, labels)
    assert ours == pytest.approx(subset['mean_over_present_classes'], abs=1e-12)
    # The published denominator: every class that is labelled or predicted.
    share = len(set(labels)) / len({*labels, *scores.argmax(1)})
    assert ours * share == pytest.approx(subset['mean_class_accuracy'], abs=1e-12)
    assert top_k_accuracy(scores, labels) == pytest.approx([subset['top1'], subset['top5']])


@settings(max_examples=80, deadline=None)
@given(scored_clips(), st.integers(1, 8))
def test_top_k_equals_ranking_one_clip_at_a_time(clips, k):
    scores, labels = clips
    known = [i for i, label in enumerate(labels) if label >= 0]
    assert top_k_accuracy(scores, labels, k) == [
        pytest.approx(slow_top_k(scores[known], [labels[i] for i in known], k))
    ]


@settings(max_examples=80, deadline=None)
@given(scored_clips())
def test_the_report_agrees_with_the_metrics_and_with_counting(clips):
    scores, labels = clips
    report = per_class_report(scores, labels)
    pairs = [(t, int(np.argmax(s))) for s, t in zip(scores, labels) if t >= 0]
    for c in range(scores.shape[1]):
        hits = sum(t == p == c for t, p in pairs)
        support, predicted = sum(t == c for t, _ in pairs), sum(p == c for _, p in pairs)
        assert report.support[c] == support and report.predicted[c] == predicted
        assert report.recall[c] == pytest.approx(hits / support if support else np.nan, nan_ok=True)
        assert report.precision[c] == pytest.approx(
            hits / predicted if predicted else np.nan, nan_ok=True
        )
    assert mean_class_accuracy(scores, labels) == pytest.approx(np.nanmean(report.recall))
    assert macro_f1(scores, labels) == pytest.approx(report.f1[report.support > 0].mean())


def test_confusion_rows_are_true_classes_and_columns_predicted_ones():
    assert confusion_matrix([1, 1, 0, 2], [0, 0, 0, -1], 3).tolist() == [
        [1, 2, 0],
        [0, 0, 0],
        [0, 0, 0],
    ]


def test_what_is_returned_and_known_can_be_imported():
    scores, labels = np.eye(6), np.arange(6)
    assert isinstance(per_class_report(scores, labels), evaluation.ClassReport)
    assert isinstance(evaluation.reliability_bins(scores, labels), evaluation.ReliabilityBins)
    assert len(evaluate(scores, labels, evaluation.METRICS)) == 5
    assert set(evaluation.METRICS) > set(evaluation.ONE_LABEL_METRICS)


def test_evaluate_gives_the_published_keys_in_the_order_asked_for():
    scores, labels = np.eye(6), np.arange(6)
    figures = evaluate(
        scores, labels, ('macro_f1', 'top_k_accuracy', 'mean_class_accuracy'), topk=(1, 5)
    )
    assert isinstance(figures, OrderedDict)
    assert list(figures) == ['macro_f1', 'top1_acc', 'top5_acc', 'mean_class_accuracy']
    assert set(figures.values()) == {1.0}
    assert list(evaluate(scores, labels, 'top_k_accuracy', topk=3)) == ['top3_acc']


@pytest.mark.parametrize(
    ('scores', 'labels', 'message'),
    [
        (np.zeros((3, 4)), [0, 1], '3 rows of scores for 2 labels'),
        (np.zeros(4), [0], r'scores have shape'),
        (np.zeros((2, 0)), [0, 0], r'scores have shape'),
        ([[0.1, 0.2], [0.1]], [0, 1], 'scores.*differ in length'),
        ([], [], r'scores.*\(0,\)'),
        ([['a', 'b']], [0], 'scores have shape'),
        (np.zeros((1, 4), complex), [0], 'scores.*complex'),
        (np.zeros((2, 4)), [0, 4], r'labels\[1\] = 4: expected 0..3'),
        (np.zeros((2, 4)), [-2, 0], r'labels\[0\] = -2'),
        (np.zeros((2, 4)), [0.0, 1.0], 'labels.*float'),
        (np.zeros((2, 4)), [[0, 1]], r'labels.*\(1, 2\)'),
        (np.zeros((2, 4)), [[0], [1, 2]], 'labels.*differ in length'),
        (np.zeros((2, 4)), [-1, -1], 'none of the 2 clips'),
        (np.zeros((0, 4)), [], 'none of the 0 clips'),
        ([[0.0, np.nan]], [1], 'NaN in row 0'),
    ],
)
def test_wrong_input_is_named(scores, labels, message):
    for metric in (top_k_accuracy, mean_class_accuracy, macro_f1, per_class_report):
        with pytest.raises(DataError, match=message):
            metric(scores, labels)


def test_wrong_questions_are_named():
    with pytest.raises(ConfigError, match='Did you mean macro_f1'):
        evaluate([[1.0]], [0], ('macro_f',))
    for topk in (0, (1, 0), (1.5,), (True,), (1, True), ((1,), 2)):
        for ask in (top_k_accuracy, partial(evaluate, metrics='top_k_accuracy')):
            with pytest.raises(ConfigError, match='topk'):
                ask([[1.0]], [0], topk=topk)
    with pytest.raises(DataError, match='3 predictions'):
        confusion_matrix([0, 0, 0], [0, 0], 2)
    with pytest.raises(DataError, match=r'predictions\[0\] = -1'):
        confusion_matrix([-1], [0], 2)
