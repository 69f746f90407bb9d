"""Clips of pictures and heatmaps as tensors: what each alone shows of the class is half of it."""

import numpy as np
import torch

from pyskl.datasets import ClipDataset
from pyskl.datasets.base import Classes
from pyskl.registry import DATASETS


@DATASETS.register_module()
class Pairs(ClipDataset):
    """Clips with a bright half of the pictures, and one bright joint."""

    gives = {'imgs', 'heatmap_imgs', 'label', 'emb'}

    def __init__(self, name, num_clips=12, num_views=1, vectors=False, test_mode=False):
        self.test_mode, self.num_views = test_mode, num_views
        self.ids = [f'{name}_{i}' for i in range(num_clips)]
        self.labels = np.arange(num_clips) % 3
        self.classes = Classes(
            np.bincount(self.labels), np.eye(3, 6, dtype=np.float32) if vectors else None
        )

    def __len__(self):
        return len(self.ids)

    def __getitem__(self, index):
        rng, label = np.random.default_rng([*self.ids[index].encode()]), self.labels[index]
        imgs = rng.random((self.num_views, 3, 2, 32, 32), np.float32)
        imgs[..., : 16 if label == 1 else 32] += 1
        heatmaps = rng.random((self.num_views, 5, 8, 8, 8), np.float32)
        heatmaps[:, 3 if label == 2 else 0] += 1
        entries = {'imgs': imgs, 'heatmap_imgs': heatmaps}
        return {
            **{k: torch.from_numpy(v) for k, v in entries.items()},
            'label': torch.tensor(label),
        }
