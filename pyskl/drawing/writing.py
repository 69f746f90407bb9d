"""Files of pictures: one as PNG, several as GIF or MP4."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UserError
from ..files.atomic import atomic_write
from ..files.libraries import opencv
from .canvas import blank

MOVING = ('.gif', '.mp4')
CODECS = ('vp09', 'mp4v')  # VP9 plays in browsers; an OpenCV without it has MPEG-4 Part 2


def check_suffix(path: str | os.PathLike, suffixes: Iterable[str] = ('.png', *MOVING)) -> str:
    """Return the path's suffix in lower case, before anything is drawn.

    Raises:
        UserError: it is none of `suffixes`.
    """
    suffix, known = Path(path).suffix.lower(), tuple(suffixes)
    if suffix not in known:
        raise UserError(
            f'{path}: {"a name without a suffix" if not suffix else f"{suffix} files"} cannot be '
            f'written here. Expected {" or ".join(known)}.'
        )
    return suffix


def write_png(path: str | os.PathLike, picture: np.ndarray) -> None:
    """Write a picture (H, W, 3) uint8 RGB.

    Raises:
        UserError: the file cannot be written; an existing one is untouched.
    """
    cv2 = opencv()
    done, data = cv2.imencode(
        '.png', cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, 9]
    )
    assert done
    with atomic_write(path) as f:
        f.write(data.tobytes())


def write_moving(path: str | os.PathLike, pictures: Iterable[np.ndarray], fps: float) -> None:
    """Write pictures (H, W, 3) uint8 RGB of one size as a GIF, in memory, or an MP4, one by one.

    Args:
        path: file to write; its suffix decides.
        pictures: the pictures.
        fps: pictures a second; a GIF rounds to hundredths of a second a picture.

    Raises:
        UserError: the file cannot be written, or OpenCV cannot encode it; an existing file is
            untouched.
    """
    (_write_gif if check_suffix(path, MOVING) == '.gif' else _write_mp4)(path, _even(pictures), fps)


def _even(pictures: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Yield the pictures as BGR, padded with white to even sizes, which films need."""
    cv2 = opencv()
    for picture in pictures:
        h, w = picture.shape[:2]
        even = blank(h + h % 2, w + w % 2)
        even[:h, :w] = picture
        yield cv2.cvtColor(even, cv2.COLOR_RGB2BGR)


def _write_gif(path: str | os.PathLike, pictures: Iterable[np.ndarray], fps: float) -> None:
    cv2 = opencv()
    film = cv2.Animation()
    film.frames = list(pictures)
    film.durations = [max(round(100 / fps), 1) * 10] * len(film.frames)  # milliseconds
    done, data = cv2.imencodeanimation(
        '.gif', film, [cv2.IMWRITE_GIF_QUALITY, cv2.IMWRITE_GIF_COLORTABLE_SIZE_256]
    )
    if not done:
        raise UserError(f'{path}: OpenCV {cv2.__version__} could not make a GIF. Write an .mp4.')
    with atomic_write(path) as f:
        f.write(data.tobytes())


def _write_mp4(path: str | os.PathLike, pictures: Iterable[np.ndarray], fps: float) -> None:
    """Write an MP4 into a temporary file, read it back, then copy it.

    OpenCV writes films only into files, and does not report a full disk.
    """
    cv2 = opencv()
    with (
        tempfile.TemporaryDirectory() as folder,
        atomic_write(path) as f,  # fails before the work if the path cannot be written
    ):
        film, writer, count = Path(folder) / 'film.mp4', None, 0
        for picture in pictures:
            writer = writer or _writer(film, picture, fps)
            writer.write(picture)
            count += 1
        if writer is not None:
            writer.release()
        written = cv2.VideoCapture(str(film)).get(cv2.CAP_PROP_FRAME_COUNT)
        if written != count:
            raise UserError(
                f'{path}: only {max(int(written), 0)} of {count} pictures could be written. Is '
                f'there space in {folder}?'
            )
        with open(film, 'rb') as source:
            shutil.copyfileobj(source, f)


def _writer(film: Path, picture: np.ndarray, fps: float) -> Any:
    cv2 = opencv()
    for codec in CODECS:
        writer = cv2.VideoWriter(
            str(film), cv2.VideoWriter_fourcc(*codec), fps, picture.shape[1::-1]
        )
        if writer.isOpened():
            return writer
    raise UserError(
        f'OpenCV {cv2.__version__} writes no MP4 here (tried {" and ".join(CODECS)}). Write a .gif.'
    )
