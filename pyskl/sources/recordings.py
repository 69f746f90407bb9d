"""Read long recordings whole: their key points, and the segments in their label files.

iMiGUE: NNNN_light_hand.csv or NNNN_openpose.xlsx, beside it NNNN_label.csv (class id, first frame,
last frame). Frames are counted as in the first column of the file.

SMG: SampleNNNN_skeleton.csv, beside it SampleNNNN_finelabels.csv; key points in pixels, frames
counted from 1.

Annotation files (.pkl), one annotation per recording, of any skeleton. The optional field
`segments` holds rows (class, first frame, last frame) with frames counted from 0, `fps` the frame
rate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..annotations import open_annotations
from ..annotations.pose_fields import missing_as_zeros
from ..annotations.segments import Segment
from ..errors import DataError
from ..skeletons import is_present
from ..wording import brief, plain, some
from .forms.smg import IMG_SHAPE as SMG_SHAPE
from .forms.smg import LABELS as SMG_LABELS
from .forms.smg import NUM_JOINTS as SMG_JOINTS
from .forms.smg import NUMBERS as SMG_NUMBERS
from .forms.smg import POINTS as SMG_POINTS
from .imigue import IMG_SHAPE
from .imigue.find import Video, find
from .imigue.frames import frames_of
from .imigue.joints import DEFAULT, Joints
from .imigue.labels import NUM_CLASSES, OTHER_ID, class_of, is_class_id, read_rows
from .tables import read_table

ANNOTATION_FILES = ('.pkl', '.pickle', '.packed')
EXPECTED = (
    "Expected iMiGUE's NNNN_light_hand.csv, SMG's SampleNNNN_skeleton.csv, or an annotation file "
    '(.pkl) whose clips are recordings.'
)
MOST_GAPS = 4  # longest recording as a multiple of its rows, of a file that lacks frames


@dataclass(frozen=True)
class Recording:
    """One recording.

    Attributes:
        name: '0187'.
        keypoint: (M, T, V, C) float32, 0 where a joint is missing.
        score: (M, T, V) float32; None if the file has none.
        img_shape: (h, w) pixels; None for key points in space.
        first: number of the first frame in labels and predictions.
        segments: the labels; None if there are none.
        notes: what was odd about the files and how it was read, a line each.
        fps: frames a second; None if unknown.
    """

    name: str
    keypoint: np.ndarray
    score: np.ndarray | None = None
    img_shape: tuple[int, int] | None = None
    first: int = 0
    segments: tuple[Segment, ...] | None = None
    notes: tuple[str, ...] = ()
    fps: float | None = None

    @property
    def num_frames(self) -> int:
        """T."""
        return self.keypoint.shape[1]

    def cut(self, start: int, stop: int, label: int = -1) -> dict[str, Any]:
        """Return frames start..stop-1, counted from 0, as an annotation whose arrays are views."""
        clip = {
            'frame_dir': f'{self.name}@{self.first + start}',
            'label': label,
            'total_frames': stop - start,
            'keypoint': self.keypoint[:, start:stop],
        }
        if self.score is not None:
            clip['keypoint_score'] = self.score[:, start:stop]
        if self.img_shape is not None:
            clip |= {'img_shape': self.img_shape, 'original_shape': self.img_shape}
        return clip

    def shown(self) -> np.ndarray:
        """Return which frames show somebody: (T,) bool."""
        return np.any(is_present(self.keypoint, self.score), (0, 2))


@dataclass(frozen=True)
class RecordingFile:
    """A recording that has not been read.

    Attributes:
        name: of the recording.
        split: 'train', 'val' or 'test'; None if unknown.
        path: of its file.
        kind: 'imigue', 'smg' or 'annotation'; their label files count classes differently.
    """

    name: str
    split: str | None
    path: Path
    kind: str
    _read: Callable[[], Recording] = field(repr=False, compare=False)

    def read(self) -> Recording:
        """Read the recording and its labels.

        Raises:
            DataError: a file is not as expected.
        """
        return self._read()


def find_recordings(
    paths: Sequence[Path],
    joints: str = DEFAULT,
    img_shape: tuple[int, int] | None = None,
    split: str | None = None,
) -> list[RecordingFile]:
    """List the recordings in files and folders, by name.

    Args:
        paths: folders or single files of iMiGUE's or SMG's release, or annotation files.
        joints: of iMiGUE to keep, as in tools/readlabel.py --joints.
        img_shape: (h, w) pixels of iMiGUE's videos.
        split: keep only the recordings of this split; those in folders that name no split stay.

    Raises:
        DataError: a path does not exist, there is nothing to read, or two recordings have one name.
    """
    found: list[RecordingFile] = []
    for path in map(Path, paths):
        if path.suffix.lower() in ANNOTATION_FILES:
            found += _annotation_recordings(path, split)
        elif smg := _smg_files(path):
            found += [_smg(file) for file in smg]
        else:
            found += _imigue_recordings(path, Joints(joints), img_shape or IMG_SHAPE)
    found = [file for file in found if split is None or file.split in (None, split)]
    if not found:
        of = f' of the split {split!r}' if split else ''
        raise DataError(f'{some(map(str, paths))}: holds no recordings{of}. {EXPECTED}')
    names = [file.name for file in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(
            f'{some(map(str, paths))}: several recordings are called {some(twice)}. Expected names '
            'that differ: name the folder of one split, or give split.'
        )
    return sorted(found, key=lambda file: file.name)


# -- annotation files ------------------------------------------------------------------------------


def _annotation_recordings(path: Path, split: str | None) -> list[RecordingFile]:
    """List the recordings of an annotation file."""
    clips = open_annotations(path)
    if split is not None:
        clips = clips.split(split)

    def read(index: int) -> Recording:
        clip = clips[index]
        where = f'{path}: recording {plain(clip["frame_dir"])}'
        if 'frame_inds' in clip:
            raise DataError(
                f'{where}: is in the compressed form. Expected people as rows of keypoint.'
            )
        frames = slice(clip['total_frames'])
        keypoint = np.asarray(clip['keypoint'][:, frames], np.float32)
        score = clip.get('keypoint_score')
        keypoint, score = missing_as_zeros(keypoint, None if score is None else score[:, frames])
        segments: tuple[Segment, ...] | None = None
        notes: list[str] = []
        if clip.get('segments') is not None:
            rows = _rows(clip['segments'], where)
            segments, notes = _segments(rows, 0, keypoint.shape[1], where)
        fps = clip.get('fps')
        known = fps if isinstance(fps, (int, float)) and 0 < fps < 1000 else None
        return Recording(
            name=clip['frame_dir'],
            keypoint=keypoint,
            score=score,
            img_shape=clip.get('img_shape'),
            segments=segments,
            notes=tuple(notes),
            fps=None if known is None else float(known),
        )

    return [
        RecordingFile(name, None, path, 'annotation', partial(read, i))
        for i, name in enumerate(clips.ids)
    ]


def _rows(given: Any, where: str) -> list[tuple[int, int, int]]:
    """Return the rows of the field `segments`; a DataError says what it holds instead."""
    try:
        table = np.asarray(given)
        fine = table.size == 0 or (
            table.ndim == 2 and table.shape[1] == 3 and table.dtype.kind in 'iu'
        )
    except ValueError:
        fine = False
    if not fine:
        raise DataError(
            f'{where}: segments = {brief(given)}. Expected rows (class, first frame, last frame) '
            'of whole numbers.'
        )
    return [tuple(row) for row in table.reshape(-1, 3).tolist()]


# -- SMG -------------------------------------------------------------------------------------------


def _smg_files(path: Path) -> list[Path]:
    """List the skeleton files of SMG in a folder, or the file itself if it is one."""
    if path.is_file():
        return [path] if path.name.lower().endswith(SMG_POINTS) else []
    return sorted(p for p in path.rglob(f'*{SMG_POINTS}') if not p.name.startswith('.'))


def _smg(path: Path) -> RecordingFile:
    name = path.name[: -len(SMG_POINTS)]

    def read() -> Recording:
        values = read_table(path, np.float32).values
        if values.shape[1] != SMG_JOINTS * SMG_NUMBERS or np.isinf(values).any():
            raise DataError(
                f'{path}: has {values.shape[1]} columns, or infinite numbers. Expected '
                f'{SMG_JOINTS} x {SMG_NUMBERS} numbers a frame.'
            )
        xy = values.reshape(-1, SMG_JOINTS, SMG_NUMBERS)[..., 7:9].astype(np.float32)[None]
        xy, _ = missing_as_zeros(xy, None)
        score = is_present(xy).astype(np.float32)
        segments: tuple[Segment, ...] | None = None
        notes: list[str] = []
        labels = path.with_name(name + SMG_LABELS)
        if labels.exists():
            rows = [
                (int(row[0]) - 1, int(row[1]), int(row[2]))
                for row in _whole(labels, read_table(labels).values)
            ]
            segments, notes = _segments(rows, 1, xy.shape[1], str(labels))
        return Recording(name, xy, score, SMG_SHAPE, 1, segments, tuple(notes))

    return RecordingFile(name, None, path, 'smg', read)


def _whole(path: Path, rows: np.ndarray) -> np.ndarray:
    """Return the rows of a label file; a DataError if they are not three whole numbers each."""
    if rows.shape[1] != 3 or not (np.isfinite(rows) & (rows == np.floor(rows))).all():
        raise DataError(
            f'{path}: expected three columns of whole numbers: class id, first, last frame.'
        )
    return rows


# -- iMiGUE ----------------------------------------------------------------------------------------


def _imigue_recordings(
    path: Path, joints: Joints, img_shape: tuple[int, int]
) -> Iterator[RecordingFile]:
    """List the recordings of iMiGUE in a folder, or the one that a file is of."""
    for video in find([path], raw=False).videos:
        yield RecordingFile(
            video.name,
            video.split,
            video.points[0],
            'imigue',
            partial(_read_imigue, video, joints, img_shape),
        )


def _read_imigue(video: Video, joints: Joints, img_shape: tuple[int, int]) -> Recording:
    """Read a recording of iMiGUE and its labels."""
    path = video.points[0]
    points, first, missing = _imigue_points(path, joints)
    keypoint, score = missing_as_zeros(points[..., :2], points[..., 2])
    notes = []
    if missing:
        notes.append(f'{path}: lacks frames {some(missing, 3)}: nobody is seen there')
    recording = Recording(video.name, keypoint, score, img_shape, first, None, tuple(notes))
    if len(video.labels) > 1:
        raise DataError(
            f'{path}: several files may be its label csv: {some(p.name for p in video.labels)}. '
            'Expected one, NNNN_label.csv.'
        )
    return _with_labels(recording, video.labels[0], video.split) if video.labels else recording


def _imigue_points(path: Path, joints: Joints) -> tuple[np.ndarray, int, list[int]]:
    """Read the points of a file.

    Returns:
        (1, T, V, 3) points, the number of the first frame, and the numbers of missing frames.

    Raises:
        DataError: columns that no release has, or frame numbers with large or regular gaps.
    """
    try:
        frames = frames_of(path, read_table(path, np.float32))
        chosen = joints.of(frames.points.shape[1])
    except DataError as error:
        raise DataError(f'{path.parent}/{error}') from error
    first, last = int(frames.number[0]), int(frames.number[-1])
    number = (last - first) // frames.step + 1
    if number > MOST_GAPS * len(frames.number) + 1000:
        raise DataError(
            f'{path}: {len(frames.number)} rows, but frames are numbered {first} to {last}. '
            'Expected a row for each frame.'
        )
    if frames.step > 1:
        raise DataError(
            f'{path}: frame numbers go up in steps of {frames.step}. Expected every frame of the '
            'recording, since windows are counted in frames.'
        )
    stretch = frames.cut(first, last, number)
    assert stretch is not None  # there is a first frame
    points = stretch.points[None, :, list(chosen)].astype(np.float32, copy=False)
    return points, first, stretch.missing


def _with_labels(recording: Recording, labels: Path, split: str | None) -> Recording:
    """Return a recording with the segments of a label csv.

    A label csv of a test split without class ids is ignored.

    Raises:
        DataError: rows without a class or frames.
    """
    rows = []
    for row in read_rows(labels):
        where = f'{labels}: line {row.line}'
        if row.fault() or row.class_id is None:
            raise DataError(
                f'{where}: {row.fault() or "has no class id"}. Expected class id, first frame, '
                'last frame.'
            )
        if not is_class_id(row.class_id) and split == 'test':
            note = f'{where}: {row.class_id:g} is no class id, so {labels.name} is not used'
            return replace(recording, notes=(*recording.notes, note))
        rows.append((class_of(row.class_id, where), int(row.first), int(row.last)))
    segments, odd = _segments(rows, recording.first, recording.num_frames, str(labels))
    return replace(recording, segments=segments, notes=(*recording.notes, *odd))


def _segments(
    rows: Sequence[tuple[int, int, int]], first: int, num_frames: int, where: str
) -> tuple[tuple[Segment, ...], list[str]]:
    """Clip rows of labels to a recording.

    Args:
        rows: class, first frame, last frame.
        first: number of the recording's first frame.
        num_frames: of the recording.
        where: names the label file.

    Returns:
        The segments, and notes on rows that were cut or left out.

    Raises:
        DataError: a class below 0.
    """
    last, kept, beyond, outside, swapped = first + num_frames - 1, [], [], [], []
    for row, (label, start, end) in enumerate(rows):
        if label < 0:
            raise DataError(f'{where}: row {row} has class {label}. Expected classes from 0 on.')
        if end < start:
            swapped.append(row)
        elif start > last or end < first:
            outside.append(row)
        else:
            if start < first or end > last:
                beyond.append(row)
            kept.append(Segment(max(start, first), min(end, last), label))
    has = f'which has frames {first} to {last}'
    notes = [
        f'{where}: row {some(found, 3)} {what}'
        for found, what in (
            (swapped, 'ends before it begins: left out'),
            (outside, f'lies outside of the recording, {has}: left out'),
            (beyond, f'reaches beyond the recording, {has}: cut'),
        )
        if found
    ]
    return tuple(sorted(kept)), notes


def id_of_class(label: int, kind: str) -> int:
    """Return the class id in a release's label files.

    Args:
        label: class, counted from 0.
        kind: of the recording; see RecordingFile.
    """
    if kind == 'imigue':
        return OTHER_ID if label == NUM_CLASSES - 1 else label + 1
    return label + 1 if kind == 'smg' else label
