"""A step that gives pictures: `imgs` (views, 3, T, H, W), here painted from the key points."""

import numpy as np

from pyskl.datasets.pipelines import Step
from pyskl.registry import PIPELINES


@PIPELINES.register_module()
class PaintFrames(Step):
    """Paint each joint as a coloured square on black.

    Args:
        size: (height, width) of the pictures in pixels.
    """

    needs = ('keypoint', 'img_shape', 'num_clips', 'clip_len')
    gives = ('imgs',)

    def __init__(self, size=(16, 16)):
        self.size = size

    def __call__(self, results):
        keypoint = results['keypoint'][0]  # (S * T, V, 2) of one person
        num_frames, num_joints, _ = keypoint.shape
        colours = np.stack(
            [
                np.linspace(0.3, 1, num_joints),
                np.linspace(1, 0.3, num_joints),
                np.full(num_joints, 0.6),
            ]
        )

        # Where each joint is, in the picture's own pixels.
        scale = np.array(self.size) / results['img_shape']
        row, column = (
            (keypoint[..., ::-1] * scale)
            .astype(int)
            .clip(0, np.array(self.size) - 1)
            .transpose(2, 0, 1)
        )
        frames = np.zeros((num_frames, 3, *self.size), np.float32)
        for joint in range(num_joints):
            frames[np.arange(num_frames), :, row[:, joint], column[:, joint]] = colours[:, joint]

        # (S * T, 3, H, W) -> (S, 3, T, H, W), the network's order.
        results['imgs'] = frames.reshape(results['num_clips'], -1, *frames.shape[1:]).swapaxes(1, 2)
        return results
