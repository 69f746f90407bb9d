"""Mean squared error of the semantic embedding."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...registry import LOSSES


@LOSSES.register_module()
class MseLoss(nn.Module):
    """Mean squared difference of embedding and label vector, over samples and dimensions.

    Args:
        loss_weight: factor of the loss.

    Source: Joint skeletal and semantic embedding learning, arXiv:2307.10624, section 3.2.
    """

    def __init__(self, loss_weight: float = 20.0):
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, emb_score: Tensor, emb: Tensor) -> Tensor:
        """Compare embeddings (N, D) with their label vectors (N, D): 0-dim loss."""
        target = emb.to(emb_score.device, torch.float32)
        return self.loss_weight * F.mse_loss(emb_score.float(), target)
