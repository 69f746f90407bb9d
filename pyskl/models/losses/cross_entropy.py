"""Cross-entropy over classes."""
from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

from ...registry import LOSSES


@LOSSES.register_module()
class CrossEntropyLoss(nn.Module):
    """loss_weight times the cross-entropy, the (weighted) mean over samples.

    class_weight       K numbers: what a sample of each class counts; the mean is over these weights
    label_smooth_eps   0..1: this share of the target is spread evenly over the K classes (arXiv:1512.00567, section 7)
    """

    def __init__(self, loss_weight: float = 1.0, class_weight: Sequence[float] | None = None, label_smooth_eps: float = 0.0):
        super().__init__()
        if not 0 <= label_smooth_eps <= 1:
            raise ValueError(f'label_smooth_eps = {label_smooth_eps}: expected a number from 0 to 1.')
        self.loss_weight, self.label_smooth_eps = loss_weight, label_smooth_eps
        weight = None if class_weight is None else torch.tensor(class_weight, dtype=torch.float32)
        self.register_buffer('class_weight', weight, persistent=False)

    def forward(self, cls_score: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        """cls_score (N, K) before softmax; label (N,) class indices, or (N, K) shares of each class -> 0-dim."""
        scores = cls_score.float()
        if label.shape == cls_score.shape:
            return self.loss_weight * self._soft(scores, label)
        return self.loss_weight * F.cross_entropy(scores, label, self.class_weight, label_smoothing=self.label_smooth_eps)

    def _soft(self, scores: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        share = label.to(scores.dtype) * (1 - self.label_smooth_eps) + self.label_smooth_eps / scores.shape[1]
        if self.class_weight is None:
            return F.cross_entropy(scores, share)
        share = share * self.class_weight
        return F.cross_entropy(scores, share, reduction='sum') / share.sum()
