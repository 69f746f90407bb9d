"""The semantic embedding trained as a classifier over the label vectors."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...errors import ConfigError
from ...registry import LOSSES


@LOSSES.register_module()
class ContrastiveLoss(nn.Module):
    """Cross-entropy of softmax(cosine(embedding, each label vector) / temperature).

    Classes without a training clip are left out of the comparison: training would only push them
    away, which harms zero-shot prediction by their names.

    Args:
        loss_weight: factor of the loss.
        temperature: divisor of the cosines, above 0.

    Attributes:
        on_labels: tells the head to pass labels instead of the label's vector.
        table: (P, D) unit label vectors of the P classes that have training clips.
        compared: (P,) their class indices.
        place: (K,) the position of each class in `compared`.

    Raises:
        ValueError: the temperature is out of range.

    Source: CLIP, arXiv:2103.00020.
    """

    on_labels = True
    table: Tensor | None
    compared: Tensor
    place: Tensor

    def __init__(self, loss_weight: float = 1.0, temperature: float = 0.1):
        super().__init__()
        if not 0 < temperature < float('inf'):
            raise ValueError(f'temperature = {temperature}: expected a number above 0, e.g. 0.1.')
        self.loss_weight, self.temperature = loss_weight, temperature
        for name in ('table', 'compared', 'place'):
            self.register_buffer(name, None, persistent=False)

    def learn_labels(self, counts: np.ndarray | None, table: np.ndarray | None) -> None:
        """Take the label vectors to compare with.

        Args:
            counts: (K,) training clips of each class; None: compare with all classes.
            table: (K, D) label vectors; None changes nothing.
        """
        if table is None:
            return
        present = np.ones(len(table), bool) if counts is None else np.asarray(counts) > 0
        self.compared = torch.from_numpy(np.flatnonzero(present))
        self.place = torch.from_numpy(np.cumsum(present) - 1)
        vectors = torch.from_numpy(np.asarray(table, np.float32))
        self.table = F.normalize(vectors[self.compared], dim=1)

    def forward(self, emb_score: Tensor, label: Tensor) -> Tensor:
        """Compute the loss, 0-dim.

        Args:
            emb_score: (N, D) embeddings.
            label: (N,) class indices, or (N, K) shares of each class.

        Raises:
            ConfigError: the label vectors are not known.
        """
        if self.table is None:
            raise ConfigError(
                'ContrastiveLoss compares with the vectors of all labels, and the training data '
                'has none. Give a data set with `label_embeddings`, or call '
                'model.cls_head.learn_labels(None, table) first.'
            )
        cosine = F.normalize(emb_score.float(), dim=1) @ self.table.T  # (N, P)
        target = self.place[label] if label.ndim == 1 else label.float()[:, self.compared]
        return self.loss_weight * F.cross_entropy(cosine / self.temperature, target)
