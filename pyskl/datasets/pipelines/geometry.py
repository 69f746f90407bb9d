"""Steps that resize or mirror pictures and key points; x right, y down, in pixels."""

from __future__ import annotations

import numpy as np

from ...registry import PIPELINES
from ...skeletons import mirror_order
from .base import Results, check_joints, chosen_layout, clip_error, for_each_joint, zero_coordinates
from .pictures import INTERPOLATIONS, PictureStep, check_room, mirrored, move_boxes, resized


@PIPELINES.register_module()
class Resize(PictureStep):
    """Resize frames, key points and boxes.

    A key point's x becomes x * (new width / old width), as published. Pixels keep their edges in
    place, so that the middle of pixel x goes to (x + 0.5) * (new / old) - 0.5: less than half a
    pixel away where the picture shrinks.

    Args:
        scale: (width, height); with keep_ratio the largest size that fits into (long edge, short
            edge), in any order: (-1, 64) or (inf, 64) makes the short edge 64 whatever the long
            one. One number is a factor (needs keep_ratio).
        keep_ratio: keep width : height.
        interpolation: of frames: 'nearest', 'bilinear', 'bicubic', 'area' or 'lanczos'.
    """

    gives = ('img_shape', 'scale_factor', 'keep_ratio')

    def __init__(
        self,
        scale: float | tuple[float, float],
        keep_ratio: bool = True,
        interpolation: str = 'bilinear',
    ):
        if isinstance(scale, (tuple, list)):
            any_long_edge = min(scale) == -1 and keep_ratio
            scale = (np.inf, max(scale)) if any_long_edge else (scale[0], scale[1])
            if min(scale) <= 0 or min(scale) == np.inf or not (keep_ratio or max(scale) < np.inf):
                raise ValueError(
                    f'scale = {scale}: expected (width, height) in pixels, above 0 and finite; '
                    'with keep_ratio one of them may be inf or -1.'
                )
        elif scale <= 0 or not keep_ratio:
            raise ValueError(
                f'scale = {scale}, keep_ratio = {keep_ratio}: expected a factor above 0 with '
                'keep_ratio=True, or (width, height).'
            )
        if interpolation not in INTERPOLATIONS:
            raise ValueError(
                f'interpolation = {interpolation!r}: expected one of '
                f'{", ".join(map(repr, INTERPOLATIONS))}.'
            )
        self.scale, self.keep_ratio, self.interpolation = scale, keep_ratio, interpolation

    def __call__(self, results: Results) -> Results:
        """Resize a clip."""
        h, w = self.check(results)
        new_w, new_h = self._new_size(w, h)
        factor = np.array([new_w / w, new_h / h], dtype=np.float32)
        check_room(results, self, new_w, new_h)
        if 'keypoint' in results:
            results['keypoint'] = for_each_joint(np.multiply, results['keypoint'], factor)
        if 'imgs' in results:
            results['imgs'] = resized(results['imgs'], new_w, new_h, self.interpolation)
        move_boxes(results, lambda boxes: boxes * np.tile(factor, 2))
        results['img_shape'] = (new_h, new_w)
        results['scale_factor'] = results.get('scale_factor', np.float32(1)) * factor
        results['keep_ratio'] = self.keep_ratio
        return results

    def _new_size(self, w: int, h: int) -> tuple[int, int]:
        factor = self.scale
        if isinstance(factor, tuple):
            if not self.keep_ratio:
                return int(factor[0]), int(factor[1])
            factor = min(max(factor) / max(h, w), min(factor) / min(h, w))
        return max(int(w * factor + 0.5), 1), max(int(h * factor + 0.5), 1)


@PIPELINES.register_module()
class Flip(PictureStep):
    """Mirror the clip left to right; left and right joints are swapped.

    A coordinate that is exactly 0 belongs to a missing joint and stays 0. Boxes are mirrored as key
    points are. Of optical flow (`modality` is 'Flow': x and y alternate) the x frames change their
    sign, too: 255 - value.

    Args:
        flip_ratio: probability, 0..1; one np.random.rand() decides for each clip.
        direction: 'horizontal', or, for frames without key points, 'vertical'.
        flip_label_map: {label: label of the mirrored gesture}; of several labels (K,) each.
        left_kp: joints that are swapped with right_kp; None: none are. x becomes width - x, as
            published, one pixel off from where the frames' pixels go.
        right_kp: see left_kp.
        layout: instead of left_kp and right_kp, the name of a skeleton layout (pyskl/skeletons), or
            a dict(name=, joints=, ...) of your own. x becomes width - 1 - x, as in mirrored frames,
            and in heatmaps at test time.
    """

    gives = ('flip', 'flip_direction')

    def __init__(
        self,
        flip_ratio: float = 0.5,
        direction: str = 'horizontal',
        flip_label_map: dict | None = None,
        left_kp: list[int] | None = None,
        right_kp: list[int] | None = None,
        layout: str | dict | None = None,
    ):
        if not 0 <= flip_ratio <= 1:
            raise ValueError(f'flip_ratio = {flip_ratio}: expected 0 to 1.')
        if direction not in ('horizontal', 'vertical'):
            raise ValueError(f"direction = {direction!r}: expected 'horizontal' or 'vertical'.")
        if len(left_kp or ()) != len(right_kp or ()):
            raise ValueError(
                f'left_kp has {len(left_kp or ())} joints and right_kp {len(right_kp or ())}; '
                'expected pairs.'
            )
        self._layout = chosen_layout(
            layout, left_kp=left_kp is not None, right_kp=right_kp is not None
        )
        self.left_kp, self.right_kp = tuple(left_kp or ()), tuple(right_kp or ())
        if self._layout is not None:
            self.left_kp, self.right_kp = self._layout.left, self._layout.right
        self.flip_ratio, self.direction, self.flip_label_map = flip_ratio, direction, flip_label_map
        self._first_pixel = 0 if self._layout is None else 1

    def __call__(self, results: Results) -> Results:
        """Mirror a clip, or not."""
        _, width = self.check(results)
        if self.direction == 'vertical' and 'keypoint' in results:
            raise clip_error(
                results,
                "Flip: direction = 'vertical', but key points are only flipped 'horizontal'ly.",
            )
        results['flip'] = flip = bool(np.random.rand() < self.flip_ratio)
        results['flip_direction'] = self.direction
        if not flip:
            return results
        if self.flip_label_map is not None:
            results['label'] = _mirrored_label(results['label'], self.flip_label_map)
        if 'keypoint' in results:
            self._flip_keypoint(results, width)
        if 'imgs' in results:
            results['imgs'] = frames = mirrored(results['imgs'], self.direction)
            if results.get('modality') == 'Flow' and self.direction == 'horizontal':
                frames[::2] = [255 - frame for frame in frames[::2]]
        if self.direction == 'horizontal':
            edge = width - self._first_pixel
            move_boxes(results, lambda boxes: _mirrored_boxes(boxes, edge))
        return results

    def _flip_keypoint(self, results: Results, width: int) -> None:
        num_joints = results['keypoint'].shape[2]
        check_joints(results, self._layout, num_joints)
        order = mirror_order(
            num_joints, self.left_kp, self.right_kp, 'Flip: left_kp / right_kp', 'joints'
        )
        keypoint = results['keypoint'].take(order, axis=2)
        x = keypoint[..., 0]
        np.subtract(width - self._first_pixel, x, out=x, where=~zero_coordinates(x))
        results['keypoint'] = keypoint
        if 'keypoint_score' in results:
            results['keypoint_score'] = results['keypoint_score'].take(order, axis=2)


def _mirrored_label(label: int | np.ndarray, label_map: dict) -> int | np.ndarray:
    """Return the label of a mirrored clip: a class, or (K,) zeros and ones."""
    if not isinstance(label, np.ndarray):
        return label_map.get(label, label)
    mirrored_label = np.minimum(label, 0)  # unknown labels are all -1 and stay so
    for k in np.flatnonzero(label > 0).tolist():
        mirrored_label[label_map.get(k, k)] = label[k]
    return mirrored_label


def _mirrored_boxes(boxes: np.ndarray, edge: int) -> np.ndarray:
    """Return boxes (..., 4) left, top, right, bottom with x replaced by edge - x."""
    left, top, right, bottom = np.moveaxis(boxes, -1, 0)
    return np.stack([edge - right, top, edge - left, bottom], -1)
