"""The pipeline step that samples the windows of a recording in place of a whole clip."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..datasets.pipelines import Compose, PoseDecode, Step, UniformSampleDecode, UniformSampleFrames
from ..datasets.pipelines.features import join_score

EVEN = (UniformSampleFrames, UniformSampleDecode)  # steps that sample evenly, UniformSample too
ENTRIES = (
    *('frame_dir', 'label', 'img_shape', 'original_shape', 'total_frames', 'keypoint'),
    *('keypoint_score', 'emb', 'modality', 'start_index', 'test_mode'),
)


class SampleWindows(Step):
    """Sample clip_len frames of each window in `windows` (S, 2), one view a window.

    The frames are the middles of clip_len equal parts, so that windows around different middles have
    frames in common; a window shorter than clip_len starts again at its end, as UniformSampleFrames
    has it.

    Args:
        clip_len: frames to take.
        decodes: take their key points at once, as UniformSampleDecode does.
    """

    needs = ('windows', 'keypoint')
    gives = ('frame_inds', 'clip_len', 'frame_interval', 'num_clips')

    def __init__(self, clip_len: int, decodes: bool = False):
        self.clip_len, self.decodes = clip_len, decodes

    def keys_after(self, keys: set[str] | None) -> set[str] | None:
        after = super().keys_after(keys)
        return after and after - ({'keypoint_score'} if self.decodes else set())

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        windows = results['windows']
        inds = np.concatenate([sampled(*span, self.clip_len) for span in windows.tolist()])
        results['frame_inds'] = inds + results.get('start_index', 0)
        results['clip_len'] = self.clip_len
        results['frame_interval'] = None
        results['num_clips'] = len(windows)
        if self.decodes:
            results = PoseDecode()(results)
            join_score(results)
        return results


def sampled(start: int, stop: int, clip_len: int) -> np.ndarray:
    """Return clip_len frames of start..stop-1, (clip_len,) int64."""
    num_frames, place = stop - start, np.arange(clip_len)
    if num_frames < clip_len:
        return start + place % num_frames
    return start + (2 * place + 1) * num_frames // (2 * clip_len)


def sampling_fault(pipeline: Compose) -> str | None:
    """Say why a pipeline cannot sample windows in place of whole clips; None: it can."""
    number = sum(isinstance(step, EVEN) for step in pipeline.steps)
    if number == 1:
        return None
    return (
        f'data.test.pipeline has {number or "no"} step that samples evenly. Expected one of '
        'UniformSample, UniformSampleFrames, UniformSampleDecode, whose clip_len frames are taken of '
        'each window.'
    )


def window_pipeline(pipeline: Compose, where: str) -> Compose:
    """Return a test pipeline that samples windows in place of whole clips.

    Args:
        pipeline: of the config's test clips, without a `sampling_fault`.
        where: names it.
    """
    steps = [
        SampleWindows(step.clip_len, isinstance(step, UniformSampleDecode))
        if isinstance(step, EVEN)
        else step
        for step in pipeline.steps
    ]
    return Compose(steps, where=where, entries=(*ENTRIES, 'windows'))
