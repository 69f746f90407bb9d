"""Clips that cannot be right are found, with kind and severity; nothing is said of good ones."""

from __future__ import annotations

import numpy as np
import pytest

from pyskl.annotations.fields import clean_fields
from pyskl.annotations.measures import measure_sample, sample_rows
from pyskl.annotations.plausibility import Expected, find_issues
from pyskl.skeletons import get_layout, imigue22, layout_of

COCO, NTU = get_layout('coco17'), get_layout('ntu25')
PICTURE = (480, 640)
PIXELS = Expected(layout=COCO)


def figure(seed: int, frames: int = 20) -> np.ndarray:
    """(1, T, 17, 2) px: somebody who stands and sways a little, in a picture of 480 x 640."""
    rng = np.random.default_rng(seed)
    pose = np.array(COCO.pose) * (120, 320) + (rng.uniform(100, 420), 60)
    way = np.cumsum(rng.normal(0, 1, (1, frames, 1, 2)), 1)
    return pose + way + rng.normal(0, 0.5, (1, frames, 17, 2))


def clip(index: int, **changed) -> dict:
    """A cleaned clip of `figure`, with other fields where they are given."""
    keypoint = figure(index)
    fields = {'frame_dir': f'c{index}', 'label': 0, 'img_shape': PICTURE, 'keypoint': keypoint}
    fields['keypoint_score'] = np.full(keypoint.shape[:3], 0.9)
    return clean_fields({**fields, **changed})


def clips(change, number: int = 6) -> list[dict]:
    """Clips, each with the fields that `change` makes of its key points."""
    return [clip(i, **change(figure(i))) for i in range(number)]


def found(some, expected: Expected = PIXELS) -> list[tuple[str, bool]]:
    """Kind and weight of all that is found."""
    issues = find_issues(measure_sample(some, expected.layout), expected)
    return [(issue.kind, issue.severe) for issue in issues]


def points(number: int, *shape: int) -> list[dict]:
    """Clips of random points in the picture, (M, T, V)."""
    rng = np.random.default_rng(0)
    return [
        clip(i, keypoint=rng.uniform(1, 479, (*shape, 2)), keypoint_score=None)
        for i in range(number)
    ]


def in_unit(xy):
    return {'keypoint': xy / (640, 480)}


def in_space(xy):
    return {
        'keypoint': np.concatenate([xy / 200, np.full((*xy.shape[:3], 1), 2.5)], -1),
        'keypoint_score': None,
        'img_shape': None,
    }


def with_score_as_z(xy):
    rising = np.linspace(0.2, 0.9, xy[..., 0].size).reshape(*xy.shape[:3], 1)
    return {'keypoint': np.concatenate([xy, rising], -1), 'keypoint_score': None}


def scores(value):
    return lambda xy: {'keypoint_score': np.full(xy.shape[:3], value)}


def axes_exchanged(xy):
    return {'keypoint': xy.swapaxes(1, 2), 'keypoint_score': None}


ODD = {
    'as they should be': (lambda xy: {}, []),
    'scores a little above 1': (scores(1.05), []),
    '0..1': (in_unit, [('normalised', True)]),
    '-1..1': (lambda xy: {'keypoint': xy / (320, 240) - 1}, [('normalised', True)]),
    'metres': (lambda xy: {'keypoint': xy / 100}, [('metres', True)]),
    'all joints 0': (lambda xy: {'keypoint': 0 * xy}, [('empty', True)]),
    'all scores 0': (scores(0), [('empty', True)]),
    'scores in per cent': (scores(90), [('scores', False)]),
    'scores below 0': (scores(-1), [('empty', True), ('scores', False)]),
    'row, column': (lambda xy: {'keypoint': xy[..., ::-1]}, [('exchanged', False)]),
    '(w, h)': (
        lambda xy: {'keypoint': xy + (500 - xy.min((0, 1, 2))[0], 0), 'img_shape': (640, 480)},
        [('size', False)],
    ),
    'another picture': (lambda xy: {'img_shape': (120, 160)}, [('outside', False)]),
    'in space': (in_space, [('space', True)]),
    'score as z': (with_score_as_z, [('third', True)]),
    'axes exchanged': (axes_exchanged, [('axes', False)]),
}


@pytest.mark.parametrize('what', ODD)
def test_what_cannot_be_right_is_found_and_nothing_else(what):
    change, expected = ODD[what]
    layout = None if what == 'axes exchanged' else COCO
    assert found(clips(change), Expected(layout=layout)) == expected


def test_rows_and_columns_are_told_by_the_picture_where_no_head_is_known():
    def fifteen(xy):
        return {'keypoint': xy[..., :15, ::-1] + (0, 200), 'keypoint_score': None}

    assert found(clips(fifteen), Expected()) == [('exchanged', False)]


@pytest.mark.parametrize('change', [in_unit, in_space, with_score_as_z])
def test_a_network_that_needs_no_pixels_is_given_any_unit(change):
    kinds = [('third', False)] if change is with_score_as_z else []
    assert found(clips(change), Expected(in_pixels=False)) == kinds


def test_tiny_pictures_are_not_taken_for_normalised_coordinates():
    assert found(clips(lambda xy: {'keypoint': xy / 480, 'img_shape': (1, 2)})) == []
    assert found(clips(lambda xy: {'keypoint': xy / 60, 'img_shape': (8, 12)})) == []


@pytest.mark.parametrize('change', [in_unit, scores(0), lambda xy: {'keypoint': xy / 100}])
def test_some_odd_clips_among_others_are_named_but_let_through(change):
    mixed = clips(lambda xy: {}, 4) + [clip(7, **change(figure(7)))]
    (issue,) = find_issues(measure_sample(mixed, COCO), PIXELS)
    assert not issue.severe and 'c7' in issue.text and 'c1' not in issue.text


@pytest.mark.parametrize('frames', [1, 3, 30])
def test_nothing_is_said_of_random_points_in_the_picture(frames):
    for layout in (COCO, imigue22('right'), imigue22('left')):
        assert found(points(5, 2, frames, layout.num_joints), Expected(layout=layout)) == []


# Layouts -----------------------------------------------------------------------------------------


def test_joints_unlike_the_layout_are_told_and_exchanged_axes_named():
    def kinds(change, layout):
        return found(clips(change), Expected(layout=layout))

    assert kinds(lambda xy: {}, NTU) == [('joints', True)]
    assert kinds(axes_exchanged, COCO) == [('axes', True)]  # 20 frames of 17 joints
    (issue,) = find_issues(measure_sample(clips(axes_exchanged), COCO), PIXELS)
    assert 'swapaxes(1, 2)' in issue.text and '20 joints in 6 clips' in issue.text


FIVE = dict(
    name='five', joints=list('abcde'), bones=[(i, 0) for i in range(1, 5)], mirror=[], centre=0
)


@pytest.mark.parametrize(
    ('said', 'taken_for', 'kinds'),
    [
        (imigue22('left'), imigue22('left'), []),
        (imigue22('left'), imigue22('right'), [('layout', False)]),
        (NTU, get_layout('openpose25'), [('layout', False)]),
        (layout_of(FIVE), layout_of(dict(FIVE, joints=list('vwxyz'))), []),
        (layout_of(FIVE), layout_of(dict(FIVE, joints=list('bacde'))), [('layout', False)]),
        (COCO, layout_of(FIVE), [('layout', False)]),
        (layout_of(FIVE), None, []),
        (COCO, None, [('joints', True)]),
    ],
)
def test_a_file_that_says_another_layout_than_the_pipeline_is_noticed(said, taken_for, kinds):
    some = points(5, 1, 9, (taken_for or layout_of(FIVE)).num_joints)
    assert found(some, Expected(layout=taken_for, declared=said)) == kinds


# The sample
# ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(('clips', 'looked_at'), [(1, 1), (5, 5), (64, 64), (65, 64), (10**7, 64)])
def test_a_sample_is_spread_over_all_clips_and_bounded(clips, looked_at):
    indices = sample_rows(clips)
    assert len(indices) == looked_at and indices[0] == 0 and indices[-1] == clips - 1
    assert clips == 1 or np.ptp(np.diff(indices)) <= 1


def test_looking_draws_no_random_numbers_and_changes_no_clip():
    before, state = clip(3), np.random.get_state()[1].copy()
    kept = {key: np.copy(value) for key, value in before.items()}
    measure_sample([before], COCO)
    assert (np.random.get_state()[1] == state).all()
    assert all((kept[key] == before[key]).all() for key in ('keypoint', 'keypoint_score'))


def test_clips_in_the_compressed_form_are_looked_at_box_by_box():
    def boxes(xy):
        triples = np.concatenate([xy[0], np.full((*xy.shape[1:3], 1), 0.9)], -1)
        return {
            'keypoint': triples, 'frame_inds': np.arange(len(triples)) // 2, 'total_frames': 2**19,
            'keypoint_score': None,
        }  # fmt: skip

    assert found(clips(boxes)) == []
    assert found(clips(lambda xy: boxes(xy / (640, 480)))) == [('normalised', True)]
    assert found([clip(0, **boxes(figure(0, 1)[:, :0]))]) == [('empty', True)]
