"""A step that measures people by their own body, wherever they are in the picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...registry import PIPELINES
from ...skeletons.poses import is_present
from .base import Results, Step, check_joints, check_planar, chosen_layout, clip_error


@PIPELINES.register_module()
class BodyUnits2D(Step):
    """Bring pixels into units of the first person's body and join the scores as a third channel.

    The origin is the middle between two joints and the unit their distance, both as the median over
    the frames that show them. So they hardly depend on which frames a clip has, or on what the
    hands
    do there, unlike a box around the person: a window of a recording looks like a clip of its own.
    Nothing is changed where no frame shows both joints.

    keypoint becomes (M, T, V, 3) float32: x, y and score; without keypoint_score it stays (M, T, V,
    2). keypoint_score is removed. Missing joints are 0.

    Args:
        layout: of the skeleton.
        between: names of the two joints.
        scale: units that become 1: with 2 a shoulder width is 0.5.
    """

    needs = ('keypoint',)
    gives = ('keypoint', 'third_is_score')
    removes = ('keypoint_score',)

    def __init__(
        self,
        layout: str | dict,
        between: Sequence[str] = ('left shoulder', 'right shoulder'),
        scale: float = 2.0,
    ):
        self.layout, self.between, self.scale = layout, tuple(between), scale
        self._layout = chosen_layout(layout)
        if self._layout is None or scale <= 0:
            raise ValueError('expected a layout, and a scale above 0.')
        unknown = [name for name in self.between if name not in self._layout.joints]
        if unknown or len(self.between) != 2:
            raise ValueError(
                f'between = {list(self.between)}: expected two joints of layout '
                f'{self._layout.name}: {", ".join(self._layout.joints)}.'
            )
        self._pair = [self._layout.joints.index(name) for name in self.between]

    def __call__(self, results: Results) -> Results:
        """Normalise the key points of a clip."""
        keypoint = results['keypoint']
        check_planar(results, self)
        check_joints(results, self._layout, keypoint.shape[2])
        if not np.isfinite(keypoint).all():
            raise clip_error(
                results, 'keypoint holds NaN or infinity. A missing joint is x = y = score = 0.'
            )
        score = results.pop('keypoint_score', None)
        results['third_is_score'] = score is not None
        seen = is_present(keypoint, score)
        origin, unit = self._measure(keypoint, seen)
        normal = np.empty((*keypoint.shape[:3], 2 if score is None else 3), np.float32)
        for c in range(2):
            normal[..., c] = (keypoint[..., c] - origin[c]) * np.float32(1 / (unit * self.scale))
            np.copyto(normal[..., c], 0, where=~seen)
        if score is not None:
            normal[..., 2] = np.where(seen, score, 0)
        results['keypoint'] = normal
        return results

    def _measure(self, keypoint: np.ndarray, seen: np.ndarray) -> tuple[tuple[float, float], float]:
        """Return the origin (x, y) and the unit in pixels, of the first person who shows them."""
        for person, there in zip(keypoint, seen):
            pair = person[there[:, self._pair].all(1)][:, self._pair]  # (n, 2, 2)
            unit = np.median(np.linalg.norm(pair[:, 0] - pair[:, 1], axis=-1)) if len(pair) else 0
            if unit > 0:
                x, y = np.median(pair.mean(1), axis=0).tolist()
                return (x, y), float(unit)
        return (0.0, 0.0), 1.0
