"""The base of heads with class scores: losses, label vectors, probabilities."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...errors import ConfigError, DataError
from ...registry import LOSSES
from ..layers.stages import check_positive
from ..losses import topk_accuracies
from ..losses.class_loss import as_shares, smoothed
from .base import Head

CROSS_ENTROPY = {'type': 'CrossEntropyLoss'}
EMBEDDING_MSE = {'type': 'MseLoss'}


class ClassHead(Head):
    """A head whose linear layers give class scores and, with `loss_emb`, semantic embeddings.

    A subclass builds the layers, initialises them (`init_linear`), and defines `pool`, `forward`
    and `loss`.

    Args:
        num_classes: K.
        loss_cls: config of the loss on class scores.
        loss_emb: config of the loss on embeddings; None: no embeddings (plain PYSKL).
        emb_dim: width of embeddings and label vectors.
        multi_class: whether a clip has several labels. Then labels are (N, K) zeros and ones, no
            accuracies are reported, and probabilities are sigmoids.
        label_smooth_eps: label smoothing in [0, 1], passed to loss_cls (set it there or here); with
            multi_class labels become (1 - eps) * label + eps / K.
        topk: the accuracies reported in training.

    Raises:
        ValueError: a number is out of range, label_smooth_eps is set twice, or the number of class
            weights is not K.

    Source: PYSKL, arXiv:2205.09443; the embedding: arXiv:2307.10624.
    """

    components = {'loss_cls': LOSSES, 'loss_emb': LOSSES}
    label_vectors: Tensor | None

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
        check_positive(num_classes=num_classes, emb_dim=emb_dim)
        self.num_classes, self.emb_dim = num_classes, emb_dim
        self.topk, self.multi_class = tuple(topk), multi_class
        if label_smooth_eps and 'label_smooth_eps' in loss_cls:
            raise ValueError(
                'label_smooth_eps is set in the head and in loss_cls. Leave one of them out.'
            )
        self.label_smooth_eps = label_smooth_eps if multi_class else 0.0
        smooth = (
            {'label_smooth_eps': label_smooth_eps} if label_smooth_eps and not multi_class else {}
        )
        self.loss_cls = LOSSES.build(loss_cls, 'model.cls_head.loss_cls', **smooth)
        where = 'model.cls_head.loss_emb'
        self.loss_emb = None if loss_emb is None else LOSSES.build(loss_emb, where)
        self.has_embedding = loss_emb is not None
        weight = getattr(self.loss_cls, 'class_weight', None)
        if torch.is_tensor(weight) and len(weight) != num_classes:
            raise ValueError(
                f'loss_cls.class_weight has {len(weight)} numbers for num_classes = '
                f'{num_classes}. Expected one per class.'
            )
        self.register_buffer('label_vectors', None, persistent=False)

    @property
    def needs_counts(self) -> bool:  # type: ignore[override]
        """Whether a loss needs the class counts (see learn_labels)."""
        return any(getattr(loss, 'needs_counts', False) for loss in (self.loss_cls, self.loss_emb))

    def learn_labels(self, counts: np.ndarray | None, vectors: np.ndarray | None) -> None:
        """Take class counts and label vectors, before training or testing.

        They do not become part of the state dict.

        Args:
            counts: (K,) training clips of each class, or None; for class weights and logit
                adjustment.
            vectors: (K, emb_dim) label vectors, or None; the targets of embeddings, and what
                predictions by embedding compare with.

        Raises:
            ConfigError: the number of classes or the width differs from the head's.
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
        for loss in filter(None, (self.loss_cls, self.loss_emb)):
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
        """Compute top1_acc, top5_acc, loss_cls and, with an embedding, loss_emb, 0-dim each.

        Args:
            cls_score: (N, K).
            label: (N,) or (N, 1) class indices, or (N, K) shares of each class; for one clip also a
                single index or (K,).
            emb_score: (N, emb_dim), or None if this score has no embedding.
            emb: (N, emb_dim) targets of the embedding; None: the label vectors, for shares their
                mean.

        Raises:
            DataError: a label is outside 0..K-1 (checked on the CPU only, where it costs no
                synchronisation).
            ConfigError: embeddings are trained without label vectors, `emb` has another width, or
                multi_class gets one label per clip.
        """
        label, hard = self.read_labels(label, cls_score)
        losses = {} if self.multi_class else topk_accuracies(cls_score, hard, self.topk)
        if self.multi_class:
            label = self._several_labels(label, cls_score)
        losses['loss_cls'] = self.loss_cls(cls_score, label)

        if emb_score is not None and self.loss_emb is not None:
            if self.multi_class:  # the target is the mean of the label vectors
                label = label / label.sum(1, keepdim=True).clamp(min=1e-6)
            on_labels = getattr(self.loss_emb, 'on_labels', False)
            target = label if on_labels else self._embedding_target(label, emb)
            losses['loss_emb'] = self.loss_emb(emb_score, target)
        return losses

    def read_labels(self, label: Tensor, cls_score: Tensor) -> tuple[Tensor, Tensor]:
        """Return labels as (N,) indices or (N, K) shares, and the largest share's class, (N,).

        Args:
            label: as `class_losses` takes them.
            cls_score: (N, K).

        Raises:
            DataError: a label is outside 0..K-1.
        """
        if len(cls_score) == 1 and label.shape == cls_score.shape[1:] and len(label) > 1:
            label = label[None]
        has_shares = label.shape == cls_score.shape
        hard = label.argmax(1) if has_shares else label.reshape(-1).long()
        self._check_range(hard)
        return label if has_shares else hard, hard

    def _several_labels(self, label: Tensor, cls_score: Tensor) -> Tensor:
        """Return the labels of clips with several of them, (N, K), smoothed."""
        if label.shape != cls_score.shape:
            raise ConfigError(
                f'model.cls_head.multi_class: labels of shape {tuple(label.shape)}; expected (N, '
                f'{self.num_classes}) zeros and ones. Set multi_class=True in the data set as well.'
            )
        return smoothed(label.to(cls_score.dtype), self.label_smooth_eps)

    def _embedding_target(self, label: Tensor, emb: Tensor | None) -> Tensor:
        """Return `emb`, or the label vectors of indices (N,) or shares (N, K): (N, emb_dim)."""
        if emb is not None:
            if emb.shape[-1] != self.emb_dim:
                raise ConfigError(
                    f"the batch's 'emb' has {emb.shape[-1]} dimensions, cls_head.emb_dim = "
                    f'{self.emb_dim}. Set emb_dim to the width of the label embeddings.'
                )
            return emb.reshape(-1, self.emb_dim)
        if self.label_vectors is None:
            raise ConfigError(
                'cls_head trains embeddings (loss_emb), but has no label vectors and the batch has '
                "no 'emb'. Give the data set `label_embeddings`, call "
                'model.cls_head.learn_labels(None, vectors) first, or set cls_head.loss_emb=None.'
            )
        return self.label_vectors[label] if label.ndim == 1 else label.float() @ self.label_vectors

    def shares(self, label: Tensor) -> Tensor:
        """Return labels, as `class_losses` takes them, as shares of each class: (N, K) float32.

        Raises:
            DataError: a label is outside 0..K-1.
        """
        scores = torch.empty((len(label), self.num_classes), device=label.device)
        if label.shape != scores.shape:
            label = label.reshape(-1).long()
            self._check_range(label)
        return as_shares(label, scores)

    def _check_range(self, label: Tensor) -> None:
        if label.device.type != 'cpu':  # a check would make the host wait for the device
            return
        wrong = label[(label < 0) | (label >= self.num_classes)]
        if len(wrong):
            raise DataError(
                f'label {int(wrong[0])}: expected 0 to {self.num_classes - 1}, since num_classes = '
                f'{self.num_classes} in cls_head. Correct the annotations or num_classes.'
            )

    # -- testing -----------------------------------------------------------------------------------

    def probabilities(
        self,
        cls_score: Tensor,
        emb_score: Tensor | None,
        semantic_weight: float,
        temperature: float,
        classes: Sequence[int] | None,
    ) -> Tensor:
        """Blend the probabilities of class scores and of embeddings.

        (1 - w) softmax(scores) + w softmax(cosines to the label vectors / temperature)

        Args:
            cls_score: (N, K) class scores.
            emb_score: (N, emb_dim) embeddings, or None.
            semantic_weight: w in [0, 1].
            temperature: above 0.
            classes: the classes that can be predicted; the others get 0. None: all.

        Returns:
            (N, K) float32 probabilities.

        Raises:
            ConfigError: the label vectors are not known (see learn_labels).
        """
        excluded = None
        if classes is not None:
            excluded = torch.ones(self.num_classes, dtype=torch.bool, device=cls_score.device)
            excluded[list(classes)] = False
        if semantic_weight == 0:
            return _softmax(cls_score, excluded)

        if self.label_vectors is None or emb_score is None:
            raise ConfigError(
                'model.test_cfg.semantic_weight compares with the vectors of all labels, and this '
                'data has none. Give it `label_embeddings`, or call '
                'model.cls_head.learn_labels(None, vectors) first.'
            )
        vectors = F.normalize(self.label_vectors, dim=1)
        cosine = F.normalize(emb_score.float(), dim=1) @ vectors.T  # (N, K)
        by_embedding = semantic_weight * _softmax(cosine / temperature, excluded)
        if semantic_weight == 1:
            return by_embedding
        return (1 - semantic_weight) * _softmax(cls_score, excluded) + by_embedding


def init_linear(layers: Iterable[nn.Linear], std: float) -> None:
    """Draw the weights of linear layers from a normal distribution; set their biases to 0."""
    for layer in layers:
        nn.init.normal_(layer.weight, std=std)
        nn.init.zeros_(layer.bias)


def check_dropout(dropout: float) -> None:
    """Check a probability of dropout.

    Raises:
        ValueError: it is not in [0, 1].
    """
    if not 0 <= dropout <= 1:
        raise ValueError(f'dropout = {dropout}: expected a number from 0 to 1.')


def _softmax(scores: Tensor, excluded: Tensor | None) -> Tensor:
    """Compute the float32 softmax of (N, K) over classes; those `excluded` (K,) get 0."""
    scores = scores.float()
    if excluded is not None:
        scores = scores.masked_fill(excluded, float('-inf'))
    return F.softmax(scores, 1)
