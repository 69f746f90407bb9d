"""iMiGUE's csv release -> annotations. Receives one pair of csv files a video, hands on one annotation a labelled stretch.

NNNN_light_hand.csv   106 columns: frame number, then x px, y px, score of 25 body points (OpenPose's BODY_25) and of 5 + 5
                      finger tips (first hand, second hand); one row a frame; with or without a header row
NNNN.csv              (or NNNN_*.csv) three columns: class id, first frame, last frame (both belong to the clip); one row a clip
"""
from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from ..annotations.fields import Wrong
from ..errors import DataError
from ..files.safe_pickle import open_regular
from ..skeletons import get_layout
from ..wording import some
from .imigue import IMG_SHAPE, clip_annotation

POINTS_SUFFIX = '_light_hand.csv'
NUM_FRAMES = 90                 # longer clips keep their last 90 frames, zeros are appended to shorter ones
NUM_CLASSES = 32
OTHER_ID = 99                   # the id of class 31 (illustrative) in the release

BODY_25 = ('nose', 'neck', 'right shoulder', 'right elbow', 'right wrist', 'left shoulder', 'left elbow', 'left wrist',
           'middle hip', 'right hip', 'right knee', 'right ankle', 'left hip', 'left knee', 'left ankle',
           'right eye', 'left eye', 'right ear', 'left ear',
           'left big toe', 'left small toe', 'left heel', 'right big toe', 'right small toe', 'right heel')
NUM_POINTS = len(BODY_25) + 10
NUM_COLUMNS = 1 + 3 * NUM_POINTS

# Which of the 35 points each of the 22 joints is: the upper body by name, then all finger tips in their order.
POINTS = tuple(BODY_25.index(name) for name in get_layout('imigue22').joints[:12]) + tuple(range(len(BODY_25), NUM_POINTS))


def read_csv_release(folder: Path, img_shape: Sequence[int] = IMG_SHAPE) -> list[dict[str, Any]]:
    """The annotations of all videos in a folder, by video, then by row of its label file; the names are video_row ('0187_0').

    raises  DataError naming the file and the line. One video at a time is in memory beside the clips.
    """
    videos = sorted(folder.glob(f'*{POINTS_SUFFIX}')) if folder.is_dir() else []
    if not videos:
        raise DataError(f'{folder}: holds no *{POINTS_SUFFIX}. Expected the folder of the csv release, one such file a video.')
    annotations: list[dict[str, Any]] = []
    for path in tqdm(videos, str(folder), leave=False, disable=None):
        annotations += read_video(path, label_file(path), img_shape)
    return annotations


def label_file(points: Path) -> Path:
    """The label csv beside a video's points: NNNN.csv, or the only other NNNN_*.csv."""
    video = points.name.removesuffix(POINTS_SUFFIX)
    plain = points.with_name(f'{video}.csv')
    if plain.exists():
        return plain
    beside = [p for p in sorted(points.parent.glob('*.csv')) if p.name.startswith(f'{video}_')]
    others = [p for p in beside if not p.name.endswith(POINTS_SUFFIX)]
    if len(others) != 1:
        found = f'several may be it: {some(p.name for p in others)}' if others else 'there is none'
        raise DataError(f'{points}: its label file is wanted, {found}. Expected {plain.name} (id, start, end) beside it.')
    return others[0]


def read_video(points: Path, labels: Path, img_shape: Sequence[int]) -> list[dict[str, Any]]:
    """The labelled clips of one video."""
    video = points.name.removesuffix(POINTS_SUFFIX)
    frames = read_table(points, NUM_COLUMNS, 'frame number, then x, y, score of 35 points')
    clips = read_table(labels, 3, 'class id, first frame, last frame')
    annotations = []
    for row, (class_id, first, last) in enumerate(clips):
        where = f'{labels}: clip {row} ({class_id:g}, {first:g}, {last:g})'
        inside = frames[(frames[:, 0] >= first) & (frames[:, 0] <= last), 1:]
        if not len(inside):
            raise DataError(f'{where}: {points.name} has no frame in it; it has {frames[0, 0]:g} to {frames[-1, 0]:g}.')
        try:
            annotations.append(clip_annotation(f'{video}_{row}', cut(inside), class_of(class_id, where), img_shape))
        except Wrong as wrong:
            raise DataError(f'{where}: {wrong}') from None
    return annotations


def cut(rows: np.ndarray) -> np.ndarray:
    """(n, 105) frames of 35 points -> (3, 90, 22, 1) float32: x, y, score of the 22 joints; a NaN joint is missing (zeros)."""
    joints = rows.reshape(len(rows), NUM_POINTS, 3)[-NUM_FRAMES:, POINTS]          # (n, V, 3)
    joints = np.where(np.isnan(joints).any(-1, keepdims=True), 0, joints)
    clip = np.zeros((3, NUM_FRAMES, len(POINTS), 1), np.float32)
    clip[:, :len(joints), :, 0] = joints.transpose(2, 0, 1)
    return clip


def class_of(class_id: float, where: str) -> int:
    """1..32 -> 0..31, 99 -> 31."""
    if class_id == OTHER_ID:
        return NUM_CLASSES - 1
    if class_id != int(class_id) or not 1 <= class_id <= NUM_CLASSES:
        raise DataError(f'{where}: class id {class_id:g}. Expected 1 to {NUM_CLASSES}, or {OTHER_ID} for the last class.')
    return int(class_id) - 1


def read_table(path: Path, num_columns: int, columns: str) -> np.ndarray:
    """A csv of numbers -> (rows, num_columns) float64. A header is seen by its words, or by counting the columns 0, 1, 2 ..."""
    with open_regular(path) as f:
        first = f.readline(1 << 20).decode('utf-8-sig', 'replace')
    wanted = f'Expected {num_columns} columns: {columns}.'
    cells = [cell.strip() for cell in first.split(',')]
    if len(cells) != num_columns:
        raise DataError(f'{path}: the first row has {len(cells)} columns. {wanted}')
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', UserWarning)        # an empty table is said below
            table = np.loadtxt(path, delimiter=',', skiprows=int(_is_header(cells)), ndmin=2, encoding='utf-8-sig')
    except (ValueError, UnicodeDecodeError) as error:
        raise DataError(f'{path}: cannot be read as numbers ({str(error)[:200]}). {wanted}') from error
    if table.size == 0:
        raise DataError(f'{path}: holds no rows. {wanted}')
    if table.shape[1] != num_columns or np.isinf(table).any() or np.isnan(table[:, 0]).any():
        raise DataError(f'{path}: holds {table.shape[1]} columns, or inf, or a row without a number in front. {wanted}')
    return table


def _is_header(cells: list[str]) -> bool:
    try:
        numbers = [float(cell) for cell in cells]
    except ValueError:
        return True
    return numbers == list(range(len(cells))) and len(cells) > 3
