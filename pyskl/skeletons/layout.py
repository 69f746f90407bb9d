"""A skeleton layout: joints by name, bones, mirror pairs, centre, pose; checked when made."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..errors import ConfigError

Pairs = tuple[tuple[int, int], ...]
Pose = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Layout:
    """A skeleton layout.

    Attributes:
        name: of the layout.
        joints: V names, in the order of the key points.
        bones: (child, parent) indices; a forest: no joint has two parents, and there are no cycles.
        mirror: (left, right) indices, the person's own sides; joints in no pair lie on the middle
            line.
        centre: the joint that the others are described from.
        pose: V pairs (x, y) in 0..1, x right, y down: where to draw each joint of a person who
            faces us, so that the person's right side is at the picture's left. Without it the
            joints are placed in rows by their distance from the roots.

    Raises:
        ConfigError: the parts contradict each other.
    """

    name: str
    joints: tuple[str, ...]
    bones: Pairs
    mirror: Pairs
    centre: int
    pose: Pose = ()

    def __post_init__(self):
        self._check_indices()
        self._check_bones()
        if not self.pose:
            object.__setattr__(self, 'pose', self._in_rows())
        is_pose = all(len(xy) == 2 and all(0 <= v <= 1 for v in xy) for xy in self.pose)
        if len(self.pose) != self.num_joints or not is_pose:
            raise self._error(f'pose: expected {self.num_joints} pairs (x, y) in 0..1, one a joint')

    def _error(self, what: str) -> ConfigError:
        return ConfigError(f'skeleton layout {self.name!r}: {what}')

    def _check_indices(self) -> None:
        if any(len(pair) != 2 for pair in self.bones + self.mirror):
            raise self._error('bones and mirror: expected pairs of joints')
        everything = [j for pair in self.bones + self.mirror for j in pair] + [self.centre]
        outside = [j for j in everything if not 0 <= j < self.num_joints]
        if outside:
            raise self._error(f'joint index {outside[0]} is outside 0..{self.num_joints - 1}')
        if len(set(self.joints)) != self.num_joints:
            raise self._error('two joints share a name')
        paired = [j for pair in self.mirror for j in pair]
        if len(set(paired)) != len(paired):
            raise self._error(
                'a joint stands in two mirror pairs, so mirroring twice would not give the '
                'original back'
            )

    def _check_bones(self) -> None:
        parents = dict(self.bones)
        if len(parents) != len(self.bones):
            children = [child for child, _ in self.bones]
            twice = self.joints[next(j for j in children if children.count(j) > 1)]
            raise self._error(
                f'{twice!r} has two parents, so the bones form no tree. A bone is (child, parent).'
            )
        for joint, parent in parents.items():
            if joint == parent:
                raise self._error(
                    f'joint {joint} ({self.joints[joint]}) is its own parent. Leave that bone out: '
                    'a root has none.'
                )
            seen = {joint}
            while (joint := parents.get(joint, -1)) != -1:
                if joint in seen:
                    raise self._error(
                        f'the bones through joint {joint} ({self.joints[joint]}) run in a circle'
                    )
                seen.add(joint)
        missing = [
            bone for bone in self.bones if self._mirror_image(bone) not in self._place_of_bone
        ]
        if missing:
            raise self._error(f'bone {missing[0]} has no mirror image among the bones')

    def _in_rows(self) -> Pose:
        """Return a pose made of bones and mirror pairs: in each row right, middle, left joints."""
        parents = dict(self.bones)
        rows: dict[int, list[int]] = {}
        for joint in range(self.num_joints):
            above, depth = joint, 0
            while above in parents:
                above, depth = parents[above], depth + 1
            rows.setdefault(depth, []).append(joint)
        place: dict[int, tuple[float, float]] = {}
        for depth, row in rows.items():
            rights = [j for j in self.right if j in row]
            middle = [j for j in row if self.opposite[j] == j]
            row = [*rights, *middle, *(self.opposite[j] for j in reversed(rights))]
            y = (depth + 1) / (len(rows) + 1)
            place |= {j: ((i + 1) / (len(row) + 1), y) for i, j in enumerate(row)}
        return tuple(place[j] for j in range(self.num_joints))

    def config(self) -> dict[str, Any]:
        """Return the layout as configs write it, in plain lists; `layout_of` gives it back."""
        return {
            'name': self.name,
            'joints': list(self.joints),
            'bones': [list(bone) for bone in self.bones],
            'mirror': [list(pair) for pair in self.mirror],
            'centre': self.centre,
            'pose': [list(xy) for xy in self.pose],
        }

    @property
    def num_joints(self) -> int:
        """V."""
        return len(self.joints)

    @property
    def left(self) -> tuple[int, ...]:
        """Left joints of the mirror pairs."""
        return tuple(left for left, _ in self.mirror)

    @property
    def right(self) -> tuple[int, ...]:
        """Right joints of the mirror pairs, in the order of `left`."""
        return tuple(right for _, right in self.mirror)

    @cached_property
    def opposite(self) -> tuple[int, ...]:
        """The joint that each joint becomes in a mirror; itself on the middle line."""
        swap = dict(self.mirror) | {right: left for left, right in self.mirror}
        return tuple(swap.get(j, j) for j in range(self.num_joints))

    @cached_property
    def _place_of_bone(self) -> dict[frozenset[int], int]:
        return {frozenset(bone): i for i, bone in enumerate(self.bones)}

    def _mirror_image(self, bone: tuple[int, int]) -> frozenset[int]:
        return frozenset(self.opposite[j] for j in bone)

    @cached_property
    def _bone_pairs(self) -> Pairs:
        images = [self._place_of_bone[self._mirror_image(bone)] for bone in self.bones]
        lefts = set(self.left)
        return tuple(
            (i, image) if set(self.bones[i]) & lefts else (image, i)
            for i, image in enumerate(images)
            if i < image
        )

    @property
    def left_bones(self) -> tuple[int, ...]:
        """Bones, as indices, that have a mirror image on the right side."""
        return tuple(left for left, _ in self._bone_pairs)

    @property
    def right_bones(self) -> tuple[int, ...]:
        """The mirror images of `left_bones`, in their order."""
        return tuple(right for _, right in self._bone_pairs)
