"""The step that turns pixel values into what a network expects."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...inputs import LazyFrames, PixelScale
from ...registry import PIPELINES
from .base import Results, Step, clip_error
from .pictures import frames_of


@PIPELINES.register_module()
class Normalize(Step):
    """Normalise pictures: (value - mean) / std, float32, channel by channel.

    `imgs`, N frames (H, W, 3), becomes (N, H, W, 3). Of frames of bytes it is computed when
    it is used, in training and testing on the model's device (inputs.LazyArray), so put
    the step behind those that resize, crop and flip.

    Optical flow, where `modality` is 'Flow': `imgs`, 2N frames (H, W) with x and y in turns,
    becomes (N, H, W, 2).

    Args:
        mean: of each channel, in units of the pixels (0 to 255).
        std: standard deviation of each channel.
        to_bgr: change red, green, blue to blue, green, red first; mean and std are then blue's
            first.
        adjust_magnitude: multiply optical flow by the scale_factor of the resizing before it.
    """

    needs = ('imgs',)
    gives = ('img_norm_cfg',)
    keeps_lazy = True

    def __init__(
        self,
        mean: Sequence[float],
        std: Sequence[float],
        to_bgr: bool = False,
        adjust_magnitude: bool = False,
    ):
        if len(mean) != len(std):
            raise ValueError(f'mean has {len(mean)} numbers and std {len(std)}; expected as many.')
        if not min(std) > 0:
            raise ValueError(f'std = {std}: expected numbers above 0.')
        self.mean, self.std = tuple(map(float, mean)), tuple(map(float, std))
        self.to_bgr, self.adjust_magnitude = to_bgr, adjust_magnitude

    def __call__(self, results: Results) -> Results:
        """Normalise the frames of a clip."""
        frames = frames_of(results, self)
        is_flow = results.get('modality') == 'Flow'
        if is_flow:
            results['imgs'] = self._flow(frames, results)
        else:
            results['imgs'] = self._pictures(frames, results)
        results['img_norm_cfg'] = {'mean': self.mean, 'std': self.std, 'to_bgr': self.to_bgr}
        if is_flow:
            results['img_norm_cfg']['adjust_magnitude'] = self.adjust_magnitude
        return results

    def _pictures(self, frames: Sequence[np.ndarray], results: Results) -> LazyFrames | np.ndarray:
        self._check_channels(frames[0].shape[2:], 1, results)
        if frames[0].dtype != np.uint8:
            pixels = np.stack(frames).astype(np.float32)
            return self._scaled(pixels[..., ::-1] if self.to_bgr else pixels)
        clip_len = results.get('clip_len', len(frames))
        clip_len = clip_len['RGB'] if isinstance(clip_len, dict) else clip_len
        scale = PixelScale(self.mean, self.std, self.to_bgr)
        return LazyFrames(frames, scale, clip_len)

    def _flow(self, frames: Sequence[np.ndarray], results: Results) -> np.ndarray:
        self._check_channels(frames[0].shape[2:], 2, results)
        if len(frames) % 2:
            raise clip_error(
                results, f'imgs has {len(frames)} frames of flow, expected x and y in turns.'
            )
        pixels = np.stack(frames).astype(np.float32)
        flow = self._scaled(np.stack([pixels[::2], pixels[1::2]], axis=-1))
        if self.adjust_magnitude:
            flow *= np.asarray(results.get('scale_factor', (1.0, 1.0)), np.float32)
        return flow

    def _check_channels(self, axis: tuple[int, ...], frames: int, results: Results) -> None:
        channels = frames * (axis[0] if axis else 1)
        if channels != len(self.mean):
            raise clip_error(
                results,
                f'Normalize has {len(self.mean)} numbers in mean, but the pictures have '
                f'{channels} channels.',
            )

    def _scaled(self, pixels: np.ndarray) -> np.ndarray:
        mean, std = np.array(self.mean, np.float32), np.array(self.std, np.float32)
        return (pixels - mean) / std
