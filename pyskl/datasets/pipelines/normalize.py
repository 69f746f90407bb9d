"""Steps that make coordinates independent of where a person stands and how it faces the camera."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from ...registry import PIPELINES
from .base import Results, Step, check_planar, clip_error, for_each_joint, picture_size

_LOG = logging.getLogger('pyskl')


@PIPELINES.register_module()
class PreNormalize2D(Step):
    """Bring pixels into -1..1 and join the scores to them as a third channel.

    keypoint becomes (M, T, V, 3) float32: x, y and score; without keypoint_score it stays (M, T, V,
    2). keypoint_score is removed, and third_is_score says whether it was joined.

    Args:
        img_shape: (height, width) in pixels for clips that have no img_shape.
        threshold: joints whose score is not above it get x = y = 0.
        mode: 'fix': the picture's edges become -1 and 1. 'auto': the edges of the box around all
            joints of the clip do, unless it is 10 pixels wide or high or smaller.

    Source: PYSKL, arXiv:2205.09443.
    """

    needs = ('keypoint',)
    gives = ('keypoint', 'third_is_score')
    removes = ('keypoint_score',)

    def __init__(
        self,
        img_shape: Sequence[int] = (1080, 1920),
        threshold: float = 0.01,
        mode: Literal['fix', 'auto'] = 'fix',
    ):
        self.img_shape, self.threshold, self.mode = tuple(img_shape), threshold, mode
        self._has_warned = False

    def __call__(self, results: Results) -> Results:
        """Normalise the pixels of a clip."""
        keypoint = results['keypoint']
        check_planar(results, self)
        score = results.pop('keypoint_score', None)
        results['third_is_score'] = score is not None

        # One plane a channel: numpy is slow over a last axis as short as this.
        normal = np.empty((*keypoint.shape[:3], 2 if score is None else 3), np.float32)
        seen = None
        if score is not None:
            normal[..., 2] = score
            seen = normal[..., 2] > self.threshold
        middle, half = self._box(results, keypoint, seen)
        for c in range(2):
            np.subtract(keypoint[..., c], middle[c], out=normal[..., c], dtype=np.float32)
            normal[..., c] /= half[c]
            if seen is not None:
                np.copyto(normal[..., c], 0, where=~seen)
        results['keypoint'] = normal
        return results

    def _box(
        self, results: Results, keypoint: np.ndarray, seen: np.ndarray | None
    ) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return the middle and the half extent in pixels, x and y, of what becomes -1..1."""
        reach = float(np.abs(keypoint).max(initial=0))
        if not reach < math.inf:
            raise clip_error(
                results, 'keypoint holds NaN or infinity. A missing joint is x = y = score = 0.'
            )
        if self.mode == 'auto':
            planes = [keypoint[..., c] if seen is None else keypoint[..., c][seen] for c in (0, 1)]
            if not planes[0].size:
                return (0, 0), (1, 1)
            (left, right), (top, bottom) = ((float(p.min()), float(p.max())) for p in planes)
            if right - left <= 10 or bottom - top <= 10:
                return (0, 0), (1, 1)
            return ((left + right) / 2, (top + bottom) / 2), (
                (right - left) / 2,
                (bottom - top) / 2,
            )
        h, w = picture_size(results if 'img_shape' in results else {'img_shape': self.img_shape})
        if 0 < reach <= 2 and min(h, w) >= 100 and not self._has_warned:
            self._has_warned = True
            _LOG.warning(
                'clip %r: PreNormalize2D got coordinates between -2 and 2 in a picture of %d x %d '
                "pixels; they look normalised already. Leave the step out, or set mode='auto'. "
                'Other clips are not checked.',
                results.get('frame_dir', '?'),
                w,
                h,
            )
        return (w / 2, h / 2), (w / 2, h / 2)


@PIPELINES.register_module()
class PreNormalize3D(Step):
    """Move the person to the origin, its spine to +z and its shoulders to +x, by its first frame.

    Frames without the first person are dropped, and total_frames is rewritten; if another person is
    there in more frames, that one becomes the first. The origin is the first person's joint 1 in
    the first frame that is kept (its last joint if there are not 25). A joint at x = y = z = 0 is
    missing and stays there. A clip in which nobody is seen is handed on as it is. keypoint_score is
    removed.

    keypoint becomes float64, and keeps its type where nothing is turned. Directions are measured in
    the type that comes, so float16 gives the rounding of the published numbers.

    Args:
        zaxis: (bottom, top) joints of the spine.
        xaxis: (right, left) shoulder joints.
        align_spine: turn the person; False: only move it.
        align_shoulder: turn the shoulders, too. None: as align_spine says; another value than that
            is MMAction2's.
        align_center: move the person; False: only turn it.

    Source: 2s-AGCN, arXiv:1805.07694; the steps are PYSKL's.
    """

    needs = ('keypoint',)
    gives = ('keypoint', 'total_frames', 'body_center', 'third_is_score')
    removes = ('keypoint_score',)

    def __init__(
        self,
        zaxis: Sequence[int] = (0, 1),
        xaxis: Sequence[int] = (8, 4),
        align_spine: bool = True,
        align_center: bool = True,
        align_shoulder: bool | None = None,
    ):
        for name, axis in (('zaxis', zaxis), ('xaxis', xaxis)):
            if len(axis) != 2 or min(axis) < 0:
                raise ValueError(f'{name} = {axis}: expected two joints.')
        self.zaxis, self.xaxis = tuple(zaxis), tuple(xaxis)
        self.align_spine, self.align_center = align_spine, align_center
        self.align_shoulder = align_spine if align_shoulder is None else align_shoulder

    def __call__(self, results: Results) -> Results:
        """Normalise the coordinates of a clip."""
        keypoint = results['keypoint'][:, : results.get('total_frames')]
        self._check(results, keypoint)
        results.pop('keypoint_score', None)
        results['third_is_score'] = False

        nonzero = keypoint != 0
        present = nonzero[..., 0] | nonzero[..., 1] | nonzero[..., 2]  # (M, T, V)
        in_frame = present.any(2)  # (M, T)
        first = int(in_frame.sum(1).argmax())
        if not in_frame[first].any():
            return results
        if first > 0:
            order = [first, *(m for m in range(len(keypoint)) if m != first)]
            keypoint, present = keypoint[order], present[order]
        if not in_frame[first].all():
            frames = np.flatnonzero(in_frame[first])
            keypoint, present = keypoint.take(frames, axis=1), present.take(frames, axis=1)

        if self.align_center:
            centre = keypoint[0, 0, 1 if keypoint.shape[2] == 25 else -1].copy()
            keypoint = for_each_joint(np.subtract, keypoint, centre)
            if not present.all():
                keypoint[~present] = 0
            results['body_center'] = centre
        if self.align_spine or self.align_shoulder:
            turn = self._turn(keypoint[0, 0])
            keypoint = (keypoint.reshape(-1, 3) @ turn.T).reshape(keypoint.shape)
        results['keypoint'], results['total_frames'] = keypoint, keypoint.shape[1]
        return results

    def _check(self, results: Results, keypoint: np.ndarray) -> None:
        if keypoint.ndim != 4 or keypoint.shape[-1] != 3 or results.get('third_is_score'):
            raise clip_error(
                results,
                f'PreNormalize3D: keypoint has shape {results["keypoint"].shape}, expected '
                '(people, frames, joints, 3) with x, y, z. For x and y take PreNormalize2D.',
            )
        most = max(*self.zaxis, *self.xaxis)
        if (self.align_spine or self.align_shoulder) and keypoint.shape[2] <= most:
            raise clip_error(
                results,
                f'has {keypoint.shape[2]} joints, but PreNormalize3D aligns by joint {most}. Set '
                'zaxis and xaxis for these clips, or align_spine=False.',
            )

    def _turn(self, pose: np.ndarray) -> np.ndarray:
        """Return the rotation (3, 3) of a pose (V, 3): spine to +z, then shoulders to +x."""
        bottom, top = self.zaxis
        spine = np.eye(3)
        if self.align_spine:
            spine = rotation_onto(pose[top] - pose[bottom], axis=2)
            pose = pose @ spine.T
        if not self.align_shoulder:
            return spine
        right, left = self.xaxis
        return rotation_onto(pose[right] - pose[left], axis=0) @ spine


def rotation_onto(direction: np.ndarray, axis: int) -> np.ndarray:
    """Return the rotation (3, 3) float64 that turns a direction onto an axis on the shortest way.

    Rodrigues: R = cos a I + sin a [n]x + (1 - cos a) n n^T with the unit vector n along direction x
    axis. No rotation for a direction that is (nearly) zero or lies on the axis, either way around.

    Args:
        direction: (3,); its length is measured in its own type.
        axis: 0, 1 or 2 for x, y or z.
    """
    if np.abs(direction).sum() < 1e-6:
        return np.eye(3)
    after, before = (axis + 1) % 3, (axis + 2) % 3
    normal = [0.0, 0.0, 0.0]  # direction x axis
    normal[after], normal[before] = float(direction[before]), -float(direction[after])
    length = math.hypot(*normal)
    cosine = min(max(float((direction / np.linalg.norm(direction))[axis]), -1.0), 1.0)
    if length < 1e-6 or math.acos(cosine) < 1e-6:
        return np.eye(3)
    x, y, z = (value / length for value in normal)
    sine, rest = math.sqrt(1 - cosine * cosine), 1 - cosine
    return np.array(
        [
            [cosine + rest * x * x, rest * x * y - sine * z, rest * x * z + sine * y],
            [rest * x * y + sine * z, cosine + rest * y * y, rest * y * z - sine * x],
            [rest * x * z - sine * y, rest * y * z + sine * x, cosine + rest * z * z],
        ]
    )
