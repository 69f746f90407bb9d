"""The semantic embedding's loss by angle alone; the length of a vector does not count."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...registry import LOSSES


@LOSSES.register_module()
class CosineLoss(nn.Module):
    """Mean of 1 - cosine(embedding, label vector) over samples.

    Args:
        loss_weight: factor of the loss.

    Source: the similarity of DeViSE (Frome et al., NeurIPS 2013), without its margin.
    """

    def __init__(self, loss_weight: float = 1.0):
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, emb_score: Tensor, emb: Tensor) -> Tensor:
        """Compare embeddings (N, D) with their label vectors (N, D): 0-dim loss."""
        target = emb.to(emb_score.device, torch.float32)
        return self.loss_weight * (1 - F.cosine_similarity(emb_score.float(), target)).mean()
