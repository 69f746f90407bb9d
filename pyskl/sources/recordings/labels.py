"""Rows of label files as segments, and the class ids of label files."""

from __future__ import annotations

from collections.abc import Sequence

from ...annotations.segments import Segment
from ...errors import DataError
from ...wording import some
from ..imigue.labels import id_of


def segments_of(
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
        return id_of(label)
    return label + 1 if kind == 'smg' else label
