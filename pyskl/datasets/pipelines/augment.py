"""Steps for training alone that vary the clips of each epoch: hidden joints, motion, jitter, noise.

All draw from np.random, which the loader seeds for each (seed, epoch, clip). A coordinate that is
exactly 0 belongs to a missing joint and stays 0.
"""

from __future__ import annotations

import math

import numpy as np

from ...registry import PIPELINES
from .base import Results, Step, check_planar, picture_size, zero_coordinates
from .pictures import PictureStep, move_boxes, warped


@PIPELINES.register_module()
class JointDropout(Step):
    """Hide joints, some in the whole clip, some in a span of its frames.

    Their score becomes 0, and joints without a score are not drawn (except with
    GeneratePoseTarget's use_score=False). Networks on x, y, z do not look at scores: of key points
    with three coordinates or more all coordinates become 0, too.

    Args:
        joint_ratio: probability of each joint to be hidden in all frames.
        span_ratio: probability of each joint to be hidden in one span.
        longest: longest span as a share of the sampled frames; spans have 1 frame to that many.

    Source: the idea is that of SpecAugment (arXiv:1904.08779) for channels and spans of a
        spectrogram,
    and of DropGraph (Cheng et al., ECCV 2020) for parts of a skeleton in space and time.
    """

    needs = ('keypoint',)
    gives = ('keypoint', 'keypoint_score')

    def __init__(self, joint_ratio: float = 0.1, span_ratio: float = 0.1, longest: float = 0.25):
        for name, value in (('joint_ratio', joint_ratio), ('span_ratio', span_ratio)):
            if not 0 <= value < 1:
                raise ValueError(f'{name} = {value}: expected 0 or more, and less than 1.')
        if joint_ratio == span_ratio == 0:
            raise ValueError(
                'joint_ratio and span_ratio are both 0, so nothing would be hidden. Leave the step '
                'out.'
            )
        if not 0 < longest <= 1:
            raise ValueError(f'longest = {longest}: expected a share of the frames in (0, 1].')
        self.joint_ratio, self.span_ratio, self.longest = joint_ratio, span_ratio, longest

    def __call__(self, results: Results) -> Results:
        """Hide joints of a clip."""
        keypoint = results['keypoint']
        people, frames, joints = keypoint.shape[:3]
        score = results.get('keypoint_score')

        # One draw for each joint: whether hidden in all frames, whether in a span, and which.
        whole, in_span, length, start = np.random.random_sample((4, people, 1, joints))
        length = 1 + np.floor(length * max(round(self.longest * frames), 1))
        start = np.floor(start * (frames - length + 1))
        frame = np.arange(frames)[:, None]
        within = (frame >= start) & (frame < start + length)
        hidden = within & (in_span < self.span_ratio) | (whole < self.joint_ratio)  # (M, T, V)

        if keypoint.shape[-1] > 2:
            results['keypoint'] = np.where(hidden[..., None], keypoint.dtype.type(0), keypoint)
            if score is None:
                return results
        if score is None:
            score = np.ones(keypoint.shape[:3], np.float32)
        results['keypoint_score'] = np.where(hidden, score.dtype.type(0), score)
        return results


@PIPELINES.register_module()
class ShiftScale(PictureStep):
    """Shift, scale and rotate the whole clip around the centre of the picture.

    The picture keeps its size, so people may reach beyond it. Frames, if there are any, are moved
    alike; what comes from outside them is black.

    Args:
        shift: largest shift in each direction, as a share of the picture's width and height.
        scale: (least, most) factor.
        angle: largest rotation in degrees, either way.

    Source: "random moving" of ST-GCN, arXiv:1801.07455.
    """

    def __init__(
        self, shift: float = 0.05, scale: tuple[float, float] = (0.9, 1.1), angle: float = 0.0
    ):
        if not 0 <= shift <= 1:
            raise ValueError(f'shift = {shift}: expected a share of the picture, 0 to 1.')
        if not 0 < scale[0] <= scale[1] < math.inf:
            raise ValueError(f'scale = {scale}: expected (least, most), both above 0.')
        if not 0 <= angle <= 180:
            raise ValueError(f'angle = {angle}: expected 0 to 180 degrees.')
        if shift == angle == 0 and scale[0] == scale[1] == 1:
            raise ValueError(
                'shift and angle are 0 and scale is 1, so nothing would move. Leave the step out.'
            )
        self.shift, self.scale, self.angle = shift, tuple(scale), angle

    def __call__(self, results: Results) -> Results:
        """Move a clip."""
        h, w = self.check(results)

        # The affine map [[a, -b, x], [b, a, y]], which turns and scales around the centre.
        right, down, size, turn = np.random.random_sample(4).tolist()
        factor = self.scale[0] + size * (self.scale[1] - self.scale[0])
        turn = math.radians(self.angle) * (2 * turn - 1)
        a, b = factor * math.cos(turn), factor * math.sin(turn)
        x = w / 2 * (1 - a) + h / 2 * b + self.shift * (2 * right - 1) * w
        y = h / 2 * (1 - a) - w / 2 * b + self.shift * (2 * down - 1) * h
        if 'keypoint' in results:
            keypoint = results['keypoint']
            dtype = np.result_type(keypoint, np.float32)
            turn_and_scale, offset = np.array([[a, b], [-b, a]], dtype), np.array([x, y], dtype)
            with np.errstate(invalid='ignore', over='ignore'):  # NaN, inf: missing joints, too
                moved = keypoint.reshape(-1, 2) @ turn_and_scale + offset
            moved = moved.reshape(keypoint.shape)
            results['keypoint'] = np.where(zero_coordinates(keypoint), keypoint, moved)
        matrix = np.array([[a, -b, x], [b, a, y]])
        if 'imgs' in results:
            results['imgs'] = warped(results['imgs'], matrix)
        move_boxes(results, lambda boxes: _around_moved_corners(boxes, matrix))
        return results


def _around_moved_corners(boxes: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Return the upright boxes (..., 4) around boxes whose corners an affine map moves.

    Args:
        boxes: (..., 4) left, top, right, bottom.
        matrix: (2, 3).
    """
    corners = boxes[..., [0, 1, 2, 1, 2, 3, 0, 3]].reshape(*boxes.shape[:-1], 4, 2)
    corners = corners @ matrix[:, :2].T + matrix[:, 2]
    return np.concatenate([corners.min(axis=-2), corners.max(axis=-2)], axis=-1).astype(np.float32)


@PIPELINES.register_module()
class FrameJitter(Step):
    """Take each sampled frame up to `frames` earlier or later, in the old order.

    It belongs between the sampling and PoseDecode. A frame may be taken twice. Frames that were not
    sampled from (zeros that fill a clip up, with real_frames) are not taken.

    Args:
        frames: largest shift in frames.

    Source: temporal jittering of C3D (arXiv:1412.0767) for whole clips, here for single frames.
    """

    needs = ('frame_inds', 'num_clips', 'clip_len', 'total_frames')
    gives = ('frame_inds',)

    def __init__(self, frames: int = 1):
        if frames < 1:
            raise ValueError(f'frames = {frames}: expected 1 or more. Leave the step out for none.')
        self.frames = frames

    def __call__(self, results: Results) -> Results:
        """Shift the sampled frames of a clip."""
        first = results.get('start_index', 0)
        count = results.get('sampled_frames', results['total_frames'])
        shape = results['num_clips'], results['clip_len']
        inds = np.reshape(results['frame_inds'], shape) - first
        laps = np.zeros_like(inds)  # a clip that is too short starts again at its end
        np.cumsum(inds[:, 1:] < inds[:, :-1], axis=1, out=laps[:, 1:])
        inds = inds + laps * count + np.random.randint(-self.frames, self.frames + 1, inds.shape)
        inds.sort(axis=1)
        inds = np.minimum(np.maximum(inds, 0), laps[:, -1:] * count + count - 1)
        results['frame_inds'] = (inds % count + first).reshape(-1)
        return results


@PIPELINES.register_module()
class KeypointNoise(Step):
    """Add independent Gaussian noise to each key point.

    Args:
        sigma: standard deviation along x and along y, as a share of the picture's shorter edge. For
            key points without a picture (x, y, z) use RandomGaussianNoise, which measures by the
            skeleton's size.

    Source: one of the augmentations of AimCLR, arXiv:2112.03590.
    """

    needs = ('keypoint', 'img_shape')
    gives = ('keypoint',)

    def __init__(self, sigma: float = 0.01):
        if not 0 < sigma < math.inf:
            raise ValueError(f'sigma = {sigma}: expected a number above 0, e.g. 0.01.')
        self.sigma = sigma

    def __call__(self, results: Results) -> Results:
        """Add noise to the key points of a clip."""
        check_planar(results, self)
        keypoint = results['keypoint']
        # Faster than np.random.normal, and seeded by np.random.
        rng = np.random.Generator(np.random.SFC64(np.random.randint(2**31)))
        noise = rng.standard_normal(keypoint.shape, dtype=np.float32)
        noise *= ~zero_coordinates(keypoint) * np.float32(self.sigma * min(picture_size(results)))
        results['keypoint'] = keypoint + noise
        return results
