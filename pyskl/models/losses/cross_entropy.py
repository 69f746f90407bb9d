"""Cross-entropy over classes."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from ...registry import LOSSES
from .class_loss import ClassLoss, at_least_float32, mean_over_ranks, smoothed


@LOSSES.register_module()
class CrossEntropyLoss(ClassLoss):
    """Cross-entropy, averaged over samples that weigh as much as their classes.

    The arguments are those of ClassLoss.
    """

    def forward(
        self,
        cls_score: Tensor,
        label: Tensor,
        ignore_index: int | None = None,
        label_smoothing: float | None = None,
    ) -> Tensor:
        """Compute the loss, 0-dim.

        Args:
            cls_score: (N, K) before softmax.
            label: (N,) class indices, or (N, K) shares of each class.
            ignore_index: clips with this label do not count.
            label_smoothing: replaces label_smooth_eps.

        Raises:
            ValueError: ignore_index together with shares.
        """
        scores, weight = at_least_float32(cls_score), self.weights()
        eps = self.label_smooth_eps if label_smoothing is None else label_smoothing
        has_shares = label.shape == cls_score.shape
        if has_shares:
            label = label.to(scores.dtype)
            if ignore_index is not None:
                raise ValueError(
                    f'ignore_index = {ignore_index} with labels that are shares of classes: '
                    'expected class indices (N,).'
                )
        ignored = -100 if ignore_index is None else ignore_index  # torch's default is no class

        # Without class weights this is torch's own mean.
        if weight is None:
            loss = F.cross_entropy(scores, label, ignore_index=ignored, label_smoothing=eps)
            return self.loss_weight * loss

        # With them, divide by the weights of all ranks' clips.
        weight = weight.to(scores.dtype)
        if has_shares:
            target = smoothed(label, eps) * weight
            total = F.cross_entropy(scores, target, reduction='sum')
            weight_sum = (label * weight).sum()
        else:
            total = F.cross_entropy(
                scores, label, weight, ignore_index=ignored, reduction='sum', label_smoothing=eps
            )
            counted = label if ignore_index is None else label[label != ignored]
            weight_sum = weight[counted].sum()
        return self.loss_weight * total / mean_over_ranks(weight_sum)
