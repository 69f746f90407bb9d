"""Kinetics-skeleton (Yan et al., ST-GCN, arXiv:1801.07455): one json per clip.

    {"data": [{"frame_index": 1, "skeleton": [{"pose": [x, y, ...], "score": [...]}, ...]}],
     "label": "waving", "label_index": 3}

18 joints of OpenPose's COCO model; x and y are fractions of the videos, which were resized to 340 x
256 (width x height), the picture size here unless --img-shape gives another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import DataError
from ...files.texts import read_json
from ...wording import brief
from ..poses import PoseSource, boxes_of, rows_of
from ..source import Annotation, Unit

IMG_SHAPE = (256, 340)  # height, width


@dataclass
class Kinetics(PoseSource):
    """Files of data[].skeleton[]."""

    form = 'kinetics'
    reads = "Kinetics-skeleton's json: data[].frame_index, skeleton[].pose and score, label_index"
    suffixes = ('.json',)
    layouts = {18: 'openpose18'}

    def __post_init__(self) -> None:
        super().__post_init__()
        self._names: dict[int, str] = {}

    def read(self, unit: Unit) -> Iterator[Annotation]:
        """Yield the file's clip."""
        data = read_json(unit.path)
        frames = data.get('data') if isinstance(data, Mapping) else None
        if not isinstance(frames, list) or not all(map(_is_frame, frames)):
            raise DataError(f'{unit.path}: holds {brief(data)}. Expected {self.reads}.')
        numbers = [frame['frame_index'] for frame in frames]
        people = [(number, p) for number, f in zip(numbers, frames) for p in f['skeleton']]
        where = str(unit.path)
        xy = rows_of([p.get('pose') for _, p in people], f'{where}: pose', 'x, y of each joint')
        score = rows_of([p.get('score') for _, p in people], f'{where}: score', 'one per joint')
        if xy.shape[1] != 2 * score.shape[1]:
            raise DataError(f'{where}: {xy.shape[1]} numbers in pose, {score.shape[1]} in score.')
        joints = np.concatenate([xy.reshape(*score.shape, 2), score[..., None]], axis=-1)
        seen = [(number, row, None) for (number, _), row in zip(people, joints)]
        label, name = data.get('label_index'), data.get('label')
        label = label if type(label) is int and label >= 0 else None
        if label is not None and isinstance(name, str) and name.strip():
            self._names[label] = name
        if self.img_shape is None:
            self.note('the picture is 340 x 256 (width x height; --img-shape H W)', unit.name)
        yield from self.clip(
            unit.name,
            boxes_of(seen, where, self.reads, numbers),
            img_shape=IMG_SHAPE,
            normalised=True,
            label=label,
        )

    def label_names(self) -> tuple[str, ...] | None:
        """Return the names of the classes if all up to the last one occurred."""
        names = tuple(self._names[k] for k in sorted(self._names))
        return names if names and max(self._names) == len(names) - 1 else None


def _is_frame(frame: Any) -> bool:
    people = frame.get('skeleton') if isinstance(frame, Mapping) else None
    listed = isinstance(people, list) and all(isinstance(person, Mapping) for person in people)
    return listed and type(frame.get('frame_index')) is int
