"""The head of RGBPoseConv3D: separate class scores from pictures and from heatmaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from torch import Tensor, nn

from ...errors import ConfigError
from ...registry import HEADS
from ..layers.stages import check_positive
from .class_head import (
    CROSS_ENTROPY,
    EMBEDDING_MSE,
    ClassHead,
    check_dropout,
    init_linear,
)

Modality = Literal['rgb', 'pose']
MODALITIES: tuple[Modality, Modality] = ('rgb', 'pose')


@HEADS.register_module()
class RGBPoseHead(ClassHead):
    """Class scores and semantic embeddings from the averaged features of each pathway.

    All outputs are dicts by modality, {'rgb': ..., 'pose': ...}.

    Args:
        num_classes: K.
        in_channels: D of the features of pictures and of heatmaps.
        loss_cls: config of the loss on class scores.
        loss_components: the modalities that are trained.
        loss_weights: factors of their losses: one number each, or one for all.
        dropout: probability, in [0, 1], of dropping a pooled feature before the class scores; or
            {'rgb': ..., 'pose': ...}.
        init_std: standard deviation of the initial weights of the linear layers.
        loss_emb: config of the loss on embeddings; None: no embeddings (plain PYSKL).
        emb_components: the modalities with an embedding; None: those of loss_components.
        emb_dim: width of embeddings and label vectors.
        multi_class, label_smooth_eps, topk: see ClassHead.

    Raises:
        ValueError: arguments contradict each other.

    Source: PoseConv3D, arXiv:2104.13586, section 3.4; the embedding: arXiv:2307.10624.
    """

    embedding_keys = tuple(f'emb_fc_{name}.weight' for name in MODALITIES)
    answers = MODALITIES
    in_channels: tuple[int, int]

    def __init__(
        self,
        num_classes: int,
        in_channels: tuple[int, int],
        loss_cls: dict = CROSS_ENTROPY,
        loss_components: Sequence[Modality] = MODALITIES,
        loss_weights: float | Sequence[float] = 1.0,
        dropout: float | dict[str, float] = 0.5,
        init_std: float = 0.01,
        loss_emb: dict | None = EMBEDDING_MSE,
        emb_components: Sequence[Modality] | None = None,
        emb_dim: int = 300,
        multi_class: bool = False,
        label_smooth_eps: float = 0.0,
        topk: Sequence[int] = (1, 5),
    ):
        super().__init__(
            num_classes, loss_cls, loss_emb, emb_dim, multi_class, label_smooth_eps, topk
        )
        self.in_channels = (in_channels[0], in_channels[1])
        self.loss_weights = _weights(loss_components, loss_weights)
        if emb_components is not None and loss_emb is None:
            raise ValueError(
                f'emb_components = {list(emb_components)} has no effect with loss_emb = None. '
                'Leave one of them out.'
            )
        chosen = loss_components if emb_components is None else emb_components
        self.emb_components = _modalities('emb_components', chosen) if self.has_embedding else ()
        untrained = [name for name in self.emb_components if name not in self.loss_weights]
        if untrained:
            raise ValueError(
                f'emb_components names {untrained[0]!r}, which loss_components does not train. '
                'Add it there, or leave it out here.'
            )
        dropout = dropout if isinstance(dropout, Mapping) else dict.fromkeys(MODALITIES, dropout)
        if set(dropout) != set(MODALITIES):
            raise ValueError(
                f'dropout has the keys {", ".join(map(str, dropout)) or "(none)"}: expected a '
                "number, or {'rgb': ..., 'pose': ...}."
            )
        for name, width in zip(MODALITIES, self.in_channels):
            check_dropout(dropout[name])
            check_positive(in_channels=width)
            self.add_module(f'dropout_{name}', nn.Dropout(dropout[name]))
            self.add_module(f'fc_{name}', nn.Linear(width, num_classes))
        for name, width in zip(MODALITIES, self.in_channels):
            if name in self.emb_components:
                self.add_module(f'emb_fc_{name}', nn.Linear(width, emb_dim))
        init_linear((part for part in self.children() if isinstance(part, nn.Linear)), init_std)

    @property
    def embedded_answers(self) -> tuple[str, ...]:
        """The modalities with an embedding."""
        return self.emb_components

    def forward(self, features: Any) -> tuple[dict[str, Tensor], dict[str, Tensor] | None]:
        """Compute class scores and embeddings by modality.

        Args:
            features: as `pool` takes them.

        Returns:
            Class scores (N, K) before softmax of both modalities, and embeddings (N, emb_dim) of
            those in emb_components, or None.
        """
        pooled = self.pool(features)  # (N, D) each
        scores = {
            name: self.get_submodule(f'fc_{name}')(self.get_submodule(f'dropout_{name}')(feature))
            for name, feature in pooled.items()
        }
        embeddings = {
            name: self.get_submodule(f'emb_fc_{name}')(pooled[name]) for name in self.emb_components
        }
        return scores, embeddings or None

    def pool(self, features: Any) -> dict[str, Tensor]:
        """Average the features of both modalities over frames and pixels.

        Args:
            features: (rgb, pose) or a dict by modality; each (N, D, T, H, W) with its own sizes, or
                (N, D), already pooled.

        Returns:
            (N, D) by modality.

        Raises:
            ConfigError: `features` is no such pair.
        """
        if isinstance(features, (tuple, list)) and len(features) == len(MODALITIES):
            features = dict(zip(MODALITIES, features))
        fits = isinstance(features, Mapping) and set(features) == set(MODALITIES)
        if not fits or any(features[name].ndim not in (2, 5) for name in MODALITIES):
            found = type(features).__name__
            raise ConfigError(
                f'model.cls_head (RGBPoseHead): the backbone returns a {found}. Expected a pair '
                '(rgb, pose) of features (N, D) or maps (N, D, T, H, W), as of RGBPoseConv3D.'
            )
        return {
            name: features[name] if features[name].ndim == 2 else features[name].mean((2, 3, 4))
            for name in MODALITIES
        }

    def loss(
        self,
        cls_score: Mapping[str, Tensor],
        label: Tensor,
        emb_score: Mapping[str, Tensor] | None = None,
        emb: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Compute rgb_top1_acc, rgb_loss_cls, rgb_loss_emb, pose_top1_acc ..., 0-dim each.

        The losses of each modality in loss_components are multiplied by its weight.

        Args:
            cls_score: (N, K) by modality.
            label: of the clips, see ClassHead.class_losses.
            emb_score: (N, emb_dim) by modality.
            emb: targets of the embeddings, see ClassHead.class_losses.
        """
        losses = {}
        for name, weight in self.loss_weights.items():
            embedding = (emb_score or {}).get(name)
            for key, value in self.class_losses(cls_score[name], label, embedding, emb).items():
                losses[f'{name}_{key}'] = weight * value if 'loss' in key else value
        return losses


def _modalities(argument: str, names: Sequence[str]) -> tuple[str, ...]:
    if not names or len(set(names)) < len(names):
        raise ValueError(f"{argument} = {list(names)}: expected 'rgb', 'pose' or both.")
    return tuple(names)


def _weights(components: Sequence[str], weights: float | Sequence[float]) -> dict[str, float]:
    names = _modalities('loss_components', components)
    if isinstance(weights, (int, float)):
        return dict.fromkeys(names, float(weights))
    if len(weights) != len(names):
        raise ValueError(
            f'loss_weights has {len(weights)} numbers for {len(names)} loss_components. Expected '
            'one each, or one number for all.'
        )
    return dict(zip(names, map(float, weights)))
