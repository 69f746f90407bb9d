"""The whole graph that a file holds: from key points to class probabilities."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..models.recognizers.views import ViewRecognizer
from .pictures import DrawHeatmaps


class ExportedNetwork(nn.Module, ABC):
    """A recognizer with the last steps of its test pipeline in front of it.

    Attributes:
        inputs: names of what `forward` takes.
        dynamic: {input: {axis: name}}, the axes that may have any length.

    Args:
        model: plain and in eval mode. Its parameters may be float16; all else is computed in float32.
    """

    inputs: tuple[str, ...]
    dynamic: dict[str, dict[int, str]]

    def __init__(self, model: ViewRecognizer):
        super().__init__()
        self.model = model
        self.dtype = next(model.parameters()).dtype

    def probabilities(self, views: Tensor, num_clips: int | torch.SymInt) -> Tensor:
        """Average what the network answers for views (B * n, ...), as its test_cfg says: (B, K)."""
        how, head = self.model.test_cfg, self.model.cls_head
        pooled = self.model.pool(self.model.extract_feat(views.to(self.dtype)))
        scores, embedding = head(pooled)
        if how.in_probabilities:
            scores = head.probabilities(
                scores, embedding, how.semantic_weight, how.semantic_temperature, how.classes
            )
        elif how.average_clips == 'prob':
            scores = scores.float()
            scores = scores.sigmoid() if head.multi_class else F.softmax(scores, 1)
        return scores.float().reshape(num_clips, -1, scores.shape[-1]).mean(1)

    @abstractmethod
    def example(self) -> tuple[Tensor, ...]:
        """Return inputs of usual sizes."""


class HeatmapNetwork(ExportedNetwork):
    """A network on heatmaps, with steps from PoseCompact to drawing inside.

    Args:
        model: a Recognizer3D.
        steps: modules (xy, size) -> (xy, size), in order.
        draw: a DrawHeatmaps.
        shape: (S, T) of the samples.
    """

    inputs = ('keypoint', 'img_shape', 'views')

    def __init__(
        self, model: Any, steps: list[nn.Module], draw: DrawHeatmaps, shape: tuple[int, int]
    ):
        super().__init__(model)
        self.steps, self.draw, self.shape = nn.ModuleList(steps), draw, shape
        axes = {0: 'clips', 1: 'samples', 2: 'people', 3: 'frames'}
        self.dynamic = {
            'keypoint': axes | ({4: 'joints'} if draw.num_joints is None else {}),
            'img_shape': {0: 'clips'},
            'views': {0: 'views'},
        }

    def forward(self, keypoint: Tensor, img_shape: Tensor, views: Tensor) -> Tensor:
        """Answer for clips, averaged over some of their views.

        Args:
            keypoint: (B, S, M, T, V, 3) x px, y px, score of S samples of each clip; NaN: nobody.
            img_shape: (B, 2) int64 height and width of the picture in pixels.
            views: (n,) int64, which views to average: sample v for v < S, else its mirrored copy,
                v - S, where testing has them.

        Returns:
            (B, K) float32.
        """
        xy, score = keypoint[..., :2], keypoint[..., 2]
        size = img_shape.flip(1).double()  # width, height
        for step in self.steps:
            xy, size = step(xy, size)
        samples = keypoint.shape[1]
        mirrored = views >= samples  # (n,)
        chosen = torch.where(mirrored, views - samples, views)
        xy, score = (part.index_select(1, chosen).flatten(0, 1) for part in (xy, score))
        mirrored = mirrored.repeat(keypoint.shape[0])  # (B * n,)
        maps = self.draw(xy, score, mirrored)  # (B * n, C, T, H, W)
        return self.probabilities(maps, keypoint.shape[0])

    def example(self) -> tuple[Tensor, ...]:
        S, T = self.shape
        V = self.draw.num_joints or int(self.draw.limbs.max()) + 2
        keypoint = torch.rand(2, S + 2, 3, T, V, 3) * torch.tensor([320.0, 240.0, 1.0])
        return keypoint, torch.tensor([[240, 320], [240, 320]]), torch.arange(3)


class GraphNetwork(ExportedNetwork):
    """A graph network, with normalisation and the features of single frames inside.

    Args:
        model: a RecognizerGCN.
        normalise: a NormalisePose, or None where the key points come normalised.
        features: a MakeFeatures, or None.
        shape: (S, M, T, V, C) of the key points.
    """

    def __init__(
        self,
        model: Any,
        normalise: nn.Module | None,
        features: nn.Module | None,
        shape: tuple[int, int, int, int, int],
    ):
        super().__init__(model)
        self.normalise, self.features, self.shape = normalise, features, shape
        self.inputs = ('keypoint',) if normalise is None else ('keypoint', 'img_shape')
        dynamic = {'keypoint': {0: 'clips', 1: 'samples', 3: 'frames'}, 'img_shape': {0: 'clips'}}
        self.dynamic = {name: dynamic[name] for name in self.inputs}

    def forward(self, keypoint: Tensor, img_shape: Tensor | None = None) -> Tensor:
        """Answer for clips, averaged over their samples.

        Args:
            keypoint: (B, S, M, T, V, C) of S samples of each clip; zeros: nobody.
            img_shape: (B, 2) int64 height and width of the picture in pixels, where the key points
                are pixels.

        Returns:
            (B, K) float32.
        """
        if self.normalise is not None:
            keypoint = self.normalise(keypoint, img_shape)
        if self.features is not None:
            keypoint = self.features(keypoint)
        return self.probabilities(keypoint.flatten(0, 1), keypoint.shape[0])

    def example(self) -> tuple[Tensor, ...]:
        S, M, T, V, C = self.shape
        keypoint = torch.rand(2, S + 2, M, T, V, C)
        sizes = torch.tensor([[240, 320], [240, 320]])
        return (keypoint,) if self.normalise is None else (keypoint, sizes)
