"""UniformSample, UniformSampleDecode and SampleFrames take the published frames."""

from __future__ import annotations

import ast
import re

import numpy as np
import pytest
from goldens import SMALL

from pyskl.datasets.pipelines import (
    SampleFrames,
    UniformSample,
    UniformSampleDecode,
    UniformSampleFrames,
)
from pyskl.errors import DataError
from pyskl.registry import PIPELINES

_NAME = re.compile(r'(gcn/)?(\w+)\((\{.*\})?,?T=(\d+),(?:clips=(\d+),)?test=(True|False)(.*)\)')


def golden() -> list[tuple[type, dict, int, bool, np.ndarray]]:
    """(stage, its settings, frames of the clip, testing?, frames taken) of every stored call."""
    cases = []
    with np.load(SMALL / 'pipeline' / 'sampling.npz') as stored:
        parts = np.split(stored['frames'], np.cumsum(stored['lengths'])[:-1])
        for name, frames in zip(stored['names'].tolist(), parts):
            gcn, stage, given, num_frames, clips, test, more = _NAME.fullmatch(name).groups()
            settings = ast.literal_eval(given) if given else {}
            if gcn:
                settings = dict(clip_len=100, num_clips=int(clips))
                if more:
                    settings['p_interval'] = ast.literal_eval(more.partition('=')[2])
            cases.append((PIPELINES.get(stage), settings, int(num_frames), test == 'True', frames))
    return cases


CASES = golden()


def frame_numbers(num_frames: int) -> dict:
    """A clip of one joint whose coordinates and score are its frame's number."""
    number = np.arange(num_frames, dtype=np.float32)
    return dict(
        frame_dir='a',
        total_frames=num_frames,
        keypoint=number[None, :, None, None].repeat(2, axis=-1),
        keypoint_score=number[None, :, None],
    )


def taken(stage: type, settings: dict, num_frames: int, test: bool) -> np.ndarray:
    results = stage(**settings)({**frame_numbers(num_frames), 'test_mode': test})
    if stage is not UniformSampleDecode:
        assert results['frame_inds'].shape == (results['num_clips'] * results['clip_len'],)
        return results['frame_inds']
    keypoint = results['keypoint']  # (1, frames, 1, 3)
    assert keypoint.dtype == np.float32 and 'keypoint_score' not in results
    assert (keypoint == keypoint[..., :1]).all()
    return keypoint[0, :, 0, 0]


@pytest.mark.parametrize(
    'stage', [UniformSample, UniformSampleFrames, UniformSampleDecode, SampleFrames]
)
def test_every_stored_call_takes_the_published_frames(stage):
    cases = [case for case in CASES if case[0] is stage]
    assert len(cases) >= 10
    for _, settings, num_frames, test, frames in cases:
        np.random.seed(9)
        np.testing.assert_array_equal(
            taken(stage, settings, num_frames, test), frames, f'{settings}, {num_frames}, {test}'
        )


@pytest.mark.parametrize('stage', [UniformSample, UniformSampleDecode])
def test_in_test_mode_the_random_state_is_neither_used_nor_touched(stage):
    np.random.seed(3)
    before = np.random.get_state()[1].copy()
    settings = dict(clip_len=10, num_clips=2)
    one = taken(stage, settings, 7, True)
    np.testing.assert_array_equal(np.random.get_state()[1], before)
    np.random.seed(4)
    np.testing.assert_array_equal(one, taken(stage, settings, 7, True))
    np.testing.assert_array_equal(one, taken(stage, dict(settings, test_mode=True), 7, False))


def test_a_short_part_starts_again_at_its_own_end_where_frames_are_decoded():
    np.random.seed(0)
    for _ in range(20):
        frames = taken(UniformSampleDecode, dict(clip_len=30, p_interval=0.2), 50, False)
        assert len(set(frames.tolist())) == 10 and frames.max() - frames.min() == 9


def test_the_score_of_points_in_space_is_no_channel():
    xyz = np.random.default_rng(0).normal(size=(2, 12, 5, 3)).astype(np.float16)
    results = dict(total_frames=12, keypoint=xyz, keypoint_score=np.ones((2, 12, 5), np.float32))
    out = UniformSampleDecode(clip_len=12, test_mode=True)(results)
    assert out['keypoint'].shape == (2, 12, 5, 3) and out['keypoint'].dtype == np.float32
    assert 'keypoint_score' not in out
    np.testing.assert_array_equal(out['keypoint'], xyz.astype(np.float32))


def test_start_index_is_where_the_frames_begin():
    for stage in (SampleFrames, UniformSample):
        at = [
            stage(clip_len=4)(dict(total_frames=9, test_mode=True, start_index=i))['frame_inds']
            for i in (0, 5)
        ]
        np.testing.assert_array_equal(at[0] + 5, at[1])


@pytest.mark.parametrize('stage', [SampleFrames, UniformSample, UniformSampleDecode])
def test_a_clip_without_frames_or_with_too_few_is_named(stage):
    clip = frame_numbers(4)
    for total in (0, 5):
        with pytest.raises(DataError, match=r"clip 'a': total_frames"):
            stage(clip_len=2)({**clip, 'total_frames': total})
