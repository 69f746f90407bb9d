"""Cross-entropy over classes."""
from __future__ import annotations

import torch
import torch.nn.functional as F

from ...registry import LOSSES
from .class_loss import ClassLoss, ClassWeight, over_ranks


@LOSSES.register_module()
class CrossEntropyLoss(ClassLoss):
    """loss_weight times the cross-entropy, the mean over samples weighed by their classes. Arguments: see ClassLoss."""

    def __init__(self, loss_weight: float = 1.0, class_weight: ClassWeight = None, label_smooth_eps: float = 0.0,
                 beta: float | None = None):
        super().__init__(loss_weight, class_weight, label_smooth_eps, beta)

    def forward(self, cls_score: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        """cls_score (N, K) before softmax; label (N,) class indices, or (N, K) shares of each class -> 0-dim."""
        scores, weight = cls_score.float(), self.weights()
        shares = label.shape == cls_score.shape
        if weight is None:
            return self.loss_weight * F.cross_entropy(scores, label.to(scores.dtype) if shares else label,
                                                      label_smoothing=self.label_smooth_eps)
        if shares:
            label = label.to(scores.dtype)
            total, weighed = F.cross_entropy(scores, self.smoothed(label) * weight, reduction='sum'), (label * weight).sum()
        else:
            total = F.cross_entropy(scores, label, weight, reduction='sum', label_smoothing=self.label_smooth_eps)
            weighed = weight[label].sum()
        return self.loss_weight * total / over_ranks(weighed)
