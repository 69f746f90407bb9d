"""Spotted segments are judged by the challenge's rule; a slow twin goes frame by frame."""

from __future__ import annotations

import numpy as np
import pytest

from pyskl.annotations.segments import Segment, intersection_over_union
from pyskl.errors import DataError
from pyskl.evaluation.spotting import (
    NOTHING,
    average_precision,
    commonest,
    count_right,
    evaluate_spotting,
    frame_accuracy,
    frame_classes,
    match,
    sliding_baseline,
    sum_counts,
)


def drawn(seed: int, number: int, with_scores: bool = False) -> list[Segment]:
    rng = np.random.default_rng(seed)
    starts, lengths = rng.integers(0, 120, number), rng.integers(1, 40, number)
    labels = rng.integers(0, 3, number)
    scores = rng.integers(1, 5, number) / 4 if with_scores else np.ones(number)
    rows = zip(starts.tolist(), lengths.tolist(), labels.tolist(), scores.tolist())
    return [Segment(start, start + n - 1, label, score) for start, n, label, score in rows]


# -- the slow twin: sets of frames, one prediction after the other ---------------------------------


def slow_iou(a: Segment, b: Segment) -> float:
    first, second = set(range(a.start, a.end + 1)), set(range(b.start, b.end + 1))
    return len(first & second) / len(first | second)


def slow_match(truth: list[Segment], predicted: list[Segment], iou: float) -> list[int]:
    found = [-1] * len(predicted)
    for i, answer in sorted(enumerate(predicted), key=lambda row: (-row[1].score, row[1].start)):
        overlaps = [
            (slow_iou(answer, segment), -j)
            for j, segment in enumerate(truth)
            if j not in found and segment.label == answer.label
        ]
        if overlaps and max(overlaps)[0] > iou:
            found[i] = -max(overlaps)[1]
    return found


def slow_area(hits: list[tuple[float, bool]], total: int) -> float:
    """Walk down the thresholds; each recall gained counts with the best precision from there on."""
    points = []
    for threshold in sorted({score for score, _ in hits}, reverse=True):
        kept = [right for score, right in hits if score >= threshold]
        points.append((sum(kept) / total, sum(kept) / len(kept)))
    area, before = 0.0, 0.0
    for i, (recall, _) in enumerate(points):
        area += (recall - before) * max(precision for _, precision in points[i:])
        before = recall
    return area


SEEDS = range(12)


@pytest.mark.parametrize('seed', SEEDS)
def test_matching_equals_the_slow_twin(seed):
    truth, predicted = drawn(seed, 14), drawn(seed + 100, 18, with_scores=True)
    for iou in (0.0, 0.1, 0.3, 0.5):
        assert match(truth, predicted, iou).tolist() == slow_match(truth, predicted, iou)


@pytest.mark.parametrize('seed', SEEDS)
def test_counts_and_average_precision_equal_the_slow_twin(seed):
    truth = {'a': drawn(seed, 9), 'b': drawn(seed + 1, 7), 'c': []}
    predicted = {n: drawn(seed + 50 + i, 11, with_scores=True) for i, n in enumerate('abc')}
    counts, areas = count_right(truth, predicted, 0.1), average_precision(truth, predicted, 0.1)
    for k in range(3):
        true = sum(s.label == k for segments in truth.values() for s in segments)
        hits = [
            (segment.score, at >= 0)
            for name in 'abc'
            for segment, at in zip(predicted[name], slow_match(truth[name], predicted[name], 0.1))
            if segment.label == k
        ]
        right = sum(hit for _, hit in hits)
        assert (counts[k].true, counts[k].predicted, counts[k].right) == (true, len(hits), right)
        assert areas[k] == pytest.approx(slow_area(hits, true))


@pytest.mark.parametrize('seed', SEEDS)
def test_frame_accuracy_equals_the_slow_twin(seed):
    truth, predicted = drawn(seed, 3), drawn(seed + 7, 4, with_scores=True)
    first, number = 10, 90
    right = empty = 0
    for frame in range(first, first + number):
        true = {s.label for s in truth if s.start <= frame <= s.end}
        said = [s for s in predicted if s.start <= frame <= s.end]
        best = max(said, key=lambda s: (s.score, -s.start)).label if said else None
        right += best in true if true else best is None
        empty += not true
    found = frame_accuracy({'a': truth}, {'a': predicted}, {'a': (first, number)})
    assert found == (right / number, empty / number)


# -- the rule --------------------------------------------------------------------------------------


def test_both_ends_belong_to_a_segment():
    overlap = intersection_over_union([Segment(0, 9, 0)], [Segment(5, 14, 0), Segment(9, 9, 0)])
    assert overlap.tolist() == [[5 / 15, 1 / 10]]


def test_an_iou_of_exactly_the_threshold_is_not_enough():
    truth, predicted = [Segment(0, 9, 0)], [Segment(0, 2, 0)]
    assert intersection_over_union(predicted, truth)[0, 0] == 0.3
    assert match(truth, predicted, 0.3).tolist() == [-1]
    assert match(truth, predicted, 0.29).tolist() == [0]


def test_each_truth_is_matched_once_by_the_surest():
    truth = [Segment(0, 9, 1)]
    predicted = [Segment(0, 9, 1, 0.4), Segment(1, 9, 1, 0.9)]
    assert match(truth, predicted).tolist() == [-1, 0]
    whole = sum_counts(count_right({'a': truth}, {'a': predicted}))
    assert (whole.precision, whole.recall, whole.f1) == (0.5, 1.0, 2 / 3)


def test_overlapping_truths_are_found_one_by_one():
    truth = [Segment(0, 19, 1), Segment(5, 24, 1)]
    assert match(truth, [Segment(5, 24, 1, 0.9), Segment(0, 19, 1, 0.8)]).tolist() == [1, 0]


def test_a_perfect_answer_has_ones_everywhere():
    truth = {'a': drawn(1, 1), 'b': [Segment(3, 9, 2), Segment(20, 40, 0)]}
    figures = evaluate_spotting(truth, truth, {'a': (0, 200), 'b': (0, 60)})
    del figures['frame_accuracy_of_nothing']
    assert set(figures.values()) == {1.0}


def test_no_answer_at_all_has_zeros():
    figures = evaluate_spotting({'a': [Segment(0, 9, 0)]}, {}, {'a': (0, 20)})
    assert (figures['f1'], figures['map'], figures['frame_accuracy']) == (0.0, 0.0, 0.5)


def test_what_cannot_be_measured_is_refused():
    with pytest.raises(DataError):
        evaluate_spotting({'a': []}, {})
    with pytest.raises(DataError):
        count_right({'a': [Segment(0, 1, 0)]}, {'b': [Segment(0, 1, 0)]})
    with pytest.raises(DataError):
        commonest({'a': []})


def test_labels_beyond_the_recording_are_cut_in_frames():
    classes = frame_classes([Segment(-5, 1, 3), Segment(8, 99, 4), Segment(50, 60, 5)], 0, 10)
    assert classes.tolist() == [3, 3, *[NOTHING] * 6, 4, 4]


def test_the_baseline_tiles_the_recording_with_the_commonest_class():
    truth = {'a': [Segment(0, 3, 2), Segment(5, 8, 2), Segment(9, 20, 1)]}
    label, length = commonest(truth)
    assert (label, length) == (2, 4)
    tiles = sliding_baseline({'a': (1, 10)}, label, length)['a']
    assert [(s.start, s.end, s.label) for s in tiles] == [(1, 4, 2), (5, 8, 2), (9, 10, 2)]
