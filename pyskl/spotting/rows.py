"""Write spotted segments: one csv and one json for all recordings, the challenge's csv for each."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..annotations.segments import Segment
from ..errors import DataError
from ..files.atomic import atomic_write
from ..wording import cell, plain

COLUMNS = ('clip', 'class', 'name', 'start', 'end', 'score')
SUFFIX = '_prediction.csv'

Segments = Mapping[str, Sequence[Segment]]


def write_csv(path: Path, predicted: Segments, names: Sequence[str]) -> None:
    """Write one row per segment: clip, class, name, first and last frame, score."""
    with atomic_write(path, 'w', encoding='utf-8', newline='') as file:
        writer = csv.writer(file, lineterminator='\n')
        writer.writerow(COLUMNS)
        for clip, segments in predicted.items():
            for s in segments:
                name = cell(names[s.label])
                writer.writerow([cell(clip), s.label, name, s.start, s.end, f'{s.score:.4f}'])


def write_json(
    path: Path, predicted: Segments, names: Sequence[str], about: Mapping[str, Any]
) -> None:
    """Write the segments by clip, together with the settings that they were found with."""
    clips = {
        clip: [
            {
                'class': s.label,
                'name': names[s.label],
                'start': s.start,
                'end': s.end,
                'score': round(s.score, 4),
            }
            for s in segments
        ]
        for clip, segments in predicted.items()
    }
    with atomic_write(path, 'w', encoding='utf-8') as file:
        json.dump({**about, 'clips': clips}, file, indent=1, ensure_ascii=False)
        file.write('\n')


def write_predictions(
    folder: Path, predicted: Segments, id_of: Callable[[str, int], int]
) -> list[Path]:
    """Write the challenge's SEQID_prediction.csv for each recording: rows label,start,end.

    Args:
        folder: to write into.
        predicted: segments by recording, whose name is SEQID.
        id_of: maps recording and class to the release's class id.
    """
    written = []
    for clip, segments in predicted.items():
        path = folder / prediction_name(clip)
        with atomic_write(path, 'w', encoding='ascii', newline='') as file:
            for s in segments:
                file.write(f'{id_of(clip, s.label)},{s.start},{s.end}\n')
        written.append(path)
    return written


def prediction_name(clip: str) -> str:
    """Return the file name for the predictions of a recording."""
    return f'{clip.replace("/", "_")}{SUFFIX}'


def check_prediction_names(clips: Sequence[str]) -> None:
    """Raise a DataError if the predictions of two recordings would have one file name."""
    known: dict[str, str] = {}
    for clip in clips:
        other = known.setdefault(prediction_name(clip), clip)
        if other != clip:
            raise DataError(
                f'recordings {plain(other)} and {plain(clip)}: both would be written to '
                f'{plain(prediction_name(clip))}. Expected names that differ in more than / and _.'
            )
