"""Steps that change the picture's size or cut a region out of it; key points move along. x right, y down, pixels."""
from __future__ import annotations

import math
import random

import numpy as np

from ...registry import PIPELINES
from .base import Results, Step, clip_error, for_each_joint, picture_size
from .keypoints import crop_further


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
