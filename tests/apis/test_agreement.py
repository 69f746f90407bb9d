"""Streams that do not belong together are refused with advice; others are accepted."""

import numpy as np
import pytest

from pyskl.scores.agreement import doubts, mixed_kinds
from pyskl.scores.probabilities import soften

NAMES = ('a.npz', 'b.npz', 'c.npz')


def streams(num_clips=48, num_classes=32, skill=(6.0, 5.0), seed=0):
    """labels and streams that know them more or less."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(num_classes, size=num_clips)
    made = []
    for strength in skill:
        logits = rng.normal(size=(num_clips, num_classes))
        logits[np.arange(num_clips), labels] += strength
        made.append(soften(logits))
    return labels, made, [f'{n // 15:04d}_{n % 15}' for n in range(num_clips)]


def said(scores, ids, labels=None):
    return doubts(NAMES[: len(scores)], scores, ids, labels)


@pytest.mark.parametrize('step', [1, -1])
@pytest.mark.parametrize('num_classes', [32, 10])
def test_classes_in_another_order_are_said_with_the_line_that_mends_them(step, num_classes):
    labels, (one, other), ids = streams(num_classes=num_classes)
    moved = np.roll(other, step, axis=1)
    for known in (None, labels):
        (line,) = said([one, moved], ids, known)
        assert f'np.roll(scores, {-step}, axis=1)' in line and 'b.npz' in line
        assert ('id % 99' in line) == (num_classes == 32)
        assert said([one, np.roll(moved, -step, axis=1)], ids, known) == []


ROWS, BY_TEXT = np.arange(400), np.argsort(streams(400)[2])
ORDERS = {
    'as sorted by name ': BY_TEXT,
    'numbers by value': np.argsort(BY_TEXT),
    'as reversed ': ROWS[::-1],
    'as one row late ': np.roll(ROWS, 1),
    'as one row early ': np.roll(ROWS, -1),
    'Likely causes': np.random.default_rng(1).permutation(400),
}


@pytest.mark.parametrize('order', ORDERS)
def test_rows_in_another_order_are_said_with_that_order(order):
    labels, (one, other), ids = streams(num_clips=400)
    if order == 'numbers by value':  # beside a list that is sorted as text
        ids, one, other, labels = (
            [ids[n] for n in BY_TEXT],
            one[BY_TEXT],
            other[BY_TEXT],
            labels[BY_TEXT],
        )
    for known in (None, labels):
        (line,) = said([one, other[ORDERS[order]]], ids, known)
        assert order in line and 'np.roll' not in line


def test_the_odd_one_of_three_is_named_wherever_it_stands():
    labels, made, ids = streams(skill=(5, 5, 5))
    for odd in range(3):
        mixed = list(made)
        mixed[odd] = np.roll(made[odd], 1, axis=1)
        for known in (None, labels):
            (line,) = said(mixed, ids, known)
            assert line.startswith(NAMES[odd])


def test_labels_of_other_clips_are_said_of_every_stream():
    labels, made, ids = streams(num_clips=400)
    lines = said(made, ids, np.random.default_rng(6).permutation(labels))
    assert len(lines) == 2 and not any('a.npz on' in line for line in lines)


@pytest.mark.parametrize(
    ('num_clips', 'skill', 'classes', 'tries'),
    [(8, 0, 32, 50), (40, 1.5, 32, 8), (200, 1.5, 32, 8), (4562, 1.0, 32, 8), (30, 2.5, 32, 8),
     (200, 1, 2, 1)],
)  # fmt: skip
def test_small_sets_and_weak_streams_are_left_alone(num_clips, skill, classes, tries):
    for seed in range(tries):
        labels, made, ids = streams(num_clips, classes, (skill, skill), seed)
        assert said(made, ids) == [] and said(made, ids, labels) == []


def test_clips_without_labels_and_classes_without_clips_do_not_count():
    same = np.zeros((200, 2), np.float32)
    assert said([same, same + 1], [str(n) for n in range(200)], np.zeros(200, int)) == []
    labels, made, ids = streams()
    assert said(made, ids, np.full(48, -1)) == []
    few = np.where(np.arange(48) < 5, (labels + 1) % 32, -1)
    assert said(made, ids, few) == []


def test_one_stream_given_twice_is_said_and_two_runs_of_it_are_not():
    _, (one, other), ids = streams()
    (line,) = said([one, one.copy()], ids)
    assert 'exactly the scores of a.npz' in line
    assert said([one, other], ids) == []


def test_logits_beside_probabilities_are_said():
    _, (one, other), _ = streams()
    (line,) = mixed_kinds(NAMES[:2], [one, np.log(other)])
    assert 'a.npz holds probabilities, b.npz holds logits' in line and '--temperatures 1 1' in line
    assert mixed_kinds(NAMES[:2], [one, other]) == [] == mixed_kinds(NAMES[:1], [np.log(one)])
