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
    `forward` and `loss`; it need not mention features that it does not support.

    Attributes:
        num_classes: K.
        in_channels: D, the width of the pooled features; a tuple if there are several.
        answers: the names of its answers, ('score',) for a single one. With several, scores,
            embeddings and pooled features are dicts by name.
        has_embedding: whether it gives a semantic embedding beside the class scores.
        emb_dim: width of that embedding.
        needs_counts: whether a loss needs the class counts that `learn_labels` brings.
        multi_class: whether a clip has several labels, each with its own probability.
        takes_graph: whether `loss` also takes `graph`, (N, V * V), of a backbone that learns one.
        embedding_keys: names of parameters that only a head with an embedding has; they tell
            whether a checkpoint was trained with one.
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
    def forward(self, features: Any) -> tuple[Any, Any]:
        """Compute class scores.

        Args:
            features: (N, D), pooled; a head may also accept and pool maps.

        Returns:
            Class scores (N, K) before softmax, and embeddings (N, emb_dim) or None; both are dicts
            if there are several `answers`.
        """

    def pool(self, features: Any) -> Tensor | dict[str, Tensor]:
        """Pool the features of a backbone to (N, D).

        Called only if the backbone does not derive from Backbone, which pools itself.

        Raises:
            ConfigError: the head cannot pool.
        """
        raise ConfigError(
            f'{type(self).__name__} cannot pool features. Derive the backbone from '
            'pyskl.models.Backbone and give it pool().'
        )

    @abstractmethod
    def loss(
        self,
        cls_score: Any,
        label: Tensor,
        emb_score: Any = None,
        emb: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Compute losses and accuracies by name, 0-dim each.

        Args:
            cls_score: (N, K) scores that `forward` returns, a dict with several `answers`.
            label: (N,) or (N, 1) class indices, or (N, K) shares of each class.
            emb_score: (N, emb_dim) embeddings that `forward` returns.
            emb: (N, emb_dim) targets of the embedding; None: the label vectors of `label`.
        """

    def learn_labels(self, counts: np.ndarray | None, vectors: np.ndarray | None) -> None:
        """Take class counts and label vectors, before training or testing.

        They do not become part of the state dict.

        Args:
            counts: (K,) training clips of each class, or None.
            vectors: (K, emb_dim) label vectors, or None.
        """

    def training_state(self) -> dict[str, Tensor]:
        """Return what a resumed run needs in addition to the state dict; the same on every rank."""
        return {}

    def load_training_state(self, state: Mapping[str, Tensor]) -> None:
        """Restore what `training_state` returned.

        Raises:
            ValueError: it does not fit.
        """


HEADS.contract = Head
