"""Skeleton layouts: mirrors, bones, and the faults that a layout refuses to be made with."""

from __future__ import annotations

import dataclasses

import pytest
from own_layout import ARM

from pyskl.errors import ConfigError
from pyskl.skeletons import (
    LAYOUTS,
    Layout,
    get_layout,
    guess_layout,
    imigue22,
    layout_of,
    layout_to_draw,
    tables,
    topology_of,
)
from pyskl.skeletons.joint_table import layout_from, read_joints

layouts = pytest.mark.parametrize(
    'layout', [*LAYOUTS.values(), imigue22('right')], ids=lambda layout: layout.joints[-1]
)


@layouts
def test_left_joints_are_the_ones_named_left(layout):
    for left, right in zip(layout.left, layout.right):
        assert layout.joints[left].replace('left', 'right') == layout.joints[right]
    paired = {*layout.left, *layout.right}
    assert all(
        ('left' in name or 'right' in name) == (j in paired) for j, name in enumerate(layout.joints)
    )


@layouts
def test_mirrored_bones_join_mirrored_joints(layout):
    for left, right in zip(layout.left_bones, layout.right_bones):
        assert {layout.opposite[j] for j in layout.bones[left]} == set(layout.bones[right])
        assert set(layout.bones[left]) & set(layout.left)
    unpaired = set(range(len(layout.bones))) - {*layout.left_bones, *layout.right_bones}
    assert all(
        {layout.opposite[j] for j in layout.bones[b]} == set(layout.bones[b]) for b in unpaired
    )


@layouts
def test_every_layout_is_drawn_inside_the_picture_with_left_at_its_right(layout):
    assert len(set(layout.pose)) == layout.num_joints
    for left, right in layout.mirror:
        (left_x, left_y), (right_x, right_y) = layout.pose[left], layout.pose[right]
        assert left_x > 0.5 and left_y == right_y and left_x == pytest.approx(1 - right_x)
    assert all(0 < x < 1 and 0 < y < 1 for x, y in layout.pose)
    assert all(
        layout.pose[j][0] == 0.5 for j in range(layout.num_joints) if layout.opposite[j] == j
    )


def test_no_layout_is_guessed_for_a_number_that_none_or_two_have():
    assert guess_layout(23) is None and guess_layout(25) is None


@pytest.mark.parametrize('name', ['openpose_upper_hands', 'mediapipe_upper_hands'])
def test_both_hands_hang_from_their_own_wrists(name):
    layout = get_layout(name)
    parents = dict(layout.bones)
    for j, joint in enumerate(layout.joints):
        if joint.endswith(' tip'):
            way = [j]
            while 'wrist' not in layout.joints[way[-1]]:
                way.append(parents[way[-1]])
            assert layout.joints[way[-1]] == f'{joint.split()[0]} wrist' and len(way) == 6


def test_the_first_hand_is_one_of_two():
    with pytest.raises(ConfigError, match="first_hand = 'both'"):
        imigue22('both')


UPPER_BODY = '0-1 2-1 3-2 4-3 5-1 6-5 7-6 8-0 10-8 9-0 11-9'


@pytest.mark.parametrize(
    ('layout', 'first_bones'),
    [
        (imigue22('right'), f'{UPPER_BODY} 12-4 13-4 14-4 15-4 16-4 17-7 18-7 19-7 20-7 21-7'),
        (imigue22('left'), f'{UPPER_BODY} 12-7 13-7 14-7 15-7 16-7 17-4 18-4 19-4 20-4 21-4'),
        (LAYOUTS['openpose_upper_hands'], f'{UPPER_BODY} 12-7 13-12 14-13 15-14 16-15 17-12'),
        (LAYOUTS['mediapipe_upper_hands'], '1-0 2-1 3-2 7-3 4-0 5-4 6-5 8-6 9-0 10-0'),
        (LAYOUTS['natops8'], '0-4 1-5 4-2 5-3 6-4 7-5'),
    ],
)
def test_bones_keep_the_order_in_which_trained_networks_know_them(layout, first_bones):
    bones = [f'{child}-{parent}' for child, parent in layout.bones]
    assert bones[: first_bones.count('-')] == first_bones.split()


def test_the_published_name_of_imigues_joints_keeps_its_right_hand_first():
    topology, drawn = topology_of('openpose22'), layout_to_draw('openpose22')
    assert [topology.bone_partner[j] for j in (12, 16, 17, 21)] == [4, 4, 7, 7]
    assert drawn.joints == imigue22('right').joints and drawn.pose == imigue22('right').pose


def test_the_hands_of_the_other_wrists_are_drawn_below_them():
    right, left = imigue22('right'), imigue22('left')
    assert right.pose[12] == left.pose[17] == (0.0521, 0.8011) and right.pose[17] == left.pose[
        12
    ] == (0.9479, 0.8011)
    assert left.mirror[5:] == ((12, 17), (13, 18), (14, 19), (15, 20), (16, 21))


def test_an_unknown_layout_is_named_with_a_suggestion():
    with pytest.raises(ConfigError, match=r"'imigue2'.*Did you mean imigue22\?"):
        get_layout('imigue2')


def arm(**changes) -> Layout:
    good = Layout(
        'arm',
        ('neck', 'left hand', 'right hand'),
        bones=((1, 0), (2, 0)),
        mirror=((1, 2),),
        centre=0,
    )
    return dataclasses.replace(good, **changes)


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        (dict(bones=((1, 0), (3, 0))), 'outside 0..2'),
        (dict(centre=-1), 'outside 0..2'),
        (dict(joints=('neck', 'hand', 'hand')), 'share a name'),
        (dict(mirror=((1, 2), (2, 0))), 'two mirror pairs'),
        (dict(mirror=((1, 1),)), 'two mirror pairs'),
        (dict(bones=((1, 0), (1, 2), (2, 0))), r'two parents.*\(child, parent\)'),
        (dict(bones=((1, 2), (2, 1))), 'in a circle'),
        (dict(bones=((1, 1),)), 'its own parent'),
        (dict(bones=((1, 0),)), 'no mirror image'),
    ],
)
def test_a_layout_that_contradicts_itself_is_refused(changes, words):
    with pytest.raises(ConfigError, match=words):
        arm(**changes)


@pytest.mark.parametrize(
    ('pose', 'words'),
    [
        (((0.5, 0.1), (0.2, 0.5)), 'expected 3 pairs'),
        (((0.5, 0.1), (0.2, 0.5), (0.8, float('nan'))), 'in 0..1'),
        (((0.5, 0.1), (0.2, 0.5), (0.8,)), 'pairs \\(x, y\\)'),
    ],
)
def test_a_pose_that_does_not_fit_is_refused(pose, words):
    with pytest.raises(ConfigError, match=f'pose: .*{words}'):
        arm(pose=pose)


def test_a_layout_without_a_pose_stands_in_rows_its_right_side_at_the_left():
    assert [(round(x, 6), round(y, 6)) for x, y in arm().pose] == [
        (0.5, 0.333333),
        (0.666667, 0.666667),
        (0.333333, 0.666667),
    ]


# -- from a table ----------------------------------------------------------------------------------

TABLE = """
    #  joint       parent      mirror      x     y
    0  neck        -           -           0.50  0.10
    2  right hand  neck        left hand   0.20  0.50
    1  left hand   neck        right hand  0.80  0.50
"""


def test_a_table_makes_a_layout_whose_bones_come_in_the_order_of_its_lines():
    assert layout_from('arm', read_joints(TABLE), centre='neck') == Layout(
        'arm',
        ('neck', 'left hand', 'right hand'),
        bones=((2, 0), (1, 0)),
        mirror=((1, 2),),
        centre=0,
        pose=((0.5, 0.1), (0.8, 0.5), (0.2, 0.5)),
    )


@pytest.mark.parametrize(
    ('old', 'new', 'words'),
    [
        ('0  neck  ', '0 neck  ', "line '0 neck .*two spaces"),
        ('0  neck  ', 'nought  neck  ', 'expected index, joint'),
        ('0.50  0.10', '0.50  high', 'expected index, joint'),
        ('2  right', '3  right', 'each index from 0 to 2 once'),
        (
            'hand  neck        left hand ',
            'hand  neck        left hnd  ',
            "'left hnd' is none of its joints. Did you mean left hand",
        ),
        ('right hand  neck', 'right hand  nck ', "'nck' is none of its joints. Did you mean neck"),
        (
            'neck        left hand ',
            'neck        -         ',
            "'left hand' has the mirror partner 'right hand'",
        ),
        (
            'neck        -           - ',
            'neck        -           neck',
            "'neck' has the mirror partner 'neck'",
        ),
    ],
)
def test_a_faulty_table_is_refused_with_its_fault(old, new, words):
    assert TABLE.count(old) == 1
    with pytest.raises(ConfigError, match=words):
        layout_from('arm', read_joints(TABLE.replace(old, new)), centre='neck')


def test_the_centre_of_a_table_is_one_of_its_joints():
    with pytest.raises(ConfigError, match="'chest' is none of its joints"):
        layout_from('arm', read_joints(TABLE), centre='chest')


def test_a_table_takes_no_name_that_is_known():
    with pytest.raises(ConfigError, match="'coco17' is known already"):
        tables.add_layout('coco17', 'neck', TABLE)
    assert LAYOUTS['coco17'].num_joints == 17


# -- from a config ---------------------------------------------------------------------------------


def test_a_users_own_layout_may_count_its_joints_or_name_them():
    named = dict(
        ARM,
        bones=[['left hand', 'neck'], ['right hand', 'neck']],
        mirror=[['left hand', 'right hand']],
        centre='neck',
    )
    assert layout_of(ARM) == layout_of(named) == arm()
    assert layout_of(dict(ARM, pose=[[0.5, 0.1], [0.8, 0.5], [0.2, 0.5]])).pose == (
        (0.5, 0.1),
        (0.8, 0.5),
        (0.2, 0.5),
    )


def test_a_known_layout_is_meant_by_its_name_with_settings_or_without():
    assert (
        layout_of('imigue22')
        == layout_of(dict(name='imigue22'))
        == layout_of(imigue22())
        == get_layout('imigue22')
    )
    assert (
        layout_of(dict(name='imigue22', first_hand='right'))
        == imigue22('right')
        != imigue22()
        == imigue22('left')
    )


@pytest.mark.parametrize(
    ('value', 'words'),
    [
        ('coco18', 'Did you mean coco17'),
        (dict(name='coco18'), 'Did you mean coco17'),
        (3, 'a dict'),
        ({}, "'name' is missing"),
        (dict(name='imigue22', first_hnd='left'), 'Did you mean first_hand'),
        (dict(name='coco17', first_hand='left'), 'unknown argument'),
        (dict(ARM, joint=[]), 'Did you mean joints'),
        (dict(ARM, centre='head'), "'head' is none of its joints"),
        (dict(ARM, bones=[['left hnd', 'neck']]), 'Did you mean left hand'),
        (dict(ARM, mirror=[[1, 2, 0]]), 'expected pairs'),
        (dict(ARM, bones='all'), 'expected a list'),
    ],
)
def test_a_layout_that_a_config_cannot_mean_is_named(value, words):
    with pytest.raises(ConfigError, match=words):
        layout_of(value)
