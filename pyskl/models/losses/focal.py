"""Focal loss: clips that are already recognised count less."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ...registry import LOSSES
from .class_loss import (
    ClassLoss,
    as_shares,
    at_least_float32,
    mean_over_ranks,
    smoothed,
)

_TINY = 1e-8  # keeps the slope of x ** gamma finite at 0 for gamma < 1


@LOSSES.register_module()
class FocalLoss(ClassLoss):
    """Mean of -(1 - p) ** gamma * log p, with p the probability of the true class.

    The other arguments are those of ClassLoss; class_weight is the paper's alpha.

    Args:
        gamma: 0 or more; 0 is cross-entropy.

    Raises:
        ValueError: gamma is out of range.

    Source: Focal loss, arXiv:1708.02002, section 3.2, with softmax.
    """

    def __init__(self, loss_weight: float = 1.0, gamma: float = 2.0, **kwargs: Any):
        super().__init__(loss_weight, **kwargs)
        if not 0 <= gamma < float('inf'):
            raise ValueError(f'gamma = {gamma}: expected 0 or more, e.g. 2.0.')
        self.gamma = gamma

    def forward(self, cls_score: Tensor, label: Tensor) -> Tensor:
        """Compute the loss, 0-dim.

        Args:
            cls_score: (N, K) before softmax.
            label: (N,) class indices, or (N, K) shares of each class: then the loss of a clip is
                the sum of share * -(1 - p) ** gamma * log p over the classes.
        """
        log_p = F.log_softmax(at_least_float32(cls_score), 1)
        share, weight = as_shares(label, log_p), self.weights()
        modulation = (-torch.expm1(log_p)).clamp_min(_TINY) ** self.gamma  # (1 - p) ** gamma
        terms = -smoothed(share, self.label_smooth_eps) * modulation * log_p  # (N, K)
        if weight is None:
            return self.loss_weight * terms.sum() / len(share)
        return self.loss_weight * (terms * weight).sum() / mean_over_ranks((share * weight).sum())
