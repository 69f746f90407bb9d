"""What steps do to frames of videos: (H, W, 3) or (H, W), uint8 or floats, x right, y down."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np

from ...files.libraries import opencv
from .base import Results, Step, check_planar, clip_error, picture_size

Frames = Sequence[np.ndarray]
Quadruple = tuple[float, float, float, float]
Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels; right and bottom are outside

BOXES = ('gt_bboxes', 'proposals')  # entries that hold boxes (..., 4): x1, y1, x2, y2
INTERPOLATIONS = ('nearest', 'bilinear', 'bicubic', 'area', 'lanczos')

# Pixels of the largest frame that a step makes. More than any video has; key points far outside
# the picture would ask for it.
MAX_PIXELS = 2**26


@cache
def _opencv() -> ModuleType:
    """OpenCV, with one thread: its pool of threads does not survive the fork of a worker."""
    cv2 = opencv()
    cv2.setNumThreads(1)
    return cv2


class PictureStep(Step):
    """A step that moves the picture: frames and key points, whichever are there, alike.

    Boxes (`gt_bboxes`, `proposals`: x1, y1, x2, y2) move along.
    """

    needs: tuple[str, ...] = ('img_shape',)
    needs_one_of: tuple[str, ...] = ('keypoint', 'imgs')

    def check(self, results: Results) -> tuple[int, int]:
        """Return the picture's (height, width), after checking what is to be moved.

        Raises:
            DataError: img_shape is no size, key points are not x and y, or `imgs` are no frames.
        """
        if 'keypoint' in results:
            check_planar(results, self)
        size = picture_size(results)
        if 'imgs' in results:
            results['imgs'] = frames_of(results, self)
        return size

    def cut_out(self, results: Results, box: Box) -> Quadruple:
        """Cut frames and boxes to a region of the picture, but not key points.

        Returns:
            The region as shares of the first picture: left, top, width, height.

        Raises:
            DataError: the frames would be too large.
        """
        (h, w), (left, top, right, bottom) = picture_size(results), box
        check_room(results, self, right - left, bottom - top)
        if 'imgs' in results:
            results['imgs'] = cut(results['imgs'], box)
        cut_boxes(results, box)
        results['img_shape'] = (bottom - top, right - left)
        x, y, wide, high = results.get('crop_quadruple', (0.0, 0.0, 1.0, 1.0))
        return (
            x + wide * (left / w),
            y + high * (top / h),
            wide * ((right - left) / w),
            high * ((bottom - top) / h),
        )


def frames_of(results: Results, step: Step) -> Frames:
    """Return the clip's frames, checked.

    Raises:
        DataError: `imgs` are no frames, or not of size img_shape.
    """
    imgs = results['imgs']
    frames: Frames = imgs if isinstance(imgs, (list, tuple)) else np.atleast_1d(imgs)  # type: ignore[assignment]
    size = picture_size(results) if 'img_shape' in results else None
    kinds = {(a.shape, str(a.dtype)) for a in map(np.asarray, frames) if a.ndim}
    shape, dtype = next(iter(kinds), ((), ''))
    is_picture = len(shape) == 2 or len(shape) == 3 and shape[2] <= 4
    if len(kinds) != 1 or not is_picture or shape[:2] != (size or shape[:2]):
        came = ', '.join(sorted(str(shape) for shape, _ in kinds)) or repr(type(imgs).__name__)
        wanted = '(height, width, 3), all alike' if size is None else f'{(*size, 3)}'
        raise clip_error(
            results,
            f'{type(step).__name__} works on the frames of a video. imgs has frames of shape '
            f'{came}; expected {wanted}. Put a step that decodes before it, and '
            'GeneratePoseTarget, Normalize and FormatShape after it.',
        )
    if dtype not in ('uint8', 'float32', 'float64'):
        raise clip_error(results, f'imgs has frames of {dtype}, expected uint8, 0 to 255.')
    return frames


def check_room(results: Results, step: Step, width: int, height: int) -> None:
    """Refuse to make frames that no memory holds.

    Raises:
        DataError: more than MAX_PIXELS.
    """
    if 'imgs' in results and width * height > MAX_PIXELS:
        raise clip_error(
            results,
            f'{type(step).__name__} would make frames of {width} x {height} pixels; the most is '
            f'{MAX_PIXELS} pixels. Do the key points lie far outside the picture?',
        )


def move_boxes(results: Results, move: Callable[[np.ndarray], np.ndarray]) -> None:
    """Replace the boxes that are there by moved ones."""
    for key in BOXES:
        if results.get(key) is not None:
            results[key] = move(np.asarray(results[key]))


def cut_boxes(results: Results, box: Box) -> None:
    """Move boxes into a crop; what reaches beyond it ends at its last pixel."""
    left, top, right, bottom = box
    most = np.array([right - left - 1, bottom - top - 1] * 2, np.float32)
    move_boxes(
        results, lambda boxes: np.clip(boxes - np.array([left, top] * 2, np.float32), 0, most)
    )


def cut(frames: Frames, box: Box, value: int = 0) -> list[np.ndarray]:
    """Cut a region out of each frame; outside the frame everything is `value`.

    Returns:
        Views of the frames, where the region lies inside.
    """
    left, top, right, bottom = box
    height, width = frames[0].shape[:2]
    rows = slice(min(max(top, 0), height), min(max(bottom, 0), height))
    columns = slice(min(max(left, 0), width), min(max(right, 0), width))
    inside = [frame[rows, columns] for frame in frames]
    found = inside[0].shape[:2]
    wanted = (bottom - top, right - left)
    if found == wanted:
        return inside
    padded = [np.full((*wanted, *frame.shape[2:]), value, frame.dtype) for frame in frames]
    if min(found):
        into = np.s_[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        for new, old in zip(padded, inside):
            new[into] = old
    return padded


def resized(frames: Frames, width: int, height: int, interpolation: str) -> list[np.ndarray]:
    """Resize each frame.

    Args:
        frames: arrays (H, W) or (H, W, C).
        width: new width in pixels.
        height: new height in pixels.
        interpolation: one of INTERPOLATIONS.
    """
    cv2 = _opencv()
    codes = (cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_AREA)
    code = dict(zip(INTERPOLATIONS, (*codes, cv2.INTER_LANCZOS4)))[interpolation]
    new = [cv2.resize(frame, (width, height), interpolation=code) for frame in frames]
    return _as_before(new, frames)


def mirrored(frames: Frames, direction: str = 'horizontal') -> list[np.ndarray]:
    """Mirror each frame left to right ('horizontal') or top to bottom ('vertical')."""
    axis = 1 if direction == 'horizontal' else 0
    return _as_before([_opencv().flip(frame, axis) for frame in frames], frames)


def warped(frames: Frames, matrix: np.ndarray) -> list[np.ndarray]:
    """Move each frame by an affine map; what comes from outside is 0.

    Args:
        frames: arrays (H, W) or (H, W, C).
        matrix: (2, 3), from pixels (x, y, 1) to the pixels where they go.
    """
    height, width = frames[0].shape[:2]
    warp: Any = _opencv().warpAffine
    return _as_before([warp(frame, matrix, (width, height)) for frame in frames], frames)


def _as_before(new: list[np.ndarray], old: Frames) -> list[np.ndarray]:
    """Restore the axis of one channel, which OpenCV drops."""
    return [a if a.ndim == b.ndim else a[..., None] for a, b in zip(new, old)]
