"""The step that brings frames or heatmaps into the network's order."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...inputs import LazyArray, LazyFrames
from ...registry import PIPELINES
from .base import Results, Step, clip_error

_NEEDS = {
    'NCTHW': ('imgs', 'num_clips', 'clip_len'),
    'NCHW': ('imgs',),
    'NPTCHW': ('imgs', 'num_proposals', 'num_clips', 'clip_len'),
    'NCTHW_Heatmap': ('imgs', 'num_clips', 'clip_len'),
}


@PIPELINES.register_module()
class FormatShape(Step):
    """Bring `imgs` into the network's order.

    Args:
        input_format: of which order. N counts crops x clips, with crops outermost.
            'NCTHW': pictures (N * clip_len, H, W, C) become (N, C, clip_len, H, W), for 3D
            networks; `heatmap_imgs`, where they are beside the pictures, as by 'NCTHW_Heatmap'.
            'NCHW': pictures, each by itself, become (frames, C, H, W), for 2D networks; of optical
            flow the clip_len frames of a clip become channels.
            'NPTCHW': (num_proposals, num_clips * clip_len, C, H, W), MMAction2's for proposals.
            'NCTHW_Heatmap': heatmaps (N * clip_len, C, H, W) become (N, C, clip_len, H, W).

    Where `clip_len` is a dict, pictures take its 'RGB' and heatmaps its 'Pose'.
    """

    gives = ('input_shape',)
    keeps_lazy = True

    def __init__(self, input_format: str):
        if input_format not in _NEEDS:
            raise ValueError(
                f'input_format = {input_format!r}: expected one of {", ".join(map(repr, _NEEDS))}.'
            )
        self.input_format, self.needs = input_format, _NEEDS[input_format]

    def keys_after(self, keys: set[str] | None) -> set[str] | None:
        """Return the entries of `results` after this step; see Step.keys_after."""
        after = super().keys_after(keys)
        if after and self.input_format == 'NCTHW' and 'heatmap_imgs' in after:
            return after | {'heatmap_input_shape'}
        return after

    def __call__(self, results: Results) -> Results:
        """Arrange the pictures or heatmaps of a clip."""
        if self.input_format == 'NCTHW_Heatmap':
            results['imgs'] = imgs = _heatmaps(results, 'imgs')
        else:
            results['imgs'] = imgs = self._pictures(results)
            if self.input_format == 'NCTHW' and 'heatmap_imgs' in results:
                results['heatmap_imgs'] = heatmaps = _heatmaps(results, 'heatmap_imgs')
                results['heatmap_input_shape'] = heatmaps.shape
        results['input_shape'] = imgs.shape
        return results

    def _pictures(self, results: Results) -> LazyFrames | np.ndarray:
        imgs = results['imgs']
        is_list = not isinstance(imgs, (np.ndarray, LazyArray))
        shape = (len(imgs), *imgs[0].shape) if is_list and len(imgs) else np.shape(imgs)
        # Frames in a row have their channels last. A heatmap has as many channels as joints.
        if len(shape) != 4 or shape[-1] > 4:
            advice = " Heatmaps take 'NCTHW_Heatmap'." if len(shape) == 4 else ''
            raise clip_error(
                results,
                f'imgs has shape {tuple(shape)}, but FormatShape({self.input_format!r}) expected '
                f'pictures (frames, height, width, channels).{advice}',
            )
        if self.input_format == 'NCHW':
            if results.get('modality') == 'Flow' and 'clip_len' in results:
                return self._stacked_flow(results, shape)
            return imgs.by_frame if isinstance(imgs, LazyFrames) else _first(np.asarray(imgs))
        frames = _clip_len(results, 'RGB')
        if self.input_format == 'NPTCHW':
            frames *= results['num_clips']
            _check_count(results, 'imgs', shape, results['num_proposals'] * frames)
            return _first(np.asarray(imgs).reshape(-1, frames, *shape[1:]), 2)
        _check_count(results, 'imgs', shape, results['num_clips'] * frames)
        if isinstance(imgs, LazyFrames):
            return imgs.by_view
        return _first(np.asarray(imgs).reshape(-1, frames, *shape[1:]))

    @staticmethod
    def _stacked_flow(results: Results, shape: tuple[int, ...]) -> np.ndarray:
        """Return (N * clip_len, H, W, 2) as (N, clip_len * 2, H, W), for two-stream networks."""
        frames, (height, width, channels) = _clip_len(results, 'RGB'), shape[1:]
        _check_count(results, 'imgs', shape, frames)
        return _first(np.asarray(results['imgs'])).reshape(-1, frames * channels, height, width)


def _heatmaps(results: Results, key: str) -> Any:
    """Return (N * clip_len, C, H, W) as (N, C, clip_len, H, W)."""
    imgs, clips, frames = results[key], results['num_clips'], _clip_len(results, 'Pose')
    shape = tuple(np.shape(imgs))
    if isinstance(imgs, LazyFrames) or len(shape) != 4 or len(imgs) % (clips * frames):
        advice = " Pictures take 'NCTHW'." if len(shape) == 4 and shape[-1] == 3 else ''
        raise clip_error(
            results,
            f'{key} has shape {shape}, expected ({clips} clips x {frames} frames, C, H, W), or '
            f'twice as many with double=True.{advice}',
        )
    if isinstance(imgs, LazyArray):
        return imgs.by_view
    return imgs.reshape(-1, frames, *shape[1:]).swapaxes(1, 2)


def _first(imgs: np.ndarray, axis: int = 1) -> np.ndarray:
    """Move the channels from the last place to this one."""
    return np.moveaxis(imgs, -1, axis)


def _clip_len(results: Results, modality: str) -> int:
    frames = results['clip_len']
    return frames[modality] if isinstance(frames, dict) else frames


def _check_count(results: Results, key: str, shape: tuple[int, ...], unit: int) -> None:
    if shape[0] % unit:
        raise clip_error(
            results,
            f'{key} has {shape[0]} frames, expected {unit} (clips x frames of each), or, of '
            'several crops, a multiple.',
        )
