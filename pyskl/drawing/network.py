"""What the network sees of a clip: the heatmaps of the config's pipeline, over the skeleton."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import ConfigError
from ..skeletons import Layout
from .clip import title_of
from .colours import BLACK, WHITE, Look
from .heat import colours_of, enlarge, heat_legend, paint, paint_signed, signs_legend
from .scene import Scene
from .skeleton import Place, draw_skeleton
from .stages import Stage, drawing_stage, frames_of, heatmaps_of

ON_HEAT = Look(left=WHITE, middle=WHITE, right=WHITE, edge=BLACK)
OPACITY = 0.38  # of the skeleton over its heatmaps


def heatmap_scene(
    stages: Sequence[Stage],
    layout: Layout,
    height: int,
    view: int = 0,
    labels: Sequence[str] | None = None,
) -> Scene:
    """Return a panel for each frame that the network sees of a clip.

    Args:
        stages: stages of pass_through.
        layout: layout of the joints.
        height: height of a panel in pixels, at least; a heatmap's pixel becomes a square.
        view: number of the view. The samples come first, then, with `double`, their mirror images.
        labels: class names.

    Raises:
        ConfigError: the pipeline draws no heatmaps, or there is no such view.
    """
    drawing = drawing_stage(stages)
    volume = heatmaps_of(stages[-1].results)
    if drawing is None or volume is None or volume.shape[2] != len(frames_of(stages)):
        raise ConfigError(
            'the pipeline draws no heatmaps. Expected GeneratePoseTarget, FormatShape and Collect '
            'with imgs among its stages.'
        )
    if not 0 <= view < len(volume):
        raise ConfigError(
            f'--view {view}: the pipeline makes views 0 to {len(volume) - 1} of a clip.'
        )
    people = People(stages[drawing], layout)
    painter = Painter(stages[drawing], layout, volume)
    num_views = len(volume) // (2 if people.spec.double else 1)
    mirrored, frames = view >= num_views, frames_of(stages, view % num_views)
    factor = max(-(-height // volume.shape[3]), 1)

    def panel(t: int) -> np.ndarray:
        canvas = enlarge(painter.paint(volume[view, :, t]), factor)
        people.draw(canvas, view % num_views * len(frames) + t, factor, mirrored)
        return canvas

    _, num_maps, num_frames, h, w = volume.shape
    size = f'{num_maps}{" motion" * painter.signed} maps of {w} x {h} x {num_frames} frames'
    which = f', view {view} of {len(volume)}' if len(volume) > 1 else ''
    which += ' (mirrored)' if mirrored else ''
    return Scene(
        f'{title_of(stages[0].results, layout, labels)}  ({size}{which})',
        volume.shape[2],
        panel,
        lambda t: f'frame {frames[t]}',
        12.5,
        painter.legend,
    )


class Painter:
    """Paints the heatmaps of a drawing stage: in a colour for each channel, or for each sign.

    Args:
        stage: stage that draws the heatmaps.
        layout: layout of the joints.
        volume: all heatmaps of the clip; the largest motion is the brightest.
    """

    def __init__(self, stage: Stage, layout: Layout, volume: np.ndarray):
        self.signed = stage.step.spec.motion
        self.full = float(np.abs(volume).max()) or 1.0
        self._colours = colours_of(stage.step.spec, layout, volume.shape[1])
        self.legend = signs_legend() if self.signed else heat_legend(layout)

    def paint(self, heatmaps: np.ndarray) -> np.ndarray:
        """Paint a frame's heatmaps (C, H, W) as (H, W, 3)."""
        return paint_signed(heatmaps, self.full) if self.signed else paint(heatmaps, self._colours)


class People:
    """The skeletons of a stage's heatmaps."""

    def __init__(self, stage: Stage, layout: Layout):
        self.spec, self.layout = stage.step.spec, layout
        self.keypoint = np.asarray(stage.results['keypoint'], np.float64) * self.spec.scaling
        self.score = stage.results.get('keypoint_score')
        self.width = stage.results['img_shape'][1] * self.spec.scaling

    def draw(self, canvas: np.ndarray, t: int, factor: int, mirrored: bool = False) -> None:
        """Draw the people of frame t over its heatmap, which is enlarged by `factor`."""
        keypoint, score = self.keypoint[:, t], None if self.score is None else self.score[:, t]
        if mirrored:  # joints keep their places in the mirrored picture
            keypoint = np.stack([self.width - 1 - keypoint[..., 0], keypoint[..., 1]], -1)
        middle = (factor - 1) / 2  # of a pixel's square
        place = Place(factor, middle, middle)
        draw_skeleton(canvas, keypoint, score, self.layout, place, ON_HEAT, 1, OPACITY)
