"""A recognizer on two inputs: heatmaps through a 3-D network, key points through a small one."""

import torch
from torch import nn

from pyskl.inputs import input_tensor
from pyskl.models import BACKBONES, HEADS, RECOGNIZERS, Recognizer


@RECOGNIZERS.register_module()
class HeatmapsAndKeypoints(Recognizer):
    """Class scores from `imgs` (B, S, C, T, H, W) and `keypoint` (B, M, S * T, V, 2) together."""

    components = {'backbone': BACKBONES, 'cls_head': HEADS}
    takes = ('imgs', 'keypoint')

    def __init__(self, backbone, cls_head, num_joints, width=16):
        super().__init__()
        self.backbone = BACKBONES.build(backbone, 'model.backbone')
        self.points = nn.Sequential(nn.Conv1d(2 * num_joints, width, 3, padding=1), nn.ReLU())
        self.cls_head = HEADS.build(cls_head, 'model.cls_head')

    def scores(self, batch):
        # Heatmaps are drawn here, on the model's device; each view is a sample.
        imgs = input_tensor(batch['imgs'], self.target)  # (B, S, C, T, H, W)
        num_views = imgs.shape[1]
        seen = self.backbone.pool(self.backbone(imgs.flatten(0, 1)))  # (B * S, D)

        # The same frames as key points, of the first person.
        points = batch['keypoint'][:, 0].to(imgs.dtype).flatten(2) / 16 - 0.5  # (B, S * T, 2 V)
        points = points.unflatten(1, (-1, imgs.shape[3]))[:, :num_views].flatten(0, 1)
        moved = self.points(points.transpose(1, 2)).mean(2)  # (B * clips, width)
        moved = moved.repeat_interleave(
            len(seen) // len(moved), 0
        )  # mirrored views have the same points
        return self.cls_head(torch.cat([seen, moved], 1))[0].unflatten(0, (-1, num_views))

    def losses(self, batch):
        scores = self.scores(batch)  # (B, S, K)
        label = batch['label'].flatten().repeat_interleave(scores.shape[1])
        return self.cls_head.loss(scores.flatten(0, 1), label)

    def predict(self, batch):
        return {'score': self.scores(batch).softmax(2).mean(1)}
