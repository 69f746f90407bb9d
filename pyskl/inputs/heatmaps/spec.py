"""What to draw: the settings of GeneratePoseTarget as an immutable value."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ...errors import ConfigError
from ...skeletons import Layout, mirror_order
from ...skeletons.topology import read_pairs

# In PYSKL's order.
COCO17_BONES = read_pairs(
    '0-1 0-2 1-3 2-4 0-5 5-7 7-9 0-6 6-8 8-10 5-11 11-13 13-15 6-12 12-14 14-16 11-12'
)


@dataclass(frozen=True)
class HeatmapSpec:
    """What a heatmap shows, and how.

    Attributes:
        sigma: standard deviation of the Gaussian in pixels, after scaling; it is cut at 3 sigma.
        use_score: whether peaks are the scores of the key points; else all are 1, even where the
            score is 0.
        with_kp: whether there is a channel for each joint.
        with_limb: whether there is a channel for each limb, after those of joints.
        skeletons: (start, end) joint indices of each limb.
        double: whether mirrored copies, with left and right channels exchanged, follow the plain
            views.
        left_kp, right_kp: joint indices that are exchanged in a mirrored copy.
        left_limb, right_limb: indices into `skeletons` that are exchanged in a mirrored copy.
        scaling: factor of key points and picture before drawing.
        motion: whether each frame shows the next frame minus itself, in [-1, 1], and the last frame
            of a clip nothing: the motion stream of arXiv:1912.06971, for heatmaps.

    Raises:
        ValueError: settings contradict each other (a ConfigError with the place if they come from a
            config).

    Source: PoseConv3D, arXiv:2104.13586, section 3.2.
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
                'with_kp and with_limb are both False, so nothing would be drawn. Set one to True.'
            )
        if any(len(pair) != 2 or min(pair) < 0 for pair in self.skeletons):
            raise ValueError(
                f'skeletons = {self.skeletons}: expected pairs of joint indices, each 0 or more.'
            )
        if self.with_limb and not self.skeletons:
            raise ValueError(
                'with_limb is True but skeletons is empty. List the (start, end) joints of each '
                'limb.'
            )

    @classmethod
    def of(cls, layout: Layout, **others: Any) -> HeatmapSpec:
        """Build a spec with the limbs and mirror pairs of a layout.

        Args:
            layout: of the skeleton.
            **others: further attributes.
        """
        return cls(
            skeletons=layout.bones,
            left_kp=layout.left,
            right_kp=layout.right,
            left_limb=layout.left_bones,
            right_limb=layout.right_bones,
            **others,
        )

    def num_channels(self, num_joints: int) -> int:
        """Return the number of channels of a heatmap of `num_joints` joints.

        Raises:
            ConfigError: a limb names a joint that the clips do not have.
        """
        if self._highest_joint >= num_joints:
            raise ConfigError(
                f'heatmaps: skeletons names joint {self._highest_joint}, but the clips have '
                f'{num_joints} joints (0..{num_joints - 1}). Give the limbs of your own layout.'
            )
        return num_joints * self.with_kp + len(self.skeletons) * self.with_limb

    def picture_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return (H, W) of the heatmap for a picture of `size` (h, w)."""
        return int(size[0] * self.scaling + 0.5), int(size[1] * self.scaling + 0.5)

    def joint_order(self, num_joints: int) -> tuple[int, ...]:
        """Return the joint that each joint channel of a mirrored heatmap shows."""
        return mirror_order(
            num_joints, self.left_kp, self.right_kp, 'heatmaps: left_kp / right_kp', 'joints'
        )

    def limb_order(self) -> tuple[int, ...]:
        """Return the limb that each limb channel of a mirrored heatmap shows."""
        return mirror_order(
            len(self.skeletons),
            self.left_limb,
            self.right_limb,
            'heatmaps: left_limb / right_limb',
            'limbs',
        )

    def flip_order(self, num_joints: int) -> tuple[int, ...]:
        """Return the channel of the plain heatmap that each channel of a mirrored one flips."""
        joints = self.joint_order(num_joints) if self.with_kp else ()
        limbs = self.limb_order() if self.with_limb else ()
        return (*joints, *(len(joints) + limb for limb in limbs))

    @cached_property
    def _highest_joint(self) -> int:
        return max((max(pair) for pair in self.skeletons), default=-1) if self.with_limb else -1
