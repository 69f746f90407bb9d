"""Steps for training that change normalised skeletons: turn, scale, shake, mirror, drop a limb.

A third channel that is known to be a score (third_is_score) is left alone.
"""

from __future__ import annotations

import logging
import math
import random
from collections.abc import Sequence
from typing import Literal

import numpy as np

from ...registry import PIPELINES
from ...skeletons import Topology, mirror_order
from .base import Results, Step, check_joints, chosen_topology, clip_error, for_each_joint

_LOG = logging.getLogger('pyskl')


def _num_coordinates(results: Results, step: str) -> int:
    """Return 2 or 3: how many channels of keypoint are coordinates."""
    channels = results['keypoint'].shape[-1]
    if channels not in (2, 3):
        raise clip_error(
            results,
            f'{step}: keypoint has {channels} channels, expected 2 or 3 coordinates. Put it before '
            'GenSkeFeat.',
        )
    return 2 if results.get('third_is_score') else channels


@PIPELINES.register_module()
class RandomRot(Step):
    """Turn the whole clip around the origin; float64 from here on.

    Draws np.random.uniform: three angles around x, y and z for x, y, z; one for x and y.

    Args:
        theta: radians. Each angle is drawn from -theta to theta; for x and y from -theta to 1, as
            published. (least, most): drawn from there, in 2D as in 3D.
    """

    needs = ('keypoint',)
    gives = ('keypoint',)

    def __init__(self, theta: float | Sequence[float] = 0.3):
        in_space: tuple[float, ...]
        in_plane: tuple[float, ...]
        if isinstance(theta, (int, float)):
            in_space, in_plane = (-theta, theta), (-theta, 1.0)
        else:
            in_space = in_plane = tuple(theta)
        if len(in_space) != 2 or not in_space[0] <= in_space[1]:
            raise ValueError(f'theta = {theta}: expected 0 or more radians, or (least, most).')
        self.theta = theta
        self._in_space, self._in_plane = in_space, in_plane
        self._is_one_sided = in_plane[1] != -in_plane[0] and in_plane != in_space

    def __call__(self, results: Results) -> Results:
        """Turn a clip."""
        keypoint = results['keypoint']
        coordinates = _num_coordinates(results, 'RandomRot')
        if not keypoint.any():
            return results
        turn = np.eye(keypoint.shape[-1])
        if coordinates == 3:
            turn[:] = rotation_about_axes(*np.random.uniform(*self._in_space, size=3).tolist())
        else:
            least, most = self._in_plane
            if self._is_one_sided:
                self._is_one_sided = False  # say it once
                _LOG.warning(
                    'RandomRot(theta=%g) turns x and y by %g to 1 radians, as published. For both '
                    'ways alike: theta=(%g, %g).',
                    self.theta,
                    least,
                    least,
                    -least,
                )
            turn[:2, :2] = rotation_in_plane(np.random.uniform(least, most))
        turned = keypoint.reshape(-1, keypoint.shape[-1]) @ turn.T
        results['keypoint'] = turned.reshape(keypoint.shape)
        return results


def rotation_in_plane(angle: float) -> np.ndarray:
    """Return the (2, 2) rotation by `angle` radians, from x to y."""
    cosine, sine = math.cos(angle), math.sin(angle)
    return np.array([[cosine, -sine], [sine, cosine]])


def rotation_about_axes(x: float, y: float, z: float) -> np.ndarray:
    """Return the (3, 3) rotation Rz Ry Rx.

    Angles are in radians, clockwise as seen from the tip of an axis.
    """
    rx, ry, rz = np.eye(3), np.eye(3), np.eye(3)
    rx[1:, 1:] = rotation_in_plane(-x)
    ry[::2, ::2] = rotation_in_plane(y)
    rz[:2, :2] = rotation_in_plane(-z)
    return rz @ ry @ rx


@PIPELINES.register_module()
class RandomScale(Step):
    """Stretch the whole clip along each axis by a factor of its own; float64 from here on.

    Draws np.random.uniform(-1, 1), one number a channel.

    Args:
        scale: factors lie between 1 - scale and 1 + scale; one number, or one for each channel.
    """

    needs = ('keypoint',)
    gives = ('keypoint',)

    def __init__(self, scale: float | Sequence[float] = 0.2):
        self.scale = tuple(scale) if isinstance(scale, (tuple, list)) else scale

    def __call__(self, results: Results) -> Results:
        """Scale a clip."""
        keypoint = results['keypoint']
        coordinates = _num_coordinates(results, 'RandomScale')
        channels = keypoint.shape[-1]
        scale = self.scale if isinstance(self.scale, tuple) else (self.scale,) * channels
        if len(scale) != channels:
            raise clip_error(
                results,
                f'RandomScale: keypoint has {channels} channels, but scale = {self.scale} has '
                f'{len(scale)} numbers.',
            )
        factor = 1 + np.random.uniform(-1, 1, size=channels) * np.array(scale)
        factor[coordinates:] = 1
        results['keypoint'] = for_each_joint(np.multiply, keypoint, factor)
        return results


@PIPELINES.register_module()
class RandomGaussianNoise(Step):
    """Push each joint in a random direction by a normally distributed share of the skeleton's size.

    The size is the diagonal of the box around the joints. Poses whose box has its lower corner at
    the origin, as absent people do, stay as they are. float64 from here on. Draws np.random.randn,
    then np.random.uniform.

    Args:
        sigma: standard deviation, as a share of the size.
        base: 'frame': the size of each pose; 'video': of the whole clip.
        shared: all poses of a clip are pushed alike.
    """

    needs = ('keypoint',)
    gives = ('keypoint',)

    def __init__(
        self, sigma: float = 0.01, base: Literal['frame', 'video'] = 'frame', shared: bool = False
    ):
        self.sigma, self.base, self.shared = sigma, base, shared

    def __call__(self, results: Results) -> Results:
        """Add noise to a clip."""
        coordinates = _num_coordinates(results, 'RandomGaussianNoise')
        keypoint = results['keypoint']
        people, frames, joints, _ = keypoint.shape
        poses = people * frames
        points = keypoint[..., :coordinates].reshape(poses, joints, coordinates)
        size = self._size(points)  # (poses,)

        drawn = 1 if self.shared else poses
        length = np.random.randn(drawn, joints) * self.sigma
        direction = np.random.uniform(-1, 1, size=(coordinates, drawn * joints))
        direction /= np.sqrt((direction**2).sum(0))
        push = direction.reshape(coordinates, drawn, joints) * (length * size[:, None])
        noisy = keypoint.astype(np.float64)
        for c in range(coordinates):
            noisy[..., c] += push[c].reshape(people, frames, joints)
        results['keypoint'] = noisy
        return results

    def _size(self, points: np.ndarray) -> np.ndarray:
        """Return the size of each pose of points (poses, V, C); 0 where nobody is."""
        low, high = points.min(1), points.max(1)  # (poses, C)
        there = (low**2).sum(1) > 1e-3
        if self.base == 'video' and there.any():
            low, high = low[there].min(0, keepdims=True), high[there].max(0, keepdims=True)
        return np.sqrt(((high - low) ** 2).sum(1)) * there


@PIPELINES.register_module()
class Spatial_Flip(Step):
    """Swap left and right joints; coordinates stay as they are.

    random.random() decides for each clip.

    Args:
        dataset: the skeleton, as in GenSkeFeat.
        p: probability.

    Source: ProtoGCN, CVPR 2025.
    """

    needs = ('keypoint',)
    gives = ('keypoint',)

    def __init__(self, dataset: str | dict = 'nturgb+d', p: float = 0.5):
        self.dataset, self.p = dataset, p
        self._skeleton = chosen_topology(dataset)
        if not self._skeleton.mirror:
            raise ValueError(f'layout {self._skeleton.name} has no mirror pairs.')
        left, right = zip(*self._skeleton.mirror)
        self._order = mirror_order(
            self._skeleton.num_joints, left, right, f'dataset = {dataset!r}', 'joints'
        )

    def __call__(self, results: Results) -> Results:
        """Mirror a clip, or not."""
        check_joints(results, self._skeleton, results['keypoint'].shape[2])
        if random.random() < self.p:
            for key in ('keypoint', 'keypoint_score'):
                if key in results:
                    results[key] = results[key].take(self._order, axis=2)
        return results


@PIPELINES.register_module()
class Part_Drop(Step):
    """Set one limb to 0 in all frames: random.random() decides whether, random.randint which.

    A limb is what is connected of one side's joints: for 'nturgb+d' the left arm, the left leg, the
    right arm and the right leg. (With 'coco' arm and leg of a side are connected, and so are eye
    and ear.)

    Args:
        p: probability.
        dataset: the skeleton, as in GenSkeFeat.

    Source: ProtoGCN, CVPR 2025.
    """

    needs = ('keypoint',)
    gives = ('keypoint',)

    def __init__(self, p: float = 0.2, dataset: str | dict = 'nturgb+d'):
        self.p, self.dataset = p, dataset
        self._skeleton = chosen_topology(dataset)
        self._limbs = limbs_of(self._skeleton)
        if not self._limbs:
            raise ValueError(f'layout {self._skeleton.name} has no mirror pairs, so no limbs.')

    def __call__(self, results: Results) -> Results:
        """Drop a limb of a clip, or not."""
        check_joints(results, self._skeleton, results['keypoint'].shape[2])
        if random.random() < self.p:
            limb = self._limbs[random.randint(0, len(self._limbs) - 1)]
            for key in ('keypoint', 'keypoint_score'):
                if key in results:
                    results[key] = results[key].copy()
                    results[key][:, :, limb] = 0
        return results


def limbs_of(skeleton: Topology) -> list[list[int]]:
    """Return the joints of each limb, connected joints of one side; the left side's first."""
    limbs = []
    for side in zip(*skeleton.mirror):
        rest = sorted(side)
        while rest:
            limb = {rest[0]}
            while more := {
                joint
                for edge in skeleton.edges
                for joint in edge
                if limb & set(edge) and joint in rest and joint not in limb
            }:
                limb |= more
            limbs.append(sorted(limb))
            rest = [joint for joint in rest if joint not in limb]
    return limbs
