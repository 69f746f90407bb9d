"""The contract of a head: from pooled features to class scores and losses."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor, nn

from ...errors import ConfigError
from ...registry import HEADS


class Head(nn.Module, ABC):
    """Class scores from pooled features (N, D), and their losses.

    A head of your own derives from it, registers itself (`@HEADS.register_module()`) and defines
    `forward` and `loss`; what it does not know of, it need not mention.

    Attributes:
        num_classes: K.
        in_channels: D, the width of the pooled feature; of several features, their widths.
        answers: the names of its answers: ('score',), or of several their names. Then scores,
            embeddings and pooled features are dicts by name.
        has_embedding: whether it gives a semantic embedding beside the class scores.
        emb_dim: width of that embedding.
        needs_counts: whether a loss needs the class counts that `learn_labels` brings.
        multi_class: whether a clip has several labels at once, each with a probability of its own.
        takes_graph: whether `loss` also takes `graph`, (N, V * V), of a backbone that learns one.
        embedding_keys: parameters, by name, that only a head with an embedding has; a checkpoint
            tells by them whether it was trained with one.
    """

    num_classes: int
    in_channels: int | tuple[int, ...]
    answers: tuple[str, ...] = ('score',)
    has_embedding: bool = False
    emb_dim: int = 0
    needs_counts: bool = False
    multi_class: bool = False
    takes_graph: bool = False
    embedding_keys: tuple[str, ...] = ()

    @property
    def embedded_answers(self) -> tuple[str, ...]:
        """The answers that have an embedding beside their class scores."""
        return self.answers if self.has_embedding else ()

    @abstractmethod
    def forward(self, features: Tensor | Any) -> tuple[Tensor, Tensor | None]:
        """Compute class scores.

        Args:
            features: (N, D), pooled; a head may also pool maps itself.

        Returns:
            Class scores (N, K) before softmax, and embeddings (N, emb_dim) or None; with several
            `answers` a dict of each.
        """

    def pool(self, features: Any) -> Tensor:
        """Pool a backbone's features to (N, D).

        Asked only where the backbone is no Backbone, which pools itself.
        """
        raise ConfigError(
            f'{type(self).__name__} cannot pool features. Derive the backbone from '
            'pyskl.models.Backbone and give it pool().'
        )

    @abstractmethod
    def loss(
        self,
        cls_score: Tensor,
        label: Tensor,
        emb_score: Tensor | None = None,
        emb: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Compute losses and accuracies by name, 0-dim each.

        Args:
            cls_score: (N, K), as `forward` gives it.
            label: (N,) or (N, 1) class indices, or (N, K) shares of each class.
            emb_score: (N, emb_dim), as `forward` gives it.
            emb: (N, emb_dim) targets of the embedding; None: the label vectors of `label`.
        """

    def learn_labels(self, counts: np.ndarray | None, vectors: np.ndarray | None) -> None:
        """Take in what is known of the labels, before training or testing; not part of the state dict.

        Args:
            counts: (K,) clips of each class that training shows, or None.
            vectors: (K, emb_dim) label vectors, or None.
        """

    def training_state(self) -> dict[str, Tensor]:
        """Return what training goes on from beside the state dict, on every rank the same."""
        return {}

    def load_training_state(self, state: Mapping[str, Tensor]) -> None:
        """Take over what `training_state` gave. ValueError where it does not fit."""


HEADS.contract = Head
