"""The semantic embedding's loss by angle alone: the length of a label's vector says nothing."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from ...registry import LOSSES


@LOSSES.register_module()
class CosineLoss(nn.Module):
    """loss_weight times the mean of 1 - cosine(embedding, label's vector). DeViSE's similarity (Frome et al. 2013), without margin."""

    def __init__(self, loss_weight: float = 1.0):
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, emb_score: torch.Tensor, emb: torch.Tensor) -> torch.Tensor:
        """emb_score (N, D) as the head gives it, emb (N, D) the vector of each sample's label -> 0-dim."""
        return (
            self.loss_weight
            * (
                1 - F.cosine_similarity(emb_score.float(), emb.to(emb_score.device, torch.float32))
            ).mean()
        )
