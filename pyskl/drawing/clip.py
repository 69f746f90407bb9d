"""One clip of the annotations as skeletons, on white or over its video."""

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

SLACK = 0.02  # how much width / height of a video and of the annotation's picture may differ


def unknown_clip(name: str, known: Sequence[str]) -> str:
    """What to say of a clip that is not there."""
    return f'there are {len(known):,} clips, from {plain(known[0])} to {plain(known[-1])}.{did_you_mean(name, known)}'


def title_of(clip: Mapping[str, Any], layout: Layout, labels: Sequence[str] | None = None) -> str:
    """'0187_0: 31 illustrative', or '0187_0: class 31' where no names are known. labels: names in class order."""
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
    """A panel for each frame, up to the last that shows anybody.

    clip     an annotation as read_annotations gives it; x, y, z are seen along z (in_picture)
    height   pixels of a panel
    whole    the whole picture; else the part around everything that moves
    video    its frames are the ground; offset: the one of its frames that is the clip's first
    raises   DataError: nobody to be seen, a video of another length or shape, whole or video where the clip has no img_shape
    """
    keypoint, score = in_picture(clip)
    frames = real_frames(keypoint, score)
    around = box_around(keypoint, score)
    if around is None:
        raise DataError(
            f'clip {plain(clip["frame_dir"])}: shows nobody: every joint is missing in all '
            f'{keypoint.shape[1]} frames.'
        )
    size = clip.get('img_shape')  # 3D data need none
    if size is None and (whole or video is not None):
        raise DataError(
            f'clip {plain(clip["frame_dir"])}: has no img_shape, so nobody knows how large its '
            'picture is. Draw it without --whole and --video.'
        )
    box = (0.0, 0.0, float(size[1]), float(size[0])) if whole else around
    width = round(np.clip((box[2] - box[0]) / (box[3] - box[1]), 0.4, 2.5) * height)
    place = fit(box, height, width, margin=1)
    first = 0 if video is None else first_frame(clip, video, frames, offset)
    look = ON_PAPER if video is None else ON_VIDEO
    stroke = max(round(min(height, place.scale * (around[3] - around[1])) / 130), 1)

    def panel(t: int) -> np.ndarray:
        if video is None:
            canvas = blank(height, width, OUTSIDE)
            paint_picture(canvas, place, size)
        else:
            canvas = _under(video[first + t], place, size, height, width)
        draw_skeleton(
            canvas,
            keypoint[:, t],
            None if score is None else score[:, t],
            layout,
            place,
            look,
            stroke,
        )
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
    """White where the picture (h, w) is, with its border; all white where nobody knows its size."""
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
    """The video's frame that is the clip's first. DataError when the video is another's, or too short."""
    name, length = plain(clip['frame_dir']), clip['keypoint'].shape[1]
    h, w = (int(v) for v in clip['img_shape'])
    if abs(video.width / video.height / (w / h) - 1) > SLACK:
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
    if not 0 <= offset <= len(video) - frames:
        raise DataError(
            f'{video.path}: has {count(len(video), "frame")}, but clip {name} with --offset '
            f'{offset} needs frames {offset} to {offset + frames - 1}.'
            + (
                f' Expected --offset 0 to {len(video) - frames}.'
                if len(video) >= frames
                else ' The video is too short.'
            )
        )
    return offset


def _under(
    picture: np.ndarray, place: Place, size: tuple[int, int], height: int, width: int
) -> np.ndarray:
    """The video's frame, as large as the annotation's picture (h, w), put in its place on the canvas."""
    cv2 = opencv()
    scale = place.scale * size[1] / picture.shape[1], place.scale * size[0] / picture.shape[0]
    # the corner of pixel 0 lies half a pixel before its centre
    left, top = place.left + (scale[0] - place.scale) / 2, place.top + (scale[1] - place.scale) / 2
    move = np.array([[scale[0], 0, left], [0, scale[1], top]])
    smaller = max(scale) < 0.8
    if smaller:  # warpAffine looks at four pixels only, and would skip some
        h, w = picture.shape[:2]
        new = max(round(w * scale[0]), 1), max(round(h * scale[1]), 1)
        picture = cv2.resize(picture, new, interpolation=cv2.INTER_AREA)
        kx, ky = scale[0] * w / new[0], scale[1] * h / new[1]
        move = np.array([[kx, 0, left + (kx - scale[0]) / 2], [0, ky, top + (ky - scale[1]) / 2]])
    return cv2.warpAffine(picture, move, (width, height), borderValue=OUTSIDE)
