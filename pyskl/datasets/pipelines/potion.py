"""The step that paints a clip's heatmaps into one picture, for PoTion."""

from __future__ import annotations

from typing import Literal

import numpy as np

from ...registry import PIPELINES
from .base import Results, Step, clip_error


@PIPELINES.register_module()
class Heatmap2Potion(Step):
    """Add up the heatmaps of each clip, each frame in a colour of its own.

    `imgs` (clips * T, V, H, W) becomes (clips, H, W, V * colours), to be brought into the
    network's order by FormatShape('NCHW').

    Args:
        C: colours in time, 2 or more: the first frame has the first one, the last frame the last,
            and between them one fades into the next.
        option: 'U': the sums, each divided by its greatest value: C colours. 'I': all colours of U
            added up, so that time is lost: 1 colour. 'N': U / (I + 1), where what stood still is
            no brighter than what moved: C colours. 'full': U, I and N of each joint, 2 C + 1.

    Source: PoTion, CVPR 2018, section 3.
    """

    needs = ('imgs',)

    def __init__(self, C: int, option: Literal['U', 'N', 'I', 'full'] = 'full'):
        if C < 2:
            raise ValueError(f'C = {C}: expected 2 colours or more.')
        self.C, self.option = C, option

    def __call__(self, results: Results) -> Results:
        """Add up the heatmaps of a clip."""
        heatmaps = np.asarray(results['imgs'])
        frames = results.get('clip_len', len(heatmaps))
        frames = frames['Pose'] if isinstance(frames, dict) else frames
        if heatmaps.ndim != 4 or len(heatmaps) % frames:
            raise clip_error(
                results,
                f'imgs has shape {heatmaps.shape}, but Heatmap2Potion expected heatmaps '
                f'({frames} frames of each clip, joints, height, width). Put '
                'GeneratePoseTarget before it, and FormatShape after it.',
            )
        clips = heatmaps.reshape(-1, frames, *heatmaps.shape[1:])
        total = np.einsum('nlvhw,lc->nhwvc', clips, self._colours(frames))
        u = total / (total.max((1, 2), keepdims=True) + np.float32(1e-4))
        i = u.sum(axis=-1, keepdims=True)
        n = u / (i + 1)
        painted = {'U': u, 'I': i, 'N': n}
        chosen = np.concatenate([u, i, n], -1) if self.option == 'full' else painted[self.option]
        results['imgs'] = chosen.reshape(*chosen.shape[:3], -1)
        return results

    def _colours(self, frames: int) -> np.ndarray:
        """Return (frames, C): how much of each colour a frame has."""
        place = np.linspace(0, self.C - 1, frames)
        return np.maximum(1 - abs(place[:, None] - np.arange(self.C)), 0).astype(np.float32)
