"""Steps that arrange key points for a graph network, and one that renames entries."""

from __future__ import annotations

from typing import Literal

import numpy as np

from ...registry import PIPELINES
from .base import Results, Step, clip_error
from .features import join_score


@PIPELINES.register_module()
class PadTo(Step):
    """Make all clips equally long; total_frames becomes `length`.

    Args:
        length: frames. A longer clip is refused.
        mode: 'loop': the clip begins again at its end. 'zero': frames of zeros follow.
    """

    needs = ('keypoint', 'total_frames')
    gives = ('keypoint', 'total_frames')

    def __init__(self, length: int, mode: Literal['loop', 'zero'] = 'loop'):
        if length < 1:
            raise ValueError(f'length = {length}: expected 1 or more frames.')
        self.length, self.mode = length, mode

    def __call__(self, results: Results) -> Results:
        """Pad a clip."""
        frames = results['total_frames']
        if frames > self.length:
            raise clip_error(
                results,
                f'has {frames} frames, but PadTo pads to {self.length}. Set a greater length, or '
                'take UniformSample in its place.',
            )
        for key in ('keypoint', 'keypoint_score'):
            if key in results:
                results[key] = self._padded(results[key], frames)
        results['total_frames'] = self.length
        return results

    def _padded(self, values: np.ndarray, frames: int) -> np.ndarray:
        if self.mode == 'loop':
            return values.take(np.arange(self.length) % frames, axis=1)
        padded = np.zeros((values.shape[0], self.length, *values.shape[2:]), values.dtype)
        padded[:, :frames] = values[:, :frames]
        return padded


@PIPELINES.register_module()
class FormatGCNInput(Step):
    """Bring the sampled key points into a graph network's order.

    keypoint (M, clips * T, V, C) becomes (clips, num_person, T, V, C), float32 and contiguous.
    keypoint_score, where it is still there, is joined to x and y as the third channel and dropped
    beside x, y, z. Of more people than num_person the first ones stay.

    Args:
        num_person: people that the network sees.
        mode: how missing people are filled in. 'zero': zeros. 'loop': zeros, too, as
            published, where the option has no effect. 'repeat': the people who are there, again and
            again, as MMAction2's 'loop' does.
    """

    needs = ('keypoint',)
    gives = ('keypoint',)
    removes = ('keypoint_score',)

    def __init__(self, num_person: int = 2, mode: Literal['zero', 'loop', 'repeat'] = 'zero'):
        if num_person < 1:
            raise ValueError(f'num_person = {num_person}: expected 1 or more.')
        self.num_person, self.mode = num_person, mode

    def __call__(self, results: Results) -> Results:
        """Arrange the key points of a clip."""
        join_score(results)
        keypoint, clips = results['keypoint'], results.get('num_clips', 1)
        people, frames, *joint = keypoint.shape
        sampled = results.get('clip_len')
        if frames % clips or sampled not in (None, frames // clips):
            wanted = 'as many for each of' if sampled is None else f'{sampled} for each of'
            raise clip_error(
                results,
                f'keypoint has {frames} frames, expected {wanted} {clips} sampled clips. '
                'Is PoseDecode in the pipeline? Put it behind the sampling.',
            )
        shown = min(people, self.num_person)
        out = np.empty((clips, self.num_person, frames // clips, *joint), np.float32)
        out[:, :shown] = keypoint[:shown].reshape(shown, clips, -1, *joint).swapaxes(0, 1)
        for person in range(shown, self.num_person):
            out[:, person] = out[:, person % shown] if self.mode == 'repeat' else 0
        results['keypoint'] = out
        return results


@PIPELINES.register_module()
class Rename(Step):
    """Give entries other names.

    Args:
        mapping: {old name: new name}. A new name must not be taken.
    """

    def __init__(self, mapping: dict):
        self.mapping = dict(mapping)
        self.needs, self.gives = tuple(self.mapping), tuple(self.mapping.values())
        self.removes = tuple(name for name in self.mapping if name not in self.gives)

    def __call__(self, results: Results) -> Results:
        """Rename entries of a clip."""
        for old, new in self.mapping.items():
            if new in results:
                raise clip_error(results, f'Rename: {new!r} is there already, next to {old!r}.')
            results[new] = results.pop(old)
        return results
