"""A camera that looks at joints in space: x, y, z become pixels of a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .poses import is_present

NEAREST = math.sqrt(3) / 2  # from the middle of a cube to its corners, in its sides
MOST_PIXELS = 1 << 16  # of a side
_AXES = {'x': 0, 'y': 1, 'z': 2}


@dataclass(frozen=True)
class Camera:
    """The position of a camera and its picture.

    It looks at the middle of all joints of the clip and turns around it.

    Attributes:
        axes: which axis of the data points to the picture's right, down, and away from the viewer,
            each with '-' if its negative end does. Kinect (NTU RGB+D, SMG): ('-x', '-y',
            'z'). Points of a camera in the usual sense (MediaPipe's world points): ('x', 'y', 'z').
            Motion capture with z up, seen along y: ('x', '-z', 'y'). An axis turned the wrong way
            mirrors the people, so that left and right are swapped.
        picture: side of the square picture in pixels.
        fill: the part of the picture that the clip's longer side fills, people and frames together.
        scale: pixels a unit of the data, instead of `fill`; the data's origin is the picture's
            middle then, so that places and sizes can be compared between clips.
        distance: of the camera from the clip's middle, in units of the clip's size; nearer joints
            are larger. None: infinitely far, a parallel projection.

    Raises:
        ValueError: an attribute that makes no camera.
    """

    axes: Sequence[str] = ('-x', '-y', 'z')
    picture: int = 512
    fill: float = 0.8
    scale: float | None = None
    distance: float | None = None

    def __post_init__(self):
        names = [str(axis).removeprefix('-') for axis in self.axes]
        if sorted(names) != sorted(_AXES):
            raise ValueError(
                f'axes = {tuple(self.axes)}: expected x, y and z in some order, each with or '
                "without '-', e.g. ('-x', '-y', 'z'): what points right, down and away from the "
                'viewer.'
            )
        if not 1 <= self.picture <= MOST_PIXELS:
            raise ValueError(
                f'picture = {self.picture}: expected a side of 1 to {MOST_PIXELS:,} pixels.'
            )
        if not 0 < self.fill <= 1:
            raise ValueError(
                f'fill = {self.fill}: expected a part of the picture, above 0 and at most 1.'
            )
        if self.scale is not None and not 0 < self.scale < math.inf:
            raise ValueError(f'scale = {self.scale}: expected pixels a unit, above 0, or None.')
        if self.distance is not None and not NEAREST < self.distance < math.inf:
            raise ValueError(
                f'distance = {self.distance}: expected more than {NEAREST:.2f} of the size of the '
                'clip (nearer, the camera stands among the joints of a clip that is turned), or '
                'None.'
            )

    def project(
        self, xyz: np.ndarray, turn: float = 0.0, tilt: float = 0.0, zero_is_missing: bool = True
    ) -> tuple[np.ndarray, np.ndarray]:
        """Look at a clip.

        Args:
            xyz: (M, T, V, 3) joints in the data's unit.
            turn: degrees by which the people turn to their left before they are seen.
            tilt: degrees by which the camera stands above them.
            zero_is_missing: whether a joint at (0, 0, 0) was not found. Where the data's origin is
                a joint (the pelvis, say), it is present.

        Returns:
            (M, T, V, 2) float32 pixels, 0 for missing joints, and (M, T, V) bool: which are
            present.
        """
        present = is_present(xyz) if zero_is_missing else np.isfinite(xyz).all(-1)
        if not present.any():
            return np.zeros((*xyz.shape[:-1], 2), np.float32), present

        # The camera's own axes: right, down, away.
        order = [_AXES[str(axis).removeprefix('-')] for axis in self.axes]
        signs = [-1.0 if str(axis).startswith('-') else 1.0 for axis in self.axes]
        points = xyz[present].astype(np.float64)[:, order] * signs
        middle = (points.min(0) + points.max(0)) / 2
        seen = (points - middle) @ _view(turn, tilt).T

        # How many pixels a unit has, and where the picture's middle lies.
        size = float(np.ptp(points, axis=0).max()) or 1.0
        if self.distance is not None:
            seen[:, :2] *= self.distance * size / (self.distance * size + seen[:, 2:])
        if self.scale is None:
            half = float(np.abs(seen[:, :2]).max()) or 1.0
            pixels = seen[:, :2] * (self.fill * self.picture / 2 / half)
        else:
            pixels = (seen[:, :2] + middle[:2]) * self.scale
        xy = np.zeros((*xyz.shape[:-1], 2), np.float32)
        xy[present] = pixels + (self.picture - 1) / 2
        return xy, present


def _view(turn: float, tilt: float) -> np.ndarray:
    """Return the (3, 3) rotation of points in the axes right, down, away: turned, then tilted."""
    cosine, sine = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    about_vertical = np.array([[cosine, 0, -sine], [0, 1, 0], [sine, 0, cosine]])
    cosine, sine = math.cos(math.radians(tilt)), math.sin(math.radians(tilt))
    about_right = np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])
    return about_right @ about_vertical
