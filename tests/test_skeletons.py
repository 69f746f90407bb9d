"""Skeleton layouts: mirrors, bones, and the faults that a layout refuses to be made with."""
from __future__ import annotations

import dataclasses

import pytest

from pyskl.errors import ConfigError
from pyskl.skeletons import LAYOUTS, Layout, get_layout, imigue22

layouts = pytest.mark.parametrize('layout', [*LAYOUTS.values(), imigue22('left')], ids=lambda layout: layout.joints[-1])


@layouts
def test_mirroring_twice_is_the_identity(layout):
    assert [layout.opposite[layout.opposite[j]] for j in range(layout.num_joints)] == list(range(layout.num_joints))


@layouts
def test_left_joints_are_the_ones_named_left(layout):
    for left, right in zip(layout.left, layout.right):
        assert layout.joints[left].replace('left', 'right') == layout.joints[right]
    paired = {*layout.left, *layout.right}
    assert all(('left' in name or 'right' in name) == (j in paired) for j, name in enumerate(layout.joints))


@layouts
def test_mirrored_bones_join_mirrored_joints(layout):
    for left, right in zip(layout.left_bones, layout.right_bones):
        assert {layout.opposite[j] for j in layout.bones[left]} == set(layout.bones[right])
        assert set(layout.bones[left]) & set(layout.left)
    unpaired = set(range(len(layout.bones))) - {*layout.left_bones, *layout.right_bones}
    assert all({layout.opposite[j] for j in layout.bones[b]} == set(layout.bones[b]) for b in unpaired)


@layouts
def test_every_joint_hangs_from_at_most_one_other(layout):
    children = [child for child, _ in layout.bones]
    assert len(set(children)) == len(children)


def test_imigue_has_ten_mirror_pairs_and_21_bones_from_the_neck():
    layout = get_layout('imigue22')
    assert (layout.num_joints, len(layout.mirror), len(layout.bones)) == (22, 10, 21)
    parents, seen = dict(layout.bones), set()
    for joint in range(22):
        while joint in parents:
            joint = parents[joint]
        seen.add(joint)
    assert seen == {1} and layout.centre == 1


def test_the_hands_can_hang_from_the_other_wrists():
    right, left = dict(imigue22('right').bones), dict(imigue22('left').bones)
    assert [right[j] for j in (12, 16, 17, 21)] == [4, 4, 7, 7]
    assert [left[j] for j in (12, 16, 17, 21)] == [7, 7, 4, 4]
    with pytest.raises(ConfigError, match="first_hand = 'both'"):
        imigue22('both')


def test_none_of_the_published_pairs_is_a_mirror_pair():
    mirror = {frozenset(pair) for pair in get_layout('imigue22').mirror}
    assert not mirror & {frozenset((left, left + 1)) for left in range(1, 21, 2)}


def test_an_unknown_layout_is_named_with_a_suggestion():
    with pytest.raises(ConfigError, match=r"'imigue2'.*Did you mean imigue22\?"):
        get_layout('imigue2')


def arm(**changes) -> Layout:
    good = Layout('arm', ('neck', 'left hand', 'right hand'), bones=((1, 0), (2, 0)), mirror=((1, 2),), centre=0)
    return dataclasses.replace(good, **changes)


@pytest.mark.parametrize(('changes', 'words'), [
    (dict(bones=((1, 0), (3, 0))), 'outside 0..2'),
    (dict(centre=-1), 'outside 0..2'),
    (dict(mirror=((1, 3),)), 'outside 0..2'),
    (dict(joints=('neck', 'hand', 'hand')), 'share a name'),
    (dict(mirror=((1, 2), (2, 0))), 'two mirror pairs'),
    (dict(mirror=((1, 1),)), 'two mirror pairs'),
    (dict(bones=((1, 0), (1, 2), (2, 0))), 'two parents'),
    (dict(bones=((1, 2), (2, 1))), 'in a circle'),
    (dict(bones=((1, 1),)), 'in a circle'),
    (dict(bones=((1, 0),)), 'no mirror image'),
])
def test_a_layout_that_contradicts_itself_is_refused(changes, words):
    with pytest.raises(ConfigError, match=words):
        arm(**changes)
