"""Rows of label files as segments, and the class ids of label files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ...annotations.segments import Segment
from ...errors import DataError
from ...wording import some
from ..imigue.labels import id_of
from .base import Recording


def with_segments(recording: Recording, rows: Iterable[Sequence[int]], where: str) -> Recording:
    """Return a recording with rows of labels, and notes on those that were cut or left out.

    Args:
        recording: without labels.
        rows: class, first frame, last frame.
        where: names the label file.

    Raises:
        DataError: a class below 0.
    """
    first, last = recording.first, recording.first + recording.num_frames - 1
    kept, beyond, outside, swapped = [], [], [], []
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
    notes = (
        f'{where}: row {some(found, 3)} {what}'
        for found, what in (
            (swapped, 'ends before it begins: left out'),
            (outside, f'lies outside of the recording, {has}: left out'),
            (beyond, f'reaches beyond the recording, {has}: cut'),
        )
        if found
    )
    return replace(recording, segments=tuple(sorted(kept)), notes=(*recording.notes, *notes))


def id_of_class(label: int, kind: str) -> int:
    """Return the class id in a release's label files.

    Args:
        label: class, counted from 0.
        kind: of the recording; see RecordingFile.
    """
    if kind == 'imigue':
        return id_of(label)
    return label + 1 if kind == 'smg' else label
