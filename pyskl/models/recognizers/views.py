"""The base of recognizers with one backbone and one head over the views of a sample."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

import torch
import torch.nn.functional as F

from ...errors import ConfigError
from ...inputs import input_tensor
from ...registry import BACKBONES, HEADS
from ...signature import check_call
from ...wording import count
from ..backbones.base import Backbone
from ..input_stage import volumes_at_once
from ..losses.class_loss import at_least_float32
from ..mixing import Mix, TrainSettings, draw_mix
from .base import Recognizer
from .test_settings import TestSettings


class ViewRecognizer(Recognizer):
    """Backbone and head over one entry of the batch, (B, S, ...): B samples of S views.

    The entry is a tensor, or an Input that is computed on the model's device. A subclass names it
    in `takes` and defines how the views pass the network in testing.

    Args:
        backbone: config of a registered backbone.
        cls_head: config of a registered head.
        train_cfg: see mixing.TrainSettings.
        test_cfg: see `test_settings` of the class.

    Attributes:
        test_settings: the class of the settings in test_cfg.
        cut_axes: number of axes that CutMix cuts, see draw_mix.

    Raises:
        ConfigError: a setting is wrong, or backbone, head and recognizer do not fit together.
    """

    components = {'backbone': BACKBONES, 'cls_head': HEADS}
    test_settings: type[TestSettings] = TestSettings
    test_cfg: TestSettings
    cls_head: Any  # a Head, which may also have `shares` and `probabilities`, as ClassHead does
    cut_axes = 3

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
                    f'model.backbone ({type(self.backbone).__name__}) has no {name}. '
                    'Set it in __init__, as described in pyskl.models.Backbone.'
                )
        if tuple(self.answers) != tuple(self.cls_head.answers):
            raise ConfigError(
                f'model.cls_head ({type(self.cls_head).__name__}) answers '
                f'{_listed(self.cls_head.answers)}, but model ({type(self).__name__}) gives '
                f'{_listed(self.answers)}. RGBPoseHead belongs to MMRecognizer3D, the other heads '
                'to the other recognizers.'
            )
        inputs = getattr(self.backbone, 'in_channels', None)
        num_inputs = len(inputs) if isinstance(inputs, (list, tuple)) else 1
        if isinstance(self.backbone, Backbone) and num_inputs != len(self.takes):
            raise ConfigError(
                f'model.backbone ({type(self.backbone).__name__}) takes '
                f'{count(num_inputs, "input")}, but model ({type(self).__name__}) '
                f'{_listed(self.takes)}. RGBPoseConv3D belongs to MMRecognizer3D, the other '
                'networks to the other recognizers.'
            )
        given, wanted = getattr(self.backbone, 'num_features', None), self.cls_head.in_channels
        if isinstance(given, (list, tuple)):
            given = tuple(given)
        if given is not None and given != wanted:
            raise ConfigError(
                f'model.cls_head.in_channels = {wanted}, but the backbone gives {given} channels. '
                f"Set in_channels={given}, or change the backbone's width."
            )

    @property
    def needs_label_vectors(self) -> bool:
        """Whether answers depend on embeddings, which are compared with the label vectors."""
        return self.test_cfg.uses_embeddings

    def extract_feat(self, *volumes: torch.Tensor) -> Any:
        """Pass views, (N, ...) of each input, through the backbone."""
        return self.backbone(*volumes)

    def pool(self, features: Any) -> torch.Tensor | dict[str, torch.Tensor]:
        """Pool the output of extract_feat to (N, D), or a dict of several by name.

        A backbone that does not derive from Backbone leaves it to the head.
        """
        pools_itself = isinstance(self.backbone, Backbone)
        return (self.backbone if pools_itself else self.cls_head).pool(features)

    # -- training ----------------------------------------------------------------------------------

    def views_of(self, batch: Mapping[str, Any]) -> Any:
        """Return the entry of a batch that passes the network, (B, S, ...)."""
        return batch[self.takes[0]]

    def volume_shape(self, views: Any) -> torch.Size:
        """Return the shape (N, ...) of the rows that are trained on; each view is a row."""
        num_samples, num_views, *size = views.shape
        return torch.Size((num_samples * num_views, *size))

    def losses(self, batch: Mapping[str, Any]) -> dict[str, torch.Tensor]:
        """Compute the losses and accuracies of the head for a batch; see Recognizer.losses.

        Each row of `volume_shape` counts as a sample with the label of its clip. For mixed clips
        (train_cfg), accuracies refer to the class with the larger share.
        """
        views, label, emb = self.views_of(batch), batch['label'], batch.get('emb')
        shape, device = self.volume_shape(views), self.target.device
        rows_per_sample = shape[0] // views.shape[0]
        label = label.repeat_interleave(rows_per_sample, 0).to(device)
        emb = None if emb is None else emb.repeat_interleave(rows_per_sample, 0).to(device)

        # Mix pairs of rows, if train_cfg says so.
        mix = draw_mix(self.train_cfg, shape, device, self.cut_axes)
        if mix is not None:
            label = mix.of_rows(self.cls_head.shares(label))
            emb = None if emb is None else mix.of_rows(emb)

        features = self.train_features(views, mix)
        cls_score, emb_score = self.cls_head(self.pool(features))  # (N, K), (N, emb_dim)
        has_graph = self.cls_head.takes_graph and isinstance(features, tuple)
        graph = {'graph': features[1]} if has_graph else {}
        return self.cls_head.loss(cls_score, label, emb_score, emb, **graph)

    def train_features(self, views: Any, mix: Mix | None) -> Any:
        """Compute the features of all B * S views of a training batch, mixed according to `mix`."""
        volume = input_tensor(views, self.target).flatten(0, 1)  # (B * S, ...)
        return self.extract_feat(volume if mix is None else mix.of_volumes(volume))

    # -- testing -----------------------------------------------------------------------------------

    @torch.no_grad()
    def predict(self, batch: Mapping[str, Any]) -> dict[str, torch.Tensor]:
        """Compute the answers of the head by name, see Recognizer.predict.

        Args:
            batch: the entries of `takes`.

        Returns:
            (B, K) each, or (B, S, K) with average_clips=None. With feat_ext, 'score' is (B, D), the
            concatenated pooled features.
        """
        views = self.views_of(batch)
        step = self.samples_at_once(views)
        parts = [self.answers_of(views[b : b + step]) for b in range(0, views.shape[0], step)]
        return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}

    def samples_at_once(self, views: Any) -> int:
        """Return how many samples pass the network together; on the CPU all do by default."""
        if self.test_cfg.max_testing_views is None and self.target.device.type != 'cuda':
            return views.shape[0]
        return self.views_at_once(views)

    def views_at_once(self, views: Any) -> int:
        """Return how many views pass the network at once."""
        return volumes_at_once(views, self.target, self.test_cfg.max_testing_views)

    @abstractmethod
    def test_features(self, views: Any) -> Iterator[Any]:
        """Yield features, B * n rows, of n views of every sample at a time, in order."""

    def answers_of(self, views: Any) -> dict[str, torch.Tensor]:
        """Compute the answers for samples that pass the network together, see `predict`."""
        parts = [self.view_scores(features) for features in self.test_features(views)]
        per_view = {
            name: torch.cat([part[name].unflatten(0, (views.shape[0], -1)) for part in parts], 1)
            for name in parts[0]
        }
        return {name: self.average_views(scores) for name, scores in per_view.items()}

    def average_views(self, per_view: torch.Tensor) -> torch.Tensor:
        """Average (B, S, K) or (B, S, D) over the views, according to test_cfg."""
        settings = self.test_cfg
        if settings.feat_ext or settings.average_clips == 'score' or settings.in_probabilities:
            return per_view.mean(1)
        if settings.average_clips is None:
            return per_view
        return (per_view.sigmoid() if self.cls_head.multi_class else F.softmax(per_view, 2)).mean(1)

    def view_scores(self, features: Any) -> dict[str, torch.Tensor]:
        """Return scores or probabilities (n, K) of each view by name, or its features (n, D)."""
        pooled, settings = self.pool(features), self.test_cfg
        if settings.feat_ext:
            parts = pooled.values() if isinstance(pooled, Mapping) else [pooled]
            return {'score': at_least_float32(torch.cat(list(parts), 1))}
        cls_score, emb_score = self.cls_head(pooled)
        if not isinstance(cls_score, Mapping):
            cls_score, emb_score = {'score': cls_score}, {'score': emb_score}
        if not settings.in_probabilities:
            return {name: at_least_float32(scores) for name, scores in cls_score.items()}
        return {
            name: self.cls_head.probabilities(
                scores,
                (emb_score or {}).get(name),
                settings.weight_of(name),
                settings.semantic_temperature,
                settings.classes,
            )
            for name, scores in cls_score.items()
        }


def _listed(names: tuple[str, ...]) -> str:
    return ' and '.join(map(repr, names))
