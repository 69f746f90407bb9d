"""Skeleton layouts as data: joints by name, bones, mirror pairs, centre; checked when made.

    layout = get_layout('imigue22')
    layout.left, layout.right          # mirror pairs as PYSKL writes them: left_kp, right_kp
    layout.bones                       # limbs to draw: (child, parent) joint indices
    layout.left_bones, layout.right_bones   # the bones' own mirror pairs: left_limb, right_limb
"""
from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from .errors import ConfigError, did_you_mean


@dataclass(frozen=True)
class Layout:
    """A skeleton layout.

    joints   V names, in the order of the key points
    bones    (child, parent) indices; a forest: no joint has two parents, and following parents ends
    mirror   (left, right) indices, the person's own sides; joints in no pair lie on the middle
    centre   the joint that the others are described from

    Raises ConfigError when the parts contradict each other.
    """

    name: str
    joints: tuple[str, ...]
    bones: tuple[tuple[int, int], ...]
    mirror: tuple[tuple[int, int], ...]
    centre: int

    def __post_init__(self):
        def wrong(what: str) -> ConfigError:
            return ConfigError(f'skeleton layout {self.name!r}: {what}')

        everything = [j for pair in self.bones + self.mirror for j in pair] + [self.centre]
        if any(not 0 <= j < self.num_joints for j in everything):
            raise wrong(f'a joint index is outside 0..{self.num_joints - 1}')
        if len(set(self.joints)) != self.num_joints:
            raise wrong('two joints share a name')
        paired = [j for pair in self.mirror for j in pair]
        if len(set(paired)) != len(paired):
            raise wrong('a joint stands in two mirror pairs, so mirroring twice would not give the original back')
        parents = dict(self.bones)
        if len(parents) != len(self.bones):
            raise wrong('a joint has two parents, so the bones form no tree')
        for joint in parents:
            seen = {joint}
            while (joint := parents.get(joint, -1)) != -1:
                if joint in seen:
                    raise wrong(f'the bones through joint {joint} ({self.joints[joint]}) run in a circle')
                seen.add(joint)
        missing = [bone for bone in self.bones if self._mirror_image(bone) not in self._unordered_bones]
        if missing:
            raise wrong(f'bone {missing[0]} has no mirror image among the bones')

    @property
    def num_joints(self) -> int:
        return len(self.joints)

    @property
    def left(self) -> tuple[int, ...]:
        return tuple(left for left, _ in self.mirror)

    @property
    def right(self) -> tuple[int, ...]:
        return tuple(right for _, right in self.mirror)

    @cached_property
    def opposite(self) -> tuple[int, ...]:
        """opposite[j]: the joint that j becomes in a mirror, j itself on the middle line. An involution."""
        swap = dict(self.mirror) | {right: left for left, right in self.mirror}
        return tuple(swap.get(j, j) for j in range(self.num_joints))

    @property
    def _unordered_bones(self) -> list[frozenset[int]]:
        return [frozenset(bone) for bone in self.bones]

    def _mirror_image(self, bone: tuple[int, int]) -> frozenset[int]:
        return frozenset(self.opposite[j] for j in bone)

    @cached_property
    def _bone_pairs(self) -> tuple[tuple[int, int], ...]:
        place = {bone: i for i, bone in enumerate(self._unordered_bones)}
        images = [place[self._mirror_image(bone)] for bone in self.bones]
        lefts = set(self.left)
        return tuple((i, image) if set(self.bones[i]) & lefts else (image, i)
                     for i, image in enumerate(images) if i < image)

    @property
    def left_bones(self) -> tuple[int, ...]:
        """Indices into `bones` of the bones that have a mirror image on the other side; `right_bones` holds those images."""
        return tuple(left for left, _ in self._bone_pairs)

    @property
    def right_bones(self) -> tuple[int, ...]:
        return tuple(right for _, right in self._bone_pairs)


_FINGERS = ('thumb', 'index', 'middle', 'ring', 'little')
_UPPER_BODY = ('nose', 'neck', 'right shoulder', 'right elbow', 'right wrist', 'left shoulder', 'left elbow', 'left wrist',
               'right eye', 'left eye', 'right ear', 'left ear')
_UPPER_BODY_BONES = ((0, 1), (2, 1), (3, 2), (4, 3), (5, 1), (6, 5), (7, 6), (8, 0), (10, 8), (9, 0), (11, 9))
_UPPER_BODY_MIRROR = ((5, 2), (6, 3), (7, 4), (9, 8), (11, 10))


def imigue22(first_hand: str = 'right') -> Layout:
    """iMiGUE's 22 OpenPose joints: 12 of the upper body, then five finger tips of each hand.

    first_hand   'right' or 'left': which wrist joints 12-16 hang from. The organisers' graph says right; OpenPose's own
                 hand order says left. tools/check_data.py tells which one a data set supports.
    """
    if first_hand not in ('right', 'left'):
        raise ConfigError(f"imigue22: first_hand = {first_hand!r}: expected 'right' or 'left'.")
    second_hand = 'left' if first_hand == 'right' else 'right'
    wrist = {'right': 4, 'left': 7}
    joints = _UPPER_BODY + tuple(f'{side} {finger} tip' for side in (first_hand, second_hand) for finger in _FINGERS)
    bones = _UPPER_BODY_BONES + tuple((12 + i, wrist[first_hand]) for i in range(5)) + tuple(
        (17 + i, wrist[second_hand]) for i in range(5))
    first, second = range(12, 17), range(17, 22)
    fingers = tuple(zip(second, first) if first_hand == 'right' else zip(first, second))
    return Layout('imigue22', joints, bones, _UPPER_BODY_MIRROR + fingers, centre=1)


def _natops8() -> Layout:
    joints = ('left hand tip', 'right hand tip', 'left elbow', 'right elbow', 'left wrist', 'right wrist', 'left thumb', 'right thumb')
    return Layout('natops8', joints, bones=((0, 4), (1, 5), (4, 2), (5, 3), (6, 4), (7, 5)),
                  mirror=((0, 1), (2, 3), (4, 5), (6, 7)), centre=2)


def _coco17() -> Layout:
    joints = ('nose', 'left eye', 'right eye', 'left ear', 'right ear', 'left shoulder', 'right shoulder', 'left elbow',
              'right elbow', 'left wrist', 'right wrist', 'left hip', 'right hip', 'left knee', 'right knee', 'left ankle', 'right ankle')
    bones = ((1, 0), (2, 0), (3, 1), (4, 2), (5, 0), (6, 0), (7, 5), (8, 6), (9, 7), (10, 8), (11, 5), (12, 6),
             (13, 11), (14, 12), (15, 13), (16, 14))
    return Layout('coco17', joints, bones, tuple((i, i + 1) for i in range(1, 17, 2)), centre=0)


LAYOUTS: dict[str, Layout] = {layout.name: layout for layout in (imigue22(), _natops8(), _coco17())}


def get_layout(name: str) -> Layout:
    """The layout of that name; ConfigError with the known names when there is none."""
    if name not in LAYOUTS:
        raise ConfigError(f'skeleton layout {name!r} is unknown. Known: {", ".join(LAYOUTS)}.{did_you_mean(name, LAYOUTS)}')
    return LAYOUTS[name]
