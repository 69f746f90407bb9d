"""The head of networks with one output: a linear layer each for scores and embedding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from ...errors import ConfigError
from ...registry import HEADS
from ...skeletons import topology_of
from ..layers.stages import check_positive
from ..losses.class_contrast import ClassContrast
from .class_head import (
    CROSS_ENTROPY,
    EMBEDDING_MSE,
    ClassHead,
    check_dropout,
    init_linear,
)

AXES = {'3D': '(N, D, T, H, W)', '2D': '(N, S, D, H, W)', 'GCN': '(N, M, D, T, V)'}


@HEADS.register_module()
class SimpleHead(ClassHead):
    """Class scores (after dropout) and semantic embeddings (before it) from averaged features.

    I3DHead, SlowFastHead, TSNHead and GCNHead are the same with other defaults and one mode. With
    `joint_cfg` it is ProtoGCN's head, which also trains on the graph that the network learns
    (ClassContrast).

    Args:
        num_classes, in_channels: K, and D of the features.
        loss_cls: config of the loss on class scores.
        loss_emb: config of the loss on embeddings; None: no embeddings (plain PYSKL).
        emb_dim: width of embeddings and label vectors.
        dropout: probability, in [0, 1], of dropping a pooled feature before the class scores; None:
            0.5, for graph networks 0.
        init_std: standard deviation of the initial weights of the linear layers.
        mode: the axes of features that are not pooled yet: '3D' (N, D, T, H, W), '2D' (N, S, D, H,
            W) of S frames, 'GCN' (N, M, D, T, V) of M people; None: 'GCN' for ProtoGCN's head, else
            '3D'.
        multi_class: whether a clip has several labels. Then labels are (N, K) zeros and ones, no
            accuracies are reported, and probabilities are sigmoids.
        label_smooth_eps: label smoothing in [0, 1], passed to loss_cls (set it there or here); with
            multi_class labels become (1 - eps) * label + eps / K.
        topk: the accuracies reported in training.
        joint_cfg: for ProtoGCN: the layout of the V joints of the network's graph.
        weight: for ProtoGCN: factor of the contrastive loss; None: 0.2.

    Attributes:
        only_mode: the mode of a subclass that supports a single one.

    Raises:
        ValueError: arguments contradict each other.

    Source: PYSKL, arXiv:2205.09443; the embedding: arXiv:2307.10624; ProtoGCN: arXiv:2411.18941.
    """

    embedding_keys = ('emb_fc.weight', 'emb_fc.bias')
    only_mode: Literal['3D', '2D', 'GCN'] | None = None

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        loss_cls: dict = CROSS_ENTROPY,
        loss_emb: dict | None = EMBEDDING_MSE,
        emb_dim: int = 300,
        dropout: float | None = None,
        init_std: float = 0.01,
        mode: Literal['3D', '2D', 'GCN'] | None = None,
        multi_class: bool = False,
        label_smooth_eps: float = 0.0,
        topk: Sequence[int] = (1, 5),
        joint_cfg: str | dict | None = None,
        weight: float | None = None,
    ):
        super().__init__(
            num_classes, loss_cls, loss_emb, emb_dim, multi_class, label_smooth_eps, topk
        )
        with_graph = joint_cfg is not None
        self.mode = mode or self.only_mode or ('GCN' if with_graph else '3D')
        if self.only_mode not in (None, self.mode):
            raise ValueError(
                f'mode = {mode!r}: expected {self.only_mode!r}. Use SimpleHead for another mode.'
            )
        if weight is not None and not with_graph:
            raise ValueError(
                f"weight = {weight} belongs to the contrastive loss on the network's graph. Also "
                'give joint_cfg, the layout of its joints, or leave weight out.'
            )
        if dropout is None:
            dropout = 0.0 if with_graph or self.only_mode == 'GCN' else 0.5
        check_dropout(dropout)
        check_positive(in_channels=in_channels)
        self.in_channels = in_channels
        self.dropout = nn.Dropout(dropout)
        self.fc_cls = nn.Linear(in_channels, num_classes)
        self.emb_fc = nn.Linear(in_channels, emb_dim) if self.has_embedding else None
        self.csc_loss = None
        if joint_cfg is not None:
            self.csc_loss = ClassContrast(topology_of(joint_cfg).num_joints, num_classes)
        self.graph_weight = 0.2 if weight is None else weight
        init_linear(filter(None, (self.fc_cls, self.emb_fc)), init_std)

    @property
    def takes_graph(self) -> bool:  # type: ignore[override]
        """Whether it is ProtoGCN's head, whose loss takes the graph of the network."""
        return self.csc_loss is not None

    def forward(self, feat: Tensor) -> tuple[Tensor, Tensor | None]:
        """Compute class scores (N, K) before softmax, and embeddings (N, emb_dim) or None.

        Args:
            feat: (N, D) pooled features, or unpooled ones as `pool` takes them.
        """
        pooled = self.pool(feat)  # (N, D)
        emb_score = None if self.emb_fc is None else self.emb_fc(pooled)
        return self.fc_cls(self.dropout(pooled)), emb_score

    def pool(self, feat: Tensor | Sequence[Tensor]) -> Tensor:
        """Average features over all axes but samples and channels, according to `mode`.

        Args:
            feat: features with five axes; or a tuple of them, of which the last is used, in mode
                'GCN' the first; or (N, D), already pooled; or a list of (n, D), one per sample, to
                average over n.

        Returns:
            (N, D).

        Raises:
            ConfigError: features have another number of axes.
        """
        if not isinstance(feat, Tensor):
            if all(part.ndim == 2 for part in feat):
                return torch.stack([part.mean(0) for part in feat])
            feat = feat[0] if self.mode == 'GCN' else feat[-1]
        if feat.ndim not in (2, 5):
            raise ConfigError(
                f'model.cls_head ({type(self).__name__}): the backbone returns features of shape '
                f'{tuple(feat.shape)}. Expected pooled ones (N, D) or maps {AXES[self.mode]}. '
                "Let the backbone's pool() average over all axes but the first two."
            )
        if feat.ndim == 2:
            return feat
        return feat.mean((2, 3, 4)) if self.mode == '3D' else feat.mean((3, 4)).mean(1)

    def loss(
        self,
        cls_score: Tensor,
        label: Tensor,
        emb_score: Tensor | None = None,
        emb: Tensor | None = None,
        graph: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Compute the losses of `class_losses` and, with joint_cfg, loss_contrast, 0-dim each.

        Args:
            cls_score: (N, K) class scores.
            label: see class_losses.
            emb_score: (N, emb_dim) embeddings, or None.
            emb: targets of the embeddings, see class_losses.
            graph: (N, V * V) of a network that learns one, for ProtoGCN's loss.

        Raises:
            ConfigError: the graph is missing; or see class_losses.
        """
        losses = self.class_losses(cls_score, label, emb_score, emb)
        if self.csc_loss is not None:
            if graph is None:
                raise ConfigError(
                    f'model.cls_head ({type(self).__name__}) with joint_cfg contrasts the graph '
                    'that the backbone learns, and this one learns none. Use the backbone '
                    'ProtoGCN, or leave joint_cfg and weight out.'
                )
            _, hard = self.read_labels(label, cls_score)
            losses['loss_contrast'] = self.graph_weight * self.csc_loss(graph, cls_score, hard)
        return losses

    def training_state(self) -> dict[str, Tensor]:
        """Return the class memory of ProtoGCN's loss, if there is one."""
        return {} if self.csc_loss is None else self.csc_loss.training_state()

    def load_training_state(self, state: Mapping[str, Tensor]) -> None:
        """Restore the class memory of ProtoGCN's loss, see ClassContrast."""
        if self.csc_loss is not None:
            self.csc_loss.load_training_state(state)
