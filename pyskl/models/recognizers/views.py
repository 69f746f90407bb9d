"""One backbone and one head over the views of a sample: what all networks with one input share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

import torch
import torch.nn.functional as F

from ...errors import ConfigError
from ...inputs import Input, input_tensor
from ...registry import BACKBONES, HEADS
from ...signature import check_call
from ..backbones.base import Backbone
from ..mixing import Mix, TrainSettings, draw_mix
from .base import Recognizer
from .test_settings import TestSettings


class ViewRecognizer(Recognizer):
    """Backbone and head over one entry of the batch, (B, S, ...): B samples of S views.

    The entry is a tensor, or an Input that is computed on the model's device. A subclass names it in
    `takes` and says how the views pass the network in testing.

    Args:
        backbone: config of a registered backbone.
        cls_head: config of a registered head.
        train_cfg: see mixing.TrainSettings.
        test_cfg: see `test_settings` of the class.
    """

    components = {'backbone': BACKBONES, 'cls_head': HEADS}
    test_settings = TestSettings
    cut_axes = 3  # how many axes CutMix cuts, of the last three of a view

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
        check_call(self.test_settings, test_cfg or {}, 'model.test_cfg')
        self.test_cfg = self.test_settings(**(test_cfg or {}))
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

    def extract_feat(self, views: torch.Tensor) -> Any:
        """Pass views (N, ...) through the backbone."""
        return self.backbone(views)

    def pool(self, features: Any) -> torch.Tensor:
        """Pool what extract_feat gives to (N, D): by the backbone, or by the head if it can't."""
        return (
            self.backbone.pool(features)
            if isinstance(self.backbone, Backbone)
            else self.cls_head.pool(features)
        )

    # -- training ----------------------------------------------------------------------------------

    def losses(self, batch: Mapping[str, Any]) -> dict[str, torch.Tensor]:
        """Compute the head's losses and accuracies of a batch; see Recognizer.losses.

        Each view counts as a sample with its clip's label. With mixed clips (train_cfg), the
        accuracies are against the class with the larger share.
        """
        views, label, emb = batch[self.takes[0]], batch['label'], batch.get('emb')
        num_samples, num_views, *size = views.shape
        device = self.target.device
        label = label.repeat_interleave(num_views, 0).to(device)
        emb = None if emb is None else emb.repeat_interleave(num_views, 0).to(device)
        shape = torch.Size((num_samples * num_views, *size))
        mix = draw_mix(self.train_cfg, shape, device, self.cut_axes)
        if mix is not None:
            label = mix.of_rows(self.cls_head.shares(label))
            emb = None if emb is None else mix.of_rows(emb)
        features = self.train_features(views, mix)
        cls_score, emb_score = self.cls_head(self.pool(features))  # (B*S, K), (B*S, emb_dim)
        learned = (
            {'graph': features[1]}
            if self.cls_head.takes_graph and isinstance(features, tuple)
            else {}
        )
        return self.cls_head.loss(cls_score, label, emb_score, emb, **learned)

    def train_features(self, views: torch.Tensor | Input, mix: Mix | None) -> Any:
        """Compute the features of all B*S views of a training batch, mixed as `mix` says."""
        volume = input_tensor(views, self.target).flatten(0, 1)  # (B*S, ...)
        return self.extract_feat(volume if mix is None else mix.of_volumes(volume))

    # -- testing -----------------------------------------------------------------------------------

    @torch.no_grad()
    def predict(self, batch: Mapping[str, Any]) -> dict[str, torch.Tensor]:
        """Answer 'score': (B, K); (B, S, K) with average_clips=None, (B, D) with feat_ext."""
        views = batch[self.takes[0]]
        step = self.samples_at_once(views)
        return {
            'score': torch.cat(
                [self._scores(views[b : b + step]) for b in range(0, views.shape[0], step)]
            )
        }

    @abstractmethod
    def samples_at_once(self, views: torch.Tensor | Input) -> int:
        """Return how many samples pass the network together."""

    @abstractmethod
    def test_features(self, views: torch.Tensor | Input) -> Iterator[Any]:
        """Give the features of n views of every sample at a time, in order: B*n rows each."""

    def _scores(self, views: torch.Tensor | Input) -> torch.Tensor:
        """As predict, for samples that pass the network together."""
        per_view = torch.cat(
            [
                self._answers(features).unflatten(0, (views.shape[0], -1))
                for features in self.test_features(views)
            ],
            1,
        )
        how = self.test_cfg
        if how.feat_ext or how.average_clips == 'score' or how.in_probabilities:
            return per_view.mean(1)  # (B, S, K) or (B, S, D) -> without S
        if how.average_clips is None:
            return per_view
        return (per_view.sigmoid() if self.cls_head.multi_class else F.softmax(per_view, 2)).mean(1)

    def _answers(self, features: Any) -> torch.Tensor:
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
