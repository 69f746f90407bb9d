"""The semantic embedding as a classifier: which label's vector does it point at? CLIP, Radford et al. 2021, arXiv:2103.00020."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ...errors import ConfigError
from ...registry import LOSSES


@LOSSES.register_module()
class ContrastiveLoss(nn.Module):
    """loss_weight times the cross-entropy of softmax(cosine(embedding, every label's vector) / temperature).

    Classes without a training clip are left out of the comparison: they would only be pushed away, and zero-shot prediction
    by their names would suffer.
    """

    on_labels = True  # the head hands it labels instead of each label's vector

    def __init__(self, loss_weight: float = 1.0, temperature: float = 0.1):
        super().__init__()
        if not 0 < temperature < float('inf'):
            raise ValueError(f'temperature = {temperature}: expected a number above 0, e.g. 0.1.')
        self.loss_weight, self.temperature = loss_weight, temperature
        for name in ('table', 'compared', 'place'):
            self.register_buffer(name, None, persistent=False)

    def learn_labels(self, counts: np.ndarray | None, table: np.ndarray | None) -> None:
        """counts (K,): training clips of each class, None: all are compared; table (K, D): a vector for each label."""
        if table is None:
            return
        present = np.ones(len(table), bool) if counts is None else np.asarray(counts) > 0
        self.compared = torch.from_numpy(np.flatnonzero(present))  # (P,)
        self.place = torch.from_numpy(
            np.cumsum(present) - 1
        )  # (K,) class -> where it stands in `compared`
        self.table = F.normalize(
            torch.from_numpy(np.asarray(table, np.float32))[self.compared], dim=1
        )

    def forward(self, emb_score: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        """emb_score (N, D) as the head gives it; label (N,) class indices, or (N, K) shares of each class -> 0-dim."""
        if self.table is None:
            raise ConfigError(
                'ContrastiveLoss compares with the vectors of all labels, and the training data has none. Give a data set '
                'with `label_embeddings`, or call model.cls_head.learn_labels(None, table) first.'
            )
        similarity = (
            F.normalize(emb_score.float(), dim=1) @ self.table.T / self.temperature
        )  # (N, P)
        target = self.place[label] if label.ndim == 1 else label.float()[:, self.compared]
        return self.loss_weight * F.cross_entropy(similarity, target)
