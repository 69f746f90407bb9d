"""The whole graph that a file holds: from key points or frames to class probabilities."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from ..models.recognizers import Recognizer2D
from ..models.recognizers.views import ViewRecognizer
from .frames import NormalizeFrames
from .heatmaps import DrawHeatmaps, Size

EXAMPLE_SIZE = (224, 224)  # (H, W) of example frames for a pipeline that fixes no size


class ExportedNetwork(nn.Module, ABC):
    """A recognizer with the last steps of its test pipeline in front of it.

    Attributes:
        inputs: names of the arguments of `forward`.
        outputs: names of the results of `forward`, (B, K) float32 each.
        dynamic: {input: {axis: name}}, the axes of variable length.

    Args:
        model: plain, in eval mode. Its parameters may be float16; the steps run in float32.
    """

    inputs: tuple[str, ...]
    dynamic: dict[str, dict[int, str]]

    def __init__(self, model: ViewRecognizer):
        super().__init__()
        self.model = model
        self.dtype = next(model.parameters()).dtype
        single = model.answers == ('score',)
        self.outputs = ('probabilities',) if single else tuple(model.answers)

    def probabilities(self, *views: Tensor) -> tuple[Tensor, ...]:
        """Average the answers for the views of each clip, as the model's test_cfg says.

        Args:
            views: (B, n, ...) for each input of the backbone. The n pictures of a 2-D network are
                one crop: their features are averaged before the class scores.

        Returns:
            (B, K) float32 for each output.
        """
        model, num_clips = self.model, views[0].shape[0]
        volumes = [view.to(self.dtype) for view in views]
        if isinstance(model, Recognizer2D):
            features = model.clip_features(volumes[0])
        else:
            features = model.extract_feat(*(volume.flatten(0, 1) for volume in volumes))
        per_view = model.view_scores(features).values()
        return tuple(model.average_views(s.unflatten(0, (num_clips, -1))) for s in per_view)

    @abstractmethod
    def example(self) -> tuple[Tensor, ...]:
        """Return inputs of typical sizes, for tracing."""


class HeatmapNetwork(ExportedNetwork):
    """A network on heatmaps; the steps from PoseCompact to drawing are inside.

    Args:
        model: a Recognizer3D, or a Recognizer2D with `paint`.
        steps: modules (xy, size) -> (xy, size), in order.
        draw: draws the heatmaps.
        shape: (S, T), samples of a clip and frames of a sample.
        paint: makes one picture of each view's heatmaps (PoTion), or None.
    """

    inputs = ('keypoint', 'img_shape', 'views')

    def __init__(
        self,
        model: ViewRecognizer,
        steps: list[nn.Module],
        draw: DrawHeatmaps,
        shape: tuple[int, int],
        paint: nn.Module | None = None,
    ):
        super().__init__(model)
        self.steps, self.draw, self.paint = nn.ModuleList(steps), draw, paint
        self.shape = shape
        axes = keypoint_axes(draw)
        if paint is not None:  # each frame has its colour
            del axes[3]
        self.dynamic = {
            'keypoint': axes,
            'img_shape': {0: 'clips'},
            'views': {0: 'views'},
        }

    def forward(self, keypoint: Tensor, img_shape: Tensor, views: Tensor) -> tuple[Tensor, ...]:
        """Return the answers for clips, averaged over some of their views.

        Args:
            keypoint: (B, S, M, T, V, 3) x px, y px and score; NaN for absent people.
            img_shape: (B, 2) int64 height and width of the picture in pixels.
            views: (n,) int64, see `split_views`.
        """
        xy, score = keypoint[..., :2], keypoint[..., 2]
        size = img_shape.flip(1).double()  # width, height
        for step in self.steps:
            xy, size = step(xy, size)
        chosen, mirrored = split_views(views, keypoint.shape[1])
        maps = self.draw.of_views(
            xy.index_select(1, chosen), score.index_select(1, chosen), mirrored
        )
        return self.probabilities(maps if self.paint is None else self.paint(maps))

    def example(self) -> tuple[Tensor, ...]:
        """See ExportedNetwork.example."""
        keypoint = example_keypoint(self.draw, self.shape)
        return keypoint, torch.tensor([[240, 320], [240, 320]]), torch.arange(3)


class FrameNetwork(ExportedNetwork):
    """A network on video frames; their normalisation is inside.

    Args:
        model: a Recognizer3D or a Recognizer2D.
        normalize: normalises the frames.
        shape: (S, T), samples of a clip and frames of a sample; (S,) for a 2-D network.
        size: (H, W) of the frames in pixels; None if it depends on the clip.
    """

    inputs = ('imgs',)

    def __init__(
        self,
        model: ViewRecognizer,
        normalize: NormalizeFrames,
        shape: tuple[int, ...],
        size: Size | None,
    ):
        super().__init__(model)
        self.normalize, self.shape, self.size = normalize, shape, size
        self.dynamic = {'imgs': frame_axes(len(shape), size)}

    def forward(self, imgs: Tensor) -> tuple[Tensor, ...]:
        """Return the answers for clips.

        Args:
            imgs: uint8 RGB; (B, S, T, H, W, 3) for a 3-D network, S samples to average;
                (B, S, H, W, 3) for a 2-D network, the S frames of one crop.
        """
        return self.probabilities(self.normalize(imgs))

    def example(self) -> tuple[Tensor, ...]:
        """See ExportedNetwork.example."""
        return (example_frames(self.shape, self.size),)


class FrameAndHeatmapNetwork(ExportedNetwork):
    """A network on frames and heatmaps of the same clip; normalisation and drawing are inside.

    Args:
        model: an MMRecognizer3D.
        normalize: normalises the frames.
        draw: draws the heatmaps.
        shapes: (S, T) of the frames, and of the heatmaps.
        size: (H, W) of the frames in pixels.
    """

    inputs = ('imgs', 'keypoint', 'views')

    def __init__(
        self,
        model: ViewRecognizer,
        normalize: NormalizeFrames,
        draw: DrawHeatmaps,
        shapes: tuple[tuple[int, int], tuple[int, int]],
        size: Size,
    ):
        super().__init__(model)
        self.normalize, self.draw, self.shapes, self.size = normalize, draw, shapes, size
        self.dynamic = {
            # The network fixes the ratio of both lengths, so neither is variable.
            'imgs': {0: 'clips', 1: 'samples'},
            'keypoint': {k: v for k, v in keypoint_axes(draw).items() if v != 'frames'},
            'views': {0: 'views'},
        }

    def forward(self, imgs: Tensor, keypoint: Tensor, views: Tensor) -> tuple[Tensor, ...]:
        """Return the answers for clips, averaged over some of their views.

        Args:
            imgs: (B, S, T, H, W, 3) uint8 RGB.
            keypoint: (B, S, M, T', V, 3) x px, y px in these frames, score; NaN for absent people.
            views: (n,) int64, see `split_views`.
        """
        chosen, mirrored = split_views(views, keypoint.shape[1])
        frames = imgs.index_select(1, chosen)
        if self.draw.spec.double:
            frames = torch.where(mirrored[:, None, None, None, None], frames.flip(-2), frames)
        keypoint = keypoint.index_select(1, chosen)
        maps = self.draw.of_views(keypoint[..., :2], keypoint[..., 2], mirrored)
        return self.probabilities(self.normalize(frames), maps)

    def example(self) -> tuple[Tensor, ...]:
        """See ExportedNetwork.example."""
        frames, heatmaps = self.shapes
        imgs, keypoint = example_frames(frames, self.size), example_keypoint(self.draw, heatmaps)
        return imgs, keypoint, torch.arange(3)


class GraphNetwork(ExportedNetwork):
    """A graph network; normalisation and features of single frames are inside.

    Args:
        model: a RecognizerGCN.
        normalize: a NormalizePose, or None if the key points come normalised.
        features: a MakeFeatures, or None.
        shape: (S, M, T, V, C) of the key points.
    """

    def __init__(
        self,
        model: ViewRecognizer,
        normalize: nn.Module | None,
        features: nn.Module | None,
        shape: tuple[int, int, int, int, int],
    ):
        super().__init__(model)
        self.normalize, self.features, self.shape = normalize, features, shape
        self.inputs = ('keypoint',) if normalize is None else ('keypoint', 'img_shape')
        dynamic = {'keypoint': {0: 'clips', 1: 'samples', 3: 'frames'}, 'img_shape': {0: 'clips'}}
        self.dynamic = {name: dynamic[name] for name in self.inputs}

    def forward(self, keypoint: Tensor, img_shape: Tensor | None = None) -> tuple[Tensor, ...]:
        """Return the answers for clips, averaged over their samples.

        Args:
            keypoint: (B, S, M, T, V, C); zeros for absent people.
            img_shape: (B, 2) int64 height and width of the picture in pixels, if key points are
                in pixels.
        """
        if self.normalize is not None:
            keypoint = self.normalize(keypoint, img_shape)
        if self.features is not None:
            keypoint = self.features(keypoint)
        return self.probabilities(keypoint)

    def example(self) -> tuple[Tensor, ...]:
        """See ExportedNetwork.example."""
        S, M, T, V, C = self.shape
        keypoint = torch.rand(2, S + 2, M, T, V, C)
        sizes = torch.tensor([[240, 320], [240, 320]])
        return (keypoint,) if self.normalize is None else (keypoint, sizes)


def split_views(views: Tensor, samples: int) -> tuple[Tensor, Tensor]:
    """Return the sample of each view, and whether the view is its mirrored copy.

    Args:
        views: (n,) int64. View v < S is sample v; view S + v is its mirrored copy, if testing has
            mirrored copies.
        samples: S.

    Returns:
        (n,) int64 and (n,) bool.
    """
    mirrored = views >= samples
    return torch.where(mirrored, views - samples, views), mirrored


def keypoint_axes(draw: DrawHeatmaps) -> dict[int, str]:
    """Return the axes of variable length of key points (B, S, M, T, V, 3)."""
    axes = {0: 'clips', 1: 'samples', 2: 'people', 3: 'frames'}
    return axes if draw.num_joints is not None else {**axes, 4: 'joints'}


def frame_axes(axes_of_views: int, size: Size | None) -> dict[int, str]:
    """Return the axes of variable length of frames (B, S, ..., H, W, 3)."""
    axes = dict(enumerate(('clips', 'samples', 'frames')[: 1 + axes_of_views]))
    height = 1 + axes_of_views
    return axes if size is not None else {**axes, height: 'height', height + 1: 'width'}


def example_keypoint(draw: DrawHeatmaps, shape: tuple[int, int]) -> Tensor:
    """Return key points (2, S + 2, 3, T, V, 3) in a picture of 320 x 240 pixels."""
    S, T = shape
    V = draw.num_joints or int(draw.limbs.max()) + 2
    return torch.rand(2, S + 2, 3, T, V, 3) * torch.tensor([320.0, 240.0, 1.0])


def example_frames(shape: tuple[int, ...], size: Size | None) -> Tensor:
    """Return frames (2, S + 2, ..., H, W, 3) uint8."""
    S, *frames = shape
    return torch.randint(256, (2, S + 2, *frames, *(size or EXAMPLE_SIZE), 3), dtype=torch.uint8)
