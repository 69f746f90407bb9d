"""Fitted weights: the optimum is found, order changes nothing, reported clips are refused."""

import itertools
import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyskl.errors import ConfigError, DataError
from pyskl.evaluation import macro_f1, top_k_accuracy
from pyskl.scores import (
    OBJECTIVES,
    SavedFit,
    cross_validate,
    fit_blend,
    fit_temperature,
    judge,
    kind_of,
    labels_by_name,
    leave_one_out,
    load_fit,
    log_probabilities,
    refuse_same_clips,
    save_fit,
    simplex_grid,
    soften,
)
from pyskl.scores.align import Aligned
from pyskl.scores.cross_validation import deal_folds
from pyskl.scores.fit_report import gain_lines
from pyskl.scores.fitting import choose_weights
from pyskl.scores.score_file import Scores


def made_up(num_streams=2, num_clips=80, num_classes=4, skill=(1.5, 0.8, 0.4, 1.0), seed=0):
    """Streams of probabilities that know more or less of the labels."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(num_classes, size=num_clips)
    streams = []
    for s in range(num_streams):
        logits = rng.normal(size=(num_clips, num_classes))
        logits[np.arange(num_clips), labels] += skill[s]
        streams.append(soften(logits))
    return streams, labels


# Probabilities and temperatures -------------------------------------------------------------------


def test_probabilities_and_logits_are_told_apart():
    logits = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32)
    probs = soften(logits)
    assert kind_of(probs) == kind_of(probs.astype(np.float16)) == 'probabilities'
    assert kind_of(logits) == 'logits' and kind_of(np.abs(logits)) == 'logits'
    np.testing.assert_allclose(log_probabilities(probs), log_probabilities(logits), atol=1e-5)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 999), st.floats(0.5, 4))
def test_softening_keeps_the_order_and_makes_probabilities(seed, temperature):
    probs = soften(np.random.default_rng(seed).normal(size=(5, 6)) * 2)
    softer = soften(probs, temperature)
    assert kind_of(softer) == 'probabilities'
    np.testing.assert_array_equal(probs.argmax(1), softer.argmax(1))
    np.testing.assert_allclose(soften(probs), probs, atol=1e-6)
    np.testing.assert_allclose(soften(softer, 1 / temperature), probs, atol=1e-3)


def test_a_temperature_that_was_put_in_is_found():
    """Labels drawn from softened probabilities: the temperature that softens is the likeliest."""
    rng = np.random.default_rng(1)
    sure = rng.normal(size=(20000, 5)) * 2
    for true in (0.5, 1.0, 2.5):
        odds = soften(sure, true).astype(float).cumsum(axis=1)
        labels = (odds / odds[:, -1:] < rng.random((len(odds), 1))).sum(axis=1)
        assert fit_temperature(sure, labels) == pytest.approx(true, rel=0.05)


def test_a_constant_stream_keeps_temperature_1():
    assert fit_temperature(np.full((9, 3), 1 / 3, np.float32), np.arange(9) % 3) == 1.0


# The search ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(('num_streams', 'parts'), [(1, 4), (2, 7), (3, 5), (4, 3)])
def test_the_grid_is_all_multiples_that_sum_to_1(num_streams, parts):
    points = itertools.product(range(parts + 1), repeat=num_streams)
    slow = [tuple(share / parts for share in point) for point in points if sum(point) == parts]
    assert sorted(map(tuple, simplex_grid(num_streams, parts).tolist())) == sorted(slow)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 999))
def test_every_point_is_judged_as_the_metrics_judge_it(seed):
    streams, labels = made_up(3, 30, 4, seed=seed)
    probs, grid = np.stack(streams), simplex_grid(3, 4)
    for objective, metric in (
        ('top1', lambda s: top_k_accuracy(s, labels, 1)[0]),
        ('macro_f1', lambda s: macro_f1(s, labels)),
    ):
        slow = [metric(sum(np.float32(w) * p for w, p in zip(point, streams))) for point in grid]
        np.testing.assert_allclose(judge(probs, labels, grid, objective)[:, 0], slow, atol=1e-9)
    of_label = probs[:, np.arange(30), labels].astype(float)
    slow = [np.log(point @ of_label).mean() for point in grid]
    for objective in OBJECTIVES:
        np.testing.assert_allclose(judge(probs, labels, grid, objective)[:, 1], slow, atol=1e-6)


def test_the_known_optimum_is_found():
    """log-loss of w and 1 - w where one stream says 0.8, 0.2 and the other 0.2, 0.8, right 3 times
    and once: w at the likeliest.
    """
    a = np.tile(np.float32([0.8, 0.2]), (4, 1))
    labels = np.array([0, 0, 0, 1])
    fit = fit_blend([a, a[:, ::-1]], labels, 'log_loss', temperature=False)
    assert 0.8 * fit.weights[0] + 0.2 * fit.weights[1] == pytest.approx(0.75, abs=2e-3)
    assert fit.value == pytest.approx(-(0.75 * math.log(0.75) + 0.25 * math.log(0.25)), abs=1e-5)


def test_streams_that_are_right_on_different_clips_are_mixed_to_be_right_on_all():
    """Only weights from 1/3 to 2/3 get all four clips right."""
    a = np.float32([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.1, 0.9]])
    b = np.float32([[0.6, 0.4], [0.6, 0.4], [0.1, 0.9], [0.1, 0.9]])
    b[0] = 0.3, 0.7
    labels = np.array([0, 0, 1, 1])
    fit = fit_blend([a, b], labels, 'top1', temperature=False)
    assert fit.value == 1.0
    assert ((fit.weights[0] * a + fit.weights[1] * b).argmax(1) == labels).all()


@pytest.mark.parametrize('objective', OBJECTIVES)
def test_a_fit_is_never_worse_on_its_clips_than_a_slow_grid_equal_weights_or_one_stream(objective):
    streams, labels = made_up(3, seed=5)
    probs = np.stack(streams)
    chosen = judge(probs, labels, choose_weights(probs, labels, objective)[None], objective)[0]
    others = np.concatenate([simplex_grid(3, 20), np.full((1, 3), 1 / 3)])
    assert chosen[0] >= judge(probs, labels, others, objective)[:, 0].max()


@pytest.mark.parametrize('objective', OBJECTIVES)
def test_permuting_the_streams_permutes_the_weights(objective):
    streams, labels = made_up(3, seed=7)
    fit = fit_blend(streams, labels, objective)
    for order in itertools.permutations(range(3)):
        other = fit_blend([streams[s] for s in order], labels, objective)
        assert other.weights == tuple(fit.weights[s] for s in order)
        assert other.temperatures == tuple(fit.temperatures[s] for s in order)


def test_weights_have_four_digits_and_sum_to_1():
    for seed in range(4):
        fit = fit_blend(*made_up(4, seed=seed), 'log_loss')
        assert sum(fit.weights) == pytest.approx(1, abs=1e-12) and min(fit.weights) >= 0
        assert all(w == round(w, 4) for w in fit.weights)


def test_what_cannot_be_fitted_is_named():
    with pytest.raises(ConfigError, match='single stream'):
        fit_blend(*made_up(1))
    with pytest.raises(ConfigError, match='top1, macro_f1, log_loss'):
        fit_blend(*made_up(2), 'top5')
    with pytest.raises(DataError, match='no labelled clips'):
        fit_blend([np.zeros((0, 3), np.float32)] * 2, np.zeros(0, int))


# What it is worth ---------------------------------------------------------------------------------


def test_folds_hold_every_clip_once_and_every_class_evenly():
    labels = np.repeat(np.arange(3), [50, 10, 5])
    parts = deal_folds(labels, 5, seed=0)
    assert sorted(np.concatenate(parts)) == list(range(65))
    assert all(np.bincount(labels[part]).tolist() == [10, 2, 1] for part in parts)
    assert not np.array_equal(parts[0], deal_folds(labels, 5, seed=1)[0])
    for wrong in (1, 66):
        with pytest.raises(ConfigError, match='expected 2..65'):
            deal_folds(labels, wrong, 0)


def test_no_clip_is_judged_by_weights_that_have_seen_it():
    """Held-out blends of a fold do not change when that fold's labels do, as long as the folds are
    the same.
    """
    streams, labels = made_up(2, seed=4)
    parts = deal_folds(labels, 4, seed=0)
    estimate = cross_validate(streams, labels, 'log_loss', num_folds=4)
    for held_out in parts:
        rest = np.setdiff1d(np.arange(len(labels)), held_out)
        fit = fit_blend([s[rest] for s in streams], labels[rest], 'log_loss')
        slow = sum(w * soften(s, t) for w, t, s in zip(fit.weights, fit.temperatures, streams))
        np.testing.assert_allclose(estimate.probs[0, held_out], slow[held_out], atol=1e-6)
    np.testing.assert_allclose(estimate.probs[1], np.mean(streams, axis=0), atol=1e-6)
    # the better one on every fold
    np.testing.assert_allclose(estimate.probs[2], streams[0], atol=1e-6)


def test_overfitting_is_visible_where_streams_know_nothing():
    """Chance streams: on its own clips the fit seems to gain, held out it does not."""
    apparent, held_out = [], []
    for seed in range(6):
        streams, labels = made_up(4, 40, 5, skill=(0, 0, 0, 0), seed=seed)
        equal = judge(np.stack(streams), labels, np.full((1, 4), 0.25), 'top1')[0, 0]
        apparent.append(fit_blend(streams, labels).value - equal)
        held_out.append(cross_validate(streams, labels).gain('equal').value)
    assert min(apparent) >= 0 and np.mean(apparent) > 0.05
    assert np.mean(held_out) < 0.5 * np.mean(apparent)


def test_a_real_gain_is_outside_of_its_interval():
    streams, labels = made_up(2, 400, 4, skill=(2.5, 0.0), seed=6)
    gain = cross_validate(streams, labels).gain('equal')
    assert 0 < gain.low < gain.value < gain.high and gain.over_folds > 0
    assert cross_validate(streams, labels).gain('equal') == gain


def test_leaving_out_the_best_stream_costs_most():
    streams, labels = made_up(3, 200, seed=9)
    without = leave_one_out(streams, labels)
    assert min(without, key=lambda entry: entry.fitted) == without[0]
    alone = leave_one_out(streams[:2], labels)
    expected = [top_k_accuracy(s, labels, 1)[0] for s in streams[1::-1]]
    assert [entry.fitted for entry in alone] == pytest.approx(expected)


def test_a_gain_that_may_be_chance_is_said_over_both_rivals():
    streams, labels = made_up(3, 60, 5, skill=(0.0, 0.0, 0.0), seed=1)
    fit, estimate = fit_blend(streams, labels), cross_validate(streams, labels)
    lines = [line for line in gain_lines(fit, estimate, 0.0) if 'not shown' in line]
    rivals = [re.search('better than (.+):', line)[1] for line in lines]
    assert rivals == ['equal weights', 'the best single stream']


# Never on what is reported ------------------------------------------------------------------------


def stream(path, ids, seed=0, scores=None):
    if scores is None:
        scores = np.random.default_rng(seed).random((len(ids), 3), dtype=np.float32)
    return Scores(tuple(ids), scores, str(path))


def refuse(fit, test, labelled=None):
    fitted, tested = (Aligned(each.ids, [each.scores]) for each in (fit, test))
    refuse_same_clips([fit], fitted, [test], tested, labelled or fit.ids, 'ann.pkl: split val')


def test_separate_clips_pass_even_with_streams_that_say_the_same_everywhere():
    same = np.full((3, 3), 1 / 3, np.float32)
    refuse(stream('v', 'abc'), stream('t', 'xyz', 1))
    refuse(stream('v', 'abc', scores=same), stream('t', 'xyz', scores=same))


@pytest.mark.parametrize(
    ('test', 'labelled', 'says'),
    [
        (stream('t.npz', 'cde', 1), None, r'v.npz: holds 1 clip \(c\) of t.npz'),
        (stream('t.npz', 'xyz', 1), 'abcz', r'ann.pkl: split val: lists 1 clip \(z\) of t.npz'),
        (stream('t.npz', 'xyz'), None, 'v.npz: 3 of its 3 clips have exactly the scores'),
    ],
)
def test_the_clips_that_are_reported_are_refused(test, labelled, says):
    with pytest.raises(DataError, match=says):
        refuse(stream('v.npz', 'abc'), test, labelled)


@pytest.mark.parametrize('other', [[0, 1], None, 1.5, 7])
def test_labels_of_clips_that_are_not_asked_for_do_not_matter(other):
    assert labels_by_name(['a'], {'b': other, 'a': 1}, 2, 'ann.pkl', 'Try.').tolist() == [1]


@pytest.mark.parametrize(
    ('ids', 'says'), [('ab', 'holds no clip b'), ('ac', r'labels\[1\] = 7'), ('d', 'none of the 1')]
)
def test_labels_that_are_asked_for_are_checked(ids, says):
    with pytest.raises(DataError, match=rf'ann\.pkl: {says}'):
        labels_by_name(ids, {'a': 1, 'c': 7, 'd': -1}, 2, 'ann.pkl', 'Try.')


# Saved and loaded ---------------------------------------------------------------------------------


def test_a_saved_fit_comes_back_and_finds_its_streams_in_any_order(tmp_path):
    fit = SavedFit(('a/scores.npz', 'b/scores.npz'), (0.25, 0.75), (1.5, 0.8))
    with open(tmp_path / 'w.json', 'w') as f:
        save_fit(f, fit, {'objective': 'top1'})
    again = load_fit(tmp_path / 'w.json')
    assert again == fit
    assert again.for_streams(['b/scores.npz', './a/scores.npz'], 'w').weights == (0.75, 0.25)
    assert again.for_streams(['b/scores.npz', './a/scores.npz'], 'w').temperatures == (0.8, 1.5)
    assert again.for_streams(['new/x.npz', 'new/y.npz'], 'w').weights == (0.25, 0.75)
    with pytest.raises(DataError, match='weights for 2 streams'):
        again.for_streams(['a'], 'w')


@pytest.mark.parametrize(
    'text',
    [
        '',
        '[',
        '[]',
        '{}',
        '{"streams": ["a"], "weights": [1], "temperatures": []}',
        '{"streams": [1], "weights": [1], "temperatures": [1]}',
        '{"streams": ["a"], "weights": [NaN], "temperatures": [1]}',
        '{"streams": ["a"], "weights": [1], "temperatures": [0]}',
        '{"streams": ["a"], "weights": [true], "temperatures": [1]}',
        '{"streams": ["a"], "weights": ["1"], "temperatures": [1]}',
    ],
)
def test_a_broken_file_of_weights_is_named(tmp_path, text):
    (tmp_path / 'w.json').write_text(text)
    with pytest.raises(DataError, match='w.json'):
        load_fit(tmp_path / 'w.json')
