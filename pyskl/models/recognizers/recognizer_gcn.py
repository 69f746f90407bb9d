"""Graph networks: from key points to losses, class scores or features.

Source: PYSKL, arXiv:2205.09443; ST-GCN, arXiv:1801.07455.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from ...errors import ConfigError
from ...inputs import Input, input_tensor
from ...registry import RECOGNIZERS
from ..backbones.base import Backbone
from ..losses.class_loss import at_least_float32
from .test_settings import TestSettings
from .views import ViewRecognizer

VIEWS_AT_ONCE = {'cpu': 16, 'cuda': 256}
POOLED_AXES = 'nmtv'


@dataclass(frozen=True)
class GraphTestSettings(TestSettings):
    """How the views of a sample become one answer.

    In addition to TestSettings, the answer may be the features of a sample (feat_ext), or the class
    scores of each cell of the features (score_ext): (n, m, C, t, v) over views, people, channels,
    frames and joints.

    Attributes:
        score_ext: whether to return the class scores of each cell instead of the sample's.
        pool_opt: the axes of feat_ext and score_ext to average (and keep with size 1): some of the
            letters n, m, t, v; 'none'; or 'all', which gives (C,) without the other axes.
    """

    score_ext: bool = False
    pool_opt: str = 'all'

    def __post_init__(self):
        super().__post_init__()
        letters = set(self.pool_opt)
        if self.pool_opt not in ('all', 'none') and not (letters and letters <= set(POOLED_AXES)):
            raise ConfigError(
                f"model.test_cfg.pool_opt = {self.pool_opt!r}: expected 'all', 'none', or some of "
                f'the letters {", ".join(POOLED_AXES)}.'
            )
        if self.feat_ext and self.score_ext:
            raise ConfigError('model.test_cfg: feat_ext and score_ext are both set. Leave one out.')
        if self.pool_opt != 'all' and not (self.feat_ext or self.score_ext):
            raise ConfigError(
                f'model.test_cfg.pool_opt = {self.pool_opt!r} has no effect without feat_ext or '
                'score_ext.'
            )

    @property
    def gives_cells(self) -> bool:
        """Whether answers are features or scores whose axes may be kept."""
        return self.score_ext or (self.feat_ext and self.pool_opt != 'all')


@RECOGNIZERS.register_module()
class RecognizerGCN(ViewRecognizer):
    """Backbone and head over `keypoint` (B, S, M, T, V, C): B samples of S views.

    With train_cfg's mixup the key points of two clips are blended, coordinates and scores alike;
    with cutmix a span of frames comes from the other clip.

    Args:
        backbone: config of a graph network.
        cls_head: config of a registered head.
        train_cfg: see mixing.TrainSettings.
        test_cfg: see GraphTestSettings.

    Source: PYSKL, arXiv:2205.09443; ST-GCN, arXiv:1801.07455.
    """

    takes = ('keypoint',)
    test_settings = GraphTestSettings
    test_cfg: GraphTestSettings
    cut_axes = 1

    def check_batch(self, batch: Mapping[str, Any], training: bool) -> None:
        """Check entries, axes and what the backbone expects, see Recognizer.check_batch."""
        super().check_batch(batch, training)
        shape = tuple(batch['keypoint'].shape)
        if len(shape) != 6:
            raise ConfigError(
                f'RecognizerGCN: keypoint in the batch has shape {shape}; expected (samples, '
                'clips, people, frames, joints, channels). Put FormatGCNInput in front of Collect.'
            )
        if isinstance(self.backbone, Backbone):
            self.backbone.check_input(shape[2:])

    def samples_at_once(self, keypoint: torch.Tensor | Input) -> int:
        """Return how many samples pass the network together."""
        most = self.test_cfg.max_testing_views or VIEWS_AT_ONCE.get(self.target.device.type, 16)
        return max(1, most // keypoint.shape[1])

    def test_features(self, keypoint: torch.Tensor | Input) -> Iterator[Any]:
        """Yield features, B * n rows, of n views of every sample at a time, in order."""
        step = self.test_cfg.max_testing_views or keypoint.shape[1]
        for start in range(0, keypoint.shape[1], step):
            views = slice(start, min(start + step, keypoint.shape[1]))
            yield self.extract_feat(input_tensor(keypoint, self.target, views).flatten(0, 1))

    def answers_of(self, keypoint: torch.Tensor | Input) -> dict[str, torch.Tensor]:
        """Compute the answers for samples that pass the network together, see `predict`."""
        if not self.test_cfg.gives_cells:
            return super().answers_of(keypoint)
        parts = [
            self._cells(features, keypoint.shape[0]) for features in self.test_features(keypoint)
        ]
        return {'score': self._averaged(torch.cat(parts, 1))}

    def _cells(self, features: Any, num_samples: int) -> torch.Tensor:
        """Return features (B, n, M, C, T', V), or class scores in place of C."""
        cells = features[0] if isinstance(features, tuple) else features
        if self.test_cfg.score_ext:
            classifier = self.cls_head.get_submodule('fc_cls')
            cells = classifier(cells.movedim(2, -1)).movedim(-1, 2)
        return at_least_float32(cells).unflatten(0, (num_samples, -1))

    def _averaged(self, cells: torch.Tensor) -> torch.Tensor:
        """Average (B, S, M, C, T', V) over the axes of pool_opt."""
        option = self.test_cfg.pool_opt
        if option == 'none':
            return cells
        axes = [
            axis
            for axis, letter in zip((1, 2, 4, 5), POOLED_AXES)
            if option == 'all' or letter in option
        ]
        cells = cells.mean(axes, keepdim=True)
        return cells.flatten(1) if option == 'all' else cells
