"""Layouts with a face and hands, and some joints of a layout as a layout of their own."""

from __future__ import annotations

import pytest

from pyskl.errors import ConfigError
from pyskl.skeletons import LAYOUTS, get_layout, guess_layout, imigue22, layout_of, subset

# Where each part of a maker's list begins and ends, and what stands there.
PLACES = {
    'openpose137': {24: 'right heel', 25: 'right jaw 1', 33: 'chin', 91: 'inner lower lip'}
    | {93: 'right pupil', 94: 'left pupil', 95: 'left hand root', 99: 'left thumb tip'}
    | {116: 'right hand root', 136: 'right little tip'},
    'coco_wholebody133': {
        16: 'right ankle',
        17: 'left big toe',
        22: 'right heel',
        23: 'right jaw 1',
    }
    | {
        53: 'nose tip',
        59: 'right eye outer corner',
        68: 'left eye outer corner',
        77: 'left mouth corner',
    }
    | {90: 'right inner lower lip', 91: 'left hand root', 112: 'right hand root'},
    'halpe26': {9: 'left wrist', 17: 'head', 18: 'neck', 19: 'middle hip', 20: 'left big toe'}
    | {21: 'right big toe', 25: 'right heel'},
    'halpe136': {
        25: 'right heel',
        26: 'right jaw 1',
        94: 'left hand root',
        135: 'right little tip',
    },
    'openpose18': {1: 'neck', 4: 'right wrist', 13: 'left ankle', 14: 'right eye', 17: 'left ear'},
    'mediapipe33': {0: 'nose', 10: 'right mouth', 25: 'left knee', 32: 'right foot index'},
    'ntu25': {11: 'right hand', 20: 'spine top'},
    'openpose25': {8: 'middle hip', 15: 'right eye', 24: 'right heel'},
    'mediapipe_upper_hands': {16: 'right wrist', 24: 'right hip', 46: 'right hand root'},
    'openpose_upper_hands': {32: 'left little tip', 37: 'right thumb tip'},
    'coco17': {10: 'right wrist'},
    'imigue22': {1: 'neck', 12: 'left thumb tip', 21: 'right little tip'},
    'mediapipe_holistic75': {15: 'left wrist', 33: 'left hand root', 74: 'right little tip'},
}


@pytest.mark.parametrize('name', PLACES)
def test_joints_stand_where_the_specification_puts_them(name):
    layout = get_layout(name)
    assert {j: layout.joints[j] for j in PLACES[name]} == PLACES[name]
    assert guess_layout(layout.num_joints) is (None if layout.num_joints == 25 else layout)


@pytest.mark.parametrize('name', PLACES)
def test_every_joint_hangs_from_one_root(name):
    layout = get_layout(name)
    assert len(layout.bones) == layout.num_joints - 1
    assert layout.centre not in dict(layout.bones)


def test_the_face_mirrors_as_its_scheme_is_symmetric():
    """The pairs follow from the scheme's rows: the jaw ends at 0 and 16, the outer eyes at 36 and
    45.
    """
    opposite = [j - 23 for j in get_layout('coco_wholebody133').opposite[23:91]]
    jaw_and_brows = [*range(16, -1, -1), *range(26, 16, -1)]
    nose, eyes = '27 28 29 30 35 34 33 32 31', '45 44 43 42 47 46 39 38 37 36 41 40'
    lips = '54 53 52 51 50 49 48 59 58 57 56 55 64 63 62 61 60 67 66 65'
    assert opposite == [*jaw_and_brows, *map(int, f'{nose} {eyes} {lips}'.split())]


@pytest.mark.parametrize(
    'layout', [*LAYOUTS.values(), imigue22('right')], ids=lambda layout: layout.name
)
def test_a_layout_comes_back_from_its_plain_data(layout):
    assert layout_of(layout.config()) == layout


# -- some joints of a layout -----------------------------------------------------------------------


def test_a_joint_hangs_from_its_nearest_ancestor_that_is_kept():
    arms = ['neck', 'right wrist', 'left wrist', 'right index tip', 'left index tip']
    found = subset(get_layout('openpose137'), arms, name='arms')
    assert found.joints == tuple(arms) and found.name == 'arms'
    assert set(found.bones) == {(1, 0), (2, 0), (3, 1), (4, 2)}
    assert found.mirror == ((2, 1), (4, 3)) and found.centre == 0
    assert found.pose[0] == get_layout('openpose137').pose[1]


def test_a_subset_of_all_joints_is_the_layout():
    layout = get_layout('coco17')
    assert subset(layout, range(17), name='coco17') == layout


def test_roots_and_centre_of_a_subset_without_the_old_centre():
    found = subset(get_layout('coco17'), [5, 6, 9, 10])
    assert (
        found.bones == ((2, 0), (3, 1)) and found.mirror == ((0, 1), (2, 3)) and found.centre == 0
    )


def test_one_hand_alone_has_no_mirror_pairs():
    found = subset(get_layout('openpose137'), range(95, 116))
    assert len(found.bones) == 20 and found.mirror == () and found.joints[0] == 'left hand root'


def test_a_config_keeps_joints_of_a_known_layout():
    body_and_hands = [*range(25), *range(95, 137)]
    found = layout_of(dict(name='openpose137', keep=body_and_hands))
    assert found == subset(get_layout('openpose137'), body_and_hands)
    assert (found.num_joints, len(found.bones), found.joints[25]) == (67, 66, 'left hand root')
    kept = layout_of(dict(name='imigue22', first_hand='left', keep=[1, 4, 7, 12, 17]))
    assert set(kept.bones) == {(1, 0), (2, 0), (3, 2), (4, 1)}


@pytest.mark.parametrize(
    ('keep', 'words'),
    [
        ([17], '17 .*0..16'),
        ([-1], '0..16'),
        ([3, 3], 'each once'),
        ([], 'no joint'),
        (5, 'list of names'),
    ]
    + [
        (['nse'], 'Did you mean nose'),
        ([[1]], 'list of names'),
        ([5, 6, 9], "'left wrist' without"),
    ],
)
def test_joints_that_cannot_be_kept_are_named(keep, words):
    with pytest.raises(ConfigError, match=words):
        layout_of(dict(name='coco17', keep=keep))


def test_an_unknown_layout_is_answered_with_how_to_write_one_out():
    with pytest.raises(ConfigError, match=r"'openpose68'.*keep=.*joints="):
        get_layout('openpose68')
