"""A data set of one's own: clips that are made, or read from anywhere."""

import numpy as np

from pyskl.datasets import DATASETS, PIPELINES, ClipDataset, Compose


@DATASETS.register_module()
class Waves(ClipDataset):
    """Arms that wave in three ways: round, up and down, sideways.

    Args:
        size: number of clips.
        pipeline: the steps, as in every data set.
        seed: of the clips' phases.
        test_mode: whether they are tested, in order, or trained on.
    """

    components = {'pipeline': PIPELINES}

    def __init__(self, size, pipeline, seed=0, test_mode=False):
        self.size, self.seed, self.test_mode = size, seed, test_mode
        self.pipeline = Compose(pipeline)
        self.gives = self.pipeline.gives
        self.labels = np.arange(size) % 3
        self.ids = [f'wave_{seed}_{index}' for index in range(size)]

    def __len__(self):
        return self.size

    def clip(self, index):
        """Return a clip as annotation files hold it."""
        label = int(self.labels[index])
        phase = np.linspace(0, 12, 20) + np.random.default_rng([self.seed, index]).uniform(0, 6)
        path = np.stack([np.cos(phase) * (label != 1), np.sin(phase) * (label != 2)], axis=-1) * 60
        joints = np.float32([[100, 40], [100, 80], [100, 160], [60, 120], [140, 120]])
        keypoint = joints[None, None].repeat(20, axis=1)  # (M, T, V, 2)
        keypoint[0, :, 4] += path
        return {
            'frame_dir': self.ids[index],
            'label': label,
            'img_shape': (240, 320),
            'total_frames': 20,
            'keypoint': keypoint,
            'keypoint_score': np.ones(keypoint.shape[:3], np.float32),
        }

    def __getitem__(self, index):
        return self.pipeline({**self.clip(index), 'test_mode': self.test_mode})

    def sample(self, index):
        """As above, but heatmaps are left to be drawn on the model's device."""
        return self.pipeline({**self.clip(index), 'test_mode': self.test_mode}, lazy=True)
