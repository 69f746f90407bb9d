"""Scores become segments, as in a slow twin; thresholds are chosen on labelled recordings."""

from __future__ import annotations

import json
import tracemalloc

import numpy as np
import pytest

from pyskl.annotations.segments import Segment
from pyskl.errors import ConfigError, DataError
from pyskl.spotting.fit import fit_thresholds, fit_weights
from pyskl.spotting.rows import write_csv, write_json, write_predictions
from pyskl.spotting.segments import (
    Scores,
    SegmentFinder,
    Thresholds,
    find_segments,
    smooth_rows,
    suppress_overlaps,
)
from pyskl.spotting.settings import Settings, load_settings, save_settings
from pyskl.spotting.windows import Windows


def along(rows, stride: int = 1, num_frames: int | None = None) -> Scores:
    probs = np.array(rows, np.float32)
    middles = np.arange(len(probs)) * stride
    return Scores(middles, probs, num_frames or int(middles[-1]) + stride)


def walk(seed: int, number: int = 80, classes: int = 3) -> Scores:
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1, (number, classes)).cumsum(0) / 2
    probs = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return along(probs)


def slow_segments(scores: Scores, how: Thresholds) -> list[tuple[int, int, int]]:
    """Stride 1: frames at or above the threshold, gaps closed, short ones dropped."""
    found = []
    for k in range(scores.probs.shape[1]):
        if k == how.background:
            continue
        runs: list[list[int]] = []
        for t in np.flatnonzero(scores.probs[:, k] >= how.threshold).tolist():
            if runs and t - runs[-1][-1] - 1 <= how.merge:
                runs[-1].append(t)
            else:
                runs.append([t])
        for run in runs:
            if run[-1] - run[0] + 1 >= how.shortest:
                score = float(scores.probs[run[0] : run[-1] + 1, k].mean())
                found.append((score, run[0], run[-1], k))
    kept: list[tuple[float, int, int, int]] = []
    for one in sorted(found, key=lambda f: (-f[0], f[1], f[3])):
        frames = set(range(one[1], one[2] + 1))
        shares = [
            len(frames & set(range(o[1], o[2] + 1))) / min(len(frames), o[2] - o[1] + 1)
            for o in kept
        ]
        if not any(share > how.overlap for share in shares):
            kept.append(one)
    return sorted((start, end, k) for _, start, end, k in kept)


@pytest.mark.parametrize('seed', range(10))
def test_segments_equal_the_slow_twin(seed):
    scores = walk(seed)
    for how in (
        Thresholds(0.5, 0, 0, 1, 0.0),
        Thresholds(0.4, 0, 3, 4, 0.3),
        Thresholds(0.3, 0, 6, 2, 0.8, background=1),
    ):
        found = [(s.start, s.end, s.label) for s in find_segments(scores, how)]
        assert found == slow_segments(scores, how)


def test_ends_lie_where_the_line_between_two_scores_crosses_the_threshold():
    scores = along([[0.0], [0.8], [0.8], [0.2], [0.0]], stride=8)
    (found,) = find_segments(scores, Thresholds(0.4, 0, 0, 1))
    assert (found.start, found.end) == (4, 21) and found.score == pytest.approx(0.8)


def test_a_segment_at_an_end_reaches_to_the_end_and_one_frame_is_enough():
    (found,) = find_segments(along([[0.9]] * 4, 8, 30), Thresholds(0.5, 0, 0, 1))
    assert (found.start, found.end) == (0, 29)
    (found,) = find_segments(along([[0.1, 0.9]]), Thresholds(0.5, 4, 0, 1))
    assert (found.start, found.end, found.label) == (0, 0, 1)


def test_smoothing_equals_a_weighted_mean_of_what_is_there():
    scores = walk(3, 20)
    found = smooth_rows(scores.probs, 0, 20, 2.0)
    for t in range(20):
        weights = np.exp(-0.5 * ((np.arange(20) - t) / 2.0) ** 2) * (abs(np.arange(20) - t) <= 6)
        np.testing.assert_allclose(found[t], weights @ scores.probs / weights.sum(), rtol=1e-5)


def test_thresholds_out_of_range_are_refused():
    for wrong in ({'threshold': 0}, {'smooth': -1}, {'shortest': 0}, {'overlap': 2}, {'merge': -1}):
        with pytest.raises(ConfigError):
            Thresholds(**wrong)


# -- while scores come in --------------------------------------------------------------------------


def in_parts(scores: Scores, how: Thresholds, sizes, horizon=None) -> list[list[Segment]]:
    """What comes out after each part of the scores, and after the last."""
    stride = int(scores.middles[1] - scores.middles[0])
    finder, at, came = SegmentFinder(how, stride, horizon), 0, []
    while at < len(scores.probs):
        part = slice(at, at + next(sizes))
        came.append(finder.add(scores.middles[part], scores.probs[part]))
        at = part.stop
    return [*came, finder.close(scores.num_frames)]


@pytest.mark.parametrize('seed', range(12))
def test_segments_that_come_out_one_by_one_are_those_of_the_whole(seed):
    rng, given = np.random.default_rng(seed), walk(seed, 120, 4)
    scores = Scores(given.middles * 3, given.probs, 361)
    for how in (
        Thresholds(0.5, 0, 0, 1, 0.0),
        Thresholds(0.4, 5, 8, 6, 0.3),
        Thresholds(0.25, 9, 20, 2, 0.8, background=1),
        Thresholds(0.3, 500, 3, 1, 1.0),
    ):
        whole = find_segments(scores, how)
        for most in (1, 7, 50):
            parts = in_parts(scores, how, iter(lambda n=most: int(rng.integers(1, n + 1)), 0))
            assert [s for part in parts for s in part] == whole


def test_a_segment_comes_out_as_soon_as_nothing_can_change_it():
    probs = np.zeros((40, 2), np.float32)
    probs[5:10, 0] = 0.9  # frames 40 to 76 or so
    how = Thresholds(0.5, 0, merge=16, shortest=1)
    parts = in_parts(along(probs, 8), how, iter(lambda: 1, 0))
    (at,) = np.flatnonzero([len(part) for part in parts])
    (found,) = parts[at]
    assert at * 8 - found.end - 1 > 16 >= (at - 1) * 8 - found.end - 1


def test_what_overlaps_without_end_is_cut_at_the_horizon():
    probs = np.full((500, 2), 0.9, np.float32)
    probs[10::20, 1] = 0
    finder, came = SegmentFinder(Thresholds(0.5, 0, 0, 1, 1.0), 1, horizon=100), []
    for t in range(500):
        came += finder.add(np.array([t]), probs[t : t + 1])
        assert len(finder._waiting) < 12 and len(finder._rows) <= 1
    came += finder.close(500)
    first = [s for s in came if s.label == 0]
    assert [s.num_frames for s in first] == [102, 102, 102, 102, 92]
    assert all(a.end + 1 == b.start for a, b in zip(first, first[1:]))
    assert sum(s.num_frames for s in came if s.label == 1) == 475


# -- choosing --------------------------------------------------------------------------------------


def known(seed: int) -> tuple[Scores, list[Segment]]:
    """Scores that say 0.35 where class 0 happens: too little for the default threshold."""
    rng = np.random.default_rng(seed)
    probs, truth = np.full((200, 2), 0.1, np.float32), []
    for start in (20, 80, 140):
        probs[start : start + 30, 0] = 0.35 + 0.02 * rng.random(30)
        truth.append(Segment(start, start + 29, 0))
    return along(probs), truth


def test_thresholds_are_chosen_by_what_is_known_and_kept_in_a_file(tmp_path):
    scores, truth = zip(*(known(seed) for seed in range(3)))
    start = Thresholds(background=1)
    how, value = fit_thresholds(
        dict(enumerate(scores)), dict(enumerate(truth)), start, lambda name, found: found
    )
    assert value == 1.0 and how.threshold <= 0.35 and how.background == 1
    assert not find_segments(scores[0], start)
    with pytest.raises(DataError):
        fit_thresholds({'a': walk(1)}, {'a': []}, start, lambda name, found: found)
    save_settings(tmp_path / 't.json', Settings(how), {'f1_there': value})
    assert load_settings(tmp_path / 't.json') == Settings(how)


def test_weights_are_those_under_which_the_labels_are_likeliest():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 300)
    sure, noise = np.full((300, 3), 0.1), rng.dirichlet([1, 1, 1], 300)
    sure[np.arange(300), labels] = 0.8
    probs = np.stack([noise, sure]).astype(np.float32)
    labels[:20] = -1  # not known
    probs[:, 20:30] = 0  # nobody is seen
    right = probs[:, np.arange(30, 300), labels[30:]]
    likely = [np.log(w * right[0] + (1 - w) * right[1]).mean() for w in np.linspace(0, 0.99, 100)]
    best = np.argmax(likely) / 100
    assert fit_weights(probs, labels) == pytest.approx((best, 1 - best), abs=0.006)
    with pytest.raises(DataError):
        fit_weights(probs, np.full(300, -1))


@pytest.mark.parametrize(
    'text', ['{}', '[1]', '{"thresholds": {"threshold": 0.5}}', 'x', '{"thresholds": null}']
)
def test_another_file_is_no_file_of_thresholds(tmp_path, text):
    (tmp_path / 't.json').write_text(text)
    with pytest.raises(DataError, match='t.json'):
        load_settings(tmp_path / 't.json')


def test_all_settings_are_kept_in_a_file(tmp_path):
    windows = Windows((16, 40), 4, 32, 30.0)
    settings = Settings(Thresholds(0.35, background=1), windows, ('a.pth', 'b.pth'), (0.3, 0.7))
    save_settings(tmp_path / 't.json', settings, {'f1_there': 0.5})
    found = load_settings(tmp_path / 't.json')
    assert found == settings
    assert found.weights_for(['b.pth', 'a.pth'], 't.json') == (0.7, 0.3)
    assert found.weights_for(['x.pth', 'y.pth'], 't.json') == (0.3, 0.7)
    with pytest.raises(DataError):
        found.weights_for(['a.pth'], 't.json')


@pytest.mark.parametrize(
    'part, name, value',
    [
        ('thresholds', 'merge', 1.5),
        ('thresholds', 'background', -1),
        ('windows', 'lengths', [16.5]),
        ('windows', 'fps', -1),
        (None, 'windows', [1]),
        (None, 'weights', [0.5]),
        (None, 'weights', [0, 0]),
        (None, 'weights', [-1, 2]),
        (None, 'weights', [float('nan'), 1]),
        (None, 'streams', 'ab'),
        (None, 'streams', [1, 2]),
    ],
)
def test_wrong_values_in_a_file_of_thresholds_are_refused(tmp_path, part, name, value):
    settings = Settings(Thresholds(), Windows(), ('a.pth', 'b.pth'), (0.3, 0.7))
    save_settings(tmp_path / 't.json', settings, {})
    data = json.loads((tmp_path / 't.json').read_text())
    (data if part is None else data[part])[name] = value
    (tmp_path / 't.json').write_text(json.dumps(data))
    with pytest.raises((DataError, ConfigError), match='t.json'):
        load_settings(tmp_path / 't.json')


# -- files -----------------------------------------------------------------------------------------


def test_rows_say_what_was_spotted(tmp_path):
    found = {'0001': [Segment(3, 9, 1, 0.75), Segment(20, 31, 0, 0.5)], '=x': []}
    write_csv(tmp_path / 's.csv', found, ['wave', '=rest'])
    header, first, _ = (tmp_path / 's.csv').read_text().splitlines()
    assert header == 'clip,class,name,start,end,score' and first == "0001,1,'=rest,3,9,0.7500"
    write_json(tmp_path / 's.json', found, ['wave', 'rest'], {'weights': [1.0]})
    data = json.loads((tmp_path / 's.json').read_text())
    expected = {'class': 1, 'name': 'rest', 'start': 3, 'end': 9, 'score': 0.75}
    assert data['clips']['0001'][0] == expected
    assert data['clips']['=x'] == [] and data['weights'] == [1.0]


def test_the_challenges_rows_are_written_by_recording(tmp_path):
    found = {'0001': [Segment(3, 9, 1, 0.75), Segment(20, 31, 0, 0.5)], '0002': []}
    paths = write_predictions(tmp_path, found, lambda clip, k: k + 1)
    assert [path.name for path in paths] == ['0001_prediction.csv', '0002_prediction.csv']
    assert paths[0].read_text() == '2,3,9\n1,20,31\n'
    assert paths[1].read_text() == ''


def test_very_many_segments_take_the_memory_of_one_row_at_a_time():
    rng = np.random.default_rng(0)
    starts, scores = rng.integers(0, 20_000, 6_000).tolist(), rng.random(6_000).tolist()
    segments = [Segment(start, start + 20, 0, score) for start, score in zip(starts, scores)]
    tracemalloc.start()
    kept = suppress_overlaps(segments, 0.3)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 30e6 and 500 < len(kept) < 6_000
