"""Logit adjustment: in training, rare classes must win by a margin."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ...registry import LOSSES
from .class_loss import at_least_float32, missing_counts
from .class_weights import at_least_one
from .cross_entropy import CrossEntropyLoss


@LOSSES.register_module()
class LogitAdjustedLoss(CrossEntropyLoss):
    """Cross-entropy of the scores plus tau times the log of each class's share of training clips.

    Testing uses the scores without the adjustment. The other arguments are those of ClassLoss.

    Args:
        tau: 0 or more. 1 aims at the mean class accuracy; 0 is cross-entropy.

    Raises:
        ValueError: tau is out of range.

    Source: Long-tail learning via logit adjustment, arXiv:2007.07314, equation 10.
    """

    adjustment: Tensor | None

    def __init__(self, loss_weight: float = 1.0, tau: float = 1.0, label_smooth_eps: float = 0.0):
        super().__init__(loss_weight, label_smooth_eps=label_smooth_eps)
        if not 0 <= tau < float('inf'):
            raise ValueError(f'tau = {tau}: expected 0 or more, e.g. 1.0.')
        self.tau = tau
        self.register_buffer('adjustment', None, persistent=False)

    @property
    def needs_counts(self) -> bool:
        """Always True: the adjustment is computed from the class counts."""
        return True

    def learn_labels(self, counts: np.ndarray | None, table: np.ndarray | None) -> None:
        """Compute the adjustment from the class counts, see ClassLoss.learn_labels."""
        if counts is not None:
            counts = at_least_one(counts)
            adjustment = self.tau * np.log(counts / counts.sum())
            self.adjustment = torch.tensor(adjustment, dtype=torch.float32)

    def forward(  # type: ignore[override]
        self, cls_score: Tensor, label: Tensor
    ) -> Tensor:
        """Compute the loss, 0-dim.

        Args:
            cls_score: (N, K) before softmax.
            label: (N,) class indices, or (N, K) shares of each class.

        Raises:
            ConfigError: the class counts are not known.
        """
        if self.adjustment is None:
            raise missing_counts(self, f'tau={self.tau}')
        return super().forward(at_least_float32(cls_score) + self.adjustment, label)
