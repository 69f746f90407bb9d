"""Two linear heads on the pooled feature.

Joint Skeletal and Semantic Embedding Learning, arXiv:2307.10624, section 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ...errors import ConfigError, DataError
from ...registry import HEADS, LOSSES
from ..losses import topk_accuracies
from ..losses.class_loss import as_shares
from .base import Head

CROSS_ENTROPY = {'type': 'CrossEntropyLoss'}
EMBEDDING_MSE = {'type': 'MseLoss'}


@HEADS.register_module()
class I3DHead(Head):
    """Average over frames and pixels, then class scores (after dropout) and a semantic embedding (before dropout).

    num_classes, in_channels   K and the feature's D
    loss_cls                   the loss on class scores
    loss_emb                   the loss on embeddings; None builds no embedding head (plain PYSKL)
    emb_dim                    width of the embedding, that of the label vectors
    dropout                    0..1, the share of pooled features dropped before the class scores
    init_std                   of the linear layers' normal start
    mode                       '3D': the feature is a volume
    label_smooth_eps           0..1, handed to loss_cls (say it there or here)
    topk                       the accuracies reported in training
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
        dropout: float = 0.5,
        init_std: float = 0.01,
        mode: Literal['3D'] = '3D',
        label_smooth_eps: float = 0.0,
        topk: Sequence[int] = (1, 5),
    ):
        super().__init__()
        if not 0 <= dropout <= 1:
            raise ValueError(f'dropout = {dropout}: expected a number from 0 to 1.')
        for name, value in (
            ('num_classes', num_classes),
            ('in_channels', in_channels),
            ('emb_dim', emb_dim),
        ):
            if value < 1:
                raise ValueError(f'{name} = {value}: expected 1 or more.')
        self.num_classes, self.in_channels, self.emb_dim, self.topk = (
            num_classes,
            in_channels,
            emb_dim,
            tuple(topk),
        )
        if label_smooth_eps and 'label_smooth_eps' in loss_cls:
            raise ValueError(
                'label_smooth_eps stands in the head and in loss_cls. Leave one of them out.'
            )
        smooth = {'label_smooth_eps': label_smooth_eps} if label_smooth_eps else {}
        self.loss_cls = LOSSES.build(loss_cls, 'model.cls_head.loss_cls', **smooth)
        where = 'model.cls_head.loss_emb'
        self.loss_emb = None if loss_emb is None else LOSSES.build(loss_emb, where)
        self.has_embedding = loss_emb is not None
        self._check_class_weight()
        self.register_buffer('label_vectors', None, persistent=False)
        self.dropout = nn.Dropout(dropout)
        self.fc_cls = nn.Linear(in_channels, num_classes)
        self.emb_fc = None if loss_emb is None else nn.Linear(in_channels, emb_dim)
        self.init_std = init_std
        self.init_weights()

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
            feat: (N, D) pooled; or maps (N, D, T, H, W), or a tuple of such, which are pooled first.
        """
        pooled = self.pool(feat)  # (N, D)
        emb_score = None if self.emb_fc is None else self.emb_fc(pooled)
        return self.fc_cls(self.dropout(pooled)), emb_score

    def pool(self, feat: torch.Tensor | Sequence[torch.Tensor]) -> torch.Tensor:
        """Average maps (N, D, T, H, W), of a tuple the last, over frames and pixels.

        Pooled features (N, D) stay as they are.

        Raises:
            ConfigError: neither such maps nor pooled features (N, D).
        """
        feat = feat if isinstance(feat, torch.Tensor) else feat[-1]
        if feat.ndim not in (2, 5):
            raise ConfigError(
                'model.cls_head (I3DHead): the backbone gives features of shape '
                f'{tuple(feat.shape)}. Expected pooled ones (N, D), or maps (N, D, T, H, W). '
                "Let the backbone's pool() average over all axes but the first two."
            )
        return feat if feat.ndim == 2 else feat.mean((2, 3, 4))

    def loss(
        self,
        cls_score: torch.Tensor,
        label: torch.Tensor,
        emb_score: torch.Tensor | None = None,
        emb: torch.Tensor | None = None,
    ) -> dict[str, torch.Tensor]:
        """{'top1_acc', 'top5_acc', 'loss_cls', 'loss_emb'}: 0-dim tensors; the sum of the losses is what is trained on.

        label   (N,) or (N, 1) class indices, or (N, K) shares of each class
        emb     (N, emb_dim) targets of the embedding; None: the label's vector, of shares their mean
        raises  DataError for a label outside 0..K-1 (on the CPU; elsewhere the data set has checked it), ConfigError
                when embeddings are trained but there are no label vectors, or `emb` has another width
        """
        mixed = label.shape == cls_score.shape
        hard = label.argmax(1) if mixed else label.reshape(-1).long()
        label = label if mixed else hard
        self._check_range(hard)
        losses = topk_accuracies(cls_score, hard, self.topk)
        losses['loss_cls'] = self.loss_cls(cls_score, label)
        if self.loss_emb is not None:
            target = (
                label
                if getattr(self.loss_emb, 'on_labels', False)
                else self._emb_target(label, emb)
            )
            losses['loss_emb'] = self.loss_emb(emb_score, target)
        return losses

    def _emb_target(self, label: torch.Tensor, emb: torch.Tensor | None) -> torch.Tensor:
        """Return what embeddings should be, (N, emb_dim).

        `emb`, or the vectors of labels (N,) or shares (N, K).
        """
        if emb is not None:
            return self._checked(emb)
        if self.label_vectors is None:
            raise ConfigError(
                "cls_head trains embeddings (loss_emb), but it knows no label vectors and the "
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
                f"{self.emb_dim}. "
                'Set emb_dim to the width of the label embeddings.'
            )
        return emb.reshape(-1, self.emb_dim)


def _softmax(scores: torch.Tensor, others: torch.Tensor | None) -> torch.Tensor:
    """(N, K) -> float32 softmax over the classes that are not `others` (K,), who get 0."""
    scores = scores.float()
    return F.softmax(scores if others is None else scores.masked_fill(others, float('-inf')), 1)
