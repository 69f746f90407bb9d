"""Ultralytics' YOLO pose: the files of save_txt, or the results' JSON or arrays.

txt: labels/VIDEO_12.txt for each frame of a video, one line per person: class, x y w h of the box,
then x y score of each joint, all as fractions of the picture (--img-shape is needed); then
optionally the box's confidence (save_conf) and the id (track). A folder holds one clip per VIDEO;
frames that show nobody have no file.

json: [[{"keypoints": {"x": [...], "y": [...], "visible": [...]}, "track_id": 1}, ...], ...], for
each frame the list of result.summary(), in pixels (or fractions, with normalize=True). A folder of
files of one frame each, result.to_json(), is a clip.

npz: `keypoints` (T, M, V, 3) or (T, V, 3), x, y, score, or (..., 2) with a second array `conf`
(..., V); NaN or zeros for nobody. The order of people may change from frame to frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import DataError
from ...files.texts import read_json, read_text
from ...wording import brief
from ..poses import (
    PoseSource,
    arrays_in,
    boxes_of,
    frame_files,
    groups_of,
    number_in,
    people_array,
)
from ..source import Annotation, Unit, find_files, named
from ..tracking import Boxes

BEFORE = 5  # columns before the joints: class and box


@dataclass
class Ultralytics(PoseSource):
    """Folders of txt, or files of JSON or arrays."""

    form = 'ultralytics'
    reads = "Ultralytics' labels/VIDEO_12.txt (save_txt), or json, npz, npy of a video's results"
    suffixes = ('.txt', '.json', '.npz', '.npy')
    layouts = {17: 'coco17'}

    def find(self, paths: Sequence[Path]) -> list[Unit]:
        """List the clips: the videos of txt files, and the other files."""
        files = find_files(paths, self.suffixes, self.reads)
        txt = [file for file in files if file.suffix.lower() == '.txt']
        self._frames = groups_of(txt, _video)
        json = [file for file in files if file.suffix.lower() == '.json']
        self._pictures = frame_files(json, _is_people)
        others = [f for f in files if f not in txt and f.parent not in self._pictures]
        return named([*self._frames, *self._pictures, *others], paths)

    def read(self, unit: Unit) -> Iterator[Annotation]:
        """Yield the clip."""
        if unit.path in self._frames:
            yield from self._txt(unit)
        elif unit.path in self._pictures:
            frames = [read_json(file) for file in self._pictures[unit.path]]
            yield from self.clip(unit.name, _of_json(unit.path, frames))
        elif unit.path.suffix.lower() == '.json':
            yield from self.clip(unit.name, _of_json(unit.path, read_json(unit.path)))
        else:
            yield from self.clip(unit.name, _of_array(unit.path))

    def _txt(self, unit: Unit) -> Iterator[Annotation]:
        lines: list[list[str]] = []
        numbers: list[int] = []
        files = self._frames[unit.path]
        listed = [0]
        if len(files) > 1:
            given = [number_in(file.name) for file in files]
            listed = [i if number is None else number for i, number in enumerate(given)]
        for number, file in zip(listed, files):
            found = [line.split() for line in read_text(file).splitlines() if line.strip()]
            lines += found
            numbers += [number] * len(found)
        joints, ids = _columns(lines, str(unit.path))
        seen = list(zip(numbers, joints, ids))
        boxes = boxes_of(seen, str(unit.path), self.reads, listed)
        yield from self.clip(unit.name, boxes, normalised=True)


def _video(file: Path) -> Path:
    """Return the video of a file: 'labels/walk' of labels/walk_12.txt."""
    start, _, number = file.stem.rpartition('_')
    return file.with_name(start) if start and number.isdecimal() else file.with_suffix('')


def _columns(lines: Sequence[Sequence[str]], where: str) -> tuple[np.ndarray, Sequence[Any]]:
    """Return (X, V, 3) joints and the ids of the lines; ids are None where there are none."""
    wanted = 'lines of class, box and x y score of each joint, as save_txt writes them'
    if not lines:
        return np.zeros((0, 1, 3), np.float32), []
    # Lines without an id have one cell less than the others, so the shortest line decides.
    width = min(map(len, lines))
    extra = (width - BEFORE) % 3
    if width < BEFORE + 3 or max(map(len, lines)) > width + 1 - (extra == 2):
        raise DataError(
            f'{where}: lines of {width} to {max(map(len, lines))} cells. Expected {wanted}.'
        )
    try:
        rows = np.array([line[:width] for line in lines], dtype=np.float32)
        last = [float(line[-1]) for line in lines]
    except ValueError as error:
        raise DataError(f'{where}: {error}. Expected {wanted}.') from None
    joints = rows[:, BEFORE : width - extra].reshape(len(rows), -1, 3)
    longer = any(len(line) > width for line in lines)
    whole = all(number >= 1 and number == int(number) for number in last)
    has_ids = not longer and extra and whole and (extra == 2 or max(last) > 1)
    return joints, last if has_ids else [None] * len(lines)


def _is_people(data: Any) -> bool:
    """Return whether this is the list of one frame's people."""
    people = isinstance(data, list) and bool(data) and all(isinstance(p, Mapping) for p in data)
    return people and all('keypoints' in person for person in data)


def _of_json(path: Path, frames: Any) -> Boxes:
    frames = [frames] if _is_people(frames) else frames
    wanted = 'a list per frame of keypoints {x, y, visible} of each person'
    if not isinstance(frames, list) or not all(isinstance(frame, list) for frame in frames):
        raise DataError(f'{path}: holds {brief(frames)}. Expected {wanted}.')
    seen = []
    for number, frame in enumerate(frames):
        for person in frame:
            joints = person.get('keypoints') if isinstance(person, Mapping) else None
            if not isinstance(joints, Mapping):
                raise DataError(f'{path}: frame {number}: {brief(person)}. Expected {wanted}.')
            try:
                score = joints.get('visible') or [1.0] * len(joints['x'])
                columns = (joints['x'], joints['y'], score)
                xyc = np.stack([np.asarray(column, float) for column in columns], -1)
                seen.append((number, xyc, person.get('track_id')))
            except (KeyError, TypeError, ValueError, OverflowError):
                raise DataError(
                    f'{path}: frame {number}: {brief(joints)}. Expected {wanted}.'
                ) from None
    return boxes_of(seen, str(path), wanted, range(len(frames)))


def _of_array(path: Path) -> Boxes:
    arrays = arrays_in(path, 'keypoints')
    values = people_array(path, arrays, ('keypoints', 'data'), 3, 'keypoints (T, M, V, 3)')
    score = next((arrays[name] for name in ('conf', 'scores', 'score') if name in arrays), None)
    if values.shape[-1] == 2:
        score = np.ones(values.shape[:-1], np.float32) if score is None else score
        if score.shape != values.shape[:-1]:
            raise DataError(f'{path}: conf {score.shape} for keypoints {values.shape}.')
        values = np.concatenate([values, score[..., None]], axis=-1, dtype=np.float32)
    values = values[:, None] if values.ndim == 3 else values
    values = np.nan_to_num(values, nan=0.0)
    frames, person = np.nonzero(values[..., :2].any(axis=(2, 3)))
    return Boxes(values[frames, person], frames, len(values))
