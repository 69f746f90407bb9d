"""The head of RGBPoseConv3D: class scores of pictures and of heatmaps, each for their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from torch import Tensor, nn

from ...errors import ConfigError
from ...registry import HEADS
from .class_head import (
    CROSS_ENTROPY,
    EMBEDDING_MSE,
    ClassHead,
    check_dropout,
    check_sizes,
    init_linear,
)

MODALITIES = ('rgb', 'pose')
Modality = Literal['rgb', 'pose']


@HEADS.register_module()
class RGBPoseHead(ClassHead):
    """Average both pathways' features, then class scores and semantic embeddings of each.

    Whatever it gives is a dict by modality, {'rgb': ..., 'pose': ...}.

    Args:
        num_classes: K.
        in_channels: D of the pictures' features and of the heatmaps'.
        loss_cls: the loss on class scores.
        loss_components: the modalities that are trained.
        loss_weights: what the losses of each of these are multiplied by: a number, or one for each.
        dropout: 0..1, the share of pooled features dropped before the class scores; or
            {'rgb': ..., 'pose': ...}.
        init_std: of the linear layers' normal start.
        loss_emb: the loss on embeddings; None builds none (plain PYSKL).
        emb_components: the modalities with an embedding; None: those of loss_components.
        emb_dim: width of the embeddings, that of the label vectors.
        multi_class, label_smooth_eps, topk: see ClassHead.

    Source: RGBPose-Conv3D, arXiv:2104.13586, section 3.4; the embedding: arXiv:2307.10624.
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
                f'emb_components = {list(emb_components)} does nothing with loss_emb = None. '
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
                f'dropout is given for {", ".join(map(str, dropout)) or "nothing"}: expected a '
                "number, or {'rgb': ..., 'pose': ...}."
            )
        for name, width in zip(MODALITIES, self.in_channels):
            check_dropout(dropout[name])
            check_sizes(in_channels=width)
            self.add_module(f'dropout_{name}', nn.Dropout(dropout[name]))
            self.add_module(f'fc_{name}', nn.Linear(width, num_classes))
        for name, width in zip(MODALITIES, self.in_channels):
            if name in self.emb_components:
                self.add_module(f'emb_fc_{name}', nn.Linear(width, emb_dim))
        init_linear((part for part in self.children() if isinstance(part, nn.Linear)), init_std)

    @property
    def embedded_answers(self) -> tuple[str, ...]:
        return self.emb_components

    def forward(self, features: Any) -> tuple[dict[str, Tensor], dict[str, Tensor] | None]:
        """Compute class scores (N, K) by modality, before softmax, and embeddings (N, emb_dim).

        Args:
            features: what `pool` takes.

        Returns:
            Scores of both modalities, and the embeddings of those in emb_components; None without.
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
        """Average both modalities' features over frames and pixels.

        Args:
            features: (rgb, pose), or a dict by modality: (N, D, T, H, W) each with sizes of its
                own, or (N, D), pooled already.

        Returns:
            (N, D) by modality.

        Raises:
            ConfigError: no such pair.
        """
        if isinstance(features, (tuple, list)) and len(features) == len(MODALITIES):
            features = dict(zip(MODALITIES, features))
        fits = isinstance(features, Mapping) and set(features) == set(MODALITIES)
        if not fits or any(features[name].ndim not in (2, 5) for name in MODALITIES):
            found = type(features).__name__
            raise ConfigError(
                f'model.cls_head (RGBPoseHead): the backbone gives a {found}. Expected a pair (rgb, '
                'pose) of features (N, D), or of maps (N, D, T, H, W), as RGBPoseConv3D gives it.'
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

        Of each modality in loss_components, its losses times its weight.

        Args:
            cls_score: (N, K) by modality.
            label, emb: of the clips, see ClassHead.class_losses.
            emb_score: (N, emb_dim) by modality.
        """
        losses = {}
        for name, weight in self.loss_weights.items():
            own = self.class_losses(cls_score[name], label, (emb_score or {}).get(name), emb)
            for key, value in own.items():
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
