"""OpenPose's --write_json: one file per frame, NAME_000000000012_keypoints.json.

    {"version": 1.3, "people": [{"person_id": [-1], "pose_keypoints_2d": [x, y, c, ...],
      "face_keypoints_2d": [], "hand_left_keypoints_2d": [], "hand_right_keypoints_2d": []}]}

A folder is a clip and gives its name; a folder with frames of several videos holds a clip per NAME.
Body 25 (BODY_25) or 18 (COCO), then face 70, left hand 21, right hand 21 where present.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import DataError
from ...files.texts import read_json
from ...wording import brief
from ..poses import (
    JsonObject,
    PoseSource,
    check_size,
    frame_indices,
    groups_of,
    joints_of_rows,
    number_in,
    numbers_or_indices,
    rows_of,
)
from ..source import Annotation, Unit, find_files, named
from ..tracking import Boxes

ENDING = '_keypoints.json'
BODIES, FACE, HAND = (15, 18, 25), 70, 21
PARTS = ('pose_keypoints', 'face_keypoints', 'hand_left_keypoints', 'hand_right_keypoints')
_WANTED = 'x, y, score of each joint, as OpenPose writes them'


@dataclass
class OpenPoseParts(PoseSource):
    """Clips of a body, and of face and hands where present; all get the parts that any clip has."""

    layouts = {
        18: 'openpose18',
        25: 'openpose25',
        25 + 2 * HAND: {'name': 'openpose137', 'keep': [*range(25), *range(95, 137)]},
        25 + FACE: {'name': 'openpose137', 'keep': [*range(95)]},
        137: 'openpose137',
    }

    def finish(self, annotations: list[Annotation]) -> None:
        """Add zeros for face or hands to clips without them where other clips have them."""
        super().finish(annotations)
        parts = [_parts(a['keypoint'].shape[2]) for a in annotations]
        face, hands = (max(column, default=0) for column in ([p[i] for p in parts] for i in (1, 2)))
        for annotation, (body, own_face, own_hands) in zip(annotations, parts):
            if (own_face, own_hands) == (face, hands):
                continue
            name = annotation['frame_dir']
            self.note('no face or hands, which other clips have (filled with zeros)', name)
            places = [*range(body + own_face), *range(body + face, body + face + own_hands)]
            for key in ('keypoint', 'keypoint_score'):
                values = annotation[key]
                shape = (*values.shape[:2], body + face + hands, *values.shape[3:])
                annotation[key] = np.zeros(shape, values.dtype)
                annotation[key][:, :, places] = values


@dataclass
class OpenPose(OpenPoseParts):
    """Folders of *_keypoints.json."""

    form = 'openpose'
    reads = 'folders of OpenPose *_keypoints.json, one folder a clip'
    suffixes = (ENDING,)

    def find(self, paths: Sequence[Path]) -> list[Unit]:
        """List the clips: folders, or the videos of a folder with several."""
        files = find_files(paths, self.suffixes, self.reads)
        self._frames = {}
        for folder, inside in groups_of(files, lambda file: file.parent).items():
            videos = groups_of(inside, _video)
            for video, frames in videos.items():
                self._frames[folder if len(videos) == 1 else folder / video] = frames
        return named(list(self._frames), paths)

    def read(self, unit: Unit) -> Iterator[Annotation]:
        """Yield the clip."""
        files, name = self._frames[unit.path], unit.name
        numbers = numbers_or_indices(number_in(file.name.removesuffix(ENDING)) for file in files)
        order = np.argsort(numbers)
        people, at = [], []
        for i in order:
            for person in _people(files[i]):
                people.append(person)
                at.append(numbers[i])
        frames, num_frames = frame_indices(at, numbers, str(unit.path))
        if num_frames > len(files):
            self.note('frames without a file count as empty', name)
        if not people:
            self.leave_out(f'{unit.path}: shows nobody.')
            return
        body, *parts = (_part(people, part, unit.path) for part in PARTS)
        if body is None:
            raise DataError(f'{unit.path}: no pose_keypoints_2d. Expected {self.reads}.')
        joints = joined(body, *parts)
        check_size(num_frames, joints.shape[1], str(unit.path))
        yield from self.clip(name, Boxes(joints, frames, num_frames))


def joined(
    body: np.ndarray,
    face: np.ndarray | None,
    left: np.ndarray | None,
    right: np.ndarray | None,
) -> np.ndarray:
    """Join the parts, (X, V, 3) or None, along V; where one hand exists, the other is zeros."""
    if left is not None or right is not None:
        empty = np.zeros((len(body), HAND, 3), np.float32)
        left, right = empty if left is None else left, empty if right is None else right
    return np.concatenate([p for p in (body, face, left, right) if p is not None], axis=1)


def _parts(num_joints: int) -> tuple[int, int, int]:
    """Return how many joints are body, face and hands: 25, 0, 42 of 67."""
    for face in (0, FACE):
        for hands in (0, 2 * HAND):
            if num_joints - face - hands in BODIES:
                return num_joints - face - hands, face, hands
    return num_joints, 0, 0


def _video(file: Path) -> str:
    """Return the video of a file: 'clip' of clip_000000000012_keypoints.json."""
    start, _, number = file.name.removesuffix(ENDING).rpartition('_')
    return start if number.isdecimal() else ''


def _people(path: Path) -> list[JsonObject]:
    data = read_json(path)
    people = data.get('people') if isinstance(data, Mapping) else None
    if not isinstance(people, list) or not all(isinstance(person, Mapping) for person in people):
        raise DataError(f"{path}: holds {brief(data)}. Expected {{'people': [...]}} of OpenPose.")
    return people


def _part(people: Sequence[JsonObject], part: str, where: Path) -> np.ndarray | None:
    """Return (X, V, 3) of a part, zeros for people without it; None where nobody has it."""
    lists = [person.get(f'{part}_2d') or person.get(part) or None for person in people]
    has = [i for i, values in enumerate(lists) if values is not None]
    if not has:
        return None
    rows = rows_of([lists[i] for i in has], f'{where}: {part}_2d', _WANTED)
    joints = joints_of_rows(rows, f'{where}: {part}_2d', _WANTED)
    spread = np.zeros((len(people), *joints.shape[1:]), np.float32)
    spread[has] = joints
    return spread
