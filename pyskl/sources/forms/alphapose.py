"""AlphaPose's results: one json per video, a list with one entry per person and frame.

    [{"image_id": "0.jpg", "keypoints": [x, y, score, ...], "score": 2.9, "idx": 1}, ...]

17 joints (COCO), 26, 68 or 136 (Halpe) or 133 (COCO-WholeBody). image_id numbers the frames; those
that show nobody are not listed. `idx`, with --pose_track, tells people apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import DataError
from ...files.texts import read_json
from ...wording import brief
from ..poses import JsonObject, PoseSource, boxes_of, groups_of, number_in, numbers_or_indices
from ..source import Annotation, Unit


@dataclass
class AlphaPose(PoseSource):
    """Files of lists."""

    form = 'alphapose'
    reads = "AlphaPose's json: a list of image_id, keypoints, score, idx"
    suffixes = ('.json',)
    layouts = {
        17: 'coco17',
        26: 'halpe26',
        68: {'name': 'halpe136', 'keep': [*range(26), *range(94, 136)]},
        133: 'coco_wholebody133',
        136: 'halpe136',
    }

    def read(self, unit: Unit) -> Iterator[Annotation]:
        """Yield the clip of the file, or one per folder in image_id."""
        yield from clips_of_list(self, unit, read_json(unit.path))


def clips_of_list(source: PoseSource, unit: Unit, entries: Any) -> Iterator[Annotation]:
    """Yield the clips of a list with one entry per person and picture, as in COCO's results."""
    if not isinstance(entries, list) or not all(map(_is_entry, entries)):
        raise DataError(f'{unit.path}: holds {brief(entries)}. Expected {source.reads}.')
    if not entries:
        source.leave_out(f'{unit.path}: shows nobody.')
    videos = groups_of(entries, lambda entry: _image(entry).rpartition('/')[0])
    for folder, people in videos.items():
        name = unit.name if len(videos) == 1 else f'{unit.name}/{folder}'
        images = list(dict.fromkeys(map(_image, people)))
        numbers = dict(zip(images, numbers_or_indices(map(number_in, images))))
        seen = [
            (numbers[_image(p)], p['keypoints'], p.get('idx', p.get('track_id'))) for p in people
        ]
        with source.faults_left_out():
            boxes = boxes_of(seen, f'{unit.path}: {name}', 'x, y, score of each joint in keypoints')
            yield from source.clip(name, boxes)


def _is_entry(entry: Any) -> bool:
    named = isinstance(entry, Mapping) and isinstance(entry.get('image_id'), (str, int))
    return named and isinstance(entry.get('keypoints'), list)


def _image(entry: JsonObject) -> str:
    return str(entry['image_id']).replace('\\', '/')
