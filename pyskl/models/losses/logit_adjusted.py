"""Logit adjustment: rare classes must win by a margin in training. Menon et al. 2021, arXiv:2007.07314, section 4.2 (equation 10)."""

from __future__ import annotations

import numpy as np
import torch

from ...registry import LOSSES
from .class_loss import in_full, missing_counts
from .class_weights import at_least_one
from .cross_entropy import CrossEntropyLoss


@LOSSES.register_module()
class LogitAdjustedLoss(CrossEntropyLoss):
    """Cross-entropy of the scores plus tau times the log of each class's share of the training clips.

    tau   from 0 on; 1 aims at the mean-class accuracy, 0 is cross-entropy. The scores themselves are used in testing
    """

    def __init__(self, loss_weight: float = 1.0, tau: float = 1.0, label_smooth_eps: float = 0.0):
        super().__init__(loss_weight, None, label_smooth_eps)
        if not 0 <= tau < float('inf'):
            raise ValueError(f'tau = {tau}: expected a number from 0 on, e.g. 1.0.')
        self.tau = tau
        self.register_buffer('adjustment', None, persistent=False)

    @property
    def needs_counts(self) -> bool:
        return True

    def learn_labels(self, counts: np.ndarray | None, table: np.ndarray | None) -> None:
        if counts is not None:
            counts = at_least_one(counts)
            self.adjustment = torch.tensor(
                self.tau * np.log(counts / counts.sum()), dtype=torch.float32
            )

    def forward(self, cls_score: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        """cls_score (N, K) before softmax; label (N,) class indices, or (N, K) shares of each class -> 0-dim."""
        if self.adjustment is None:
            raise missing_counts(self, f'tau={self.tau}')
        return super().forward(in_full(cls_score) + self.adjustment, label)
