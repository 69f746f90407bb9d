"""Steps for pictures and key points together, each with frames of its own."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ...registry import PIPELINES
from .base import Results, Step, clip_error
from .decoding import decoded, open_clip, with_pictures
from .keypoints import decode_poses
from .sampling import UniformSampleFrames

MODALITIES = ('RGB', 'Pose')


@PIPELINES.register_module()
class MMUniformSampleFrames(Step):
    """Sample frames as UniformSampleFrames does, for each modality: `RGB_inds`, `Pose_inds`.

    Args:
        clip_len: frames to take of each: {'RGB': 8, 'Pose': 32}. In this order they draw, and in
            this order `modality` names them.
        num_clips: samples of one clip, one behind the other.
        p_interval, seed, test_mode: as UniformSampleFrames; in test mode each modality draws again
            from the seed.

    Source: PoseConv3D, arXiv:2104.13586, section 3.4.
    """

    needs = ('total_frames',)
    gives: tuple[str, ...] = (
        *('RGB_inds', 'Pose_inds'),
        *('modality', 'clip_len', 'frame_interval', 'num_clips'),
    )

    def __init__(
        self,
        clip_len: Mapping[str, int],
        num_clips: int = 1,
        p_interval: float | tuple[float, float] | None = 1.0,
        seed: int = 255,
        test_mode: bool | None = None,
    ):
        unknown = [name for name in clip_len if name not in MODALITIES]
        if unknown or not clip_len:
            raise ValueError(
                f"clip_len = {clip_len!r}: expected the frames of 'RGB' and 'Pose', or of one of "
                'them.'
            )
        self.clip_len, self.num_clips, self.seed = dict(clip_len), num_clips, seed
        self.test_mode = test_mode
        self._samplers = {
            name: UniformSampleFrames(length, num_clips, p_interval, seed, test_mode)
            for name, length in clip_len.items()
        }
        self.p_interval = next(iter(self._samplers.values())).p_interval
        not_sampled = {f'{name}_inds' for name in MODALITIES if name not in clip_len}
        self.gives = tuple(key for key in type(self).gives if key not in not_sampled)

    @property
    def reads_video(self) -> bool:
        """Whether MMDecode, behind this step, reads the clip's video."""
        return 'RGB' in self.clip_len

    def __call__(self, results: Results) -> Results:
        """Sample frames of a clip for each modality."""
        for name, sampler in self._samplers.items():
            results[f'{name}_inds'], _ = sampler.draw(results)
        results['modality'] = list(self.clip_len)
        results['clip_len'] = dict(self.clip_len)
        results['frame_interval'] = None
        results['num_clips'] = self.num_clips
        return results


@PIPELINES.register_module()
class MMDecode(Step):
    """Decode the frames that MMUniformSampleFrames chose: `imgs` of the video, and `keypoint`.

    If the video's pictures are not of size img_shape, key points are scaled to them.
    Without 'Pose' among the modalities key points keep all their frames.

    Args:
        io_backend: only 'disk' is known.
        num_threads: that decode one video; 0 lets FFmpeg choose.

    Raises:
        DataError: as DecordInit, DecordDecode and PoseDecode.
    """

    needs = ('modality',)
    needs_one_of = ('RGB_inds', 'Pose_inds')

    def __init__(self, io_backend: str = 'disk', num_threads: int = 1):
        if io_backend != 'disk':
            raise ValueError(f"io_backend = {io_backend!r}: expected 'disk', a file a video.")
        if num_threads < 0:
            raise ValueError(f'num_threads = {num_threads}: expected 0 or more.')
        self.io_backend, self.num_threads = io_backend, num_threads

    def keys_after(self, keys: set[str] | None) -> set[str] | None:
        """Return the entries of `results` after this step; see Step.keys_after."""
        if keys is None or 'RGB_inds' not in keys:
            return keys
        return keys | {'imgs', 'img_shape', 'original_shape'}

    def __call__(self, results: Results) -> Results:
        """Decode the sampled frames of a clip."""
        given = results['modality']
        modalities = [given] if isinstance(given, str) else list(given)
        unknown = [name for name in modalities if f'{name}_inds' not in results]
        if unknown or not set(modalities) <= set(MODALITIES):
            raise clip_error(
                results,
                f'modality is {given!r}, expected those that MMUniformSampleFrames sampled: '
                f'{", ".join(MODALITIES)}.',
            )
        if 'Pose' in modalities:
            decode_poses(results, np.reshape(results['Pose_inds'], -1))
        if 'RGB' in modalities:
            with open_clip(results, self.num_threads) as video:
                imgs = decoded(results, video, results['RGB_inds'])
            with_pictures(results, imgs)
        return results
