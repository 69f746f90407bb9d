"""Skeletons: which frames and joints are there, where they lie in a picture, and their drawing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ConfigError
from ..skeletons import LAYOUTS, Layout, guess_layout, is_present, layout_to_draw
from ..skeletons.poses import num_frames_filled
from .canvas import Point, dot, line
from .colours import ON_PAPER, Look, joint_sides, side_of

Box = tuple[float, float, float, float]  # left, top, right, bottom
MARGIN = 0.12  # of the longer side of a box around joints
MIN_OPACITY = 0.2  # of a joint whose score is nearly 0: it is present, so it is visible


@dataclass(frozen=True)
class Place:
    """Where a picture lies on the canvas: point (x, y) is drawn at (x, y) * scale + (left, top)."""

    scale: float = 1.0
    left: float = 0.0
    top: float = 0.0

    def __call__(self, xy: np.ndarray | Point) -> np.ndarray:
        """Return where points (..., 2) of the picture lie on the canvas."""
        return np.asarray(xy, dtype=np.float64) * self.scale + (self.left, self.top)


def fit(box: Box, height: int, width: int, margin: float = 0) -> Place:
    """Fit a part of a picture into the middle of a canvas, as large as possible.

    Args:
        box: the part.
        height: height of the canvas in pixels.
        width: width of the canvas in pixels.
        margin: pixels to keep free on each side.
    """
    left, top, right, bottom = box
    scale = min((width - 2 * margin) / (right - left), (height - 2 * margin) / (bottom - top))
    return Place(scale, (width - scale * (left + right)) / 2, (height - scale * (top + bottom)) / 2)


def is_spatial(clip: Mapping[str, Any]) -> bool:
    """Return whether a clip's key points are x, y, z, which lie in no picture."""
    return clip['keypoint'].shape[-1] == 3 and 'img_shape' not in clip


def in_picture(clip: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray | None]:
    """Return a clip's key points as they are drawn, and their scores.

    Pixels stay. Of x, y, z the view along z is drawn, in thousandths of a unit (millimetres for
    metres), with y upwards, as in Kinect and NATOPS; missing joints get score 0.

    Returns:
        (M, T, V, 2), x right, y down, and (M, T, V) or None.
    """
    keypoint, score = clip['keypoint'], clip.get('keypoint_score')
    if not is_spatial(clip):
        return keypoint[..., :2], score
    present = is_present(keypoint, score)
    return keypoint[..., :2] * (1000, -1000), present * (1.0 if score is None else score)


def features_layout(step: Mapping[str, Any], num_joints: int) -> str | Mapping[str, Any] | None:
    """Return the skeleton that a GenSkeFeat step names, if it has `num_joints`; else None."""
    if step.get('type') != 'GenSkeFeat':
        return None
    skeleton = step.get('dataset', 'nturgb+d')
    try:
        return skeleton if layout_to_draw(skeleton).num_joints == num_joints else None
    except ConfigError:
        return None


def real_frames(keypoint: np.ndarray, score: np.ndarray | None) -> int:
    """Return the frames of (M, T, V, 2) without the zeros that fill up short clips, at least 1."""
    return max(num_frames_filled(is_present(keypoint, score)), 1)


def known_layout(
    num_joints: int, wanted: str | Mapping[str, Any] | Layout | None = None, where: str = 'the clip'
) -> Layout | None:
    """Return the layout of clips, or None if none is named and it cannot be guessed.

    Args:
        num_joints: joints of the clips.
        wanted: layout as in a config (layout_to_draw); None for the known one of `num_joints`.
        where: the clips, for messages.

    Raises:
        ConfigError: an unknown layout, or one of another number of joints.
    """
    layout = guess_layout(num_joints) if wanted is None else layout_to_draw(wanted)
    if layout is not None and layout.num_joints != num_joints:
        fitting = [name for name, known in LAYOUTS.items() if known.num_joints == num_joints]
        cure = 'No known layout has so many; give your own as a dict.'
        if fitting:
            cure = f'Try {" or ".join(fitting)}.'
        raise ConfigError(
            f'layout {layout.name} has {layout.num_joints} joints, but {where} has {num_joints}. '
            f'{cure}'
        )
    return layout


def layout_for(
    num_joints: int, wanted: str | Mapping[str, Any] | Layout | None = None, where: str = 'the clip'
) -> Layout:
    """Return known_layout, or without one, a layout of joints without bones."""
    return known_layout(num_joints, wanted, where) or Layout(
        'unknown', tuple(f'joint {j}' for j in range(num_joints)), (), (), centre=0
    )


def box_around(keypoint: np.ndarray, score: np.ndarray | None) -> Box | None:
    """Return the box around all present joints, or None without any.

    It is grown by MARGIN of its longer side, and has an area even if all joints coincide.
    """
    xy = keypoint[is_present(keypoint, score)]
    if not len(xy):
        return None
    low, high = xy.min(0).astype(float), xy.max(0).astype(float)
    grown = MARGIN * float((high - low).max()) or 1.0
    return (*(low - grown).tolist(), *(high + grown).tolist())


def draw_skeleton(
    canvas: np.ndarray,
    keypoint: np.ndarray,
    score: np.ndarray | None,
    layout: Layout,
    place: Place | None = None,
    look: Look = ON_PAPER,
    width: int = 2,
    strength: float = 1.0,
) -> None:
    """Draw the people of one frame.

    Args:
        canvas: (H, W, 3), changed in place.
        keypoint: (M, V, 2) in pixels of the picture.
        score: (M, V) in 0..1, which sets the opacity of joints; a bone has that of its fainter end.
        layout: bones and sides.
        place: place of the picture on the canvas.
        look: colours.
        width: width of a bone in pixels.
        strength: factor of all opacities.
    """
    sides = joint_sides(layout)
    present = is_present(keypoint, score)
    confidence = np.ones(present.shape) if score is None else np.clip(np.nan_to_num(score), 0, 1)
    opacity = (MIN_OPACITY + (1 - MIN_OPACITY) * confidence) * strength
    points = (place or Place())(keypoint)
    for xy, visible, alpha in zip(points, present, opacity):
        bones = [bone for bone in layout.bones if visible[list(bone)].all()]
        for edge in (True, False):
            for bone in bones:
                colour = look.edge if edge else look.of(side_of(bone, sides))
                faint = alpha[list(bone)].min() * (0.6 if edge else 1)
                line(canvas, xy[bone[0]], xy[bone[1]], colour, width + 2 * edge, faint)
        for j in np.flatnonzero(visible):
            dot(canvas, xy[j], look.edge, width * 1.2 + 1, alpha[j])
            dot(canvas, xy[j], look.of(sides[j]), width * 1.2, alpha[j])
