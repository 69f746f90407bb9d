"""What to draw: the settings of GeneratePoseTarget as one immutable value that can travel with a batch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ...errors import ConfigError
from ...skeletons import Layout, mirror_order

COCO17_BONES = (
    (0, 1),
    (0, 2),
    (1, 3),
    (2, 4),
    (0, 5),
    (5, 7),
    (7, 9),
    (0, 6),
    (6, 8),
    (8, 10),
    (5, 11),
    (11, 13),
    (13, 15),
    (6, 12),
    (12, 14),
    (14, 16),
    (11, 12),
)


@dataclass(frozen=True)
class HeatmapSpec:
    """What a heatmap shows and how. PoseConv3D, arXiv:2104.13586, section 3.2.

    sigma        pixels (after scaling), the Gaussian's width; everything is cut at 3 sigma
    use_score    peaks are the key points' scores; False: all 1, a score of 0 included
    with_kp      one channel per joint; with_limb: one channel per skeletons pair, behind the joints' when both are on
    skeletons    (start, end) joint indices of each limb
    double       mirrored copies follow the plain views, their channels exchanged by left / right
    left_kp, right_kp       joint indices that change places in a mirror
    left_limb, right_limb   indices into `skeletons` that do
    scaling      key points and picture are multiplied by it before drawing
    motion       each frame shows the clip's next frame minus itself, signed, -1..1; the last frame of a clip shows nothing. The motion
                 stream of two-stream networks, as joint and bone motion in arXiv:1912.06971, on heatmaps

    Raises ValueError when the settings contradict each other (ConfigError, with the place, when built from a config), and
    ConfigError when drawing, where they don't fit the clips' joints.
    """

    sigma: float = 0.6
    use_score: bool = True
    with_kp: bool = True
    with_limb: bool = False
    skeletons: tuple[tuple[int, int], ...] = COCO17_BONES
    double: bool = False
    left_kp: tuple[int, ...] = (1, 3, 5, 7, 9, 11, 13, 15)
    right_kp: tuple[int, ...] = (2, 4, 6, 8, 10, 12, 14, 16)
    left_limb: tuple[int, ...] = (0, 2, 4, 5, 6, 10, 11, 12)
    right_limb: tuple[int, ...] = (1, 3, 7, 8, 9, 13, 14, 15)
    scaling: float = 1.0
    motion: bool = False

    def __post_init__(self):
        object.__setattr__(self, 'skeletons', tuple(tuple(pair) for pair in self.skeletons))
        for name in ('left_kp', 'right_kp', 'left_limb', 'right_limb'):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        for name in ('sigma', 'scaling'):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f'{name} = {getattr(self, name)!r}: expected a number above 0.')
        if not (self.with_kp or self.with_limb):
            raise ValueError(
                'with_kp and with_limb are both False, so nothing would be drawn. Turn one on.'
            )
        if any(len(pair) != 2 or min(pair) < 0 for pair in self.skeletons):
            raise ValueError(
                f'skeletons = {self.skeletons}: expected pairs of joint indices, each 0 or more.'
            )
        if self.with_limb and not self.skeletons:
            raise ValueError(
                'with_limb is on but skeletons is empty. List the (start, end) joints of each limb.'
            )

    @classmethod
    def of(cls, layout: Layout, **others: Any) -> HeatmapSpec:
        """A spec with the limbs and the mirror pairs of a layout."""
        return cls(
            skeletons=layout.bones,
            left_kp=layout.left,
            right_kp=layout.right,
            left_limb=layout.left_bones,
            right_limb=layout.right_bones,
            **others,
        )

    def num_channels(self, num_joints: int) -> int:
        """Channels of a heatmap of `num_joints` joints; ConfigError when a limb names a joint beyond them."""
        if self._highest_joint >= num_joints:
            raise ConfigError(
                f'heatmaps: skeletons names joint {self._highest_joint}, but the clips have {num_joints} joints '
                f'(0..{num_joints - 1}). Give the limbs of your own layout.'
            )
        return num_joints * self.with_kp + len(self.skeletons) * self.with_limb

    def picture_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """(H, W) of the heatmap of a picture of `size` (h, w)."""
        return int(size[0] * self.scaling + 0.5), int(size[1] * self.scaling + 0.5)

    def joint_order(self, num_joints: int) -> tuple[int, ...]:
        """Channel j of a mirrored joint heatmap shows joint joint_order[j]."""
        return mirror_order(
            num_joints, self.left_kp, self.right_kp, 'heatmaps: left_kp / right_kp', 'joints'
        )

    def limb_order(self) -> tuple[int, ...]:
        """Channel l of a mirrored limb heatmap shows limb limb_order[l]."""
        return mirror_order(
            len(self.skeletons),
            self.left_limb,
            self.right_limb,
            'heatmaps: left_limb / right_limb',
            'limbs',
        )

    def flip_order(self, num_joints: int) -> tuple[int, ...]:
        """Channel c of a mirrored heatmap is channel flip_order[c] of the plain one, turned left to right."""
        joints = self.joint_order(num_joints) if self.with_kp else ()
        return joints + (
            tuple(len(joints) + i for i in self.limb_order()) if self.with_limb else ()
        )

    @cached_property
    def _highest_joint(self) -> int:
        return max((max(pair) for pair in self.skeletons), default=-1) if self.with_limb else -1
