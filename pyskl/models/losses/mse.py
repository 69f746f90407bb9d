"""The semantic embedding's loss: Joint Skeletal and Semantic Embedding Learning, arXiv:2307.10624, section 3.2."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from ...registry import LOSSES


@LOSSES.register_module()
class MseLoss(nn.Module):
    """loss_weight times the mean squared difference of two embeddings, over samples and dimensions."""

    def __init__(self, loss_weight: float = 20.0):
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, emb_score: torch.Tensor, emb: torch.Tensor) -> torch.Tensor:
        """emb_score (N, D) as the head gives it, emb (N, D) the vector of each sample's label -> 0-dim."""
        return self.loss_weight * F.mse_loss(
            emb_score.float(), emb.to(emb_score.device, torch.float32)
        )
