"""Read iMiGUE's raw arrays, {split}_data.npy with {split}_label.pkl, as annotations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from ...annotations.field_values import NO_LABEL, FieldError
from ...annotations.fields import clean_fields
from ...errors import DataError
from ...files.arrays import load_npy
from ...files.safe_pickle import load_pickle
from ...wording import brief, plain, some
from ..source import Annotation

SPLITS = ('train', 'val', 'test')
IMG_SHAPE = (1080, 1920)  # (h, w) px, as in the published solution

# The published validation set: these videos of the training release (777 of its 13,670 clips).
PUBLISHED_VAL_VIDEOS = tuple(f'{number:04d}' for number in (1, 2, 3, 4, 6, 7, 8, 9, 10, 11))


def raw_paths(folder: Path, split: str) -> tuple[Path, Path]:
    """Return the paths of one split's arrays: the key points, and the names with labels."""
    return folder / f'{split}_data.npy', folder / f'{split}_label.pkl'


def read_raw(folder: Path, split: str, img_shape: Sequence[int] = IMG_SHAPE) -> list[Annotation]:
    """Read one raw split as annotations, equal to the published converter's.

    Args:
        folder: holds {split}_data.npy, float32 (N, 3, T, V, M), channels x px, y px, score
            (iMiGUE: (N, 3, 90, 22, 1)), and {split}_label.pkl, a pickled tuple (names, labels), or
            (names, None). Without the latter, clips are named {split}_0, {split}_1 ... and have no
            label.
        split: 'train', 'val' or 'test'.
        img_shape: (h, w) px.

    Returns:
        N annotations in the order of the array: keypoint (M, T, V, 2), keypoint_score (M, T, V),
        total_frames T, img_shape and original_shape as given, label (-1 for none). Their arrays are
        read-only views of the file.

    Raises:
        DataError: names the file and the clip.
    """
    return read_pair(split, *_existing(folder, split), img_shape)


def read_pair(
    split: str, data: Path, labels: Path | None, img_shape: Sequence[int] = IMG_SHAPE
) -> list[Annotation]:
    """Read one split as `read_raw` does, from files of any names.

    Raises:
        DataError: names all faulty clips at once.
    """
    num_clips, annotations = _iterate(split, data, labels, img_shape)
    items = list(tqdm(annotations, str(data), num_clips, leave=False, disable=None))
    wrong = [item for item in items if isinstance(item, DataError)]
    if wrong:
        others = some((str(fault).split(': ')[1] for fault in wrong[1:]), 20)
        more = f' So are {len(wrong) - 1} more: {others}.' if others else ''
        raise DataError(f'{wrong[0]}{more}')
    return [_or_raise(item) for item in items]


def iterate_raw(
    folder: Path, split: str, img_shape: Sequence[int] = IMG_SHAPE
) -> tuple[int, Iterator[Annotation]]:
    """Return N and an iterator over the annotations that `read_raw` would return."""
    num_clips, annotations = _iterate(split, *_existing(folder, split), img_shape)
    return num_clips, map(_or_raise, annotations)


def _existing(folder: Path, split: str) -> tuple[Path, Path | None]:
    data, labels = raw_paths(folder, split)
    return data, labels if labels.exists() else None


def _or_raise(item: Annotation | DataError) -> Annotation:
    if isinstance(item, DataError):
        raise item
    return item


def _iterate(
    split: str, path: Path, label_path: Path | None, img_shape: Sequence[int]
) -> tuple[int, Iterator[Annotation | DataError]]:
    """Return N and an iterator over the clips' annotations, or errors for faulty clips."""
    data = load_npy(path)
    if data.ndim != 5 or data.shape[1] != 3 or data.dtype.kind != 'f':
        raise DataError(
            f'{path}: holds {data.dtype} of shape {data.shape}. Expected float32 '
            '(N, 3, T, V, M): clips, x y score, frames, joints, people; iMiGUE has '
            '(N, 3, 90, 22, 1).'
        )
    names, labels = [f'{split}_{i}' for i in range(len(data))], None
    if label_path is not None:
        names, labels = read_labels(label_path, len(data), may_lack=split == 'test')

    def clip(row: int) -> Annotation | DataError:
        try:
            label = labels[row] if labels else NO_LABEL
            return clip_annotation(names[row], np.asarray(data[row]), label, img_shape)
        except FieldError as error:
            return DataError(f'{path}: clip {plain(names[row])} (row {row}): {error}')

    return len(data), map(clip, range(len(data)))


def clip_annotation(
    name: str, clip: np.ndarray, label: int, img_shape: Sequence[int]
) -> Annotation:
    """Make the annotation of a clip.

    Args:
        name: of the clip.
        clip: (3, T, V, M) x px, y px, score.
        label: its class; -1 for none.
        img_shape: (h, w) px.

    Raises:
        FieldError: a field is not as expected.
    """
    annotation = clean_fields(
        {
            'frame_dir': name,
            'label': label,
            'img_shape': tuple(img_shape),
            'original_shape': tuple(img_shape),
            'total_frames': clip.shape[1],
            'keypoint': clip[:2].transpose(3, 1, 2, 0),
            'keypoint_score': clip[2].transpose(2, 0, 1),
        }
    )
    if isinstance(annotation['label'], list):
        raise FieldError(
            'label',
            f'is {brief(annotation["label"])}',
            'Expected one class: a gesture of iMiGUE has one label.',
        )
    return annotation


def read_labels(
    path: Path, num_clips: int, may_lack: bool = False
) -> tuple[list[str], list[int] | None]:
    """Read the names and labels of {split}_label.pkl.

    Args:
        path: the file.
        num_clips: N.
        may_lack: whether an empty list of labels means "no labels".

    Returns:
        N names, and N labels or None.

    Raises:
        DataError: anything else is in the file.
    """
    value = load_pickle(path)
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise DataError(
            f'{path}: holds {brief(value)}. Expected a tuple (names, labels); labels may be None.'
        )
    names, labels = _as_list(value[0]), None if value[1] is None else _as_list(value[1])
    if names is None or not all(isinstance(name, str) for name in names):
        raise DataError(
            f"{path}: the names are {brief(value[0])}. Expected a list of texts like '0187_0'."
        )
    if value[1] is not None and labels is None:
        raise DataError(
            f'{path}: the labels are {brief(value[1])}. Expected a list of whole numbers, or None.'
        )
    if may_lack and labels == []:
        labels = None
    for what, values in (('names', names), ('labels', labels)):
        if values is not None and len(values) != num_clips:
            raise DataError(
                f'{path}: {len(values)} {what} for {num_clips} clips. Expected as many. '
                'Do data and label file belong together?'
            )
    return names, labels


def _as_list(value: Any) -> list | None:
    if isinstance(value, np.ndarray) and value.ndim == 1:
        return value.tolist()
    return list(value) if isinstance(value, (list, tuple)) else None


def video_of(name: str) -> str:
    """Return the video that a clip was cut from: '0187' of '0187_0'."""
    return name.rpartition('_')[0] or name


def take_out_videos(
    annotations: Iterable[dict], videos: Sequence[str], where: str
) -> tuple[list[dict], list[dict]]:
    """Split clips into those of other videos and those of `videos`, keeping their order.

    Args:
        annotations: all clips.
        videos: names of the videos to take out.
        where: the source's name, for messages.

    Raises:
        DataError: one of the videos has no clip, or no clips are left.
    """
    wanted = set(videos)
    rest: list[dict] = []
    taken: list[dict] = []
    for annotation in annotations:
        (taken if video_of(annotation['frame_dir']) in wanted else rest).append(annotation)
    absent = sorted(wanted - {video_of(a['frame_dir']) for a in taken})
    if absent:
        known = sorted({video_of(a['frame_dir']) for a in rest + taken})
        raise DataError(
            f'{where}: no clip comes from video {some(absent)}. It has videos {some(known, 8)}.'
        )
    if not rest:
        raise DataError(
            f'{where}: all its clips are of the videos chosen for validation; nothing is left to '
            'train on. Choose fewer.'
        )
    return rest, taken
