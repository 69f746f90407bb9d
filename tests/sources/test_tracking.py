"""People are followed from frame to frame, by ids or by nearness."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from pyskl.sources.tracking import Boxes, people_of, track

BODY = np.array([[0, 0], [10, 0], [0, 20], [10, 20]], float) + 5


def box(x: float, y: float = 0, score: float = 0.9) -> np.ndarray:
    """(4, 3) a person of 10 x 20 px at x, y."""
    return np.concatenate([BODY + [x, y], np.full((4, 1), score)], axis=1).astype(np.float32)


def boxes(*rows: tuple[int, np.ndarray], ids=None) -> Boxes:
    frames = np.array([frame for frame, _ in rows])
    return Boxes(np.stack([b for _, b in rows]), frames, int(frames.max()) + 1, ids)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 5), st.integers(2, 12))
def test_people_who_stay_apart_are_told_apart_whatever_their_order(seed, num_people, num_frames):
    rng = np.random.default_rng(seed)
    rows, who = [], []
    for t in range(num_frames):
        for m in rng.permutation(num_people)[: rng.integers(1, num_people + 1)]:
            rows.append((t, box(1000 * m + rng.uniform(-4, 4), rng.uniform(-4, 4))))
            who.append(int(m))
    seen = boxes(*rows)
    found = track(seen.joints, seen.frames).tolist()
    one_at_a_time = len(set(seen.frames.tolist())) == len(rows)  # never two at once: taken for one
    assert len(set(zip(found, who))) == len(set(who))
    assert len(set(found)) == (1 if one_at_a_time else len(set(who)))


def test_the_sum_of_distances_is_least_not_each_in_turn():
    seen = boxes((0, box(0)), (0, box(8)), (1, box(7)), (1, box(14)))
    assert track(seen.joints, seen.frames).tolist() == [0, 1, 0, 1]


def test_who_is_a_body_away_is_somebody_new_and_after_a_while_may_be_the_same():
    far = 40  # px; the body measures 22
    for frame, who in ((1, 2), (3, 0)):
        seen = boxes((0, box(0)), (0, box(200)), (frame, box(far)), (frame, box(200)))
        assert track(seen.joints, seen.frames).tolist() == [0, 1, who, 1]


def test_joints_that_are_missing_do_not_count():
    hidden = box(0)
    hidden[1:] = 0
    seen = boxes((0, box(0)), (0, box(200)), (1, box(200)), (1, hidden), (2, box(0)), (2, box(201)))
    assert track(seen.joints, seen.frames).tolist() == [0, 1, 1, 0, 0, 1]


@pytest.mark.parametrize(
    'ids, places', [([7, 3, 7, 3], [100, 0]), (None, [0, 100]), ([0, 0, 0, 0], [0, 100])]
)
def test_ids_tell_people_apart_unless_two_have_one(ids, places):
    # by place the two change seats in frame 1; by ids 7 and 3 they run past each other
    rows = [(0, box(0)), (0, box(100, score=0.8)), (1, box(100)), (1, box(0, score=0.8))]
    people, number = people_of(boxes(*rows, ids=ids and np.array(ids)), 2)
    assert number == 2 and people.shape == (2, 2, 4, 3)
    assert (people[:, 1, 0, 0] - 5).tolist() == places


def test_those_who_are_seen_most_come_first_and_stay():
    rows = [(0, box(0)), (0, box(100)), (0, box(200, score=0.5))]
    rows += [(1, box(100)), (1, box(200, score=0.5))]
    people, number = people_of(boxes(*rows), 2)
    assert number == 3
    assert people[:, 0, 0, 0].tolist() == [105, 205]


def test_somebody_of_whom_one_joint_is_seen_is_followed_by_the_others_size():
    rows = []
    for t in range(5):
        tip = box(200 + 2 * t)
        tip[1:] = 0
        rows += [(t, tip), (t, box(0))][:: 1 if t % 2 else -1]
    people, number = people_of(boxes(*rows), 9)
    assert number == 2
    assert people[1, :, 0, 0].tolist() == [205, 207, 209, 211, 213]


def test_in_space_the_third_number_is_no_score():
    low = box(0)
    low[:, 2] = -3.0
    high = box(100)
    rows = [(0, high), (0, low), (1, low), (1, high)]
    people, _ = people_of(boxes(*rows), 2, in_space=True)
    assert_array_equal(people, np.stack([[high, high], [low, low]]))


def test_nobody_gives_no_people():
    people, number = people_of(Boxes(np.zeros((0, 4, 3), np.float32), np.zeros(0, int), 5), 2)
    assert people.shape == (0, 5, 4, 3) and number == 0
