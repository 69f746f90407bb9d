"""Binary cross-entropy of each class for its own, for clips with several labels at once."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from ...registry import LOSSES
from .class_loss import ClassLoss, ClassWeight, in_full


@LOSSES.register_module()
class BCELossWithLogits(ClassLoss):
    """loss_weight times the mean, over clips and classes, of the binary cross-entropy of sigmoids.

    Belongs to a head with multi_class=True.

    Args:
        loss_weight: what the mean is multiplied by.
        class_weight: K numbers that the classes' terms are multiplied by, or how they come from the
            class counts; see ClassLoss.

    Source: PYSKL, arXiv:2205.09443.
    """

    of_several_labels = True

    def __init__(self, loss_weight: float = 1.0, class_weight: ClassWeight = None):
        super().__init__(loss_weight, class_weight)

    def forward(self, cls_score: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        """Compute the loss, 0-dim.

        Args:
            cls_score: (N, K) before the sigmoid.
            label: (N, K), 1 for a clip's classes, else 0; smoothed or mixed labels lie between.
        """
        scores, weight = in_full(cls_score), self.weights()
        return self.loss_weight * F.binary_cross_entropy_with_logits(
            scores, label.to(scores.dtype), None if weight is None else weight.to(scores.dtype)
        )
