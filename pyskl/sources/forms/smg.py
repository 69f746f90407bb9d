"""SMG (Chen et al., 2023): micro-gestures of 40 people, seen by Kinect; 17 classes, layout ntu25.

csv: Sample0001/Sample0001_skeleton.csv, no header, one row per frame, 25 x 11 numbers: x y z in
metres (0-2), a quaternion, pixels of the 1920 x 1080 picture (7, 8), two more. Beside it
Sample0001_finelabels.csv, one row `id,start,end` per gesture: ids 1..17, frames counted from 1,
both ends included. Row r, from 0 on, is the clip Sample0001_r.

npy: train_data.npy (N, 3, T, 25, 1), x y z in metres, beside train_label.pkl (names, labels).

People 36 to 40 are the test set, so clips of the csv are in the splits train and test; those of
train_data.npy are in the split train.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...annotations.pose_fields import missing_as_zeros
from ...errors import DataError, UserError
from ...files.arrays import load_npy
from ...skeletons import is_present
from ..imigue import read_labels
from ..source import Annotation, Source, Unit, find_files, named, option
from ..tables import read_table

POINTS, LABELS = '_skeleton.csv', '_finelabels.csv'
NPY = '_data.npy'
NUM_JOINTS, NUM_CLASSES, NUMBERS = 25, 17, 11
IMG_SHAPE = (1080, 1920)
TEST_PEOPLE = range(36, 41)


@dataclass
class Smg(Source):
    """The csv release, and the arrays made of it."""

    form = 'smg'
    reads = 'Sample*_skeleton.csv with Sample*_finelabels.csv, or *_data.npy with *_label.pkl'
    suffixes = (POINTS, NPY)
    layouts = {NUM_JOINTS: 'ntu25'}

    pixels: bool = option(False, 'positions in the picture (default for csv; npy has none)')
    space: bool = option(False, 'x, y, z in metres (npy has nothing else)')

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.pixels and self.space:
            raise UserError('--pixels and --space: expected one of them.')

    def find(self, paths: Sequence[Path]) -> list[Unit]:
        """List the files, named Sample0001, or train for train_data.npy."""
        files = find_files(paths, self.suffixes, self.reads)
        units = named(files, paths)
        endings = f'(?:{"|".join(e.rpartition(".")[0] for e in self.suffixes)})$'
        return [Unit(unit.path, re.sub(endings, '', unit.name)) for unit in units]

    def read(self, unit: Unit) -> Iterator[Annotation]:
        """Yield the gestures of a recording, or the clips of an array."""
        return self._arrays(unit) if unit.path.suffix.lower() == '.npy' else self._recording(unit)

    def _recording(self, unit: Unit) -> Iterator[Annotation]:
        """Yield the gestures of a csv."""
        path = labels_of(unit.path)
        gestures = _numbers(path, 3, 'class id, first frame, last frame')
        joints = read_joints(unit.path)
        for row, (class_id, first, last) in enumerate(gestures):
            name = f'{unit.name}_{row}'
            where = f'{path}: row {row} ({class_id:g}, {first:g}, {last:g})'
            if class_id not in range(1, NUM_CLASSES + 1):
                self.leave_out(f'{where}: class id {class_id:g}. Expected 1 to {NUM_CLASSES}.')
                continue
            if not (first <= last and 0 <= first <= len(joints) and last >= 1):
                self.leave_out(
                    f'{where}: {unit.path.name} has no such frames; it has 1 to {len(joints)}.'
                )
                continue
            if last > len(joints):
                self.note('the last frames that the labels name do not exist', name)
            inside = joints[max(int(first) - 1, 0) : int(last)]
            yield {'frame_dir': name, 'label': int(class_id) - 1, **self._clip(inside)}

    def _clip(self, joints: np.ndarray) -> Annotation:
        """Turn (T, 25, 11) into the fields of a clip."""
        joints = np.where(np.isnan(joints).any(-1, keepdims=True), 0, joints)
        if self.space:
            return {'keypoint': joints[None, ..., :3]}
        xy, seen = in_picture(joints)
        return {'keypoint': xy, 'keypoint_score': seen, 'img_shape': IMG_SHAPE}

    def _arrays(self, unit: Unit) -> Iterator[Annotation]:
        """Yield the clips of an array."""
        if self.pixels:
            raise UserError(
                f'{unit.path}: --pixels, but these arrays hold metres only. Give the csv.'
            )
        data = load_npy(unit.path)
        if data.ndim != 5 or data.shape[1] != 3 or data.dtype.kind != 'f':
            raise DataError(
                f'{unit.path}: holds {data.dtype} of shape {data.shape}. Expected '
                '(N, 3, T, 25, 1): clips, x y z in metres, frames, joints, people.'
            )
        names, labels = [f'{unit.name}_{i}' for i in range(len(data))], None
        beside = unit.path.with_name(unit.path.name[: -len(NPY)] + '_label.pkl')
        if beside.exists():
            names, labels = read_labels(beside, len(data))
        self.own_splits[unit.name.rpartition('/')[2]] = names  # 'train' of train_data.npy
        for i, name in enumerate(names):
            keypoint = np.asarray(data[i]).transpose(3, 1, 2, 0)
            yield {'frame_dir': name, 'label': labels and labels[i], 'keypoint': keypoint}

    def splits(self, names: Sequence[str]) -> dict[str, list[str]]:
        """Return the splits of the arrays, or train and test by the person in the clips' names."""
        if self.own_splits:
            return self.own_splits
        found = [re.search(r'(?:^|/)(?:Sample)?(\d{4})_\d+$', name) for name in names]
        people = [int(match[1]) for match in found if match]
        if len(people) < len(names):
            return {}
        split: dict[str, list[str]] = {'train': [], 'test': []}
        for name, person in zip(names, people):
            split['test' if person in TEST_PEOPLE else 'train'].append(name)
        return {part: members for part, members in split.items() if members}


def labels_of(path: Path) -> Path:
    """Return the label file that belongs to a skeleton file."""
    return path.with_name(path.name[: -len(POINTS)] + LABELS)


def read_joints(path: Path) -> np.ndarray:
    """Return (T, 25, 11) float32 of a skeleton file; an empty cell is NaN.

    Raises:
        DataError: other columns, or infinite numbers.
    """
    wanted = f'{NUM_JOINTS} x {NUMBERS} numbers per frame'
    values = _numbers(path, NUM_JOINTS * NUMBERS, wanted, np.float32)
    return values.reshape(-1, NUM_JOINTS, NUMBERS)


def in_picture(joints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (1, T, 25, 2) pixels and (1, T, 25) scores of (T, 25, 11); 0 where one is missing."""
    xy, _ = missing_as_zeros(joints[None, ..., 7:9], None)
    return xy, is_present(xy).astype(np.float32)


def _numbers(
    path: Path, num_columns: int, columns: str, dtype: type[np.floating] = np.float64
) -> np.ndarray:
    """Return (R, C) of a csv; an empty cell is NaN."""
    values = read_table(path, dtype).values
    if values.shape[1] != num_columns or np.isinf(values).any():
        what = 'holds infinity' if np.isinf(values).any() else f'has {values.shape[1]} columns'
        raise DataError(f'{path}: {what}. Expected {num_columns} columns: {columns}.')
    return values
