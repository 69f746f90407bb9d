"""Which frames of a clip the network sees."""
from __future__ import annotations

from functools import lru_cache
from types import ModuleType

import numpy as np

from ...registry import PIPELINES
from ...skeletons.poses import is_present, num_frames_filled
from .base import Results, Step, clip_error


@PIPELINES.register_module()
class UniformSampleFrames(Step):
    """Cut the clip's first total_frames into clip_len equal parts and take one frame of each. PoseConv3D, arXiv:2104.13586, section 3.3.

    clip_len     frames to take
    num_clips    samples of one clip, one behind the other
    p_interval   share of the clip that is cut out first and sampled from; (least, most) to draw it at random
    seed         of the draws in test mode, which don't depend on np.random and leave it alone
    test_mode    None: as the dataset says
    real_frames  sample only up to the last frame that shows anybody. False as published: frames of zeros that fill a
                 short clip up are sampled like any other

    In training it draws from np.random: rand, randint, and then randint or permutation, for each of num_clips.
    """

    needs = ('total_frames',)
    gives = ('frame_inds', 'clip_len', 'frame_interval', 'num_clips')

    def __init__(self, clip_len: int, num_clips: int = 1, p_interval: float | tuple[float, float] = 1.0, seed: int = 255,
                 test_mode: bool | None = None, real_frames: bool = False):
        least, most = p_interval if isinstance(p_interval, (tuple, list)) else (p_interval, p_interval)
        if clip_len < 1 or num_clips < 1:
            raise ValueError(f'clip_len = {clip_len}, num_clips = {num_clips}: expected 1 or more.')
        if not 0 < least <= most <= 1:
            raise ValueError(f'p_interval = {p_interval}: expected a share of the clip in (0, 1], or (least, most).')
        if not 0 <= seed < 2 ** 32:
            raise ValueError(f'seed = {seed}: expected 0 to 2**32 - 1.')
        self.clip_len, self.num_clips, self.p_interval = clip_len, num_clips, (least, most)
        self.seed, self.test_mode, self.real_frames = seed, test_mode, real_frames

    def __call__(self, results: Results) -> Results:
        num_frames = results['total_frames']
        keypoint = results.get('keypoint')
        if num_frames < 1:
            raise clip_error(results, f'total_frames = {num_frames}: the clip has no frame to sample. Remove it from the split.')
        if keypoint is not None and keypoint.shape[1] < num_frames:
            raise clip_error(results, f'total_frames = {num_frames}, but keypoint has {keypoint.shape[1]} frames (second axis).')
        if self.real_frames and keypoint is not None:
            num_frames = num_frames_filled(is_present(keypoint[:, :num_frames])) or num_frames
        testing = results.get('test_mode', False) if self.test_mode is None else self.test_mode
        if testing:
            inds = _test_indices(num_frames, self.clip_len, self.num_clips, self.p_interval, self.seed)
        else:
            inds = _draw(np.random, num_frames, self.clip_len, self.num_clips, self.p_interval, testing=False)
        results['frame_inds'] = inds % num_frames + results.get('start_index', 0)
        results['clip_len'] = self.clip_len
        results['frame_interval'] = None
        results['num_clips'] = self.num_clips
        if num_frames != results['total_frames']:
            results['sampled_frames'] = num_frames
        return results


@lru_cache(maxsize=1024)
def _test_indices(num_frames: int, clip_len: int, num_clips: int, p_interval: tuple[float, float], seed: int) -> np.ndarray:
    """They depend on nothing else, so a whole test set of equally long clips needs them once."""
    inds = _draw(np.random.RandomState(seed), num_frames, clip_len, num_clips, p_interval, testing=True)
    inds.flags.writeable = False
    return inds


def _draw(rng: ModuleType | np.random.RandomState, num_frames: int, clip_len: int, num_clips: int,
          p_interval: tuple[float, float], testing: bool) -> np.ndarray:
    """(num_clips * clip_len,) int64 indices, some beyond the end where they wrap around. `rng` is np.random or its like."""
    clips = []
    for i in range(num_clips):
        share = rng.rand() * (p_interval[1] - p_interval[0]) + p_interval[0]
        part = max(int(share * num_frames), 1)
        first = rng.randint(num_frames - part + 1)
        if part < clip_len:
            start = rng.randint(0, part) if not testing else i if part < num_clips else i * part // num_clips
            inds = np.arange(start, start + clip_len)
        elif part < 2 * clip_len:
            # part - clip_len of the clip_len + 1 gaps between frames skip one frame
            skips = np.zeros(clip_len + 1, dtype=np.int64)
            skips[rng.permutation(clip_len + 1)[:part - clip_len]] = 1      # choice(..., replace=False) does this, slower
            inds = np.arange(clip_len) + skips.cumsum()[:-1]
        else:
            starts, lengths = _parts(part, clip_len)
            inds = starts + rng.randint(lengths)
        clips.append(inds + first)
    return np.concatenate(clips) if num_clips > 1 else clips[0]


@lru_cache(maxsize=1024)
def _parts(num_frames: int, num_parts: int) -> tuple[np.ndarray, np.ndarray]:
    """Where each of the equal parts starts, and how long it is."""
    edges = np.arange(num_parts + 1) * num_frames // num_parts
    return edges[:-1], np.diff(edges)
