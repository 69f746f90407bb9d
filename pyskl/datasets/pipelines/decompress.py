"""Key points of single boxes, as PYSKL's Kinetics files hold them, made into people."""

from __future__ import annotations

import numpy as np

from ...annotations.compressed import people_of_boxes
from ...registry import PIPELINES
from .base import Results, Step, clip_error


@PIPELINES.register_module()
class DecompressPose(Step):
    """Turn compressed key points, one row a box, into people over frames.

    Takes keypoint (X, V, 3): x, y, score of X boxes, frame_inds (X,): the frame of each, and
    total_frames; where the annotation or the data set gives `anno_inds` (X, bool or indices), only
    these boxes. Gives keypoint (M, T, V, 2), keypoint_score (M, T, V) and total_frames T. The n-th
    box of a frame becomes person n: nobody is tracked.

    Args:
        squeeze: drop frames without a box.
        max_person: where some frame has more boxes than this, the boxes of every frame are ordered
            by the sum of their joints' scores, highest first, and the first ones are kept.

    A clip without any box becomes one person of zeros in all its frames.
    """

    needs = ('keypoint', 'total_frames')
    gives = ('keypoint', 'keypoint_score', 'total_frames')

    def __init__(self, squeeze: bool = True, max_person: int = 10):
        if max_person < 1:
            raise ValueError(f'max_person = {max_person}: expected 1 or more.')
        self.squeeze, self.max_person = squeeze, max_person

    def __call__(self, results: Results) -> Results:
        """Make people of the boxes of a clip."""
        boxes, frames = self._boxes(results)
        num_frames = results['total_frames']
        if self.squeeze and len(boxes):
            present, frames = np.unique(frames, return_inverse=True)
            num_frames = len(present)
        if len(boxes) and np.bincount(frames).max() > self.max_person:
            results['num_person'] = self.max_person
        people = people_of_boxes(boxes, frames, num_frames, self.max_person)  # (M, T, V, 3)
        results['keypoint'] = np.ascontiguousarray(people[..., :2])
        results['keypoint_score'] = np.ascontiguousarray(people[..., 2])
        results['total_frames'] = num_frames
        return results

    def _boxes(self, results: Results) -> tuple[np.ndarray, np.ndarray]:
        """Return key points (X, V, 3) and frames (X,) of the boxes to use."""
        boxes, frames = results['keypoint'], results.pop('frame_inds', None)
        if frames is None or boxes.ndim != 3 or boxes.shape[2] != 3:
            raise clip_error(
                results,
                f'keypoint has shape {boxes.shape}'
                f'{"" if frames is not None else " and there is no frame_inds"}: it is not '
                'compressed. Expected (boxes, joints, 3) and the frame of each box; leave '
                'DecompressPose out for (people, frames, joints, 2).',
            )
        frames = np.asarray(frames)
        if frames.shape != boxes.shape[:1]:
            raise clip_error(
                results,
                f'frame_inds has shape {frames.shape} for {len(boxes)} boxes; expected as many.',
            )
        chosen = results.pop('anno_inds', None)
        if chosen is not None:
            boxes, frames = boxes[chosen], frames[chosen]
        if len(frames) and not 0 <= frames.min() <= frames.max() < results['total_frames']:
            raise clip_error(
                results,
                f'frame_inds runs from {frames.min()} to {frames.max()}; expected 0 to '
                f'{results["total_frames"] - 1}, the frames of the clip.',
            )
        return boxes, frames
