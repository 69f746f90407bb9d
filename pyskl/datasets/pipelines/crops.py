"""Steps that cut regions out of the picture; key points and boxes keep their places in them."""

from __future__ import annotations

import math
import random

import numpy as np

from ...registry import PIPELINES
from .base import Results, Step, clip_error, for_each_joint
from .pictures import BOXES, Box, PictureStep, cut, frames_of, mirrored

_OF_ONE_PICTURE = ('keypoint', 'keypoint_score', *BOXES)


class Crop(PictureStep):
    """Cuts the region that `choose` names out of the picture."""

    gives = ('img_shape', 'crop_bbox', 'crop_quadruple')

    def choose(self, w: int, h: int) -> Box:
        """Return (left, top, right, bottom) of the region in a picture of w x h pixels."""
        raise NotImplementedError

    def __call__(self, results: Results) -> Results:
        """Crop a clip."""
        h, w = self.check(results)
        try:
            box = self.choose(w, h)
        except ValueError as error:
            raise clip_error(results, f'{type(self).__name__}: {error}') from None
        results['crop_quadruple'] = np.array(self.cut_out(results, box), dtype=np.float32)
        results['crop_bbox'] = bbox = np.array(box)
        if 'keypoint' in results:  # float64 from here on, as published
            results['keypoint'] = for_each_joint(np.subtract, results['keypoint'], bbox[:2])
        return results


@PIPELINES.register_module()
class RandomResizedCrop(Crop):
    """Cut out a region of random area and shape.

    Draws twice np.random.uniform (10 tries at once), then random.randint for the place of the
    first try that fits; where none fits, it takes the middle square.

    Args:
        area_range: share of the picture's area, 0..1.
        aspect_ratio_range: width : height.
    """

    def __init__(
        self,
        area_range: tuple[float, float] = (0.08, 1.0),
        aspect_ratio_range: tuple[float, float] = (3 / 4, 4 / 3),
    ):
        if not 0 < area_range[0] <= area_range[1] <= 1:
            raise ValueError(f'area_range = {area_range}: expected (least, most) within (0, 1].')
        if not 0 < aspect_ratio_range[0] <= aspect_ratio_range[1]:
            raise ValueError(
                f'aspect_ratio_range = {aspect_ratio_range}: expected (least, most), both above 0.'
            )
        self.area_range, self.aspect_ratio_range = tuple(area_range), tuple(aspect_ratio_range)

    def choose(self, w: int, h: int) -> Box:
        """Return (left, top, right, bottom) of the region."""
        least, most = np.log(self.aspect_ratio_range)
        ratios = np.exp(np.random.uniform(least, most, size=10))
        least, most = self.area_range
        areas = np.random.uniform(least, most, size=10) * (h * w)
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
    """Cut out a square at a random place: np.random.randint for y, then for x, where there is room.

    Args:
        size: width and height in pixels.
    """

    def __init__(self, size: int):
        if size < 1:
            raise ValueError(f'size = {size}: expected 1 or more pixels.')
        self.size = size

    def choose(self, w: int, h: int) -> Box:
        """Return (left, top, right, bottom) of the region."""
        if self.size > min(h, w):
            raise ValueError(
                f'size = {self.size} does not fit into a picture of {w} x {h} pixels. '
                'Resize it first.'
            )
        top = int(np.random.randint(0, h - self.size)) if h > self.size else 0
        left = int(np.random.randint(0, w - self.size)) if w > self.size else 0
        return left, top, left + self.size, top + self.size


@PIPELINES.register_module()
class CenterCrop(Crop):
    """Cut the middle out; a smaller picture gets an edge, of black pixels.

    Args:
        crop_size: (width, height) in pixels, or one number for both.
    """

    def __init__(self, crop_size: int | tuple[int, int]):
        self.crop_size = _width_and_height(crop_size)

    def choose(self, w: int, h: int) -> Box:
        """Return (left, top, right, bottom) of the region."""
        crop_w, crop_h = self.crop_size
        left, top = (w - crop_w) // 2, (h - crop_h) // 2
        return left, top, left + crop_w, top + crop_h


class _SeveralCrops(Step):
    """Cuts several regions out of the frames, one behind the other, all frames of each together.

    Key points and boxes have one place in one picture, so they leave the results.
    """

    needs = ('imgs', 'img_shape')
    gives = ('crop_bbox',)
    removes = _OF_ONE_PICTURE
    adds_mirror_images = False  # behind the frames of each region

    def __init__(self, crop_size: int | tuple[int, int]):
        self.crop_size = _width_and_height(crop_size)

    def places(self, w: int, h: int) -> list[tuple[int, int]]:
        """Return (left, top) of each region in a picture of w x h pixels."""
        raise NotImplementedError

    def __call__(self, results: Results) -> Results:
        frames = frames_of(results, self)
        (h, w), (crop_w, crop_h) = frames[0].shape[:2], self.crop_size
        try:
            places = self.places(w, h)
        except ValueError as error:
            raise clip_error(results, f'{type(self).__name__}: {error}') from None
        crops: list[np.ndarray] = []
        boxes: list[Box] = []
        for left, top in places:
            box = (left, top, left + crop_w, top + crop_h)
            shown = cut(frames, box)
            if self.adds_mirror_images:
                shown += mirrored(shown)
            crops += shown
            boxes += [box] * len(shown)
        results['imgs'], results['crop_bbox'] = crops, np.array(boxes)
        results['img_shape'] = (crop_h, crop_w)
        for key in _OF_ONE_PICTURE:
            results.pop(key, None)
        return results


@PIPELINES.register_module()
class ThreeCrop(_SeveralCrops):
    """Cut three regions out: left, right, middle of a wide picture, or top, bottom, middle.

    Args:
        crop_size: (width, height) in pixels, or one number for both; one of them is the picture's.
    """

    def places(self, w: int, h: int) -> list[tuple[int, int]]:
        """Return (left, top) of each region."""
        crop_w, crop_h = self.crop_size
        if not (crop_h == h and crop_w <= w or crop_w == w and crop_h <= h):
            raise ValueError(
                f'crop_size is {crop_w} x {crop_h} pixels, the picture {w} x {h}; expected one '
                'edge as long as the picture. Resize it to that first.'
            )
        left, top = (w - crop_w) // 2, (h - crop_h) // 2
        return [(0, 0), (2 * left, 2 * top), (left, top)]


@PIPELINES.register_module()
class TenCrop(_SeveralCrops):
    """Cut the four corners and the middle out, each followed by its mirror image.

    Args:
        crop_size: (width, height) in pixels, or one number for both.
    """

    adds_mirror_images = True

    def places(self, w: int, h: int) -> list[tuple[int, int]]:
        """Return (left, top) of each region."""
        crop_w, crop_h = self.crop_size
        if crop_w > w or crop_h > h:
            raise ValueError(
                f'crop_size is {crop_w} x {crop_h} pixels, more than the picture of {w} x {h}. '
                'Resize it first.'
            )
        # Quarters of the room, rounded down, as published.
        x, y = (w - crop_w) // 4, (h - crop_h) // 4
        return [(0, 0), (4 * x, 0), (0, 4 * y), (4 * x, 4 * y), (2 * x, 2 * y)]


def _width_and_height(crop_size: int | tuple[int, int]) -> tuple[int, int]:
    width, height = (crop_size, crop_size) if isinstance(crop_size, int) else crop_size
    if min(width, height) < 1:
        raise ValueError(f'crop_size = {crop_size}: expected 1 or more pixels.')
    return width, height
