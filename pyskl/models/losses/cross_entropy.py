"""Cross-entropy over classes."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from ...registry import LOSSES
from .class_loss import ClassLoss, ClassWeight, in_full, over_ranks, spread


@LOSSES.register_module()
class CrossEntropyLoss(ClassLoss):
    """loss_weight times the cross-entropy, the mean over samples weighed by their classes. Arguments: see ClassLoss."""

    def __init__(
        self,
        loss_weight: float = 1.0,
        class_weight: ClassWeight = None,
        label_smooth_eps: float = 0.0,
        beta: float | None = None,
    ):
        super().__init__(loss_weight, class_weight, label_smooth_eps, beta)

    def forward(
        self,
        cls_score: torch.Tensor,
        label: torch.Tensor,
        ignore_index: int | None = None,
        label_smoothing: float | None = None,
    ) -> torch.Tensor:
        """cls_score (N, K) before softmax; label (N,) class indices, or (N, K) shares of each class -> 0-dim.

        ignore_index      clips with this label count for nothing
        label_smoothing   in place of label_smooth_eps
        raises            ValueError: ignore_index with shares, which have no such label
        """
        scores, weight = in_full(cls_score), self.weights()
        eps = self.label_smooth_eps if label_smoothing is None else label_smoothing
        shares = label.shape == cls_score.shape
        if shares and ignore_index is not None:
            raise ValueError(
                f'ignore_index = {ignore_index} with labels that are shares of classes: expected class indices (N,).'
            )
        ignored = (
            -100 if ignore_index is None else ignore_index
        )  # torch's own default, which no class is
        weight = None if weight is None else weight.to(scores.dtype)
        if weight is None:
            return self.loss_weight * F.cross_entropy(
                scores,
                label.to(scores.dtype) if shares else label,
                ignore_index=ignored,
                label_smoothing=eps,
            )
        if shares:
            label = label.to(scores.dtype)
            total, weighed = (
                F.cross_entropy(scores, spread(label, eps) * weight, reduction='sum'),
                (label * weight).sum(),
            )
        else:
            total = F.cross_entropy(
                scores, label, weight, ignore_index=ignored, reduction='sum', label_smoothing=eps
            )
            weighed = (
                weight[label[label != ignored]].sum()
                if ignore_index is not None
                else weight[label].sum()
            )
        return self.loss_weight * total / over_ranks(weighed)
