"""iMiGUE's raw arrays -> annotations. Receives {split}_data.npy and {split}_label.pkl, hands on what write_annotations takes."""

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

SPLITS = ('train', 'val', 'test')
IMG_SHAPE = (1080, 1920)  # (h, w) px, as in the published solution

# The published validation set: these videos of the training release (777 of its 13,670 clips).
PUBLISHED_VAL_VIDEOS = (
    '0001',
    '0002',
    '0003',
    '0004',
    '0006',
    '0007',
    '0008',
    '0009',
    '0010',
    '0011',
)


def raw_paths(folder: Path, split: str) -> tuple[Path, Path]:
    """The files of one split: numbers, and names with labels."""
    return folder / f'{split}_data.npy', folder / f'{split}_label.pkl'


def read_raw(
    folder: Path, split: str, img_shape: Sequence[int] = IMG_SHAPE
) -> list[dict[str, Any]]:
    """The annotations of one raw split, equal to the published converter's.

    folder     holds {split}_data.npy, float32 (N, 3, T, V, M), channels x px, y px, score (iMiGUE: (N, 3, 90, 22, 1)), and
               {split}_label.pkl, a pickled tuple (names, labels). Without labels: (names, None). Without the file the clips
               are named {split}_0, {split}_1 ... and have no labels
    ->         N annotations, one a clip in the arrays' order: keypoint (M, T, V, 2), keypoint_score (M, T, V), total_frames T,
               img_shape and original_shape as given, label (-1: none). Their arrays are read-only views of the file
    raises     DataError naming file and clip
    """
    data, labels = raw_paths(folder, split)
    return read_pair(split, data, labels if labels.exists() else None, img_shape)


def read_pair(
    split: str, data: Path, labels: Path | None, img_shape: Sequence[int] = IMG_SHAPE
) -> list[dict[str, Any]]:
    """read_raw for files of any names; all faulty clips are named at once."""
    num_clips, annotations = _iterate(split, data, labels, img_shape)
    items = list(tqdm(annotations, str(data), num_clips, leave=False, disable=None))
    wrong = [item for item in items if isinstance(item, DataError)]
    if wrong:
        more = (
            ''
            if len(wrong) == 1
            else f' So are {len(wrong) - 1} more: {some((str(w).split(": ")[1] for w in wrong[1:]), 20)}.'
        )
        raise DataError(f'{wrong[0]}{more}')
    return [_or_raise(item) for item in items]


def iterate_raw(
    folder: Path, split: str, img_shape: Sequence[int] = IMG_SHAPE
) -> tuple[int, Iterator[dict[str, Any]]]:
    """read_raw, one clip at a time: N, and the annotations."""
    data, labels = raw_paths(folder, split)
    num_clips, annotations = _iterate(split, data, labels if labels.exists() else None, img_shape)
    return num_clips, map(_or_raise, annotations)


def _or_raise(item: dict[str, Any] | DataError) -> dict[str, Any]:
    if isinstance(item, DataError):
        raise item
    return item


def _iterate(
    split: str, data_path: Path, label_path: Path | None, img_shape: Sequence[int]
) -> tuple[int, Iterator[dict[str, Any] | DataError]]:
    """N, and each clip's annotation or what is wrong with it."""
    data = load_npy(data_path)
    if data.ndim != 5 or data.shape[1] != 3 or data.dtype.kind != 'f':
        raise DataError(
            f'{data_path}: holds {data.dtype} of shape {data.shape}. Expected float32 (N, 3, T, V, M): clips, '
            'x y score, frames, joints, people; iMiGUE has (N, 3, 90, 22, 1).'
        )
    names, labels = [f'{split}_{i}' for i in range(len(data))], None
    if label_path is not None:
        names, labels = read_labels(label_path, len(data), may_lack=split == 'test')
    return len(data), _annotations(
        data_path, data, names, labels or [NO_LABEL] * len(data), img_shape
    )


def _annotations(
    path: Path, data: np.ndarray, names: list[str], labels: list[int], img_shape: Sequence[int]
) -> Iterator[dict[str, Any] | DataError]:
    for i, (name, label) in enumerate(zip(names, labels)):
        try:
            yield clip_annotation(name, np.asarray(data[i]), label, img_shape)
        except FieldError as error:
            yield DataError(f'{path}: clip {plain(name)} (row {i}): {error}')


def clip_annotation(
    name: str, clip: np.ndarray, label: int, img_shape: Sequence[int]
) -> dict[str, Any]:
    """clip (3, T, V, M): x px, y px, score -> its annotation. Raises FieldError."""
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
    """{split}_label.pkl -> N names, N labels or None; may_lack: an empty list of labels means none, too. Raises DataError."""
    value = load_pickle(path)
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise DataError(
            f'{path}: holds {brief(value)}. Expected a tuple (names, labels); labels may be None.'
        )
    names, labels = _listed(value[0]), None if value[1] is None else _listed(value[1])
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


def _listed(value: Any) -> list | None:
    if isinstance(value, np.ndarray) and value.ndim == 1:
        return value.tolist()
    return list(value) if isinstance(value, (list, tuple)) else None


def video_of(name: str) -> str:
    """The video that a clip was cut from: '0187_0' -> '0187'."""
    return name.rpartition('_')[0] or name


def take_out_videos(
    annotations: Iterable[dict], videos: Sequence[str], where: str
) -> tuple[list[dict], list[dict]]:
    """Split clips into (the others, those of `videos`), order kept. DataError when a video has no clip, or nothing is left."""
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
            f'{where}: all its clips are of the videos chosen for validation; nothing is left to train on. Choose fewer.'
        )
    return rest, taken
