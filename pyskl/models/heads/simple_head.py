"""The head of all networks with one output: class scores and a semantic embedding, each one linear layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ...errors import ConfigError, DataError
from ...registry import HEADS, LOSSES
from ...skeletons import topology_of
from ..losses import topk_accuracies
from ..losses.class_contrast import ClassContrast
from ..losses.class_loss import as_shares
from .base import Head

CROSS_ENTROPY = {'type': 'CrossEntropyLoss'}
EMBEDDING_MSE = {'type': 'MseLoss'}
AXES = {'3D': '(N, D, T, H, W)', '2D': '(N, S, D, H, W)', 'GCN': '(N, M, D, T, V)'}


@HEADS.register_module()
class SimpleHead(Head):
    """Average a network's features, then class scores (after dropout) and a semantic embedding (before).

    I3DHead and GCNHead are the same with other defaults. With `joint_cfg` it is ProtoGCN's head,
    which also trains on the graph that the network learns (ClassContrast).

    Args:
        num_classes, in_channels: K, and the feature's D.
        loss_cls: the loss on class scores.
        loss_emb: the loss on embeddings; None builds no embedding head (plain PYSKL).
        emb_dim: width of the embedding, that of the label vectors.
        dropout: 0..1, the share of pooled features dropped before the class scores; None: 0.5, of
            ProtoGCN's head 0.
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

    components = {'loss_cls': LOSSES, 'loss_emb': LOSSES}
    embedding_keys = ('emb_fc.weight', 'emb_fc.bias')

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
        super().__init__()
        with_graph = joint_cfg is not None
        dropout = (0.0 if with_graph else 0.5) if dropout is None else dropout
        self.mode = mode or ('GCN' if with_graph else '3D')
        if not 0 <= dropout <= 1:
            raise ValueError(f'dropout = {dropout}: expected a number from 0 to 1.')
        for name, value in (
            ('num_classes', num_classes),
            ('in_channels', in_channels),
            ('emb_dim', emb_dim),
        ):
            if value < 1:
                raise ValueError(f'{name} = {value}: expected 1 or more.')
        if weight is not None and not with_graph:
            raise ValueError(
                f"weight = {weight} is of the contrastive loss on the network's graph. Give joint_cfg, "
                'the layout of its joints, too; or leave weight out.'
            )
        self.num_classes, self.in_channels, self.emb_dim = num_classes, in_channels, emb_dim
        self.topk, self.multi_class = tuple(topk), multi_class
        if label_smooth_eps and 'label_smooth_eps' in loss_cls:
            raise ValueError(
                'label_smooth_eps stands in the head and in loss_cls. Leave one of them out.'
            )
        self.label_smooth_eps = label_smooth_eps if multi_class else 0.0
        smooth = (
            {'label_smooth_eps': label_smooth_eps} if label_smooth_eps and not multi_class else {}
        )
        self.loss_cls = LOSSES.build(loss_cls, 'model.cls_head.loss_cls', **smooth)
        where = 'model.cls_head.loss_emb'
        self.loss_emb = None if loss_emb is None else LOSSES.build(loss_emb, where)
        self.has_embedding = loss_emb is not None
        self._check_class_weight()
        self.register_buffer('label_vectors', None, persistent=False)
        self.dropout = nn.Dropout(dropout)
        self.fc_cls = nn.Linear(in_channels, num_classes)
        self.emb_fc = None if loss_emb is None else nn.Linear(in_channels, emb_dim)
        self.csc_loss = None
        if with_graph:
            self.csc_loss = ClassContrast(topology_of(joint_cfg).num_joints, num_classes)
        self.graph_weight = 0.2 if weight is None else weight
        self.init_std = init_std
        self.init_weights()

    @property
    def takes_graph(self) -> bool:
        return self.csc_loss is not None

    def _check_class_weight(self) -> None:
        weight = getattr(self.loss_cls, 'class_weight', None)
        if torch.is_tensor(weight) and len(weight) != self.num_classes:
            raise ValueError(
                f'loss_cls.class_weight has {len(weight)} numbers for num_classes = '
                f'{self.num_classes}. Expected one a class.'
            )

    @property
    def needs_counts(self) -> bool:
        """Does a loss wait for the class counts (see learn_labels)?"""
        return any(getattr(loss, 'needs_counts', False) for loss in (self.loss_cls, self.loss_emb))

    def learn_labels(self, counts: np.ndarray | None, vectors: np.ndarray | None) -> None:
        """Take in what is known of the labels, before training or testing; not part of the state dict.

        Args:
            counts: (K,) clips of each class that training shows, or None. Class weights and logit
                adjustment come from them.
            vectors: (K, emb_dim) label vectors, or None. They are the embedding's targets, and what
                prediction by the embedding compares with.

        Raises:
            ConfigError: for another number of classes or another width.
        """
        vectors = None if self.emb_fc is None else vectors
        for name, value, shape in (
            ('counts', counts, (self.num_classes,)),
            ('vectors', vectors, (self.num_classes, self.emb_dim)),
        ):
            if value is not None and np.shape(value) != shape:
                raise ConfigError(
                    f'cls_head.learn_labels: {name} of shape {np.shape(value)}, expected {shape}.'
                )
        for loss in (self.loss_cls, self.loss_emb):
            if hasattr(loss, 'learn_labels'):
                loss.learn_labels(counts, vectors)
        if vectors is not None:
            self.label_vectors = torch.from_numpy(np.array(vectors, np.float32))
        self.to(self.fc_cls.weight.device)

    def init_weights(self) -> None:
        for layer in (self.fc_cls, self.emb_fc):
            if layer is not None:
                nn.init.normal_(layer.weight, std=self.init_std)
                nn.init.zeros_(layer.bias)

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
        """Compute top1_acc, top5_acc, loss_cls, loss_emb and loss_contrast, 0-dim each.

        Args:
            cls_score: (N, K).
            label: (N,) or (N, 1) class indices, or (N, K) shares of each class.
            emb_score: (N, emb_dim).
            emb: (N, emb_dim) targets of the embedding; None: the label's vector, of shares their
                mean.
            graph: (N, V * V) of a network that learns one, for ProtoGCN's loss.

        Raises:
            DataError: a label outside 0..K-1 (on the CPU; elsewhere the data set has checked it).
            ConfigError: embeddings are trained but there are no label vectors, `emb` has another
                width, or multi_class gets one label a clip.
        """
        shared = label.shape == cls_score.shape
        hard = label.argmax(1) if shared else label.reshape(-1).long()
        label = label if shared else hard
        self._check_range(hard)
        losses = {} if self.multi_class else topk_accuracies(cls_score, hard, self.topk)
        if self.multi_class:
            label = self._several(label, cls_score)
        losses['loss_cls'] = self.loss_cls(cls_score, label)
        if self.csc_loss is not None:
            losses['loss_contrast'] = self.graph_weight * self._contrast(graph, cls_score, hard)
        if self.loss_emb is not None:
            if self.multi_class:  # the mean of its labels' vectors
                label = label / label.sum(1, keepdim=True).clamp(min=1e-6)
            target = (
                label
                if getattr(self.loss_emb, 'on_labels', False)
                else self._emb_target(label, emb)
            )
            losses['loss_emb'] = self.loss_emb(emb_score, target)
        return losses

    def _several(self, label: torch.Tensor, cls_score: torch.Tensor) -> torch.Tensor:
        """Return labels (N, K) of which a clip has several, smoothed."""
        if label.shape != cls_score.shape:
            raise ConfigError(
                f'model.cls_head.multi_class: labels of shape {tuple(label.shape)}; expected (N, '
                f'{self.num_classes}) zeros and ones. Set multi_class=True in the data set, too.'
            )
        eps = self.label_smooth_eps
        return label.to(cls_score.dtype) * (1 - eps) + eps / self.num_classes

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

    def _emb_target(self, label: torch.Tensor, emb: torch.Tensor | None) -> torch.Tensor:
        """Return what embeddings should be, (N, emb_dim).

        `emb`, or the vectors of labels (N,) or shares (N, K).
        """
        if emb is not None:
            return self._checked(emb)
        if self.label_vectors is None:
            raise ConfigError(
                'cls_head trains embeddings (loss_emb), but it knows no label vectors and the '
                "batch has no 'emb'. Give the "
                'data set `label_embeddings`, call model.cls_head.learn_labels(None, vectors) '
                'first, or set '
                'cls_head.loss_emb=None.'
            )
        return self.label_vectors[label] if label.ndim == 1 else label.float() @ self.label_vectors

    def shares(self, label: torch.Tensor) -> torch.Tensor:
        """label as `loss` takes it -> (N, K) float32 shares of each class."""
        scores = self.fc_cls.weight.new_empty((len(label), self.num_classes), dtype=torch.float32)
        if label.shape != scores.shape:
            label = label.reshape(-1).long()
            self._check_range(label)
        return as_shares(label, scores)

    def probabilities(
        self,
        cls_score: torch.Tensor,
        emb_score: torch.Tensor | None,
        semantic_weight: float,
        temperature: float,
        classes: Sequence[int] | None,
    ) -> torch.Tensor:
        """Class scores (N, K) and embeddings (N, emb_dim) blended, (N, K): (1 - w) softmax(scores) + w softmax(cosines / temperature).

        classes  the only ones that can be answered; the others get 0. None: all
        raises   ConfigError when the label vectors are not known (see learn_labels)
        """
        others = None
        if classes is not None:
            others = torch.ones(self.num_classes, dtype=torch.bool, device=cls_score.device)
            others[list(classes)] = False
        total = 0
        if semantic_weight < 1:
            total = (1 - semantic_weight) * _softmax(cls_score, others)
        if semantic_weight > 0:
            if self.label_vectors is None:
                raise ConfigError(
                    'model.test_cfg.semantic_weight compares with the vectors of all labels, and '
                    'this data has none. Give it '
                    '`label_embeddings`, or call model.cls_head.learn_labels(None, vectors) first.'
                )
            cosine = (
                F.normalize(emb_score.float(), dim=1) @ F.normalize(self.label_vectors, dim=1).T
            )
            total = total + semantic_weight * _softmax(cosine / temperature, others)
        return total

    def _check_range(self, label: torch.Tensor) -> None:
        if label.device.type != 'cpu':  # looking would make the host wait for the device
            return
        wrong = label[(label < 0) | (label >= self.num_classes)]
        if len(wrong):
            raise DataError(
                f'label {int(wrong[0])}: expected 0 to {self.num_classes - 1}, as num_classes = '
                f'{self.num_classes} '
                'in cls_head. Correct the annotations or num_classes.'
            )

    def _checked(self, emb: torch.Tensor) -> torch.Tensor:
        if emb.shape[-1] != self.emb_dim:
            raise ConfigError(
                f"the batch's 'emb' has {emb.shape[-1]} dimensions, cls_head.emb_dim = "
                f'{self.emb_dim}. '
                'Set emb_dim to the width of the label embeddings.'
            )
        return emb.reshape(-1, self.emb_dim)


def _softmax(scores: torch.Tensor, others: torch.Tensor | None) -> torch.Tensor:
    """(N, K) -> float32 softmax over the classes that are not `others` (K,), who get 0."""
    scores = scores.float()
    return F.softmax(scores if others is None else scores.masked_fill(others, float('-inf')), 1)
