"""What steps do to the frames of a video: cut, stretch, mirror. Frames are (H, W, 3) or (H, W)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...inputs import LazyFrames
from .base import Results, Step, clip_error, picture_size


def frames_of(results: Results, step: Step) -> Sequence[np.ndarray]:
    """Return the clip's frames, checked.

    Raises:
        DataError: `imgs` are no frames, or not of the size that img_shape says.
    """
    imgs = results['imgs']
    if isinstance(imgs, LazyFrames):
        return imgs.array()
    shapes = {np.shape(frame) for frame in imgs} if isinstance(imgs, (list, np.ndarray)) else set()
    size = picture_size(results) if 'img_shape' in results else None
    shape = next(iter(shapes), ())
    if len(shapes) == 1 and len(shape) in (2, 3) and shape[:2] == (size or shape[:2]):
        return imgs
    came = ', '.join(map(str, sorted(shapes))) or f'a {type(imgs).__name__}'
    wanted = 'of one size' if size is None else f'{size}, as img_shape says, or {(*size, 3)}'
    raise clip_error(
        results,
        f'{type(step).__name__} works on frames of a video: imgs has {came}, expected frames '
        f'{wanted}. Put steps that move pictures before GeneratePoseTarget and FormatShape.',
    )
