"""Turn the videos of callers (paths, arrays, lists of them) into clips."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..annotations.clip_names import without_ending
from ..annotations.clips import Annotations, InMemory
from ..annotations.field_values import NO_LABEL, FieldError
from ..annotations.fields import clean_place, start_of
from ..annotations.video_lists import read_video_list
from ..errors import DataError
from ..files import load_npy
from ..wording import plain

Clip = dict[str, Any]
_LISTS = ('.txt', '.list', '.csv', '.tsv', '.json', '.pkl', '.pickle')


def is_tensor(value: Any) -> bool:
    """Return whether a value is a torch tensor, without importing torch."""
    torch = sys.modules.get('torch')
    return torch is not None and isinstance(value, torch.Tensor)


def open_video_list(source: Any) -> Any:
    """Open the list of videos if `source` is the path of one; return anything else unchanged."""
    is_path = isinstance(source, (str, os.PathLike))
    if is_path and Path(source).suffix.lower() in _LISTS:
        return Annotations(InMemory(read_video_list(source), str(source)))
    return source


def is_one_video(source: Any) -> bool:
    """Return whether a source is one clip: the path of a video, an array, or a dict of either."""
    if isinstance(source, (str, os.PathLike)):
        return Path(source).suffix.lower() not in _LISTS
    return isinstance(source, (Mapping, np.ndarray)) or is_tensor(source)


def video_clip(source: Any) -> Clip:
    """Return one clip in the form that pipelines on pictures take.

    Args:
        source: the path of a video or of an .npy file, an array (T, H, W, 3) of uint8 in RGB, or a
            dict with `filename` or `array` and, for a part of it, `start_frame` and `end_frame`.

    Raises:
        DataError: the clip is wrong.
    """
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        is_array = path.suffix.lower() == '.npy'
        source = {'array': load_npy(path)} if is_array else {'filename': os.fspath(source)}
        source['frame_dir'] = without_ending(path.name)
    elif not isinstance(source, Mapping):
        source = {'array': source}
    given = dict(source)
    name = given.get('frame_dir') or given.get('filename') or 'clip'
    where = f'clip {plain(name)}'
    if given.get('array') is not None:
        given['array'] = _pictures(given['array'], where)
    elif not isinstance(given.get('filename') or given.get('frame_dir'), (str, os.PathLike)):
        raise DataError(
            f'{where} has neither filename nor array, but this network takes pictures. Expected '
            'the path of a video, or an array (frames, height, width, 3) of bytes in RGB.'
        )
    try:
        part = clean_place(given)
    except FieldError as error:
        raise DataError(f'{where}: {error}') from None
    if 'end_frame' in part:
        part['total_frames'] = part['end_frame'] - start_of(part) + 1
    return {**given, **part, 'frame_dir': str(name), 'label': NO_LABEL}


def _pictures(value: Any, where: str) -> np.ndarray:
    """Return the array of a clip, (T, H, W, 3) uint8, after checking it."""
    array = value.detach().cpu().numpy() if is_tensor(value) else np.asarray(value)
    if array.dtype != np.uint8 or array.ndim != 4 or array.shape[3] != 3 or 0 in array.shape:
        raise DataError(
            f'{where}: array is {array.dtype} of shape {array.shape}, but this network takes '
            'pictures. Expected (frames, height, width, 3) of uint8, 0 to 255, in RGB (OpenCV '
            'reads BGR: use array[..., ::-1]).'
        )
    return array
