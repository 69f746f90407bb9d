"""Networks over single pictures, averaged over a clip: from frames to losses or scores.

Source: Temporal segment networks, arXiv:1608.00859.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from ...errors import ConfigError
from ...inputs import Input, input_tensor
from ...registry import RECOGNIZERS
from .. import input_stage
from ..backbones.base import Backbone
from ..mixing import Mix
from .test_settings import TestSettings
from .views import ViewRecognizer


@dataclass(frozen=True)
class SegmentTestSettings(TestSettings):
    """How the frames of a sample become one answer.

    A view in the sense of TestSettings is one crop of a clip: its frames are averaged before the
    class scores, crops after them.

    Attributes:
        num_segs: frames of one crop; a sample holds the frames of its crops one after the other.
            None: all frames belong to one crop.
    """

    num_segs: int | None = None

    def __post_init__(self):
        super().__post_init__()
        if self.num_segs is not None and self.num_segs < 1:
            raise ConfigError(
                f'model.test_cfg.num_segs = {self.num_segs}: expected at least 1, or None.'
            )


@RECOGNIZERS.register_module()
class Recognizer2D(ViewRecognizer):
    """Backbone and head over `imgs` (B, S, C, H, W): B samples of S frames.

    Every frame passes the backbone on its own. In training the frames of a sample are averaged, in
    testing those of each of its crops (num_segs frames). With train_cfg's cutmix, a box of frames,
    rows and columns is taken from the other clip.

    Args:
        backbone: config of a 2-D network.
        cls_head: config of a registered head.
        train_cfg: see mixing.TrainSettings.
        test_cfg: see SegmentTestSettings.

    Source: PYSKL, arXiv:2205.09443; Temporal segment networks, arXiv:1608.00859.
    """

    takes = ('imgs',)
    test_settings = SegmentTestSettings
    test_cfg: SegmentTestSettings

    def check_batch(self, batch: Mapping[str, Any], training: bool) -> None:
        """Check entries, axes, channels and the number of frames, see Recognizer.check_batch."""
        super().check_batch(batch, training)
        shape, wanted = tuple(batch['imgs'].shape), getattr(self.backbone, 'in_channels', None)
        if len(shape) != 5:
            raise ConfigError(
                f'Recognizer2D: imgs in the batch has shape {shape}; expected (samples, frames, '
                "channels, y, x). Put FormatShape('NCHW') in front of Collect."
            )
        if wanted is not None and shape[2] != wanted:
            raise ConfigError(
                f'model.backbone.in_channels = {wanted}, but the pipeline gives imgs with '
                f'{shape[2]} channels. Set in_channels={shape[2]}.'
            )
        if not training and shape[1] % self._frames_a_crop(shape[1]):
            raise ConfigError(
                f'model.test_cfg.num_segs = {self.test_cfg.num_segs}, but a sample of the test '
                f'pipeline has {shape[1]} frames, which is not a multiple of it. Set num_segs to '
                'num_clips of the step that samples frames.'
            )

    def volume_shape(self, views: torch.Tensor | Input) -> torch.Size:
        """Return (B, C, S, H, W): the frames of a sample are one volume."""
        num_samples, num_frames, channels, *size = views.shape
        return torch.Size((num_samples, channels, num_frames, *size))

    def train_features(self, views: torch.Tensor | Input, mix: Mix | None) -> torch.Tensor:
        """Compute the pooled features (B, D) of a training batch, mixed according to `mix`."""
        frames = input_tensor(views, self.target)  # (B, S, C, H, W)
        if mix is not None:
            frames = mix.of_volumes(frames.transpose(1, 2)).transpose(1, 2)
        return self.clip_features(frames)

    def clip_features(self, frames: torch.Tensor) -> Any:
        """Average the features of frames (N, S, C, H, W): (N, D)."""
        features = self.extract_feat(frames.flatten(0, 1))  # (N * S, D, H', W')
        size = frames.shape[:2]
        if isinstance(self.backbone, Backbone):
            pooled = self.backbone.pool(features)
            assert isinstance(pooled, torch.Tensor), 'a network with one input has one answer'
            return pooled.unflatten(0, size).mean(1)
        last = features[-1] if isinstance(features, (tuple, list)) else features
        return self.cls_head.pool(last.unflatten(0, size))

    def pool(self, features: torch.Tensor) -> torch.Tensor:
        """Return features (N, D) unchanged: they are pooled already."""
        return features

    # -- testing -----------------------------------------------------------------------------------

    def test_features(self, views: torch.Tensor | Input) -> Iterator[torch.Tensor]:
        """Yield the pooled features (B * n, D) of n crops of every sample at a time, in order."""
        length = self._frames_a_crop(views.shape[1])
        shape = torch.Size((views.shape[0], views.shape[1] // length))
        for crops in input_stage.view_slices(shape, self.views_at_once(views)):
            chosen = slice(crops.start * length, crops.stop * length)
            frames = input_tensor(views, self.target, chosen)  # (B, n * S', C, H, W)
            yield self.clip_features(frames.unflatten(1, (-1, length)).flatten(0, 1))

    def _frames_a_crop(self, num_frames: int) -> int:
        return min(self.test_cfg.num_segs or num_frames, num_frames)

    def views_at_once(self, views: torch.Tensor | Input) -> int:
        """Return how many crops pass the network at once."""
        limit = self.test_cfg.max_testing_views
        if limit is not None:
            return limit
        return max(1, super().views_at_once(views) // self._frames_a_crop(views.shape[1]))
