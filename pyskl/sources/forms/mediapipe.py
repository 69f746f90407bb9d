"""MediaPipe's landmarks as people save them, one file per clip; there is no standard format.

csv, wide, one row per frame, landmarks in the order of the columns:
    x0,y0,z0,v0,x1,...    nose_x,nose_y,nose_z,nose_visibility,left_eye_inner_x,...

csv, long, one row per landmark:
    frame,landmark,x,y,z,visibility      landmark: a number, or a name (in order of occurrence)
    frame,type,landmark_index,x,y,z      type: pose, left_hand, right_hand (face is left out)

z and visibility (presence, score, v) may be missing; other columns are ignored.

npz with `landmarks` or `keypoints` (T, V, C) or (M, T, V, C), or npy. C = 2: x, y; 3: x, y, z; 4:
x, y, z, visibility. A second array `visibility` or `score` (T, V) or (M, T, V) is optional.

33 landmarks are MediaPipe Pose's; in 75 those of the left and the right hand follow, 21 each. x and
y are fractions of the picture (--img-shape is needed) or pixels. A part whose visibility is always
0, as for hands, gets a score of 1 where it is seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import DataError
from ...files.texts import csv_rows, read_text
from ...wording import some
from ..poses import PoseSource, arrays_in, check_size, frame_indices, people_array
from ..source import Annotation, Unit, option
from ..tracking import Boxes

PARTS = {'pose': 33, 'left_hand': 21, 'right_hand': 21}
FRAME = ('frame', 'frame_id', 'frame_index', 'frame_idx', 'frame_number', 'frame_no')
LANDMARK = (
    *('landmark', 'landmark_index', 'landmark_id', 'landmark_name'),
    *('joint', 'index', 'id', 'name'),
)
SCORE = ('visibility', 'presence', 'score', 'confidence', 'vis', 'v', 'c')
_AXIS = {'x': 0, 'y': 1, 'z': 2, **dict.fromkeys(SCORE, 3)}
_AXES = '|'.join(_AXIS)
_COLUMN = re.compile(
    rf'(?:(?P<axis>{_AXES})[_. ]?(?P<number>\d+)|(?P<name>.+?)[_. ](?P<last>{_AXES}))'
)


@dataclass
class MediaPipe(PoseSource):
    """Tables and arrays of landmarks."""

    form = 'mediapipe'
    reads = "MediaPipe's landmarks: csv, npz or npy, one file per clip"
    suffixes = ('.csv', '.npz', '.npy')
    layouts = {33: 'mediapipe33', 67: 'mediapipe_upper_hands', 75: 'mediapipe_holistic75'}

    space: bool = option(False, 'keep x, y, z unchanged, for networks on key points in space')

    def read(self, unit: Unit) -> Iterator[Annotation]:
        """Yield the clip of the file."""
        read = _of_table if unit.path.suffix.lower() == '.csv' else _of_array
        marks = read(unit.path)  # (M, T, V, 4)
        marks[np.isnan(marks[..., :2]).any(axis=-1)] = 0
        keep = [0, 1, 2] if self.space else [0, 1, 3]
        seen = marks[..., :3].any(axis=(2, 3))  # (M, T)
        frames, person = np.nonzero(seen.T)
        boxes = Boxes(marks[person, frames][..., keep], frames, marks.shape[1], person)
        yield from (self.clip_in_space if self.space else self.clip)(unit.name, boxes)


def _of_array(path: Path) -> np.ndarray:
    """Return (M, T, V, 4) float32 from npz or npy."""
    arrays = arrays_in(path, 'landmarks')
    others = (name for name, array in arrays.items() if array.ndim in (3, 4))
    names = ['landmarks', 'keypoints', 'pose', *others]
    values = people_array(path, arrays, names, 4, 'landmarks (T, V, 2 to 4)')
    values = values[None] if values.ndim == 3 else values
    marks = np.zeros((*values.shape[:3], 4), np.float32)
    marks[..., : values.shape[-1]] = values
    beside = next((arrays[name] for name in SCORE if name in arrays), None)
    if beside is not None:
        try:
            marks[..., 3] = beside
        except ValueError:
            raise DataError(
                f'{path}: scores of shape {beside.shape} for landmarks of {values.shape}.'
            ) from None
    return _with_scores(marks, [slice(None)])


def _of_table(path: Path) -> np.ndarray:
    """Return (1, T, V, 4) float32 from a csv."""
    rows = [row for row in csv_rows(read_text(path).splitlines(), path) if row]
    header = [title.lower() for title in rows[0]] if rows else []
    if len(rows) < 2 or any(len(row) != len(header) for row in rows):
        raise DataError(f'{path}: {len(rows)} rows. Expected a header and rows of the same width.')
    table = {title: [row[i] for row in rows[1:]] for i, title in enumerate(header)}
    if {'x', 'y'} <= set(table):
        return _long(path, table)
    return _wide(path, header, table)


def _wide(path: Path, header: Sequence[str], table: Mapping[str, list[str]]) -> np.ndarray:
    """Read a table with one row per frame."""
    # The columns of each landmark.
    places: dict[str, int] = {}
    cells: list[tuple[int, int, str]] = []
    for title in header:
        found = _COLUMN.fullmatch(title)
        if found:
            joint = found['number'] or found['name']
            axis = _AXIS[found['axis'] or found['last']]
            cells.append((places.setdefault(joint, len(places)), axis, title))
    given = {cell[:2] for cell in cells}
    lacking = [joint for joint, i in places.items() if not {(i, 0), (i, 1)} <= given]
    if not places or lacking:
        what = f'no x and y of {some(lacking)}' if places else f'columns {some(header, 8)}'
        raise DataError(f'{path}: {what}. Expected columns like x0, y0 or nose_x, nose_y.')
    num_rows = len(next(iter(table.values())))
    marks = np.zeros((1, num_rows, len(places), 4), np.float32)
    for joint, axis, title in cells:
        marks[0, :, joint, axis] = _numbers(path, title, table[title])

    # Frames by their numbers.
    frame = next((title for title in FRAME if title in table), None)
    if frame is not None:
        numbers = _whole(path, frame, table[frame])
        frames, num_frames = frame_indices(numbers, numbers, str(path))
        if len(np.unique(frames)) < len(frames):
            raise DataError(f'{path}: a frame number occurs twice. Expected one row per frame.')
        check_size(num_frames, len(places), str(path))
        spread = np.zeros((1, num_frames, *marks.shape[2:]), np.float32)
        spread[:, frames] = marks
        marks = spread
    parts = [slice(None)] if len(places) != 75 else [slice(0, 33), slice(33, 54), slice(54, 75)]
    return _with_scores(marks, parts)


def _long(path: Path, table: Mapping[str, list[str]]) -> np.ndarray:
    """Read a table with one row per landmark."""
    frame, landmark = (
        next((title for title in titles if title in table), None) for titles in (FRAME, LANDMARK)
    )
    if frame is None or landmark is None:
        raise DataError(f'{path}: columns {some(table, 8)}. Expected frame, landmark, x, y.')
    numbers, joints = _whole(path, frame, table[frame]), _joints(path, table, landmark)
    used = joints >= 0
    frames, num_frames = frame_indices(numbers, numbers, str(path))
    places = frames[used] * (1 << 20) + joints[used]
    if len(np.unique(places)) < len(places):
        raise DataError(f'{path}: a landmark occurs twice in a frame. Expected one person.')
    has_parts = 'type' in table
    num_joints = sum(PARTS.values()) if has_parts else int(joints.max()) + 1
    # Complete a hand or a pose, whose unseen landmarks may have no row.
    num_joints = next((n for n in (21, 33) if num_joints <= n), num_joints)
    check_size(num_frames, num_joints, str(path))
    marks = np.zeros((1, num_frames, num_joints, 4), np.float32)
    for title, axis in _AXIS.items():
        if title in table:
            values = np.asarray(_numbers(path, title, table[title]), np.float32)
            marks[0, frames[used], joints[used], axis] = values[used]
    edges = np.cumsum([0, *PARTS.values()]) if has_parts else [0, num_joints]
    return _with_scores(marks, [slice(a, b) for a, b in zip(edges, edges[1:])])


def _joints(path: Path, table: Mapping[str, list[str]], title: str) -> np.ndarray:
    """Return (R,) the joint of each row; -1 for rows to leave out."""
    cells = table[title]
    try:
        joints = np.array(cells, dtype=float).astype(int)
    except ValueError:
        names = {name: i for i, name in enumerate(dict.fromkeys(cells))}
        joints = np.array([names[cell] for cell in cells])
    kinds = [kind.lower() for kind in table['type']] if 'type' in table else [''] * len(cells)
    first = dict(zip(PARTS, np.cumsum([0, *PARTS.values()])))
    starts = np.array([first.get(kind, -1 if 'type' in table else 0) for kind in kinds])
    most = np.array([PARTS.get(kind, 1 << 10) for kind in kinds])
    if (joints < 0).any() or (joints >= most).any():
        raise DataError(
            f'{path}: {title} ranges from {joints.min()} to {joints.max()}. Expected 0 to 32.'
        )
    return np.where(starts < 0, -1, starts + joints)


def _with_scores(marks: np.ndarray, parts: Sequence[slice]) -> np.ndarray:
    """Give a part without any visibility a score of 1 where it is seen."""
    for part in parts:
        if not np.nan_to_num(marks[..., part, 3]).any():
            marks[..., part, 3] = marks[..., part, :2].any(axis=-1)
    return marks


def _numbers(path: Path, title: str, cells: Sequence[str]) -> np.ndarray:
    try:
        return np.array([cell or 'nan' for cell in cells], dtype=float)
    except ValueError as error:
        raise DataError(f'{path}: column {title}: {error}. Expected numbers.') from None


def _whole(path: Path, title: str, cells: Sequence[str]) -> np.ndarray:
    numbers = _numbers(path, title, cells)
    if not np.isfinite(numbers).all() or np.abs(numbers).max() > 1 << 52:
        raise DataError(f'{path}: column {title}: a number is missing. Expected whole numbers.')
    return numbers.astype(np.int64)
