"""A clip before and after each step of its pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..datasets.pipelines import PreNormalize3D
from ..inputs import LazyFrames
from ..recipe.dump import as_python
from ..skeletons import Layout, is_present
from .canvas import blank, frame, wrap
from .clip import paint_picture, title_of
from .colours import FAINT, GREEN, OUTSIDE, sides_legend
from .heat import enlarge
from .network import Painter, People
from .scene import GAP, Scene, grid
from .skeleton import Box, Place, box_around, draw_skeleton, fit, in_picture
from .stages import Stage, drawing_stage, frames_of, heatmaps_of

MARGIN = 0.14  # share of a panel's edge, for what lies outside of the picture
TEXT = 9  # pixels, height of a capital


def pipeline_scene(
    stages: Sequence[Stage], layout: Layout, height: int, labels: Sequence[str] | None = None
) -> Scene:
    """Return a sheet of panels, one for each stage, for each sampled frame.

    Args:
        stages: stages of pass_through.
        layout: layout of the joints.
        height: height of a stage's panel in pixels.
        labels: class names.
    """
    frames = frames_of(stages)
    captions = [_caption(stages, i, height) for i in range(len(stages))]
    draw = _Panels(stages, layout, height, frames)

    def panel(t: int) -> np.ndarray:
        panels = grid([draw(i, t) for i in range(len(stages))], captions)
        return panels[:, GAP:-GAP]  # the sheet around it has gaps too

    legend = [*sides_legend(layout), ('kept by the next step', GREEN)]
    return Scene(
        title_of(stages[0].results, layout, labels),
        len(frames),
        panel,
        lambda t: f'all panels: frame {frames[t]}',
        12.5,
        legend,
    )


class _Panels:
    """Draws square panels: sampled frame t after stage i."""

    def __init__(self, stages: Sequence[Stage], layout: Layout, height: int, frames: np.ndarray):
        self.stages, self.layout, self.height, self.frames = stages, layout, height, frames
        self.drawing = drawing_stage(stages)
        self.volumes = [heatmaps_of(stage.results) for stage in stages]
        if self.drawing is not None:
            self.people = People(stages[self.drawing], layout)
            drawn = self.volumes[self.drawing]
            assert drawn is not None  # the stage draws them
            self.painter = Painter(stages[self.drawing], layout, drawn)

    def __call__(self, i: int, t: int) -> np.ndarray:
        canvas = blank(self.height, self.height, OUTSIDE)
        volume = self.volumes[i]
        if volume is not None and self.drawing is not None:
            self._heatmaps(canvas, volume[0, :, t], t)
        elif 'keypoint' in self.stages[i].results:
            place = self._skeletons(canvas, i, t)
            box = _next_crop(self.stages, i)
            if box is not None:
                corners = np.clip([place(box[:2]), place(box[2:])], 0, self.height - 1)
                frame(canvas, corners[0], corners[1], GREEN, 2)
        return canvas

    def _place(self, poses: Poses) -> Place:
        """Return where the stage's picture lies on the panel, or without one, the joints' box."""
        box = box_around(poses.keypoint, poses.score) or (0, 0, 1, 1)
        if poses.size is not None:
            h, w = poses.size
            box = -0.5, -0.5, w - 0.5, h - 0.5
        return fit(box, self.height, self.height, self.height * MARGIN)

    def _skeletons(self, canvas: np.ndarray, i: int, t: int) -> Place:
        stage, poses = self.stages[i], poses_of(self.stages, i)
        keypoint, score, place = poses.keypoint, poses.score, self._place(poses)
        t = min(t if stage.decoded else int(self.frames[t]), keypoint.shape[1] - 1)
        paint_picture(canvas, place, poses.size)
        around = box_around(keypoint, score)
        stroke = 1
        if around is not None:
            tall = place.scale * (around[3] - around[1])
            stroke = max(round(min(self.height / 120, tall / 40)), 1)
        if keypoint.shape[2] == self.layout.num_joints:
            scores = None if score is None else score[:, t]
            draw_skeleton(canvas, keypoint[:, t], scores, self.layout, place, width=stroke)
        return place

    def _heatmaps(self, canvas: np.ndarray, heatmaps: np.ndarray, t: int) -> None:
        factor = max(round(self.height * (1 - 2 * MARGIN) / max(heatmaps.shape[1:])), 1)
        picture = enlarge(self.painter.paint(heatmaps), factor)
        self.people.draw(picture, t, factor)
        top, left = ((self.height - v) // 2 for v in picture.shape[:2])
        part = picture[max(-top, 0) :, max(-left, 0) :][: self.height, : self.height]
        canvas[max(top, 0) :, max(left, 0) :][: part.shape[0], : part.shape[1]] = part
        frame(canvas, (left, top), (left + picture.shape[1] - 1, top + picture.shape[0] - 1), FAINT)


@dataclass(frozen=True)
class Poses:
    """Key points after a stage, as they are drawn.

    Attributes:
        keypoint: (M, T, V, 2), x right, y down.
        score: (M, T, V), if there are scores.
        size: (H, W) of the picture that the key points lie in, if any.
    """

    keypoint: np.ndarray
    score: np.ndarray | None
    size: tuple[int, int] | None


def poses_of(stages: Sequence[Stage], i: int) -> Poses:
    """Return the key points after stage i, of the first sample.

    Normalised key points and features (bones, motion) lie in no picture. Of x, y, z the view along
    z is drawn, with y upwards; after PreNormalize3D, which turns the spine to z, the view along y,
    with z upwards.
    """
    results = stages[i].results
    keypoint = np.asarray(results['keypoint'])
    if keypoint.ndim == 5:  # (S, M, T, V, C) of FormatGCNInput
        keypoint = keypoint[0]
    so_far = stages[: i + 1]
    joined = [s.results['third_is_score'] for s in so_far if 'third_is_score' in s.results]
    if not joined:
        return Poses(*in_picture({**results, 'keypoint': keypoint}), results.get('img_shape'))
    if joined[-1]:
        return Poses(keypoint[..., :2], keypoint[..., 2], None)
    if keypoint.shape[-1] == 2:
        return Poses(keypoint, None, None)
    turned = any(isinstance(s.step, PreNormalize3D) and s.step.align_spine for s in so_far)
    xy = keypoint[..., [0, 2 if turned else 1]] * (1, -1)
    return Poses(xy, is_present(keypoint[..., :3]) * 1.0, None)


def _next_crop(stages: Sequence[Stage], i: int) -> Box | None:
    """Return what the next stage crops, in pixels, if it crops."""
    if i + 1 == len(stages) or 'crop_quadruple' not in stages[i + 1].results:
        return None
    before = np.array(stages[i].results.get('crop_quadruple', (0, 0, 1, 1)), float)
    after = np.array(stages[i + 1].results['crop_quadruple'], float)
    if (before == after).all():
        return None
    height, width = stages[i].results['img_shape']
    scale = (width, height) / before[2:]
    left, top = (after[:2] - before[:2]) * scale - 0.5
    right, bottom = (left, top) + after[2:] * scale
    return left, top, right, bottom


def _caption(stages: Sequence[Stage], i: int, width: int) -> list[str]:
    """Return the stage's name, its arguments and what it changed, as lines."""
    stage = stages[i]
    if i == 0:
        h, w = stage.results.get('img_shape', (None, None))
        size = '' if h is None else f'{w} x {h} pixels, '
        return ['as in the file', f'{size}{stage.results["keypoint"].shape[1]} frames']
    arguments = ', '.join(f'{key}={as_python(value)}' for key, value in stage.config.items())
    changes = [describe(stages[i - 1].results, stage.results) for describe in _DESCRIBE]
    lines = [line for text in (arguments, *changes) for line in wrap(text, width, TEXT, most=2)]
    return [f'{i}  {stage.name}', *lines]


def _sampled(before: Mapping, after: Mapping) -> str:
    if 'frame_inds' in after and 'frame_inds' not in before:
        inds = np.reshape(after['frame_inds'], -1)
        total = after['keypoint'].shape[1]
        first = ', '.join(map(str, inds[:3]))
        return f'takes frames {first} ... {inds[-1]} ({len(inds)} of {total})'
    if 'keypoint' in after and before['keypoint'].shape[-3] != after['keypoint'].shape[-3]:
        return f'{before["keypoint"].shape[-3]} -> {after["keypoint"].shape[-3]} frames'
    return ''


def _formatted(before: Mapping, after: Mapping) -> str:
    shape = np.shape(after.get('keypoint', ()))
    if len(shape) != 5 or np.ndim(before['keypoint']) == 5:
        return ''
    return ' x '.join(map(str, shape)) + ' (views, people, frames, joints, channels)'


def _resized(before: Mapping, after: Mapping) -> str:
    old, new = before.get('img_shape'), after.get('img_shape')
    if old is None or new is None or tuple(old) == tuple(new):
        return ''
    return f'{old[1]} x {old[0]} -> {new[1]} x {new[0]} pixels'


def _flipped(before: Mapping, after: Mapping) -> str:
    if 'flip' not in after or 'flip' in before:
        return ''
    return 'mirrored' if after['flip'] else 'not mirrored this time'


def _drawn(before: Mapping, after: Mapping) -> str:
    if 'imgs' not in after or np.shape(before.get('imgs', ())) == np.shape(after['imgs']):
        return ''
    imgs, shape = after['imgs'], np.shape(after['imgs'])
    if isinstance(imgs, list) and len(shape) == 4:
        return f'{shape[0]} pictures of {shape[2]} x {shape[1]}'
    is_video = isinstance(imgs, LazyFrames)
    axes = (
        {4: ' (frames, y, x, colours)', 5: ' (views, colours, frames, y, x)'}
        if is_video
        else {4: ' (frames, maps, y, x)', 5: ' (views, maps, frames, y, x)'}
    )
    return ' x '.join(map(str, shape)) + axes.get(len(shape), '')


def _kept(before: Mapping, after: Mapping) -> str:
    return f'keeps {", ".join(after)}' if set(after) < set(before) else ''


# What a stage may have changed; each describes one change, or nothing.
_DESCRIBE = (_sampled, _resized, _flipped, _drawn, _formatted, _kept)
