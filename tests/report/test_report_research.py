"""People, pairs, chance, another run, a map and training setups in a report."""

import json

import numpy as np
import pytest
from report_data import data_of, made_up_scores, two_streams, write_work_dir
from scipy.stats import binomtest

from pyskl.errors import DataError, UserError
from pyskl.evaluation import ONE_LABEL_METRICS, bootstrap_interval, compare_answers, evaluate
from pyskl.report import ReportOptions, build_report, figures
from pyskl.report.clip_map import clip_map
from pyskl.report.comparison import better_alone
from pyskl.report.people import find_groups
from pyskl.report.run import runs
from pyskl.report.sources import read_stream
from pyskl.scores.score_file import load_scores, save_scores


@pytest.fixture(scope='module')
def streams(tmp_path_factory):
    return two_streams(tmp_path_factory.mktemp('research'))


@pytest.fixture(scope='module')
def page(streams):
    options = ReportOptions(out=str(streams[0] / 'r.html'), compare=str(streams[1]))
    return data_of(build_report([streams[0]], options).path)


def labels_and_answers(page):
    return np.array(page['clips']['label']), np.array(page['clips']['pred'])


# -- paired comparison


@pytest.mark.parametrize('first, second', [(10, 2), (0, 0), (7, 7), (3, 40)])
def test_the_paired_test_is_scipys_exact_binomial_test(first, second):
    p = binomtest(first, first + second).pvalue if first + second else 1
    answers = np.arange(60) < first
    assert compare_answers(answers, np.arange(60)[::-1] < second).p == pytest.approx(p)


def test_pairs_are_counted_and_their_difference_is_that_of_the_accuracies():
    first, second = np.array([[1, 1, 1, 0, 0, 1], [1, 0, 0, 1, 0, 1]], dtype=bool)
    found = compare_answers(first, second)
    assert (found.both, found.first, found.second, found.neither) == (2, 2, 1, 1)
    assert found.difference == pytest.approx(1 / 6) and found.low <= found.difference <= found.high
    assert compare_answers(first.astype(int), second.tolist()) == found
    narrow = compare_answers(first, second, num_draws=400, seed=3)
    gain = first.astype(float) - second
    assert (narrow.low, narrow.high) == bootstrap_interval(np.mean, gain, num_draws=400, seed=3)


@pytest.mark.parametrize(('first', 'second'), [([1, 0], [1]), ([], []), ([[1]], [[0]])])
def test_answers_that_are_no_pairs_are_refused(first, second):
    with pytest.raises(DataError, match='paired'):
        compare_answers(first, second)


def test_another_run_is_compared_clip_by_clip(page, streams):
    labels, pred = labels_and_answers(page)
    there = load_scores(streams[1] / 'scores.npz').scores.argmax(1)
    found = page['comparison']
    gained = np.flatnonzero((pred == labels) & (there != labels))
    lost = np.flatnonzero((pred != labels) & (there == labels))
    assert sorted(found['gained']) == gained.tolist() and sorted(found['lost']) == lost.tolist()
    assert (found['first'], found['second'], found['name']) == (len(gained), len(lost), 'limb')
    tops = [(pred == labels).mean(), (there == labels).mean()]
    assert found['difference'] == pytest.approx(tops[0] - tops[1], abs=1e-5)


def test_another_run_in_another_order_and_with_more_clips_gives_the_same(page, streams, tmp_path):
    scores = load_scores(streams[1] / 'scores.npz')
    order = np.random.default_rng(0).permutation(len(scores.ids))
    ids = [scores.ids[i] for i in order] + ['more']
    rows = np.concatenate([scores.scores[order], scores.scores[:1]])
    save_scores(tmp_path / 'other.npz', ids, rows)
    options = ReportOptions(out=str(tmp_path / 'r.html'), compare=str(tmp_path / 'other.npz'))
    data = data_of(build_report([streams[0]], options).path)
    assert data['comparison']['gained'] == page['comparison']['gained']


@pytest.mark.parametrize(
    'change, words',
    [
        (lambda ids, rows: (ids[:-1], rows[:-1]), 'holds no clip'),
        (lambda ids, rows: (ids, rows[:, :5]), 'over 5 classes'),
    ],
)
def test_a_run_on_other_clips_or_classes_is_refused(streams, tmp_path, change, words):
    scores = load_scores(streams[1] / 'scores.npz')
    save_scores(tmp_path / 'other.npz', *change(list(scores.ids), scores.scores))
    options = ReportOptions(out=str(tmp_path / 'r.html'), compare=str(tmp_path / 'other.npz'))
    with pytest.raises(UserError, match=words):
        build_report([streams[0]], options)
    assert not (tmp_path / 'r.html').exists()


def test_a_stream_that_beats_its_ensemble_is_named(streams):
    labels = np.arange(160) % 32
    good, bad = made_up_scores(labels, skill=9), made_up_scores((labels + 5) % 32, skill=9)
    notes = better_alone(
        [read_stream(folder) for folder in streams], [good, bad], 0.3 * good + 0.7 * bad, labels
    )
    assert len(notes) == 1 and notes[0].startswith('joint alone is')


# -- people


def test_people_are_read_from_the_names_of_ntu_and_of_imigue():
    of_ntu = [f'S001C00{n % 2}P00{n // 2}R001A001' for n in range(4)]
    assert find_groups(of_ntu).names == ['000', '001']
    groups = find_groups(['0054_0', '0054_1', '0061_0', '0061_1'])
    assert groups.names == ['0054', '0061'] and groups.of.tolist() == [0, 0, 1, 1]
    assert find_groups([*'abcd']) is None and find_groups(['a_1', 'b_1', 'c_1', 'd_1']) is None


def test_a_pattern_names_the_people():
    assert find_groups(['x-ann-1', 'y-bob-2', 'z-ann-3'], r'-(\w+)-').of.tolist() == [0, 1, 0]
    for pattern in ('(', r'-(bob)-'):
        with pytest.raises(UserError, match='--people'):
            find_groups(['x-ann-1', 'y-bob-2'], pattern)


def test_figures_by_person_are_the_means_of_their_clips(page):
    labels, pred = labels_and_answers(page)
    rows = page['people']['rows']
    assert sorted(i for row in rows for i in row[3]) == list(range(len(labels)))
    for name, number, accuracy, own in rows:
        assert {page['clips']['ids'][i].rpartition('_')[0] for i in own} == {name}
        assert number == len(own)
        assert accuracy == pytest.approx((labels == pred)[own].mean(), abs=1e-5)


def test_intervals_that_draw_people_draw_all_of_their_clips():
    groups = np.repeat([5, 9, 2, 7, 1, 4], 10)
    right = np.repeat([1.0, 0, 1, 0, 1, 0], 10)  # a person's clips are all alike
    own = bootstrap_interval(np.mean, right[::10], num_draws=400, seed=3)
    grouped = bootstrap_interval(np.mean, right, num_draws=400, seed=3, groups=groups)
    assert grouped == pytest.approx(own, abs=0.17)
    narrow = bootstrap_interval(np.mean, right, num_draws=400, seed=3)
    assert own[1] - own[0] > 1.5 * (narrow[1] - narrow[0])
    # everyone alone: the plain bootstrap
    assert narrow == bootstrap_interval(np.mean, right, num_draws=400, seed=3, groups=np.arange(60))


def test_the_page_holds_intervals_by_person(page):
    assert all(row['group_low'] <= row['value'] <= row['group_high'] for row in page['headline'])


# -- pairs, chance, map, run


def test_the_most_confused_pairs_are_those_of_the_matrix(page):
    counts = np.array(page['confusion']['counts'])
    both = counts + counts.T
    pairs = page['confusion']['pairs']
    assert all(a < b and [counts[a, b], counts[b, a]] == [n, m] for a, b, n, m in pairs)
    totals = [n + m for *_, n, m in pairs]
    assert totals == sorted((n for n in both[np.triu_indices(32, 1)] if n), reverse=True)[:15]


def test_the_most_frequent_class_scores_what_evaluation_says():
    labels = np.array([0] * 50 + [1] * 30 + [2] * 5 + [3] * 5 + [4] * 5 + [5] * 5)
    constant = np.tile([0.5, 0.2, 0.1, 0.1, 0.06, 0.04, 0], (100, 1))
    most_frequent = {key: pair[1] for key, pair in figures.chance(labels, 7).items()}
    assert most_frequent == pytest.approx(evaluate(constant, labels, ONE_LABEL_METRICS), abs=1e-5)


def test_guessing_scores_what_draws_say():
    rng = np.random.default_rng(0)
    labels = rng.choice(4, 4000, p=(0.7, 0.1, 0.1, 0.1))
    found = evaluate(rng.random((4000, 4)), labels, ONE_LABEL_METRICS)
    guessing = {key: pair[0] for key, pair in figures.chance(labels, 4).items()}
    assert guessing == pytest.approx(found, abs=0.03)


def test_the_map_is_the_first_two_principal_components():
    scores = made_up_scores(np.arange(60) % 6, 6)
    found = clip_map(scores)
    logs = np.log(scores.astype(float))
    logs -= logs.mean(1, keepdims=True)
    logs -= logs.mean(0)
    u, s, _ = np.linalg.svd(logs, full_matrices=False)
    assert found['shares'] == pytest.approx((s**2 / (s**2).sum())[:2], abs=1e-5)
    for axis, name in enumerate('xy'):
        assert abs(np.corrcoef(found[name], u[:, axis])[0, 1]) > 0.9999
    assert clip_map(scores[:, :2]) is None and clip_map(np.full((9, 4), 0.25)) is None


def test_the_run_is_told_and_configs_are_compared(streams, tmp_path):
    found = runs([read_stream(folder) for folder in streams])
    facts = dict(found[0]['facts'])
    assert facts['Seed'] == '0' and facts['Epochs'] == '3'
    assert facts['Training took'] == '36 s of steps'  # 3 x 40 steps of 0.3 s
    assert found[0]['config'] == (streams[0] / 'joint.py').read_text()
    removed, added = found[1]['differs']
    assert removed[0] == '-' and added[0] == '+' and 'limb' in added


def test_a_log_of_a_stranger_tells_nothing_it_should_not(streams, tmp_path):
    scores = load_scores(streams[0] / 'scores.npz')
    folder = write_work_dir(
        tmp_path, 'odd', streams[0].parent / 'test.pkl', scores.ids, scores.scores
    )
    head = {'seed': {'a': 1}, 'command': 'x\x1b[2J' * 1000, 'world': [2]}
    row = {'mode': 'train', 'epoch': 1, 'iter': 5, 'time': 1e300}
    log = folder / '20260101_000000.log.json'
    log.write_text('\n'.join(map(json.dumps, (head, row))))
    facts = dict(runs([read_stream(folder)])[0]['facts'])
    assert set(facts) == {'Command', 'Epochs', 'Training took'} and len(facts['Command']) <= 400
    assert '\x1b' not in facts['Command'] and facts['Training took'] == '0 s of steps'
