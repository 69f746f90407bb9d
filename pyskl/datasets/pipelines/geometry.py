"""Steps that resize, crop or mirror the picture; key points move along. x right, y down, pixels."""
from __future__ import annotations

import math
import random

import numpy as np

from ...registry import PIPELINES
from ...skeletons import mirror_order
from .base import (
    Results,
    Step,
    check_joints,
    check_planar,
    chosen_layout,
    clip_error,
    for_each_joint,
    picture_size,
    zero_coordinates,
)

Quadruple = tuple[float, float, float, float]       # x, y, width, height as shares of the original picture


@PIPELINES.register_module()
class Resize(Step):
    """Stretch picture and key points to another size.

    scale          (width, height); with keep_ratio the largest size that fits into (long edge, short edge), in any order:
                   (-1, 64) or (inf, 64) makes the short edge 64 whatever the long one. One number is a factor (needs keep_ratio)
    keep_ratio     keep width : height
    interpolation  of pictures; key points need none, the name is accepted for PYSKL's configs
    """

    needs = ('keypoint', 'img_shape')
    gives = ('keypoint', 'img_shape', 'scale_factor', 'keep_ratio')

    def __init__(self, scale: float | tuple[float, float], keep_ratio: bool = True, interpolation: str = 'bilinear'):
        if isinstance(scale, (tuple, list)):
            scale = (np.inf, max(scale)) if min(scale) == -1 and keep_ratio else tuple(scale)
            if min(scale) <= 0 or min(scale) == np.inf or not (keep_ratio or max(scale) < np.inf):
                raise ValueError(f'scale = {scale}: expected (width, height) in pixels, above 0 and finite; with keep_ratio '
                                 'one of them may be inf or -1.')
        elif scale <= 0 or not keep_ratio:
            raise ValueError(f'scale = {scale}, keep_ratio = {keep_ratio}: expected a factor above 0 with keep_ratio=True, '
                             'or (width, height).')
        self.scale, self.keep_ratio, self.interpolation = scale, keep_ratio, interpolation

    def __call__(self, results: Results) -> Results:
        check_planar(results, self)
        h, w = picture_size(results)
        new_w, new_h = self._new_size(w, h)
        factor = np.array([new_w / w, new_h / h], dtype=np.float32)
        results['keypoint'] = for_each_joint(np.multiply, results['keypoint'], factor)
        results['img_shape'] = (new_h, new_w)
        results['scale_factor'] = results['scale_factor'] * factor if 'scale_factor' in results else factor
        results['keep_ratio'] = self.keep_ratio
        return results

    def _new_size(self, w: int, h: int) -> tuple[int, int]:
        if not self.keep_ratio:
            return int(self.scale[0]), int(self.scale[1])
        factor = self.scale
        if isinstance(factor, tuple):
            factor = min(max(factor) / max(h, w), min(factor) / min(h, w))
        return max(int(w * factor + 0.5), 1), max(int(h * factor + 0.5), 1)


class Crop(Step):
    """Cuts the region that `choose` names out of the picture; the key points keep their places in it."""

    needs = ('keypoint', 'img_shape')
    gives = ('keypoint', 'img_shape', 'crop_bbox', 'crop_quadruple')

    def choose(self, w: int, h: int) -> tuple[int, int, int, int]:
        """(left, top, right, bottom) of the region in a picture of w x h pixels."""
        raise NotImplementedError

    def __call__(self, results: Results) -> Results:
        check_planar(results, self)
        h, w = picture_size(results)
        try:
            left, top, right, bottom = self.choose(w, h)
        except ValueError as error:
            raise clip_error(results, f'{type(self).__name__}: {error}') from None
        results['crop_bbox'] = bbox = np.array([left, top, right, bottom])
        results['keypoint'] = for_each_joint(np.subtract, results['keypoint'], bbox[:2])      # float64 from here on, as published
        results['img_shape'] = (bottom - top, right - left)
        quadruple = crop_further(results.get('crop_quadruple', (0., 0., 1., 1.)),
                                 (left / w, top / h, (right - left) / w, (bottom - top) / h))
        results['crop_quadruple'] = np.array(quadruple, dtype=np.float32)
        return results


@PIPELINES.register_module()
class RandomResizedCrop(Crop):
    """Cut out a region of random area and shape.

    area_range          share of the picture's area, 0..1
    aspect_ratio_range  width : height
    Draws twice np.random.uniform (10 tries at once), then random.randint for the place of the first try that fits; where
    none fits, it takes the middle square.
    """

    def __init__(self, area_range: tuple[float, float] = (0.08, 1.0), aspect_ratio_range: tuple[float, float] = (3 / 4, 4 / 3)):
        if not 0 < area_range[0] <= area_range[1] <= 1:
            raise ValueError(f'area_range = {area_range}: expected (least, most) within (0, 1].')
        if not 0 < aspect_ratio_range[0] <= aspect_ratio_range[1]:
            raise ValueError(f'aspect_ratio_range = {aspect_ratio_range}: expected (least, most), both above 0.')
        self.area_range, self.aspect_ratio_range = tuple(area_range), tuple(aspect_ratio_range)
        self._log_ratios = tuple(np.log(aspect_ratio_range))

    def choose(self, w: int, h: int) -> tuple[int, int, int, int]:
        ratios = np.exp(np.random.uniform(*self._log_ratios, size=10))
        areas = np.random.uniform(*self.area_range, size=10) * (h * w)
        for ratio, area in zip(ratios.tolist(), areas.tolist()):
            crop_w, crop_h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
            if 0 < crop_w <= w and 0 < crop_h <= h:
                left, top = random.randint(0, w - crop_w), random.randint(0, h - crop_h)
                return left, top, left + crop_w, top + crop_h
        edge = min(h, w)
        left, top = (w - edge) // 2, (h - edge) // 2
        return left, top, left + edge, top + edge


@PIPELINES.register_module()
class RandomCrop(Crop):
    """Cut out a square of size x size pixels at a random place: np.random.randint for y, then for x, where there is room."""

    def __init__(self, size: int):
        if size < 1:
            raise ValueError(f'size = {size}: expected 1 or more pixels.')
        self.size = size

    def choose(self, w: int, h: int) -> tuple[int, int, int, int]:
        if self.size > min(h, w):
            raise ValueError(f'size = {self.size} does not fit into a picture of {w} x {h} pixels. Resize it first.')
        top = int(np.random.randint(0, h - self.size)) if h > self.size else 0
        left = int(np.random.randint(0, w - self.size)) if w > self.size else 0
        return left, top, left + self.size, top + self.size


@PIPELINES.register_module()
class CenterCrop(Crop):
    """Cut the middle out. crop_size: (width, height) in pixels, or one number for both; a smaller picture gets an edge."""

    def __init__(self, crop_size: int | tuple[int, int]):
        self.crop_size = tuple(crop_size) if isinstance(crop_size, (tuple, list)) else (crop_size, crop_size)
        if min(self.crop_size) < 1:
            raise ValueError(f'crop_size = {crop_size}: expected 1 or more pixels.')

    def choose(self, w: int, h: int) -> tuple[int, int, int, int]:
        crop_w, crop_h = self.crop_size
        left, top = (w - crop_w) // 2, (h - crop_h) // 2
        return left, top, left + crop_w, top + crop_h


@PIPELINES.register_module()
class PoseCompact(Step):
    """Crop the picture to the box around all key points of the clip.

    padding       the box grows by this share of its size
    threshold     pixels; a clip with a smaller box stays as it is
    hw_ratio      (a, b): the box becomes at least a times its width high, then at least 1 / b times its height wide;
                  one number stands for both, None leaves the box alone
    allow_imgpad  may the box reach beyond the picture?

    A coordinate that is exactly 0 is a missing joint's: it counts for nothing and stays 0. So do NaN and infinity.
    """

    needs = ('keypoint', 'img_shape')
    gives = ('keypoint', 'img_shape', 'crop_quadruple')

    def __init__(self, padding: float = 0.25, threshold: float = 10, hw_ratio: float | tuple[float, float] | None = None,
                 allow_imgpad: bool = True):
        ratio = hw_ratio if hw_ratio is None or isinstance(hw_ratio, (tuple, list)) else (hw_ratio, hw_ratio)
        if padding < 0:
            raise ValueError(f'padding = {padding}: expected 0 or more.')
        if ratio is not None and min(ratio) <= 0:
            raise ValueError(f'hw_ratio = {hw_ratio}: expected numbers above 0.')
        self.padding, self.threshold, self.allow_imgpad = padding, threshold, allow_imgpad
        self.hw_ratio = ratio if ratio is None else tuple(ratio)

    def __call__(self, results: Results) -> Results:
        check_planar(results, self)
        h, w = picture_size(results)
        keypoint = results['keypoint']
        box = self._box(keypoint, h, w)
        if box is None:
            return results
        left, top, right, bottom = box
        results['keypoint'] = moved = for_each_joint(np.subtract, keypoint, np.array([left, top], dtype=keypoint.dtype))
        moved[zero_coordinates(keypoint)] = 0
        results['img_shape'] = (bottom - top, right - left)
        results['crop_quadruple'] = crop_further(results.get('crop_quadruple', (0., 0., 1., 1.)),
                                                 (left / w, top / h, (right - left) / w, (bottom - top) / h))
        return results

    def _box(self, keypoint: np.ndarray, h: int, w: int) -> tuple[int, int, int, int] | None:
        """(left, top, right, bottom) pixels of the crop, None where there is too little to see."""
        shown = keypoint.reshape(-1, 2).T.copy()        # one row for x, one for y: reduced many times faster
        shown[zero_coordinates(shown) | ~np.isfinite(shown)] = np.nan
        least, most = (ufunc.reduce(shown, axis=1, initial=np.nan) for ufunc in (np.fmin, np.fmax))
        # The sums are float32 and the rest float64, as published.
        (x, y), (wide, high) = (most + least).tolist(), (most - least).tolist()
        if not (wide >= self.threshold and high >= self.threshold):     # nan where nobody is shown
            return None
        x, y, half_w, half_h = x / 2, y / 2, wide / 2 * (1 + self.padding), high / 2 * (1 + self.padding)
        if self.hw_ratio is not None:
            half_h = max(self.hw_ratio[0] * half_w, half_h)
            half_w = max(1 / self.hw_ratio[1] * half_h, half_w)
        left, top, right, bottom = x - half_w, y - half_h, x + half_w, y + half_h
        if not self.allow_imgpad:
            left, top, right, bottom = max(0, left), max(0, top), min(w, right), min(h, bottom)
        left, top, right, bottom = int(left), int(top), int(right), int(bottom)
        return (left, top, right, bottom) if right > left and bottom > top else None


def crop_further(old: Quadruple, new: Quadruple) -> Quadruple:
    """The crop `new`, given as shares of the crop `old`, as shares of the original picture."""
    return old[0] + old[2] * new[0], old[1] + old[3] * new[1], old[2] * new[2], old[3] * new[3]


@PIPELINES.register_module()
class Flip(Step):
    """Mirror the clip left to right; left and right joints change places.

    flip_ratio          how often, 0..1; one np.random.rand() decides for each clip
    left_kp, right_kp   joint indices that change places; None: none do. x becomes width - x, as published
    layout              in their place: the name of a skeleton layout (pyskl/skeletons), or a dict(name=, joints=, ...) of your own.
                        x becomes width - 1 - x, as pixels do when a picture is turned, and heatmaps at test time
    flip_label_map      {label: label of the mirrored gesture}; of several labels (K,) each
    A coordinate that is exactly 0 is a missing joint's and stays 0.
    """

    needs = ('keypoint', 'img_shape')
    gives = ('keypoint', 'keypoint_score', 'flip', 'flip_direction')

    def __init__(self, flip_ratio: float = 0.5, direction: str = 'horizontal', flip_label_map: dict | None = None,
                 left_kp: list[int] | None = None, right_kp: list[int] | None = None, layout: str | dict | None = None):
        if not 0 <= flip_ratio <= 1:
            raise ValueError(f'flip_ratio = {flip_ratio}: expected 0 to 1.')
        if direction != 'horizontal':
            raise ValueError(f"direction = {direction!r}: key points are only flipped 'horizontal'ly.")
        if len(left_kp or ()) != len(right_kp or ()):
            raise ValueError(f'left_kp has {len(left_kp or ())} joints and right_kp {len(right_kp or ())}; expected pairs.')
        self._layout = chosen_layout(layout, left_kp=left_kp is not None, right_kp=right_kp is not None)
        if self._layout is not None:
            left_kp, right_kp = self._layout.left, self._layout.right
        self.flip_ratio, self.direction, self.flip_label_map = flip_ratio, direction, flip_label_map
        self.left_kp, self.right_kp = tuple(left_kp or ()), tuple(right_kp or ())
        self._first_pixel = 0 if self._layout is None else 1

    def __call__(self, results: Results) -> Results:
        check_planar(results, self)
        results['flip'] = flip = bool(np.random.rand() < self.flip_ratio)
        results['flip_direction'] = self.direction
        if not flip:
            return results
        if self.flip_label_map is not None:
            results['label'] = self._mirrored(results['label'])
        num_joints = results['keypoint'].shape[2]
        check_joints(results, self._layout, num_joints)
        order = mirror_order(num_joints, self.left_kp, self.right_kp, 'Flip: left_kp / right_kp', 'joints')
        keypoint = results['keypoint'].take(order, axis=2)
        x = keypoint[..., 0]
        np.subtract(picture_size(results)[1] - self._first_pixel, x, out=x, where=~zero_coordinates(x))
        results['keypoint'] = keypoint
        if 'keypoint_score' in results:
            results['keypoint_score'] = results['keypoint_score'].take(order, axis=2)
        return results

    def _mirrored(self, label: int | np.ndarray) -> int | np.ndarray:
        if not isinstance(label, np.ndarray):
            return self.flip_label_map.get(label, label)
        mirrored = np.minimum(label, 0)         # unknown labels are all -1, and stay so
        for k in np.flatnonzero(label > 0).tolist():
            mirrored[self.flip_label_map.get(k, k)] = label[k]
        return mirrored
