"""A clip's skeletons, on white or over its video."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import DataError, did_you_mean
from ..files.libraries import opencv
from ..labels import known_names
from ..skeletons import Layout
from ..wording import count, plain
from .canvas import blank, frame
from .colours import FAINT, ON_PAPER, ON_VIDEO, OUTSIDE, WHITE, sides_legend
from .scene import Scene
from .skeleton import Place, box_around, draw_skeleton, fit, in_picture, is_spatial, real_frames
from .video import Video

TOLERANCE = 0.02  # relative difference of the aspect ratios of video and annotation


def unknown_clip(name: str, known: Sequence[str]) -> str:
    """Return the part of a message that says which clips exist."""
    first_last = f'from {plain(known[0])} to {plain(known[-1])}'
    return f'there are {len(known):,} clips, {first_last}.{did_you_mean(name, known)}'


def title_of(clip: Mapping[str, Any], layout: Layout, labels: Sequence[str] | None = None) -> str:
    """Return a clip's name and class, like '0187_0: 31 illustrative' or '0187_0: class 31'."""
    label = clip.get('label', -1)
    names = known_names(None, ('labels', labels), layouts=[layout.name]) or ()
    shown = [
        'no label' if k < 0 else f'{k} {names[k]}' if k < len(names) else f'class {k}'
        for k in (label if isinstance(label, list) else [int(label)])
    ]
    return f'{plain(clip["frame_dir"])}: {", ".join(shown) or "none of the classes"}'


def clip_scene(
    clip: Mapping[str, Any],
    layout: Layout,
    height: int,
    labels: Sequence[str] | None = None,
    whole: bool = False,
    video: Video | None = None,
    offset: int | None = None,
) -> Scene:
    """Return a panel for each frame, up to the last in which a joint is present.

    Args:
        clip: annotation of the clip; x, y, z are viewed along z (in_picture).
        layout: layout of the joints.
        height: height of a panel in pixels.
        labels: class names.
        whole: whether to draw the whole picture, rather than the part around all joints.
        video: video to draw over.
        offset: the video's frame that is the clip's first.

    Raises:
        DataError: no joint is present; a video of another length or shape; or `whole` or `video`
            for a clip without img_shape.
    """
    keypoint, score = in_picture(clip)
    frames = real_frames(keypoint, score)
    around = box_around(keypoint, score)
    if around is None:
        raise DataError(
            f'clip {plain(clip["frame_dir"])}: shows nobody: every joint is missing in all '
            f'{keypoint.shape[1]} frames.'
        )
    size = clip.get('img_shape')  # missing in 3D data
    if size is None and (whole or video is not None):
        raise DataError(
            f'clip {plain(clip["frame_dir"])}: has no img_shape, so the size of its '
            'picture is unknown. Draw it without --whole and --video.'
        )
    box = (0.0, 0.0, float(size[1]), float(size[0])) if whole and size else around
    width = round(np.clip((box[2] - box[0]) / (box[3] - box[1]), 0.4, 2.5) * height)
    place = fit(box, height, width, margin=1)
    first = 0 if video is None else first_frame(clip, video, frames, offset)
    look = ON_PAPER if video is None else ON_VIDEO
    stroke = max(round(min(height, place.scale * (around[3] - around[1])) / 130), 1)

    def panel(t: int) -> np.ndarray:
        if video is None or size is None:
            canvas = blank(height, width, OUTSIDE)
            paint_picture(canvas, place, size)
        else:
            canvas = _under(video[first + t], place, size, height, width)
        scores = None if score is None else score[:, t]
        draw_skeleton(canvas, keypoint[:, t], scores, layout, place, look, stroke)
        return canvas

    seen = ', seen along z, y up' if is_spatial(clip) else ''
    title = f'{title_of(clip, layout, labels)}  ({count(frames, "frame")}{seen})'
    return Scene(
        title,
        frames,
        panel,
        lambda t: f'frame {t}' + (f' (video {first + t})' if first else ''),
        25.0 if video is None else video.fps,
        sides_legend(layout, look),
    )


def paint_picture(canvas: np.ndarray, place: Place, size: tuple[int, int] | None) -> None:
    """Paint the picture's area (H, W) white, with its border; the whole canvas if it is unknown."""
    if size is None:
        canvas[:] = WHITE
        return
    corner, opposite = place((-0.5, -0.5)), place((size[1] - 0.5, size[0] - 0.5))
    (left, top), (right, bottom) = (
        np.clip(np.rint(v), 0, canvas.shape[1::-1]).astype(int).tolist() for v in (corner, opposite)
    )
    canvas[top:bottom, left:right] = WHITE
    far = np.clip([corner, opposite], -9999, 9999)
    frame(canvas, far[0], far[1], FAINT)


def first_frame(clip: Mapping[str, Any], video: Video, frames: int, offset: int | None) -> int:
    """Return the video's frame that is the clip's first.

    Args:
        clip: annotation of the clip.
        video: the video.
        frames: frames of the clip to draw.
        offset: what the user says; None if the video shows the clip alone.

    Raises:
        DataError: the video is too short, or its shape is not that of the clip.
    """
    name, length = plain(clip['frame_dir']), clip['keypoint'].shape[1]
    h, w = (int(v) for v in clip['img_shape'])
    if abs(video.width / video.height / (w / h) - 1) > TOLERANCE:
        raise DataError(
            f'{video.path}: its pictures are {video.width} x {video.height}, but clip {name} was '
            f'taken from {w} x {h}: the shapes differ. Is it the video of this clip?'
        )
    if offset is None:
        if len(video) not in (length, frames):
            raise DataError(
                f'{video.path}: has {count(len(video), "frame")}, clip {name} has {length}. If '
                'the clip is a part of it, say which frame of the video is its first: --offset N.'
            )
        return 0
    last = len(video) - frames
    if not 0 <= offset <= last:
        expected = 'The video is too short.' if last < 0 else f'Expected --offset 0 to {last}.'
        raise DataError(
            f'{video.path}: has {count(len(video), "frame")}, but clip {name} with --offset '
            f'{offset} needs frames {offset} to {offset + frames - 1}. {expected}'
        )
    return offset


def _under(
    picture: np.ndarray, place: Place, size: tuple[int, int], height: int, width: int
) -> np.ndarray:
    """Return a canvas with the video's frame, scaled to the clip's picture (H, W), in place."""
    cv2 = opencv()
    scale = place.scale * size[1] / picture.shape[1], place.scale * size[0] / picture.shape[0]
    # align the corners of pixels, which lie half a pixel before the centres
    left, top = place.left + (scale[0] - place.scale) / 2, place.top + (scale[1] - place.scale) / 2
    move = np.array([[scale[0], 0, left], [0, scale[1], top]])
    smaller = max(scale) < 0.8
    if smaller:  # warpAffine blends only four pixels, and would skip some
        h, w = picture.shape[:2]
        new = max(round(w * scale[0]), 1), max(round(h * scale[1]), 1)
        picture = cv2.resize(picture, new, interpolation=cv2.INTER_AREA)
        kx, ky = scale[0] * w / new[0], scale[1] * h / new[1]
        move = np.array([[kx, 0, left + (kx - scale[0]) / 2], [0, ky, top + (ky - scale[1]) / 2]])
    return cv2.warpAffine(picture, move, (width, height), borderValue=OUTSIDE)
