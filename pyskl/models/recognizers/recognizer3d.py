"""PoseConv3D, arXiv:2104.13586, with semantic label embeddings, arXiv:2307.10624.

From heatmaps to losses or scores.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import nn

from ...errors import ConfigError
from ...inputs import Input, input_tensor
from ...registry import BACKBONES, HEADS, RECOGNIZERS
from ...signature import check_call
from .. import input_stage
from ..backbones.base import Backbone
from ..mixing import Mix, TrainSettings, draw_mix
from .base import Recognizer


@dataclass(frozen=True)
class TestSettings:
    """How the views of a sample become one answer.

    average_clips      'prob': the mean of their softmaxes; 'score': the mean of their scores; None: each view's scores
    max_testing_views  volumes that pass the network at once; None: chosen by the device's memory
    feat_ext           give the pooled feature, averaged over views, instead of class scores
    semantic_weight    0..1: how much the embedding's likeness to each label's vector says in the probabilities; 0: nothing
    semantic_temperature   that the likenesses (cosines) are divided by, before softmax
    classes            the only classes that can be answered (zero-shot: those never trained on); the others score 0. None: all
    """

    __test__ = False  # not a test class for pytest

    average_clips: Literal['prob', 'score'] | None = 'prob'
    max_testing_views: int | None = None
    feat_ext: bool = False
    semantic_weight: float = 0.0
    semantic_temperature: float = 0.1
    classes: Sequence[int] | None = None

    def __post_init__(self):
        if self.max_testing_views is not None and self.max_testing_views < 1:
            raise ConfigError(
                f'model.test_cfg.max_testing_views = {self.max_testing_views}: expected at least '
                '1, or None.'
            )
        if not 0 <= self.semantic_weight <= 1:
            raise ConfigError(
                f'model.test_cfg.semantic_weight = {self.semantic_weight}: expected a number from '
                '0 to 1.'
            )
        if not 0 < self.semantic_temperature < float('inf'):
            raise ConfigError(
                f'model.test_cfg.semantic_temperature = {self.semantic_temperature}: expected a '
                'number above 0, e.g. 0.1.'
            )
        if self.in_probabilities and (self.average_clips != 'prob' or self.feat_ext):
            raise ConfigError(
                "model.test_cfg: semantic_weight and classes work on probabilities. Set "
                "average_clips='prob' and leave "
                'feat_ext out.'
            )

    @property
    def in_probabilities(self) -> bool:
        """Is the answer made of each view's probabilities by the head, not of its class scores?"""
        return self.semantic_weight > 0 or self.classes is not None

    def check_head(self, head: nn.Module) -> None:
        """ConfigError when the head cannot answer so."""
        if self.in_probabilities and not hasattr(head, 'probabilities'):
            raise ConfigError(
                'model.test_cfg: semantic_weight and classes need a head with probabilities(), '
                f'which {type(head).__name__} '
                'lacks.'
            )
        if self.semantic_weight > 0 and head.loss_emb is None:
            raise ConfigError(
                f'model.test_cfg.semantic_weight = {self.semantic_weight}, but the head has no '
                'embedding '
                '(cls_head.loss_emb=None). Give it a loss_emb, or leave semantic_weight out.'
            )
        known = range(head.num_classes) if self.classes is not None else ()
        if self.classes is not None and (
            not self.classes or any(k not in known for k in self.classes)
        ):
            raise ConfigError(
                f'model.test_cfg.classes = {list(self.classes)}: expected some of the classes 0 to '
                f'{head.num_classes - 1}.'
            )


@RECOGNIZERS.register_module()
class Recognizer3D(Recognizer):
    """Backbone and head over `imgs` (B, S, C, T, H, W): B samples of S views, heatmaps or pictures.

    `imgs` is a tensor, or an Input that is computed on the model's device.

    Args:
        backbone: config of a registered backbone.
        cls_head: config of a registered head.
        train_cfg: see mixing.TrainSettings.
        test_cfg: see TestSettings.

    Source: PoseConv3D, arXiv:2104.13586; the embedding: arXiv:2307.10624.
    """

    components = {'backbone': BACKBONES, 'cls_head': HEADS}
    takes = ('imgs',)

    def __init__(
        self,
        backbone: dict,
        cls_head: dict,
        train_cfg: dict | None = None,
        test_cfg: dict | None = None,
    ):
        super().__init__()
        check_call(TrainSettings, train_cfg or {}, 'model.train_cfg')
        self.train_cfg = TrainSettings(**(train_cfg or {}))
        check_call(TestSettings, test_cfg or {}, 'model.test_cfg')
        self.test_cfg = TestSettings(**(test_cfg or {}))
        self.backbone = BACKBONES.build(backbone, 'model.backbone')
        self.cls_head = HEADS.build(cls_head, 'model.cls_head')
        self._check_backbone()
        self.test_cfg.check_head(self.cls_head)

    def _check_backbone(self) -> None:
        for name in ('in_channels', 'num_features'):
            if isinstance(self.backbone, Backbone) and not hasattr(self.backbone, name):
                raise ConfigError(
                    f'model.backbone ({type(self.backbone).__name__}): has no {name}. '
                    'Set it in __init__, as the docstring of pyskl.models.Backbone says.'
                )
        given, wanted = getattr(self.backbone, 'num_features', None), self.cls_head.in_channels
        if given is not None and given != wanted:
            raise ConfigError(
                f'model.cls_head.in_channels = {wanted}, but the backbone gives {given} channels. '
                f"Set in_channels={given}, or change the backbone's width."
            )

    @property
    def needs_label_vectors(self) -> bool:
        return self.test_cfg.semantic_weight > 0

    def check_batch(self, batch: Mapping[str, Any], training: bool) -> None:
        super().check_batch(batch, training)
        wanted, shape = getattr(self.backbone, 'in_channels', None), batch['imgs'].shape
        if wanted is not None and len(shape) == 6 and shape[2] != wanted:
            raise ConfigError(
                f'model.backbone.in_channels = {wanted}, but the pipeline gives {shape[2]} '
                'heatmaps a frame. '
                f'Set in_channels={shape[2]}, or change what GeneratePoseTarget draws (joints, '
                'limbs).'
            )

    def extract_feat(self, imgs: torch.Tensor) -> torch.Tensor:
        """Volumes (N, C, T, H, W) -> features (N, D, T', H', W')."""
        return self.backbone(self.target.laid_out(imgs))

    def pool(self, features: Any) -> torch.Tensor:
        """Pool what extract_feat gives to (N, D): by the backbone, or by the head if it can't."""
        return (
            self.backbone.pool(features)
            if isinstance(self.backbone, Backbone)
            else self.cls_head.pool(features)
        )

    # -- training ----------------------------------------------------------------------------------

    def losses(self, batch: Mapping[str, Any]) -> dict[str, torch.Tensor]:
        """Compute top1_acc, top5_acc, loss_cls and loss_emb of a batch; see Recognizer.losses.

        Each view counts as a sample with its clip's label. With mixed clips (train_cfg), the
        accuracies are against the class with the larger share.
        """
        imgs, label, emb = batch['imgs'], batch['label'], batch.get('emb')
        num_samples, num_views, *size = imgs.shape
        device = self.target.device
        label = label.repeat_interleave(num_views, 0).to(device)
        emb = None if emb is None else emb.repeat_interleave(num_views, 0).to(device)
        mix = draw_mix(self.train_cfg, torch.Size((num_samples * num_views, *size)), device)
        if mix is not None:
            label = mix.of_rows(self.cls_head.shares(label))
            emb = None if emb is None else mix.of_rows(emb)
        features = self.train_features(imgs, mix)  # (B*S, D, T', H', W')
        cls_score, emb_score = self.cls_head(self.pool(features))  # (B*S, K), (B*S, emb_dim)
        return self.cls_head.loss(cls_score, label, emb_score, emb)

    def train_features(self, imgs: torch.Tensor | Input, mix: Mix | None) -> torch.Tensor:
        """Features (B*S, D, T', H', W') of all views of a training batch, mixed as `mix` says."""
        volume = input_tensor(imgs, self.target).flatten(0, 1)  # (B*S, C, T, H, W)
        return self.extract_feat(volume if mix is None else mix.of_volumes(volume))

    # -- testing -----------------------------------------------------------------------------------

    @torch.no_grad()
    def predict(self, batch: Mapping[str, Any]) -> dict[str, torch.Tensor]:
        """Answer 'score': (B, K); (B, S, K) with average_clips=None, (B, D) with feat_ext."""
        imgs = batch['imgs']
        step = self.samples_at_once(imgs)
        return {
            'score': torch.cat(
                [self._scores(imgs[b : b + step]) for b in range(0, imgs.shape[0], step)]
            )
        }

    def _scores(self, imgs: torch.Tensor | Input) -> torch.Tensor:
        """As predict, for samples that pass the network together."""
        per_view = torch.cat(
            [
                self._answers(features).unflatten(0, (imgs.shape[0], -1))
                for features in self.test_features(imgs)
            ],
            1,
        )
        if (
            self.test_cfg.feat_ext
            or self.test_cfg.average_clips == 'score'
            or self.test_cfg.in_probabilities
        ):
            return per_view.mean(1)  # (B, S, K) or (B, S, D) -> without S
        return F.softmax(per_view, 2).mean(1) if self.test_cfg.average_clips == 'prob' else per_view

    def samples_at_once(self, imgs: torch.Tensor | Input) -> int:
        """Return how many samples pass the network together; only a GPU and a user limit it."""
        limit = self.test_cfg.max_testing_views
        if limit is None and self.target.device.type != 'cuda':
            return imgs.shape[0]
        return input_stage.volumes_at_once(imgs, self.target, limit)

    def test_features(self, imgs: torch.Tensor | Input) -> Iterator[torch.Tensor]:
        """Give features (B * n, D, T', H', W') of n views of every sample at a time, in order."""
        for volume in input_stage.chunks(imgs, self.target, self.test_cfg.max_testing_views):
            yield self.extract_feat(volume)

    def _answers(self, features: torch.Tensor) -> torch.Tensor:
        """Give each view's class scores or probabilities (n, K), or pooled features (n, D)."""
        pooled = self.pool(features)
        if self.test_cfg.feat_ext:
            return pooled.float()
        cls_score, emb_score = self.cls_head(pooled)
        if not self.test_cfg.in_probabilities:
            return cls_score.float()
        how = self.test_cfg
        return self.cls_head.probabilities(
            cls_score, emb_score, how.semantic_weight, how.semantic_temperature, how.classes
        )
