"""Cross-entropy over classes."""
from __future__ import annotations

import torch
import torch.nn.functional as F

from ...registry import LOSSES
from .class_loss import ClassLoss, ClassWeight


@LOSSES.register_module()
class CrossEntropyLoss(ClassLoss):
    """loss_weight times the cross-entropy, the mean over samples weighed by their classes. Arguments: see ClassLoss."""

    def __init__(self, loss_weight: float = 1.0, class_weight: ClassWeight = None, label_smooth_eps: float = 0.0,
                 beta: float | None = None):
        super().__init__(loss_weight, class_weight, label_smooth_eps, beta)

    def forward(self, cls_score: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        """cls_score (N, K) before softmax; label (N,) class indices, or (N, K) shares of each class -> 0-dim."""
        scores = cls_score.float()
        if label.shape == cls_score.shape:
            return self.loss_weight * self._soft(scores, label.to(scores.dtype))
        return self.loss_weight * F.cross_entropy(scores, label, self.weights(), label_smoothing=self.label_smooth_eps)

    def _soft(self, scores: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        weight, share = self.weights(), self.smoothed(label)
        if weight is None:
            return F.cross_entropy(scores, share)
        return F.cross_entropy(scores, share * weight, reduction='sum') / (label * weight).sum()
