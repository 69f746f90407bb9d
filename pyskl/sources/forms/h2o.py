"""One json per clip, with OpenPose's body and hands of one person.

    {"file_name": "0001_0", "skeletons": [[[x, y, c] x 25] per frame],
     "left_hand": [[[x, y, c] x 21] per frame], "right_hand": [...], "label": 3}

A file may also hold a list of such clips. The hands and the label may be missing. Joints 25-45 are
of the left hand, 46-66 of the right hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import DataError
from ...files.texts import read_json
from ...wording import brief
from ..poses import rows_of
from ..source import Annotation, Unit
from ..tracking import Boxes
from .openpose import HAND, OpenPoseParts, joined


@dataclass
class H2o(OpenPoseParts):
    """Files of skeletons, left_hand and right_hand."""

    form = 'h2o'
    reads = 'one json a clip: file_name, skeletons, left_hand, right_hand'
    suffixes = ('.json',)

    def read(self, unit: Unit) -> Iterator[Annotation]:
        """Yield the clip of the file, or its clips."""
        data = read_json(unit.path)
        if not isinstance(data, list):
            yield from self._clip(unit.name, str(unit.path), data)
            return
        for i, clip in enumerate(data):
            with self.faults_left_out():
                yield from self._clip(f'{unit.name}_{i}', f'{unit.path}: entry {i}', clip)

    def _clip(self, name: str, where: str, data: Any) -> Iterator[Annotation]:
        if not isinstance(data, Mapping) or not isinstance(data.get('skeletons'), list):
            raise DataError(f'{where}: holds {brief(data)}. Expected {self.reads}.')
        body = _part(data['skeletons'], 25, f'{where}: skeletons')
        hands = [
            _part(data[side], HAND, f'{where}: {side}') if data.get(side) else None
            for side in ('left_hand', 'right_hand')
        ]
        if any(hand is not None and len(hand) != len(body) for hand in hands):
            raise DataError(
                f'{where}: the hands have other numbers of frames than skeletons, {len(body)}.'
            )
        given = data.get('file_name')
        name = given if isinstance(given, str) and given else name
        joints = joined(body, None, *hands)
        boxes = Boxes(joints, np.arange(len(joints)), len(joints))
        yield from self.clip(name, boxes, label=data.get('label'))


def _part(frames: Any, num_joints: int, where: str) -> np.ndarray:
    """Return (T, V, 3) of a part; frames without it, null or [], are zeros."""
    if not isinstance(frames, list):
        raise DataError(f'{where}: is {brief(frames)}. Expected a list, one entry per frame.')
    empty = [[0.0] * 3] * num_joints
    rows = rows_of(
        [frame or empty for frame in frames],
        where,
        f'{num_joints} x [x, y, c] a frame',
        3 * num_joints,
    )
    return rows.reshape(-1, num_joints, 3)
