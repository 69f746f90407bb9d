"""COCO-style annotation files of people in the frames of videos: COCO-WholeBody's and Halpe's.

    {"images": [{"id": 1, "file_name": "clip1/000001.jpg", "height": 720, "width": 1280}],
     "annotations": [{"image_id": 1, "keypoints": [x, y, v, ...], "foot_kpts": [], "face_kpts": [],
                      "lefthand_kpts": [], "righthand_kpts": [], "track_id": 0}]}

The folder in file_name is the clip (or the json's name if there is none), the number in it the
frame. COCO's v (0 not labelled, 1 hidden, 2 visible) becomes a score of 0, 1, 1; scores of
predictions are kept. A list of results, one entry per person and picture, is read like AlphaPose's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import DataError
from ...files.texts import read_json
from ...wording import brief, count
from ..poses import (
    JsonObject,
    PoseSource,
    boxes_of,
    groups_of,
    number_in,
    numbers_or_indices,
    rows_of,
)
from ..source import Annotation, Unit
from .alphapose import clips_of_list

MAX_BYTES = 1 << 30


@dataclass
class _Coco(PoseSource):
    """Files of images and annotations; subclasses name the entries that hold joints."""

    suffixes = ('.json',)
    parts = {'keypoints': 0}  # entry -> number of joints; 0 for all it has

    def read(self, unit: Unit) -> Iterator[Annotation]:
        """Yield the file's clips."""
        data = read_json(unit.path, limit=MAX_BYTES)
        if isinstance(data, list):
            yield from clips_of_list(self, unit, data)
            return
        images, people = _tables(data, f'{unit.path}: holds {brief(data)}. Expected {self.reads}.')
        lost = [p['image_id'] for p in people if p['image_id'] not in images]
        if lost:
            self.leave_out(
                f'{unit.path}: {count(len(lost), "annotation")} of images that it does not list, '
                f'such as image_id {lost[0]!r}.'
            )
        with_joints = [p for p in people if p['image_id'] in images and p.get('keypoints')]
        joints = self._joints(with_joints, str(unit.path))
        seen = groups_of(zip(with_joints, joints), lambda pair: pair[0]['image_id'])
        videos = groups_of(images.values(), _folder)
        for folder, frames in videos.items():
            with self.faults_left_out():
                yield from self._video(unit, folder or unit.name, frames, seen)

    def _video(
        self, unit: Unit, name: str, frames: Sequence[JsonObject], seen: Mapping[Any, Any]
    ) -> Iterator[Annotation]:
        """Yield the clip of images; `seen` is image id -> [(annotation, joints), ...]."""
        numbers = numbers_or_indices(number_in(str(frame.get('file_name'))) for frame in frames)
        boxes = [
            (number, row, person.get('track_id'))
            for number, frame in zip(numbers, frames)
            for person, row in seen.get(frame['id'], ())
        ]
        size: list[Any] = [frames[0].get('height'), frames[0].get('width')]
        known = size if all(type(side) is int and side > 0 for side in size) else None
        found = boxes_of(boxes, f'{unit.path}: {name}', self.reads, numbers)
        yield from self.clip(name, found, img_shape=known)

    def _joints(self, people: Sequence[JsonObject], where: str) -> np.ndarray:
        """Return (X, V, 3) x, y, score of people."""
        if not people:
            return np.zeros((0, 1, 3), np.float32)
        columns: list[np.ndarray] = []
        for entry, num_joints in self.parts.items():
            lists = [person.get(entry) for person in people]
            odd = next((row for row in lists if row and not isinstance(row, list)), None)
            if odd is not None:
                raise DataError(f'{where}: {entry} is {brief(odd)}. Expected a list of numbers.')
            width = 3 * num_joints or max((len(row) for row in lists if row), default=0)
            if any(lists) or not columns:
                filled = [row or [0.0] * width for row in lists]
                wanted = f'{width // 3} x (x, y, v)'
                columns.append(rows_of(filled, f'{where}: {entry}', wanted, width))
            else:
                columns.append(np.zeros((len(people), width), np.float32))
        used = columns if any(column.any() for column in columns[1:]) else columns[:1]
        joints = np.concatenate(used, axis=1).reshape(len(people), -1, 3)
        score = joints[..., 2]
        if np.isin(score, (0, 1, 2)).all():
            score[...] = np.minimum(score, 1)
        return joints


@dataclass
class CocoWholeBody(_Coco):
    """COCO-WholeBody: 133 joints, or COCO's 17 where a file has no more."""

    form = 'coco_wholebody'
    reads = (
        "COCO's json: images, annotations of keypoints (and foot_, face_, lefthand_, "
        'righthand_kpts)'
    )
    layouts = {17: 'coco17', 133: 'coco_wholebody133'}
    parts = {
        'keypoints': 17,
        'foot_kpts': 6,
        'face_kpts': 68,
        'lefthand_kpts': 21,
        'righthand_kpts': 21,
    }


@dataclass
class Halpe(_Coco):
    """Halpe-FullBody: 136 or 26 joints, all in `keypoints`."""

    form = 'halpe'
    reads = "Halpe's json: images, annotations of 136 or 26 keypoints"
    layouts = {26: 'halpe26', 136: 'halpe136'}


def _tables(data: Any, fault: str) -> tuple[dict[Any, JsonObject], list[JsonObject]]:
    """Return the images by id, and the annotations."""
    tables: list[Any] = [
        data.get(key) if isinstance(data, Mapping) else None for key in ('images', 'annotations')
    ]
    if not all(isinstance(table, list) and all(map(_is_object, table)) for table in tables):
        raise DataError(fault)
    keys = [image.get('id') for image in tables[0]]
    keys += [person.get('image_id') for person in tables[1]]
    if not all(isinstance(key, (int, str)) for key in keys):
        raise DataError(fault)
    images: dict[Any, JsonObject] = {}
    for image in tables[0]:
        if images.setdefault(image['id'], image) != image:
            raise DataError(f'{fault} Image id {image["id"]!r} occurs twice.')
    return images, tables[1]


def _is_object(value: Any) -> bool:
    return isinstance(value, Mapping)


def _folder(image: JsonObject) -> str:
    return str(image.get('file_name', '')).replace('\\', '/').rpartition('/')[0]
