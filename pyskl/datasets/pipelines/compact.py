"""Steps that make the picture as large as its people need: cut to them, or padded."""

from __future__ import annotations

import numpy as np

from ...registry import PIPELINES
from .base import Results, for_each_joint, zero_coordinates
from .pictures import Box, PictureStep, check_room, cut, move_boxes

Ratio = float | tuple[float, float] | None


def _chosen_ratio(hw_ratio: Ratio) -> tuple[float, float] | None:
    if hw_ratio is None:
        return None
    high, wide = (hw_ratio, hw_ratio) if isinstance(hw_ratio, (int, float)) else hw_ratio
    if min(high, wide) <= 0:
        raise ValueError(f'hw_ratio = {hw_ratio}: expected numbers above 0.')
    return high, wide


@PIPELINES.register_module()
class PoseCompact(PictureStep):
    """Crop the picture to the box around all key points of the clip.

    A coordinate that is exactly 0 belongs to a missing joint: it is ignored and stays 0. So do NaN
    and infinity. Frames, if there are any, are cut to the same box; outside the picture they are
    black.

    Args:
        padding: the box grows by this share of its size.
        threshold: pixels; a clip with a smaller box stays as it is.
        hw_ratio: (a, b): the box becomes at least a times its width high, then at least 1 / b
            times its height wide; one number is used for both, None leaves the box as it is.
        allow_imgpad: whether the box may reach beyond the picture.
    """

    needs = ('keypoint', 'img_shape')
    needs_one_of = ()
    gives = ('img_shape', 'crop_quadruple')

    def __init__(
        self,
        padding: float = 0.25,
        threshold: float = 10,
        hw_ratio: Ratio = None,
        allow_imgpad: bool = True,
    ):
        if padding < 0:
            raise ValueError(f'padding = {padding}: expected 0 or more.')
        self.padding, self.threshold, self.allow_imgpad = padding, threshold, allow_imgpad
        self.hw_ratio = _chosen_ratio(hw_ratio)

    def __call__(self, results: Results) -> Results:
        """Crop a clip to its people."""
        h, w = self.check(results)
        keypoint = results['keypoint']
        box = self._box(keypoint, h, w)
        if box is None:
            return results
        results['crop_quadruple'] = self.cut_out(results, box)
        corner = np.array(box[:2], dtype=keypoint.dtype)
        results['keypoint'] = moved = for_each_joint(np.subtract, keypoint, corner)
        moved[zero_coordinates(keypoint)] = 0
        return results

    def _box(self, keypoint: np.ndarray, h: int, w: int) -> Box | None:
        """Return the crop in pixels; None where the people are too small to crop to."""
        # A row for x and one for y, over which numpy reduces many times faster.
        shown = keypoint.reshape(-1, 2).T.copy()
        shown[zero_coordinates(shown) | ~np.isfinite(shown)] = np.nan
        least, most = (u.reduce(shown, axis=1, initial=np.nan) for u in (np.fmin, np.fmax))
        # The sums are float32 and the rest float64, as published.
        (x, y), (wide, high) = (most + least).tolist(), (most - least).tolist()
        if not (wide >= self.threshold and high >= self.threshold):  # nan where nobody is shown
            return None
        x, y = x / 2, y / 2
        half_w, half_h = wide / 2 * (1 + self.padding), high / 2 * (1 + self.padding)
        if self.hw_ratio is not None:
            half_h = max(self.hw_ratio[0] * half_w, half_h)
            half_w = max(1 / self.hw_ratio[1] * half_h, half_w)
        left, top, right, bottom = x - half_w, y - half_h, x + half_w, y + half_h
        if not self.allow_imgpad:
            left, top, right, bottom = max(0, left), max(0, top), min(w, right), min(h, bottom)
        left, top, right, bottom = int(left), int(top), int(right), int(bottom)
        return (left, top, right, bottom) if right > left and bottom > top else None


@PIPELINES.register_module()
class MMCompact(PoseCompact):
    """Crop frames and key points to the box around all key points: PoseCompact, to a square.

    Args:
        padding, threshold, hw_ratio, allow_imgpad: as PoseCompact's.
    """

    def __init__(
        self,
        padding: float = 0.25,
        threshold: float = 10,
        hw_ratio: Ratio = 1.0,
        allow_imgpad: bool = True,
    ):
        super().__init__(padding, threshold, hw_ratio, allow_imgpad)


@PIPELINES.register_module()
class MMPad(PictureStep):
    """Put the picture into the middle of a larger, grey one.

    Args:
        hw_ratio: (a, b): the picture becomes at least a times its width high, then at least 1 / b
            times its height wide; one number is used for both, None leaves its shape as it is.
        padding: it grows by this share of its size first.
    """

    gives = ('img_shape',)

    def __init__(self, hw_ratio: Ratio = None, padding: float = 0.0):
        if padding < 0:
            raise ValueError(f'padding = {padding}: expected 0 or more.')
        self.hw_ratio, self.padding = _chosen_ratio(hw_ratio), padding

    def __call__(self, results: Results) -> Results:
        """Pad the picture of a clip."""
        h, w = self.check(results)
        wanted_h, wanted_w = h * (1 + self.padding), w * (1 + self.padding)
        if self.hw_ratio is not None:
            wanted_h = max(self.hw_ratio[0] * wanted_w, wanted_h)
            wanted_w = max(1 / self.hw_ratio[1] * wanted_h, wanted_w)
        new_h, new_w = int(wanted_h + 0.5), int(wanted_w + 0.5)
        check_room(results, self, new_w, new_h)
        left, top = (new_w - w) // 2, (new_h - h) // 2
        if 'imgs' in results:
            box = (-left, -top, new_w - left, new_h - top)
            results['imgs'] = cut(results['imgs'], box, value=127)
        if 'keypoint' in results:
            keypoint = results['keypoint']
            corner = np.array([left, top], dtype=keypoint.dtype)
            results['keypoint'] = for_each_joint(np.add, keypoint, corner)
        move_boxes(results, lambda boxes: boxes + np.array([left, top] * 2, np.float32))
        results['img_shape'] = (new_h, new_w)
        return results
