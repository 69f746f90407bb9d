"""Steps that pick key points out of the annotation, choose their region, and mirror them."""
from __future__ import annotations

import numpy as np

from ...registry import PIPELINES
from ...skeletons import mirror_order
from .base import Results, Step, check_joints, chosen_layout, clip_error, for_each_joint, picture_size, zero_coordinates

Quadruple = tuple[float, float, float, float]       # x, y, width, height as shares of the original picture


@PIPELINES.register_module()
class PoseDecode(Step):
    """Take the sampled frames of keypoint (M, F, V, 2) and keypoint_score (M, F, V), as float32 copies.

    raises  DataError when the arrays have other shapes, or a sampled frame is not there
    """

    needs = ('keypoint',)
    gives = ('keypoint', 'keypoint_score', 'frame_inds')

    def __call__(self, results: Results) -> Results:
        keypoint, score = results['keypoint'], results.get('keypoint_score')
        if keypoint.ndim != 4 or keypoint.shape[3] != 2:
            raise clip_error(results, f'keypoint has shape {keypoint.shape}, expected (people, frames, joints, 2).')
        if score is not None and score.shape != keypoint.shape[:3]:
            raise clip_error(results, f'keypoint_score has shape {score.shape}, expected (people, frames, joints) = '
                                      f'{keypoint.shape[:3]}, that of keypoint.')
        inds = results['frame_inds'] if 'frame_inds' in results else np.arange(keypoint.shape[1])
        results['frame_inds'] = inds = np.reshape(inds, -1)
        inds = inds + results.get('offset', 0)
        try:
            results['keypoint'] = keypoint.take(inds, axis=1).astype(np.float32, copy=False)
            if score is not None:
                results['keypoint_score'] = score.take(inds, axis=1).astype(np.float32, copy=False)
        except IndexError:
            raise clip_error(results, f'frame {inds.max()} was sampled, but keypoint has frames 0..{keypoint.shape[1] - 1}. '
                                      'Is start_index right?') from None
        return results


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
    flip_label_map      {label: label of the mirrored gesture}
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
        results['flip'] = flip = bool(np.random.rand() < self.flip_ratio)
        results['flip_direction'] = self.direction
        if not flip:
            return results
        if self.flip_label_map is not None:
            results['label'] = self.flip_label_map.get(results['label'], results['label'])
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
