"""A step that shows bones: their vectors as additional points."""

from __future__ import annotations

import numpy as np

from ...registry import PIPELINES
from ...skeletons import is_present
from .base import Results, Step, check_joints, check_planar, chosen_layout, picture_size


@PIPELINES.register_module()
class BoneVectors(Step):
    """Add a point for each bone: its vector from the picture's centre, enlarged by `zoom`.

    So a heatmap shows how a hand is held, wherever it is; otherwise a thumb that points up or down
    moves by less than a pixel.

    A bone's score is the lower one of its ends'; with a missing end (score 0, x = y = 0, NaN) it is
    missing. A crop moves missing joints too, so after one they are known by their scores alone. Put
    Flip
    before this step: it mirrors joints. The points are no joints any more, so GeneratePoseTarget
    takes no layout, and double=True needs the points' own pairs.

    Args:
        layout: the name of a skeleton layout (pyskl/skeletons), or a dict(name=, joints=, ...) of
            your own, whose bones are shown.
        zoom: factor on the length of a bone.
        keep_joints: the joints stay, as the first points; False: only bones are left, in the
            layout's order.

    Source: the second stream of 2s-AGCN (arXiv:1805.07694, section 3.3), adapted to heatmaps.
    """

    needs = ('keypoint', 'img_shape')
    gives = ('keypoint', 'keypoint_score')

    def __init__(self, layout: str | dict, zoom: float = 4.0, keep_joints: bool = True):
        if not 0 < zoom < np.inf:
            raise ValueError(f'zoom = {zoom}: expected a number above 0.')
        self._layout = chosen_layout(layout)
        if self._layout is None or not self._layout.bones:
            raise ValueError(f'layout = {layout!r}: expected one with bones.')
        self.zoom, self.keep_joints = zoom, keep_joints
        self._child, self._parent = np.array(self._layout.bones).T

    def __call__(self, results: Results) -> Results:
        """Add the bones of a clip."""
        check_planar(results, self)
        h, w = picture_size(results)
        keypoint = results['keypoint']
        check_joints(results, self._layout, keypoint.shape[2])
        child, parent = keypoint.take(self._child, axis=2), keypoint.take(self._parent, axis=2)
        present = is_present(keypoint)
        both = present.take(self._child, axis=2) & present.take(self._parent, axis=2)
        missing = ~both  # (M, T, L)
        centre = np.array([(w - 1) / 2, (h - 1) / 2], dtype=keypoint.dtype)
        point = centre + (child - parent) * keypoint.dtype.type(self.zoom)
        results['keypoint'] = self._behind(keypoint, np.where(missing[..., None], 0, point))

        score = results.get('keypoint_score')
        score = np.ones(keypoint.shape[:3], np.float32) if score is None else score
        lower = np.minimum(score.take(self._child, axis=2), score.take(self._parent, axis=2))
        results['keypoint_score'] = self._behind(score, np.where(missing, 0, lower))
        return results

    def _behind(self, joints: np.ndarray, bones: np.ndarray) -> np.ndarray:
        bones = bones.astype(joints.dtype, copy=False)
        return np.concatenate([joints, bones], axis=2) if self.keep_joints else bones
