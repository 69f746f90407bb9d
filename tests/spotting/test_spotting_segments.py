"""Scores become segments: a slow twin goes frame by frame; thresholds are chosen by known recordings."""

from __future__ import annotations

import json
import tracemalloc

import numpy as np
import pytest

from pyskl.annotations.segments import Segment
from pyskl.errors import ConfigError, DataError
from pyskl.spotting.fit import fit_thresholds, load_thresholds, save_thresholds
from pyskl.spotting.rows import read_predictions, write_csv, write_json, write_predictions
from pyskl.spotting.segments import Scores, Thresholds, _surest, find_segments, smoothed


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
    """With a stride of one frame: frames at or above the threshold, gaps closed, short ones dropped."""
    found = []
    for k in range(scores.probs.shape[1]):
        if k == how.background:
            continue
        on = [t for t in range(scores.num_frames) if scores.probs[t, k] >= how.threshold]
        runs: list[list[int]] = []
        for t in on:
            if runs and t - runs[-1][-1] - 1 <= how.merge:
                runs[-1].append(t)
            else:
                runs.append([t])
        for run in runs:
            if run[-1] - run[0] + 1 >= how.shortest:
                score = np.mean([scores.probs[t, k] for t in range(run[0], run[-1] + 1)])
                found.append((float(score), run[0], run[-1], k))
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


def test_a_segment_at_an_end_reaches_to_the_end():
    (found,) = find_segments(along([[0.9]] * 4, 8, 30), Thresholds(0.5, 0, 0, 1))
    assert (found.start, found.end) == (0, 29)


def test_one_frame_is_enough_for_an_answer():
    scores = along([[0.1, 0.9]])
    assert find_segments(scores, Thresholds(0.5, 4, 0, 1)) == [Segment(0, 0, 1, pytest.approx(0.9))]


def test_smoothing_equals_a_weighted_mean_of_what_is_there():
    scores = walk(3, 20)
    found = smoothed(scores, 2.0)
    for t in range(20):
        weights = np.exp(-0.5 * ((np.arange(20) - t) / 2.0) ** 2) * (abs(np.arange(20) - t) <= 6)
        np.testing.assert_allclose(found[t], weights @ scores.probs / weights.sum(), rtol=1e-5)


def test_thresholds_out_of_range_are_refused():
    for wrong in ({'threshold': 0}, {'smooth': -1}, {'shortest': 0}, {'overlap': 2}, {'merge': -1}):
        with pytest.raises(ConfigError):
            Thresholds(**wrong)


# -- choosing -----------------------------------------------------------------------------------------


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
    names = 'abc'
    start = Thresholds(background=1)
    how, value = fit_thresholds(
        dict(zip(names, scores)), dict(zip(names, truth)), start, lambda name, found: list(found)
    )
    assert value == 1.0 and how.threshold <= 0.35 and how.background == 1
    assert not find_segments(scores[0], start)
    save_thresholds(tmp_path / 't.json', how, {'f1_there': value})
    assert load_thresholds(tmp_path / 't.json') == how


def test_nothing_can_be_chosen_without_labels():
    with pytest.raises(DataError):
        fit_thresholds({'a': walk(1)}, {'a': []}, Thresholds(), lambda name, found: list(found))


@pytest.mark.parametrize(
    'text', ['{}', '[1]', '{"thresholds": {"threshold": 0.5}}', 'x', '{"thresholds": null}']
)
def test_another_file_is_no_file_of_thresholds(tmp_path, text):
    (tmp_path / 't.json').write_text(text)
    with pytest.raises(DataError):
        load_thresholds(tmp_path / 't.json')


def test_wrong_numbers_in_a_file_of_thresholds_are_refused(tmp_path):
    save_thresholds(tmp_path / 't.json', Thresholds(), {})
    data = json.loads((tmp_path / 't.json').read_text())
    for name, value in (('merge', 1.5), ('threshold', True), ('smooth', 'x'), ('background', -1)):
        changed = {'thresholds': {**data['thresholds'], name: value}}
        (tmp_path / 't.json').write_text(json.dumps(changed))
        with pytest.raises((DataError, ConfigError)):
            load_thresholds(tmp_path / 't.json')


# -- files --------------------------------------------------------------------------------------------


def test_rows_say_what_was_spotted(tmp_path):
    found = {'0001': [Segment(3, 9, 1, 0.75), Segment(20, 31, 0, 0.5)], '=x': []}
    write_csv(tmp_path / 's.csv', found, ['wave', '=rest'])
    assert (tmp_path / 's.csv').read_text().splitlines() == [
        'clip,class,name,start,end,score',
        "0001,1,'=rest,3,9,0.7500",
        '0001,0,wave,20,31,0.5000',
    ]
    write_json(tmp_path / 's.json', found, ['wave', 'rest'], {'weights': [1.0]})
    data = json.loads((tmp_path / 's.json').read_text())
    assert data['clips']['0001'][0] == {
        'class': 1, 'name': 'rest', 'start': 3, 'end': 9, 'score': 0.75
    }  # fmt: skip
    assert data['clips']['=x'] == [] and data['weights'] == [1.0]


def test_the_challenges_rows_are_read_back(tmp_path):
    found = {'0001': [Segment(3, 9, 1, 0.75), Segment(20, 31, 0, 0.5)], '0002': []}
    paths = write_predictions(tmp_path, found, lambda clip, k: k + 1)
    assert [path.name for path in paths] == ['0001_prediction.csv', '0002_prediction.csv']
    assert paths[0].read_text() == '2,3,9\n1,20,31\n'
    back = [read_predictions(path, lambda n: n - 1) for path in paths]
    assert [(s.start, s.end, s.label) for s in back[0]] == [(3, 9, 1), (20, 31, 0)] and back[
        1
    ] == []


def test_very_many_segments_take_the_memory_of_one_row_at_a_time():
    rng = np.random.default_rng(0)
    starts = rng.integers(0, 20_000, 6_000)
    segments = [
        Segment(int(a), int(a) + 20, 0, float(s)) for a, s in zip(starts, rng.random(6_000))
    ]
    tracemalloc.start()
    kept = _surest(segments, 0.3)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 30e6 and 500 < len(kept) < 6_000
