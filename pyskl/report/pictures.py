"""Small pictures of the clips' videos for the player: a few frames of each, around the person."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..annotations.clip_names import video_file
from ..annotations.fields import start_of
from ..drawing.skeleton import in_picture
from ..errors import DataError
from ..files.libraries import opencv
from ..files.videos import VideoFrames
from ..skeletons import is_present
from ..wording import count
from .packing import real_part

TILE = 120  # pixels, the edge of a frame on the page
MAX_FRAMES = 12  # of a clip
MARGIN = 0.07  # around the joints, the same as in skeleton.js
_QUALITY = 60  # of the JPEG
_OUTSIDE = 128  # grey beyond the video's edge


@dataclass
class Pictures:
    """Frames of the clips.

    Attributes:
        texts: a JPEG in base64 for each clip, its frames side by side, TILE pixels each; or ''.
        numbers: frames of each clip.
        notes: what was left out, and why.
    """

    texts: list[str]
    numbers: list[int]
    notes: list[str]


def pack_pictures(
    annotations: Sequence[Mapping[str, Any]], folder: str, first: Sequence[int], budget: int
) -> Pictures:
    """Pack frames of the clips' videos.

    Args:
        annotations: the clips.
        folder: folder of their videos, `data_prefix` of the data set.
        first: all indices, the most important first; the budget cuts off the end.
        budget: characters of all texts.
    """
    packed = Pictures([''] * len(annotations), [0] * len(annotations), [])
    refused: list[DataError] = []
    used = tried = 0
    for i in first:
        tried += 1
        try:
            strip, number = _strip(annotations[i], folder)
        except DataError as error:
            refused.append(error)
            continue
        text = base64.b64encode(strip).decode()
        if used + len(text) > budget:
            tried -= 1
            break
        used += len(text)
        packed.texts[i], packed.numbers[i] = text, number
    if refused:
        packed.notes.append(
            f'{len(refused)} of {tried} videos cannot be shown: {str(refused[0]).rstrip(".")}.'
        )
    if tried < len(annotations):
        packed.notes.append(
            f'The pictures of {count(len(annotations) - tried, "clip")} would make the file too '
            'large; they are not in it.'
        )
    return packed


def _strip(annotation: Mapping[str, Any], folder: str) -> tuple[bytes, int]:
    """Return a clip's frames side by side as a JPEG, and their number."""
    cv2 = opencv()
    keypoint, score = real_part(*in_picture(annotation))
    name = annotation.get('filename') or annotation['frame_dir']
    path = Path(os.path.join(folder, video_file(str(name))))
    number = min(MAX_FRAMES, keypoint.shape[1])
    places = np.rint(np.linspace(0, keypoint.shape[1] - 1, number)).astype(int)
    with VideoFrames(path) as video:
        inside = np.minimum(places + start_of(annotation), len(video) - 1)
        frames = video.frames(inside)
    corner, edge = _square(keypoint[is_present(keypoint, score)])
    scale = frames[0].shape[0] / annotation['img_shape'][0]
    tiles = [_cut(frame, corner * scale, edge * scale) for frame in frames]
    _, jpeg = cv2.imencode(
        '.jpg', np.concatenate(tiles, 1)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    )
    return jpeg.tobytes(), number


def _square(xy: np.ndarray) -> tuple[np.ndarray, float]:
    """Return corner and edge, in pixels, of the square that the player shows for joints (n, 2)."""
    if not len(xy):
        return np.zeros(2), 1.0
    low, high = xy.min(0).astype(float), xy.max(0).astype(float)
    extent = max(float((high - low).max()), 1.0)
    edge = extent / (1 - 2 * MARGIN)
    return (low + high - edge) / 2, edge


def _cut(frame: np.ndarray, corner: np.ndarray, edge: float) -> np.ndarray:
    """Return the square of a frame (H, W, 3) as (TILE, TILE, 3), grey beyond the frame."""
    cv2 = opencv()
    zoom = TILE / edge
    shift = -corner * zoom + (zoom - 1) / 2  # keeps the centres of pixels
    matrix = np.array([[zoom, 0, shift[0]], [0, zoom, shift[1]]])
    how = cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR
    grey = (_OUTSIDE,) * 3
    return cv2.warpAffine(frame, matrix, (TILE, TILE), flags=how, borderValue=grey)
