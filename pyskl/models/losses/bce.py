"""Binary cross-entropy of each class on its own, for clips with several labels."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from ...registry import LOSSES
from .class_loss import ClassLoss, ClassWeight, at_least_float32


@LOSSES.register_module()
class BCELossWithLogits(ClassLoss):
    """Mean binary cross-entropy of sigmoids over clips and classes.

    Belongs to a head with multi_class=True.

    Args:
        loss_weight: factor of the loss.
        class_weight: K factors of the classes' terms, or how to compute them from the class counts
            ('effective' or 'sqrt', see ClassLoss); None: all are 1.

    Source: PYSKL, arXiv:2205.09443.
    """

    of_several_labels = True

    def __init__(self, loss_weight: float = 1.0, class_weight: ClassWeight = None):
        super().__init__(loss_weight, class_weight)

    def forward(self, cls_score: Tensor, label: Tensor) -> Tensor:
        """Compute the loss, 0-dim.

        Args:
            cls_score: (N, K) before the sigmoid.
            label: (N, K), 1 for the classes of a clip, else 0; smoothed or mixed, anything between.
        """
        scores, weight = at_least_float32(cls_score), self.weights()
        return self.loss_weight * F.binary_cross_entropy_with_logits(
            scores, label.to(scores.dtype), None if weight is None else weight.to(scores.dtype)
        )
