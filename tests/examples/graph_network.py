"""A small graph network on key points: the step that collects them, a backbone and a recognizer."""

import numpy as np
import torch
from torch import nn

from pyskl.datasets.pipelines import Step
from pyskl.models import BACKBONES, HEADS, RECOGNIZERS, Backbone, Recognizer
from pyskl.registry import PIPELINES


@PIPELINES.register_module()
class CollectKeypoints(Step):
    """Give `keypoint` (clips, M, T, V, 3): x and y as shares of the picture, and the score."""

    needs = ('keypoint', 'keypoint_score', 'img_shape', 'num_clips', 'label')
    gives = ('keypoint', 'label')

    def __call__(self, results):
        height, width = results['img_shape']
        xy = results['keypoint'] / np.float32([width, height]) - 0.5
        points = np.concatenate([xy, results['keypoint_score'][..., None]], axis=-1)
        clips = np.split(points, results['num_clips'], axis=1)  # each (M, T, V, 3)
        return {'keypoint': torch.from_numpy(np.float32(clips)), 'label': results['label']}

    def keys_after(self, keys):
        return set(self.gives)


@BACKBONES.register_module()
class SmallGraphNetwork(Backbone):
    """Two graph convolutions over the bones, each followed by a convolution over time."""

    def __init__(self, bones, num_joints, width=32):
        super().__init__()
        self.in_channels, self.num_features = 3, width
        adjacency = torch.eye(num_joints)
        for child, parent in bones:
            adjacency[child, parent] = adjacency[parent, child] = 1
        self.register_buffer('adjacency', adjacency / adjacency.sum(0), persistent=False)
        self.joints = nn.ModuleList([nn.Conv2d(3, width, 1), nn.Conv2d(width, width, 1)])
        time = [nn.Conv2d(width, width, (5, 1), padding=(2, 0)) for _ in range(2)]
        self.time = nn.ModuleList(time)
        self.norms = nn.ModuleList([nn.BatchNorm2d(width) for _ in range(2)])

    def forward(self, keypoint):
        num_people = keypoint.shape[1]
        x = keypoint.flatten(0, 1).permute(0, 3, 1, 2)  # (N * M, C, T, V)
        for joints, time, norm in zip(self.joints, self.time, self.norms):
            x = norm(time(joints(x @ self.adjacency))).relu()
        return x.unflatten(0, (-1, num_people))  # (N, M, C, T, V)

    def pool(self, features):
        return features.mean((1, 3, 4))  # (N, C)


@RECOGNIZERS.register_module()
class GraphRecognizer(Recognizer):
    """Class scores from `keypoint` (B, clips, M, T, V, 3)."""

    components = {'backbone': BACKBONES, 'cls_head': HEADS}
    takes = ('keypoint',)

    def __init__(self, backbone, cls_head):
        super().__init__()
        self.backbone = BACKBONES.build(backbone, 'model.backbone')
        self.cls_head = HEADS.build(cls_head, 'model.cls_head')

    def scores(self, keypoint):
        features = self.backbone(keypoint.flatten(0, 1))
        return self.cls_head(self.backbone.pool(features))[0]  # (B * clips, K)

    def losses(self, batch):
        label = batch['label'].flatten().repeat_interleave(batch['keypoint'].shape[1])
        return self.cls_head.loss(self.scores(batch['keypoint']), label)

    def predict(self, batch):
        shares = self.scores(batch['keypoint']).softmax(1)
        return {'score': shares.unflatten(0, batch['keypoint'].shape[:2]).mean(1)}
