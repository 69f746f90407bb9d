"""A step that makes pictures of key points in space, for networks that look at pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...registry import PIPELINES
from ...skeletons.camera import Camera
from .base import Results, Step, clip_error


@PIPELINES.register_module()
class Project3D(Step):
    """Look at x, y, z through a camera: they become x and y in pixels of a square picture.

    The first step of a pipeline for heatmaps, or for graph networks in the plane, on data in space.
    A range of angles shows each clip from another side in every epoch, as if it had been filmed
    from there.

    Draws np.random.uniform, one number for each angle that is a range, in training.

    Args:
        axes: which axis of the data points right, down, and away from the viewer; see
            skeletons.camera.Camera, also for the next four.
        picture: side of the picture in pixels.
        fill: part of the picture that the clip fills.
        scale: pixels a unit instead of `fill`, the data's origin in the picture's middle.
        distance: of the camera, in units of the clip's size; None: infinitely far.
        turn: degrees by which people turn to their left. (least, most): drawn from there in
            training, and the middle of the range in testing.
        tilt: degrees by which the camera stands above them; a range as in `turn`.
        zero_is_missing: whether a joint at (0, 0, 0) was not found; False where a joint is the
            origin.
    """

    needs = ('keypoint',)
    gives = ('keypoint', 'keypoint_score', 'img_shape', 'original_shape')

    def __init__(
        self,
        axes: Sequence[str] = ('-x', '-y', 'z'),
        picture: int = 512,
        fill: float = 0.8,
        scale: float | None = None,
        distance: float | None = None,
        turn: float | Sequence[float] = 0.0,
        tilt: float | Sequence[float] = 0.0,
        zero_is_missing: bool = True,
    ):
        self._camera = Camera(tuple(axes), picture, fill, scale, distance)
        self.turn, self.tilt = _angle('turn', turn), _angle('tilt', tilt)
        self.zero_is_missing = zero_is_missing

    def __call__(self, results: Results) -> Results:
        """Project a clip into a picture."""
        keypoint = results['keypoint']
        if keypoint.shape[-1] != 3:
            raise clip_error(
                results,
                f'keypoint has shape {keypoint.shape}, but Project3D expected (people, frames, '
                'joints, 3): x, y, z. Leave the step out for key points in a picture.',
            )
        testing = results.get('test_mode', False)
        turn, tilt = (_choose_angle(ends, testing) for ends in (self.turn, self.tilt))
        xy, there = self._camera.project(keypoint, turn, tilt, self.zero_is_missing)
        score = results.get('keypoint_score')
        shown = there.astype(np.float32) if score is None else np.where(there, score, 0)
        size = (self._camera.picture,) * 2
        results.update(
            keypoint=xy,
            keypoint_score=shown.astype(np.float32),
            img_shape=size,
            original_shape=size,
        )
        return results


def _choose_angle(ends: tuple[float, float], testing: bool) -> float:
    """Return the middle of a range in testing, else draw from it; one angle needs no draw."""
    least, most = ends
    return (least + most) / 2 if least == most or testing else np.random.uniform(least, most)


def _angle(name: str, value: float | Sequence[float]) -> tuple[float, float]:
    ends = (value, value) if isinstance(value, (int, float)) else tuple(value)
    if len(ends) != 2 or not -360 <= ends[0] <= ends[1] <= 360:
        raise ValueError(f'{name} = {value}: expected degrees from -360 to 360, or (least, most).')
    return float(ends[0]), float(ends[1])
