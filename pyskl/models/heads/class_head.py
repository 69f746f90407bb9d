"""What heads with class scores have in common: losses, label vectors, probabilities."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...errors import ConfigError, DataError
from ...registry import LOSSES
from ..losses import topk_accuracies
from ..losses.class_loss import as_shares
from .base import Head

CROSS_ENTROPY = {'type': 'CrossEntropyLoss'}
EMBEDDING_MSE = {'type': 'MseLoss'}


class ClassHead(Head):
    """A head whose linear layers give class scores and, with `loss_emb`, semantic embeddings.

    A subclass makes the layers, draws their weights (`init_linear`), pools, and defines `forward`
    and `loss`.

    Args:
        num_classes: K.
        loss_cls: the loss on class scores.
        loss_emb: the loss on embeddings; None: there are none (plain PYSKL).
        emb_dim: width of an embedding, that of the label vectors.
        multi_class: a clip has several labels at once: labels are (N, K) zeros and ones, no
            accuracies are reported, and probabilities are sigmoids.
        label_smooth_eps: 0..1, handed to loss_cls (say it there or here); with multi_class labels
            become (1 - eps) * label + eps / K.
        topk: the accuracies reported in training.

    Source: PYSKL, arXiv:2205.09443; the embedding: arXiv:2307.10624.
    """

    components = {'loss_cls': LOSSES, 'loss_emb': LOSSES}

    def __init__(
        self,
        num_classes: int,
        loss_cls: dict,
        loss_emb: dict | None,
        emb_dim: int,
        multi_class: bool,
        label_smooth_eps: float,
        topk: Sequence[int],
    ):
        super().__init__()
        check_sizes(num_classes=num_classes, emb_dim=emb_dim)
        self.num_classes, self.emb_dim = num_classes, emb_dim
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
        vectors = vectors if self.has_embedding else None
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
        self.to(next(self.parameters()).device)

    # -- losses ------------------------------------------------------------------------------------

    def class_losses(
        self,
        cls_score: Tensor,
        label: Tensor,
        emb_score: Tensor | None = None,
        emb: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Compute top1_acc, top5_acc, loss_cls and, of embeddings, loss_emb, 0-dim each.

        Args:
            cls_score: (N, K).
            label: (N,) or (N, 1) class indices, or (N, K) shares of each class; of one clip also a
                single index or (K,).
            emb_score: (N, emb_dim), or None where this score has no embedding beside it.
            emb: (N, emb_dim) targets of the embedding; None: the label's vector, of shares their
                mean.

        Raises:
            DataError: a label outside 0..K-1 (on the CPU; elsewhere the data set has checked it).
            ConfigError: embeddings are trained but there are no label vectors, `emb` has another
                width, or multi_class gets one label a clip.
        """
        label, hard = self.read_labels(label, cls_score)
        losses = {} if self.multi_class else topk_accuracies(cls_score, hard, self.topk)
        if self.multi_class:
            label = self._several(label, cls_score)
        losses['loss_cls'] = self.loss_cls(cls_score, label)
        if emb_score is not None:
            if self.multi_class:  # the mean of its labels' vectors
                label = label / label.sum(1, keepdim=True).clamp(min=1e-6)
            target = (
                label
                if getattr(self.loss_emb, 'on_labels', False)
                else self._emb_target(label, emb)
            )
            losses['loss_emb'] = self.loss_emb(emb_score, target)
        return losses

    def read_labels(self, label: Tensor, cls_score: Tensor) -> tuple[Tensor, Tensor]:
        """Return labels as (N,) indices or (N, K) shares, and of shares the largest, (N,)."""
        if len(cls_score) == 1 and label.shape == cls_score.shape[1:] and len(label) > 1:
            label = label[None]
        shared = label.shape == cls_score.shape
        hard = label.argmax(1) if shared else label.reshape(-1).long()
        self._check_range(hard)
        return label if shared else hard, hard

    def _several(self, label: Tensor, cls_score: Tensor) -> Tensor:
        """Return labels (N, K) of which a clip has several, smoothed."""
        if label.shape != cls_score.shape:
            raise ConfigError(
                f'model.cls_head.multi_class: labels of shape {tuple(label.shape)}; expected (N, '
                f'{self.num_classes}) zeros and ones. Set multi_class=True in the data set, too.'
            )
        eps = self.label_smooth_eps
        return label.to(cls_score.dtype) * (1 - eps) + eps / self.num_classes

    def _emb_target(self, label: Tensor, emb: Tensor | None) -> Tensor:
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

    def shares(self, label: Tensor) -> Tensor:
        """label as `loss` takes it -> (N, K) float32 shares of each class."""
        scores = torch.empty((len(label), self.num_classes), device=label.device)
        if label.shape != scores.shape:
            label = label.reshape(-1).long()
            self._check_range(label)
        return as_shares(label, scores)

    def _check_range(self, label: Tensor) -> None:
        if label.device.type != 'cpu':  # looking would make the host wait for the device
            return
        wrong = label[(label < 0) | (label >= self.num_classes)]
        if len(wrong):
            raise DataError(
                f'label {int(wrong[0])}: expected 0 to {self.num_classes - 1}, as num_classes = '
                f'{self.num_classes} '
                'in cls_head. Correct the annotations or num_classes.'
            )

    def _checked(self, emb: Tensor) -> Tensor:
        if emb.shape[-1] != self.emb_dim:
            raise ConfigError(
                f"the batch's 'emb' has {emb.shape[-1]} dimensions, cls_head.emb_dim = "
                f'{self.emb_dim}. '
                'Set emb_dim to the width of the label embeddings.'
            )
        return emb.reshape(-1, self.emb_dim)

    # -- testing -----------------------------------------------------------------------------------

    def probabilities(
        self,
        cls_score: Tensor,
        emb_score: Tensor | None,
        semantic_weight: float,
        temperature: float,
        classes: Sequence[int] | None,
    ) -> Tensor:
        """Blend class scores and embeddings: (1 - w) softmax(scores) + w softmax(cosines / temperature).

        Args:
            cls_score, emb_score: (N, K) and (N, emb_dim).
            semantic_weight: w, 0..1.
            temperature: above 0.
            classes: the only ones that can be answered; the others get 0. None: all.

        Returns:
            (N, K) float32 probabilities.

        Raises:
            ConfigError: when the label vectors are not known (see learn_labels).
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


def init_linear(layers: Iterable[nn.Linear], std: float) -> None:
    """Draw normal weights, and set biases to 0."""
    for layer in layers:
        nn.init.normal_(layer.weight, std=std)
        nn.init.zeros_(layer.bias)


def check_sizes(**sizes: int) -> None:
    """Raise ValueError unless each is at least 1."""
    for name, value in sizes.items():
        if value < 1:
            raise ValueError(f'{name} = {value}: expected 1 or more.')


def check_dropout(dropout: float) -> None:
    """Raise ValueError unless it is a share."""
    if not 0 <= dropout <= 1:
        raise ValueError(f'dropout = {dropout}: expected a number from 0 to 1.')


def _softmax(scores: Tensor, others: Tensor | None) -> Tensor:
    """(N, K) -> float32 softmax over the classes that are not `others` (K,), who get 0."""
    scores = scores.float()
    return F.softmax(scores if others is None else scores.masked_fill(others, float('-inf')), 1)
