"""The head of all networks with one output: class scores and a semantic embedding, each one linear layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import nn

from ...errors import ConfigError
from ...registry import HEADS
from ...skeletons import topology_of
from ..losses.class_contrast import ClassContrast
from .class_head import (
    CROSS_ENTROPY,
    EMBEDDING_MSE,
    ClassHead,
    check_dropout,
    check_sizes,
    init_linear,
)

AXES = {'3D': '(N, D, T, H, W)', '2D': '(N, S, D, H, W)', 'GCN': '(N, M, D, T, V)'}


@HEADS.register_module()
class SimpleHead(ClassHead):
    """Average a network's features, then class scores (after dropout) and a semantic embedding (before).

    I3DHead, SlowFastHead, TSNHead and GCNHead are the same with other defaults and one mode. With
    `joint_cfg` it is ProtoGCN's head, which also trains on the graph that the network learns
    (ClassContrast).

    Args:
        num_classes, in_channels: K, and the feature's D.
        loss_cls: the loss on class scores.
        loss_emb: the loss on embeddings; None builds no embedding head (plain PYSKL).
        emb_dim: width of the embedding, that of the label vectors.
        dropout: 0..1, the share of pooled features dropped before the class scores; None: 0.5, of
            graph networks 0.
        init_std: of the linear layers' normal start.
        mode: the axes of features that nobody has pooled yet: '3D' (N, D, T, H, W), '2D' (N, S, D,
            H, W) of S frames, 'GCN' (N, M, D, T, V) of M people; None: '3D', of ProtoGCN's head
            'GCN'.
        multi_class: a clip has several labels at once: labels are (N, K) zeros and ones, no
            accuracies are reported, and probabilities are sigmoids.
        label_smooth_eps: 0..1, handed to loss_cls (say it there or here); with multi_class labels
            become (1 - eps) * label + eps / K.
        topk: the accuracies reported in training.
        joint_cfg: ProtoGCN's: the layout whose V joints the network's graph joins.
        weight: ProtoGCN's: of the contrastive loss, beside the class loss.

    Source: PYSKL, arXiv:2205.09443; the embedding: arXiv:2307.10624; ProtoGCN: arXiv:2411.18941.
    """

    embedding_keys = ('emb_fc.weight', 'emb_fc.bias')
    only_mode: str | None = None  # of a class that knows one mode

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
                f'mode = {mode!r}: expected {self.only_mode!r}. Take SimpleHead for another.'
            )
        if weight is not None and not with_graph:
            raise ValueError(
                f"weight = {weight} is of the contrastive loss on the network's graph. Give joint_cfg, "
                'the layout of its joints, too; or leave weight out.'
            )
        if dropout is None:
            dropout = 0.0 if with_graph or self.only_mode == 'GCN' else 0.5
        check_dropout(dropout)
        check_sizes(in_channels=in_channels)
        self.in_channels = in_channels
        self.dropout = nn.Dropout(dropout)
        self.fc_cls = nn.Linear(in_channels, num_classes)
        self.emb_fc = nn.Linear(in_channels, emb_dim) if self.has_embedding else None
        self.csc_loss = None
        if with_graph:
            self.csc_loss = ClassContrast(topology_of(joint_cfg).num_joints, num_classes)
        self.graph_weight = 0.2 if weight is None else weight
        init_linear(filter(None, (self.fc_cls, self.emb_fc)), init_std)

    @property
    def takes_graph(self) -> bool:
        return self.csc_loss is not None

    def forward(self, feat: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Compute class scores (N, K) before softmax, and embeddings (N, emb_dim) or None without loss_emb.

        Args:
            feat: (N, D) pooled; or what `pool` takes, which is pooled first.
        """
        pooled = self.pool(feat)  # (N, D)
        emb_score = None if self.emb_fc is None else self.emb_fc(pooled)
        return self.fc_cls(self.dropout(pooled)), emb_score

    def pool(self, feat: torch.Tensor | Sequence[torch.Tensor]) -> torch.Tensor:
        """Average features over all axes but samples and channels, as `mode` says.

        Args:
            feat: features of five axes; a tuple of such, of which a graph network's first counts and
                others' last; (N, D) pooled already, which stay as they are; or a list of (n, D), one
                for each sample, each of which is averaged over n.

        Returns:
            (N, D).

        Raises:
            ConfigError: features of other axes.
        """
        if not isinstance(feat, torch.Tensor):
            if all(part.ndim == 2 for part in feat):
                return torch.stack([part.mean(0) for part in feat])
            feat = feat[0] if self.mode == 'GCN' else feat[-1]
        if feat.ndim not in (2, 5):
            raise ConfigError(
                f'model.cls_head ({type(self).__name__}): the backbone gives features of shape '
                f'{tuple(feat.shape)}. Expected pooled ones (N, D), or maps {AXES[self.mode]}. '
                "Let the backbone's pool() average over all axes but the first two."
            )
        if feat.ndim == 2:
            return feat
        return feat.mean((2, 3, 4)) if self.mode == '3D' else feat.mean((3, 4)).mean(1)

    def loss(
        self,
        cls_score: torch.Tensor,
        label: torch.Tensor,
        emb_score: torch.Tensor | None = None,
        emb: torch.Tensor | None = None,
        graph: torch.Tensor | None = None,
    ) -> dict[str, torch.Tensor]:
        """Compute the losses of `class_losses` and, with joint_cfg, loss_contrast, 0-dim each.

        Args:
            cls_score, label, emb_score, emb: see class_losses.
            graph: (N, V * V) of a network that learns one, for ProtoGCN's loss.
        """
        losses = self.class_losses(cls_score, label, emb_score, emb)
        if self.csc_loss is not None:
            _, hard = self.read_labels(label, cls_score)
            losses['loss_contrast'] = self.graph_weight * self._contrast(graph, cls_score, hard)
        return losses

    def _contrast(
        self, graph: torch.Tensor | None, cls_score: torch.Tensor, hard: torch.Tensor
    ) -> torch.Tensor:
        if graph is None:
            raise ConfigError(
                f'model.cls_head ({type(self).__name__}) with joint_cfg contrasts the graph that the '
                'backbone learns, and this one gives none. Take the backbone ProtoGCN, or leave '
                'joint_cfg and weight out.'
            )
        return self.csc_loss(graph, cls_score, hard)

    def training_state(self) -> dict[str, torch.Tensor]:
        return {} if self.csc_loss is None else self.csc_loss.training_state()

    def load_training_state(self, state: Mapping[str, torch.Tensor]) -> None:
        if self.csc_loss is not None:
            self.csc_loss.load_training_state(state)
