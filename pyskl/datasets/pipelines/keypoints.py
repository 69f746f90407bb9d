"""Steps that take key points out of the annotation."""

from __future__ import annotations

import numpy as np

from ...registry import PIPELINES
from .base import Results, Step, clip_error


@PIPELINES.register_module()
class PoseDecode(Step):
    """Take the sampled frames of the key points, as float32 copies.

    Takes keypoint (M, F, V, C), C = 2: x, y; 3: x, y, z or x, y, score; more: several features of
    a joint side by side. With them go their scores, keypoint_score (M, F, V), if there are any.

    Raises:
        DataError: the arrays have other shapes, or a sampled frame is not there.
    """

    needs = ('keypoint',)
    gives = ('keypoint', 'keypoint_score', 'frame_inds')

    def __call__(self, results: Results) -> Results:
        """Take the sampled frames of a clip."""
        keypoint = results['keypoint']
        inds = results['frame_inds'] if 'frame_inds' in results else np.arange(keypoint.shape[1])
        results['frame_inds'] = inds = np.reshape(inds, -1)
        return decode_poses(results, inds + results.get('offset', 0))


def decode_poses(results: Results, inds: np.ndarray) -> Results:
    """Take frames of a clip's key points and scores.

    Args:
        results: the clip, whose `keypoint` and `keypoint_score` are replaced.
        inds: (n,) frames.

    Raises:
        DataError: as PoseDecode.
    """
    keypoint, score = results['keypoint'], results.get('keypoint_score')
    if keypoint.ndim != 4 or keypoint.shape[3] < 2:
        advice = ' Compressed key points need DecompressPose before this step.'
        raise clip_error(
            results,
            f'keypoint has shape {keypoint.shape}, expected (people, frames, joints, 2 or 3).'
            f'{advice if keypoint.ndim == 3 else ""}',
        )
    if score is not None and score.shape != keypoint.shape[:3]:
        raise clip_error(
            results,
            f'keypoint_score has shape {score.shape}, expected (people, frames, joints) = '
            f'{keypoint.shape[:3]}, that of keypoint.',
        )
    try:
        results['keypoint'] = keypoint.take(inds, axis=1).astype(np.float32, copy=False)
        if score is not None:
            score = score.take(inds, axis=1).astype(np.float32, copy=False)
            results['keypoint_score'] = score
    except IndexError:
        raise clip_error(
            results,
            f'frame {inds.max()} was sampled, but keypoint has frames '
            f'0..{keypoint.shape[1] - 1}. Is start_index right?',
        ) from None
    return results
