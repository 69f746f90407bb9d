"""MMPose 1.x predictions: one json per video.

    {"meta_info": {"dataset_name": "coco"}, "instance_info": [{"frame_id": 1, "instances": [
      {"keypoints": [[x, y], ...], "keypoint_scores": [...], "track_id": 0}]}]}

The inferencer writes the list instance_info only, or for pictures one file per picture with the
instances only: a folder of these is a clip. Three coordinates per joint are x, y, z in space, as in
the 3D demos.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import DataError
from ...files.texts import read_json
from ...wording import brief
from ..poses import NORMALISED, JsonObject, PoseSource, boxes_of, frame_files, numbers_or_indices
from ..source import Annotation, LayoutConfig, Unit, find_files, named

DATA_SETS = {17: 'coco', 26: 'halpe', 133: 'coco_wholebody', 136: 'halpe'}


@dataclass
class MmPose(PoseSource):
    """Files of instance_info."""

    form = 'mmpose'
    reads = "MMPose 1.x's json: instance_info[].instances[] of keypoints, keypoint_scores"
    suffixes = ('.json',)
    layouts = {17: 'coco17', 26: 'halpe26', 133: 'coco_wholebody133', 136: 'halpe136'}

    def __post_init__(self) -> None:
        super().__post_init__()
        self._others: set[str] = set()  # data sets whose joints are not those of the layouts
        self._in_space = False

    def find(self, paths: Sequence[Path]) -> list[Unit]:
        """List the files of clips, and the folders with a file per frame."""
        files = find_files(paths, self.suffixes, self.reads)
        self._frames = frame_files(files, _is_people)
        clips = [file for file in files if file.parent not in self._frames]
        return named([*self._frames, *clips], paths)

    def read(self, unit: Unit) -> Iterator[Annotation]:
        """Yield the clip."""
        if unit.path in self._frames:
            listed = [read_json(file) for file in self._frames[unit.path]]
            data: Any = [{'instances': frame} for frame in listed]
        else:
            data = read_json(unit.path)
        frames = data.get('instance_info') if isinstance(data, Mapping) else data
        frames = [{'instances': frames}] if _is_people(frames) else frames
        if not isinstance(frames, list) or not all(map(_is_frame, frames)):
            raise DataError(f'{unit.path}: holds {brief(data)}. Expected {self.reads}.')
        numbers = numbers_or_indices(frame.get('frame_id') for frame in frames)
        seen, kinds = [], set[bool]()
        for number, frame in zip(numbers, frames):
            for person in frame['instances']:
                joints, is_3d = _joints(person, f'{unit.path}: frame {number}')
                kinds.add(is_3d)
                seen.append((number, joints, person.get('track_id')))
        boxes = boxes_of(seen, str(unit.path), 'keypoints [[x, y], ...] of each person', numbers)
        if isinstance(data, Mapping):
            self._remember(data.get('meta_info'), boxes.joints.shape[1])
        if len(kinds) == 2:
            raise DataError(
                f'{unit.path}: some people have x, y, z, others x, y. Expected the same for all.'
            )
        if True in kinds:
            self._in_space = True
            yield from self.clip_in_space(unit.name, boxes)
        else:
            yield from self.clip(unit.name, boxes)

    def _remember(self, meta: Any, num_joints: int) -> None:
        name = meta.get('dataset_name') if isinstance(meta, Mapping) else None
        known = DATA_SETS.get(num_joints, '')
        if isinstance(name, str) and known and not name.lower().replace('-', '_').startswith(known):
            self._others.add(name)

    def layout(self, num_joints: int) -> LayoutConfig | None:
        """Return the layout, or None for joints of other data sets or in space (Human3.6M)."""
        return None if self._others or self._in_space else self.layouts.get(num_joints)


def _is_people(data: Any) -> bool:
    """Return whether this is the list of one frame's instances."""
    listed = isinstance(data, list) and bool(data) and _is_frame({'instances': data})
    return listed and all('keypoint_scores' in person for person in data)


def _is_frame(frame: Any) -> bool:
    people = frame.get('instances') if isinstance(frame, Mapping) else None
    return isinstance(people, list) and all(
        isinstance(person, Mapping) and isinstance(person.get('keypoints'), list)
        for person in people
    )


def _joints(person: JsonObject, where: str) -> tuple[np.ndarray, bool]:
    """Return (V, 3) x, y, score, or x, y, z, and whether it is the latter."""
    wanted = 'keypoints [[x, y], ...] and as many keypoint_scores'
    try:
        xy = np.asarray(person['keypoints'], float)
        scores = person.get('keypoint_scores')
        if xy.ndim == 2 and xy.shape[1] == 3:
            # MMPose 0.x has x, y in pixels and the score in one list.
            low, high = xy[:, 2].min(initial=0), xy[:, 2].max(initial=0)
            is_score = scores is None and low >= 0 and high <= 1
            return xy, not (is_score and np.abs(xy[:, :2]).max(initial=0) > NORMALISED)
        if xy.ndim != 2 or xy.shape[1] != 2:
            raise ValueError
        score = np.ones(len(xy)) if scores is None else np.asarray(scores, float)
        return np.concatenate([xy, score[:, None]], axis=1), False
    except (TypeError, ValueError, OverflowError, IndexError):
        raise DataError(f'{where}: {brief(person)}. Expected {wanted}.') from None
