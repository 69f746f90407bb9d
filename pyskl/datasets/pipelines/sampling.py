"""Which frames of a clip the network sees."""

from __future__ import annotations

from functools import lru_cache
from types import ModuleType

import numpy as np

from ...registry import PIPELINES
from ...skeletons.poses import is_present, num_frames_filled
from .base import Results, Step, clip_error


class _UniformSampling(Step):
    """A step that cuts a clip into clip_len equal parts; see UniformSampleFrames."""

    def __init__(
        self,
        clip_len: int,
        num_clips: int = 1,
        p_interval: float | tuple[float, float] | None = 1.0,
        seed: int = 255,
        test_mode: bool | None = None,
    ):
        self.p_interval = _checked_interval(clip_len, num_clips, p_interval, seed)
        self.clip_len, self.num_clips, self.seed = clip_len, num_clips, seed
        self.test_mode = test_mode

    def _inds(self, results: Results, num_frames: int, decodes: bool) -> np.ndarray:
        """Return (num_clips * clip_len,) of the clip's first num_frames frames; see _draw."""
        settings = num_frames, self.clip_len, self.num_clips, self.p_interval
        if _is_testing(results, self.test_mode):
            return _test_indices(*settings, self.seed, decodes)
        return _draw(np.random, *settings, within_part=decodes)

    def _set_clip_fields(self, results: Results) -> None:
        results.update(clip_len=self.clip_len, frame_interval=None, num_clips=self.num_clips)


@PIPELINES.register_module()
class UniformSampleFrames(_UniformSampling):
    """Cut the clip's first total_frames into clip_len equal parts and take one frame of each.

    A clip shorter than clip_len gives its frames in a row and starts again at its end. In training
    it draws from np.random: rand, randint, and then randint or permutation, for each of num_clips.

    Args:
        clip_len: frames to take.
        num_clips: samples of one clip, one behind the other.
        p_interval: share of the clip that is cut out first and sampled from; (least, most) to draw
            it at random. None: the whole clip, and no share and place of it are drawn, as MMAction2
            has it; 1 is the whole clip, too, but draws both, so that other frames are sampled.
        seed: of the draws in test mode, which don't depend on np.random and leave it alone.
        test_mode: None: as the data set has it.
        real_frames: sample only up to the last frame that shows anybody. False as published:
            frames of zeros that fill a short clip up are sampled like any other.

    Source: PoseConv3D, arXiv:2104.13586, section 3.3.
    """

    needs = ('total_frames',)
    gives = ('frame_inds', 'clip_len', 'frame_interval', 'num_clips')

    def __init__(
        self,
        clip_len: int,
        num_clips: int = 1,
        p_interval: float | tuple[float, float] | None = 1.0,
        seed: int = 255,
        test_mode: bool | None = None,
        real_frames: bool = False,
    ):
        super().__init__(clip_len, num_clips, p_interval, seed, test_mode)
        self.real_frames = real_frames

    def __call__(self, results: Results) -> Results:
        """Sample frames of a clip."""
        results['frame_inds'], num_frames = self.draw(results)
        self._set_clip_fields(results)
        if num_frames != results['total_frames']:
            results['sampled_frames'] = num_frames
        return results

    def draw(self, results: Results) -> tuple[np.ndarray, int]:
        """Return the frames of a clip, (num_clips * clip_len,), and of how many they were taken."""
        num_frames = _num_frames(results)
        keypoint = results.get('keypoint')
        if self.real_frames and keypoint is not None:
            filled = num_frames_filled(is_present(keypoint[:, :num_frames]))
            num_frames = filled or num_frames
        inds = self._inds(results, num_frames, decodes=False)
        return inds % num_frames + results.get('start_index', 0), num_frames


@PIPELINES.register_module()
class UniformSample(UniformSampleFrames):
    """UniformSampleFrames by the name that the configs of graph networks use."""


@PIPELINES.register_module()
class UniformSampleDecode(_UniformSampling):
    """Sample frames as UniformSampleFrames does and take their key points at once, as float32.

    Two things differ from UniformSampleFrames followed by PoseDecode, as published: a clip
    shorter than clip_len starts at a random frame in test mode, too; and where p_interval cuts a
    part out, a short one starts again at the part's own end.

    The score becomes the third channel of flat key points (x, y, score). Key points that have more
    channels stay as they are, and their score is dropped. Either way `keypoint_score` is gone.

    Args:
        clip_len: frames to take.
        num_clips: samples of one clip, one behind the other.
        p_interval: share of the clip that is cut out first and sampled from; (least, most) to draw
            it at random.
        seed: of the draws in test mode, which don't depend on np.random and leave it alone.
        test_mode: None: as the data set has it.

    Source: DG-STGCN, arXiv:2210.05895.
    """

    needs = ('keypoint', 'total_frames')
    gives = ('keypoint', 'clip_len', 'frame_interval', 'num_clips')
    removes = ('keypoint_score',)

    def __call__(self, results: Results) -> Results:
        """Sample frames of a clip, and take their key points."""
        inds = self._inds(results, _num_frames(results), decodes=True)
        keypoint = results['keypoint'].take(inds, axis=1).astype(np.float32, copy=False)
        score = results.pop('keypoint_score', None)
        if score is not None and keypoint.shape[-1] == 2:
            score = score.take(inds, axis=1).astype(np.float32, copy=False)
            keypoint = np.concatenate([keypoint, score[..., None]], axis=-1)
        results['keypoint'] = keypoint
        self._set_clip_fields(results)
        return results


@PIPELINES.register_module()
class SampleFrames(Step):
    """Take runs of frames that are a fixed number of frames apart, as networks on video do.

    In training the clip is cut into num_clips equal parts and each run starts at a random place of
    its part; in test mode each starts at the middle of its part. Draws from np.random.

    Args:
        clip_len: frames of one run.
        frame_interval: frames from one to the next; 1 takes all.
        num_clips: runs of one clip, one behind the other.
        temporal_jitter: move each frame by a random 0 .. frame_interval - 1, in test mode too.
        twice_sample: in test mode take each run a second time, from the start of its part.
        out_of_bound_opt: beyond the clip's end start again at its beginning ('loop'), or repeat
            the run's last frame inside ('repeat_last').
        test_mode: None: as the data set has it.
        keep_tail_frames: in training let the last runs reach to the clip's very end.

    Source: TSN, arXiv:1608.00859, section 3.1; SlowFast, arXiv:1812.03982, section 4.
    """

    needs = ('total_frames',)
    gives = ('frame_inds', 'clip_len', 'frame_interval', 'num_clips')

    def __init__(
        self,
        clip_len: int,
        frame_interval: int = 1,
        num_clips: int = 1,
        temporal_jitter: bool = False,
        twice_sample: bool = False,
        out_of_bound_opt: str = 'loop',
        test_mode: bool | None = None,
        keep_tail_frames: bool = False,
    ):
        if clip_len < 1 or frame_interval < 1 or num_clips < 1:
            raise ValueError(
                f'clip_len = {clip_len}, frame_interval = {frame_interval}, '
                f'num_clips = {num_clips}: expected 1 or more.'
            )
        if out_of_bound_opt not in ('loop', 'repeat_last'):
            raise ValueError(
                f"out_of_bound_opt = {out_of_bound_opt!r}: expected 'loop' or 'repeat_last'."
            )
        self.clip_len, self.frame_interval, self.num_clips = clip_len, frame_interval, num_clips
        self.temporal_jitter, self.twice_sample = temporal_jitter, twice_sample
        self.out_of_bound_opt, self.test_mode = out_of_bound_opt, test_mode
        self.keep_tail_frames = keep_tail_frames

    def __call__(self, results: Results) -> Results:
        """Sample runs of frames of a clip."""
        num_frames = _num_frames(results)
        testing = _is_testing(results, self.test_mode)
        starts = self._test_starts(num_frames) if testing else self._train_starts(num_frames)
        inds = starts[:, None] + np.arange(self.clip_len) * self.frame_interval  # (runs, clip_len)
        if self.temporal_jitter:
            inds = inds + np.random.randint(self.frame_interval, size=inds.size).reshape(inds.shape)
        if self.out_of_bound_opt == 'loop':
            inds = inds % num_frames
        else:
            last_inside = np.where(inds < num_frames, inds, 0).max(axis=1, keepdims=True)
            inds = np.where(inds < num_frames, inds, last_inside)
        results['frame_inds'] = inds.reshape(-1) + results.get('start_index', 0)
        results['clip_len'] = self.clip_len
        results['frame_interval'] = self.frame_interval
        results['num_clips'] = len(starts)
        return results

    def _train_starts(self, num_frames: int) -> np.ndarray:
        """Return (num_clips,) int64 first frames of the runs."""
        number, free = self.num_clips, num_frames - self.clip_len * self.frame_interval + 1
        if self.keep_tail_frames:
            if free <= 0:
                return np.zeros(number, np.int64)
            step = free / number
            return (np.arange(number) * step + np.random.uniform(0, step, number)).astype(np.int64)
        step = free // number
        if step > 0:
            return np.arange(number) * step + np.random.randint(step, size=number)
        if num_frames > max(number, self.clip_len * self.frame_interval):
            return np.sort(np.random.randint(free, size=number))
        if step == 0:
            return np.around(np.arange(number) * (free / number)).astype(np.int64)
        return np.zeros(number, np.int64)

    def _test_starts(self, num_frames: int) -> np.ndarray:
        """Return (num_clips,) int64 first frames of the runs.

        With twice_sample they are twice as many, unless the clip is so short that all would begin
        at its first frame.
        """
        number, free = self.num_clips, num_frames - self.clip_len * self.frame_interval + 1
        if free <= 0:
            return np.zeros(number, np.int64)
        step = free / number
        part = np.arange(number) * step
        middle = part + step / 2
        return np.concatenate([middle, part] if self.twice_sample else [middle]).astype(np.int64)


def _checked_interval(
    clip_len: int, num_clips: int, p_interval: float | tuple[float, float] | None, seed: int
) -> tuple[float, float] | None:
    """Return p_interval as (least, most), or None.

    Raises:
        ValueError: one of the settings is out of range.
    """
    if clip_len < 1 or num_clips < 1:
        raise ValueError(f'clip_len = {clip_len}, num_clips = {num_clips}: expected 1 or more.')
    if not 0 <= seed < 2**32:
        raise ValueError(f'seed = {seed}: expected 0 to 2**32 - 1.')
    if p_interval is None:
        return None
    share = p_interval
    least, most = (share, share) if isinstance(share, (int, float)) else share
    if not 0 < least <= most <= 1:
        raise ValueError(
            f'p_interval = {p_interval}: expected a share of the clip in (0, 1], or (least, most).'
        )
    return least, most


def _num_frames(results: Results) -> int:
    """Return total_frames.

    Raises:
        DataError: there are none, or fewer frames of key points than that.
    """
    num_frames, keypoint = results['total_frames'], results.get('keypoint')
    if num_frames < 1:
        raise clip_error(
            results,
            f'total_frames = {num_frames}: the clip has no frame to sample. '
            'Remove it from the split.',
        )
    if keypoint is not None and keypoint.shape[1] < num_frames:
        raise clip_error(
            results,
            f'total_frames = {num_frames}, but keypoint has {keypoint.shape[1]} frames '
            '(second axis).',
        )
    return num_frames


def _is_testing(results: Results, test_mode: bool | None) -> bool:
    return results.get('test_mode', False) if test_mode is None else test_mode


@lru_cache(maxsize=1024)
def _test_indices(
    num_frames: int,
    clip_len: int,
    num_clips: int,
    p_interval: tuple[float, float] | None,
    seed: int,
    decodes: bool,
) -> np.ndarray:
    """Return the indices in test mode, of UniformSampleDecode or UniformSampleFrames.

    They depend on nothing else, so a whole test set of equally long clips needs them once.
    """
    rng, settings = np.random.RandomState(seed), (num_frames, clip_len, num_clips, p_interval)
    inds = _draw(rng, *settings, fixed_starts=not decodes, within_part=decodes)
    inds.flags.writeable = False
    return inds


def _draw(
    rng: ModuleType | np.random.RandomState,
    num_frames: int,
    clip_len: int,
    num_clips: int,
    p_interval: tuple[float, float] | None,
    fixed_starts: bool = False,
    within_part: bool = False,
) -> np.ndarray:
    """Draw frames.

    Args:
        rng: np.random or its like.
        num_frames: frames of the clip.
        clip_len: frames of a sample.
        num_clips: samples.
        p_interval: (least, most) share of the clip that a sample is drawn from; None: all of it.
        fixed_starts: where a part has fewer than clip_len frames, let the i-th sample start at a
            position of its own that nothing draws.
        within_part: let such a part start again at its own end; else its indices go on beyond it.

    Returns:
        (num_clips * clip_len,) int64 indices, some beyond the clip's end where it starts again.
    """
    clips = []
    for i in range(num_clips):
        part, first = num_frames, 0
        if p_interval is not None:
            share = rng.rand() * (p_interval[1] - p_interval[0]) + p_interval[0]
            part = max(int(share * num_frames), 1)
            first = rng.randint(num_frames - part + 1)
        if part < clip_len:
            start = i if part < num_clips else i * part // num_clips
            if not fixed_starts:
                start = rng.randint(0, part)
            inds = np.arange(start, start + clip_len)
            if within_part:
                inds %= part
        elif part < 2 * clip_len:
            # part - clip_len of the clip_len + 1 gaps between frames skip one frame;
            # choice(..., replace=False) draws like this permutation, slower
            skips = np.zeros(clip_len + 1, dtype=np.int64)
            skips[rng.permutation(clip_len + 1)[: part - clip_len]] = 1
            inds = np.arange(clip_len) + skips.cumsum()[:-1]
        else:
            starts, lengths = _parts(part, clip_len)
            inds = starts + rng.randint(lengths)
        clips.append(inds + first)
    return np.concatenate(clips) if num_clips > 1 else clips[0]


@lru_cache(maxsize=1024)
def _parts(num_frames: int, num_parts: int) -> tuple[np.ndarray, np.ndarray]:
    """Return where each of the equal parts starts, and how long it is."""
    edges = np.arange(num_parts + 1) * num_frames // num_parts
    return edges[:-1], np.diff(edges)
