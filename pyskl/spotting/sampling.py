"""Sample the windows of a recording in place of a whole clip: a pipeline step."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..datasets.pipelines import Compose, PoseDecode, Step, UniformSampleDecode, UniformSampleFrames
from ..datasets.pipelines.features import join_score

EVEN_SAMPLERS = (UniformSampleFrames, UniformSampleDecode)  # UniformSample is one, too
ENTRIES = (
    *('frame_dir', 'label', 'img_shape', 'original_shape', 'total_frames', 'keypoint'),
    *('keypoint_score', 'emb', 'modality', 'start_index', 'test_mode'),
)


class SampleWindows(Step):
    """Sample clip_len frames of each window in `windows` (S, 2); each window becomes a view.

    The frames are the middles of clip_len equal parts, so that windows around different middles
    share frames. A window shorter than clip_len starts again at its end, as in UniformSampleFrames.

    Args:
        clip_len: frames to take.
        decodes: take their key points at once, as UniformSampleDecode does.
    """

    needs = ('windows', 'keypoint')
    gives = ('frame_inds', 'clip_len', 'frame_interval', 'num_clips')

    def __init__(self, clip_len: int, decodes: bool = False):
        self.clip_len, self.decodes = clip_len, decodes

    def keys_after(self, keys: set[str] | None) -> set[str] | None:
        """Return the keys of the results behind this step."""
        after = super().keys_after(keys)
        return after and after - ({'keypoint_score'} if self.decodes else set())

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Write frame_inds (S * clip_len,) of all windows."""
        windows = results['windows']
        parts = [sample_frames(start, stop, self.clip_len) for start, stop in windows.tolist()]
        inds = np.concatenate(parts)
        results['frame_inds'] = inds + results.get('start_index', 0)
        results['clip_len'] = self.clip_len
        results['frame_interval'] = None
        results['num_clips'] = len(windows)
        if self.decodes:
            results = PoseDecode()(results)
            join_score(results)
        return results


def sample_frames(start: int, stop: int, clip_len: int) -> np.ndarray:
    """Sample clip_len of the frames start..stop-1: (clip_len,) int64."""
    num_frames, place = stop - start, np.arange(clip_len)
    if num_frames < clip_len:
        return start + place % num_frames
    return start + (2 * place + 1) * num_frames // (2 * clip_len)


def sampling_fault(pipeline: Compose) -> str | None:
    """Return why a pipeline cannot sample windows in place of whole clips; None if it can."""
    number = sum(isinstance(step, EVEN_SAMPLERS) for step in pipeline.steps)
    if number == 1:
        return None
    return (
        f'data.test.pipeline has {number or "no"} step that samples evenly. Expected one of '
        'UniformSample, UniformSampleFrames, UniformSampleDecode: its clip_len frames are taken '
        'from each window.'
    )


def window_pipeline(pipeline: Compose, where: str) -> Compose:
    """Return a test pipeline that samples windows in place of whole clips.

    Args:
        pipeline: of the config's test clips; it has no `sampling_fault`.
        where: its place in the config, for messages.
    """
    steps = [
        SampleWindows(step.clip_len, isinstance(step, UniformSampleDecode))
        if isinstance(step, EVEN_SAMPLERS)
        else step
        for step in pipeline.steps
    ]
    return Compose(steps, where=where, entries=(*ENTRIES, 'windows'))
