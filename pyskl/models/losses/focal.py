"""Focal loss: clips that are recognised already count less. Lin et al. 2017, arXiv:1708.02002, section 3.2, with softmax."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from ...registry import LOSSES
from .class_loss import ClassLoss, ClassWeight, as_shares, in_full, over_ranks

_TINY = 1e-8  # x ** gamma has no slope at 0 for gamma below 1


@LOSSES.register_module()
class FocalLoss(ClassLoss):
    """loss_weight times the mean of -(1 - p) ** gamma * log p, p the probability of the true class.

    gamma   from 0 on; 0 is cross-entropy. Other arguments: see ClassLoss (class_weight is the paper's alpha)
    """

    def __init__(
        self,
        loss_weight: float = 1.0,
        gamma: float = 2.0,
        class_weight: ClassWeight = None,
        label_smooth_eps: float = 0.0,
        beta: float | None = None,
    ):
        super().__init__(loss_weight, class_weight, label_smooth_eps, beta)
        if not 0 <= gamma < float('inf'):
            raise ValueError(f'gamma = {gamma}: expected a number from 0 on, e.g. 2.0.')
        self.gamma = gamma

    def forward(self, cls_score: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        """cls_score (N, K) before softmax; label (N,) class indices, or (N, K) shares of each class -> 0-dim.

        Of shares every class counts for its own: the sum of share * -(1 - p) ** gamma * log p over the classes.
        """
        log_p = F.log_softmax(in_full(cls_score), 1)
        share, weight = as_shares(label, log_p), self.weights()
        terms = -self.smoothed(share) * (-torch.expm1(log_p)).clamp_min(_TINY) ** self.gamma * log_p
        if weight is None:
            return self.loss_weight * terms.sum() / len(share)
        return self.loss_weight * (terms * weight).sum() / over_ranks((share * weight).sum())
